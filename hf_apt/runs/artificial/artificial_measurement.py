"""How a checkpoint that was trained on an artificial corpus is measured on it once more."""

from __future__ import annotations

from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.depths.head_config import DecoderKind
from hf_apt.runs.artificial.artificial_recipe import artificial_recipe
from hf_apt.runs.measured_checkpoint import is_causal_checkpoint
from hf_apt.runs.recipes import RunConfig
from hf_apt.training.pretrain_config import PretrainConfig


def artificial_measurement(
    language: ArtificialLanguage,
    source: CorpusSource | None = None,
    head_kinds: tuple[DecoderKind, ...] = (),
) -> RunConfig:
    """The measurement of a checkpoint on held-out documents of a language, beside exact answers.

    Args:
        language: the language, whose words are the checkpoint's (`require_its_words`).
        source: what was said of the text: `max_documents` counts, for frequencies and heads.
        head_kinds: heads to train and lenses to fit, beside the model's own head.

    Returns:
        A configuration for `measure_run`.

    Raises:
        ValueError: for settings of texts that are read.
    """
    made = artificial_recipe(language, source)
    return RunConfig(
        corpus=made.corpus,
        sequence_length=made.sequence_length,
        layout=made.layout,
        pretrain=PretrainConfig(num_steps=0),
        head_kinds=head_kinds,
        untrained=False,
    )


def require_its_words(checkpoint: str, config: RunConfig) -> None:
    """Raise ValueError unless the checkpoint fills masks, with the words of the artificial corpus.

    Each word has the same id in both: otherwise a model would be asked for words that it means
    something else by, and be right by chance alone.
    """
    corpus = config.corpus
    assert isinstance(corpus, ArtificialCorpus)
    if is_causal_checkpoint(checkpoint):
        raise ValueError(
            f"{checkpoint} is a causal model, and the exact answers of {corpus.name} are to masks: "
            "measure a masked language model."
        )
    its_own = load_tokenizer(checkpoint).get_vocab()
    wanted = corpus.tokenizer().get_vocab()
    if its_own != wanted:
        raise ValueError(
            f"{checkpoint} has {len(its_own):,} tokens, and they are not the {len(wanted):,} of "
            f"{corpus.name}: measure a checkpoint that `hf-apt run {corpus.name}` trained."
        )
