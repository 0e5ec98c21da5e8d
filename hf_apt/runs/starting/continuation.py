"""A run that goes on from a whole checkpoint: its tokenizer, its size, and what fits neither."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.tokenizer import fingerprint, load_tokenizer
from hf_apt.models.checkpoint_config import checkpoint_shape, masked_lm_config
from hf_apt.models.loading import num_positions
from hf_apt.models.shapes import ModelShape
from hf_apt.records.checkpoints import of_run
from hf_apt.training.pretrain_config import CONTINUED_LEARNING_RATE

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig


def continued(config: RunConfig, checkpoint: str) -> RunConfig:
    """`config` for a model that starts with all weights of `checkpoint`.

    Its tokenizer, but for text that is made and has one of its own, and its size are the
    checkpoint's; sequences are read whole from the first step, and the learning rate is
    `CONTINUED_LEARNING_RATE`. Raises ValueError if there is no such checkpoint or it is no masked
    LM.
    """
    is_text, checkpoint = isinstance(config.corpus, CorpusSource), of_run(checkpoint)
    return replace(
        config,
        tokenizer=checkpoint if is_text else config.tokenizer,
        shape=checkpoint_shape(checkpoint),
        pretrain=replace(
            config.pretrain,
            start_from=checkpoint,
            windows=(),
            learning_rate=CONTINUED_LEARNING_RATE,
        ),
    )


def require_continuable(config: RunConfig) -> None:
    """Raise ValueError unless the model that `config` starts from is that of its options.

    The checkpoint's configuration is read, and no weight.
    """
    name = config.pretrain.start_from
    if name is None:
        return
    own, asked = checkpoint_shape(name), config.shape
    if asked.generator is not None:
        from hf_apt.runs.starting.two_from_one import require_alike

        _require_bert(name, "a generator and a discriminator begin as a BERT", "the generator")
        require_alike(name, masked_lm_config(name), asked.generator)
    if gets_paths_of_cls(own, asked):
        what = "[CLS] gets weights of its own in a BERT"
        _require_bert(name, what, "--cls-norms and --cls-projections")
        asked = replace(asked, cls_norms=(), cls_projections=())
    if asked.dropout != own.dropout:
        _require_dropout(name)
    changed = [each.name for each in fields(ModelShape) if _differs(each.name, own, asked)]
    if changed:
        field = changed[0]
        raise ValueError(
            f"{field} is {getattr(asked, field)!r}, and {name!r} has {getattr(own, field)!r}: the "
            "size is that of the checkpoint; leave the options of the model out."
        )
    if config.pretrain.causal_share:
        raise ValueError(
            f"--causal-share {config.pretrain.causal_share:g} does not go with --start-from: a "
            "checkpoint goes on with masked tokens."
        )
    _require_its_tokenizer(name, config)
    _require_lengths(name, config)


def _require_lengths(name: str, config: RunConfig) -> None:
    lengths = {"sequences": config.sequence_length}
    if config.finetune is not None:
        lengths["texts of the task"] = config.finetune.features.sequence_length
        if config.finetune.finetune is not None:
            lengths["texts to fine-tune on"] = config.finetune.finetune.sequence_length
    positions = num_positions(masked_lm_config(name))
    for what, length in lengths.items():
        if positions is not None and length > positions:
            raise ValueError(
                f"{what} of {length} tokens are longer than the {positions} positions of {name!r}: "
                f"choose a --sequence-length of {positions} at most, and such a task."
            )


def _require_its_tokenizer(name: str, config: RunConfig) -> None:
    """Each id is to mean the token that the checkpoint knows, where it says which these are."""
    if isinstance(config.corpus, CorpusSource) and config.tokenizer == name:
        return
    try:
        own = load_tokenizer(name)
    except ValueError:  # none is kept beside the weights: the one that is named is taken
        return
    if isinstance(config.corpus, GeneratedCorpus):
        called = getattr(config.corpus, "name", "planted")
        asked, whose = config.corpus.tokenizer(), f"the words of {called}"
    elif config.tokenizer is not None:
        asked, whose = load_tokenizer(config.tokenizer), f"the tokens of {config.tokenizer}"
    else:
        asked, whose = None, "the tokens of a WordPiece trained on the text"
    if asked is None or fingerprint(asked) != fingerprint(own):
        raise ValueError(
            f"{whose} are not those that {name!r} has learnt, whose ids stand for others: "
            "leave --tokenizer out, or choose a checkpoint of these."
        )


def gets_paths_of_cls(own: ModelShape, asked: ModelShape) -> bool:
    """Whether [CLS] is to get weights, copies at first, in a checkpoint where it has none."""
    return bool(asked.cls_norms) and not own.cls_norms


def _require_bert(name: str, what: str, left_out: str) -> None:
    kind = masked_lm_config(name).model_type
    if kind not in ("bert", "bert6"):
        raise ValueError(f"{name!r} is no BERT ({kind}), and {what} alone: leave {left_out} out.")


def _require_dropout(name: str) -> None:
    from hf_apt.models.dropout import dropout_settings

    config = masked_lm_config(name)
    if not dropout_settings(config):
        raise ValueError(
            f"the configuration of {name!r} ({config.model_type}) has no dropout that could be "
            "changed: leave --dropout out."
        )


def _differs(field: str, own: ModelShape, asked: ModelShape) -> bool:
    """Whether a size is another; generator and dropout can be given to a checkpoint."""
    given = ("generator", "dropout")
    return field not in given and getattr(own, field) != getattr(asked, field)
