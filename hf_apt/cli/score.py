"""`hf-apt score`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from hf_apt.cli.every_command.present import require_present
from hf_apt.depths.likelihood.pseudo_kind import PseudoKind
from hf_apt.stats.likelihood.score_kinds import ScoreLevel, ScoreUnit

if TYPE_CHECKING:
    from hf_apt.stats.likelihood.pair_scores import PairScores
    from hf_apt.stats.likelihood.sentence_scores import SentenceScores


def score_command(
    model: Annotated[
        str, Argument(help="A masked-LM or causal checkpoint: folder, Hub id or shipped name.")
    ],
    file: Annotated[
        Path,
        Argument(
            help="Sentences: a .txt file with one a line, or a .jsonl, .json, .csv, .tsv or "
            ".parquet file. Or minimal pairs, as BLiMP's and BabyLM's: a file or a folder whose "
            "rows have sentence_good and sentence_bad."
        ),
    ],
    kind: Annotated[
        PseudoKind | None,
        Option(
            help="Mask a token alone, or the later tokens of its word, too.",
            show_default="original",
        ),
    ] = None,
    column: Annotated[str, Option(help="The column of the sentences, in a table.")] = "text",
    unit: Annotated[ScoreUnit, Option(help="Unit of log-likelihoods and surprisals.")] = "nats",
    level: Annotated[
        ScoreLevel, Option(help="What a row of a .csv file is about; a .json file has all.")
    ] = "sentence",
    batch_size: Annotated[int, Option(min=1, help="Sequences in a batch.")] = 64,
    output: Annotated[
        Path | None, Option("--output", "-o", help="A file for the scores (.json or .csv).")
    ] = None,
) -> None:
    """How likely sentences are, or which one of each minimal pair is, at every depth of a model."""
    require_present(checkpoints=(model,), text=None if file.is_dir() else str(file))
    from hf_apt.cli.failures import require_folder_possible, starts_anew
    from hf_apt.cli.tables import pair_scores, sentence_scores
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.records.score_files import require_score_file, score_record, write_scores

    starts_anew()
    if output is not None:
        require_score_file(output)
        require_folder_possible(output.parent)
    scores = _scores(model, file, kind, column, batch_size)
    record = score_record(scores, model, unit)
    show(record, (pair_scores if "pairs" in record else sentence_scores,))
    if output is not None:
        show_paths(scores=write_scores(output, scores, model, unit=unit, level=level))


def _scores(
    model: str, file: Path, kind: PseudoKind | None, column: str, batch_size: int
) -> "SentenceScores | PairScores":
    from hf_apt.depths.likelihood.pseudo_likelihood import log_likelihood, pseudo_log_likelihood
    from hf_apt.runs.measured_checkpoint import is_causal_checkpoint
    from hf_apt.studies.minimal_pairs import has_pairs, minimal_pairs, read_minimal_pairs

    # Read before the weights: a mistake in a file is said at once.
    pairs = read_minimal_pairs(file) if has_pairs(file) else None
    sentences = [] if pairs is not None else _sentences(file, column)
    if is_causal_checkpoint(model) and kind is not None:
        raise ValueError(
            f"{model!r} is a causal model, and --kind is about masks: leave out --kind."
        )
    loaded, tokenizer, causal = _loaded(model)
    if pairs is not None:
        return minimal_pairs(loaded, tokenizer, pairs, kind or "original", batch_size=batch_size)
    if causal:
        return log_likelihood(loaded, tokenizer, sentences, batch_size=batch_size)
    return pseudo_log_likelihood(
        loaded, tokenizer, sentences, kind or "original", batch_size=batch_size
    )


def _sentences(file: Path, column: str) -> list[str]:
    from hf_apt.data.local_files import local_files
    from hf_apt.data.text_formats import BUILDERS, read_texts

    files = local_files(str(file), BUILDERS)
    if files is None:
        raise ValueError(f"{file} does not exist: name a file of sentences.")
    sentences = [text for each in files for text in read_texts(each, column, paragraphs=False)]
    if not sentences:
        raise ValueError(f"{file} holds no sentence.")
    return sentences


def _loaded(name: str) -> tuple[Any, Any, bool]:
    """A model on this process's device, its tokenizer, and whether it is causal."""
    from hf_apt.data.tokenizer import load_tokenizer
    from hf_apt.models.devices import to_device
    from hf_apt.runs.measured_checkpoint import is_causal_checkpoint, load_measured

    causal = is_causal_checkpoint(name)
    return to_device(load_measured(name)), load_tokenizer(name, needs_mask=not causal), causal
