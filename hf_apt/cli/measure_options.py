"""The options of `measure`, and the configuration that they make."""

# Without postponed annotations: typer reads them.

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument

from hf_apt.cli.dataclass_options import Flag, changes_of, in_panel
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import (
    CORPUS,
    MEASURING,
    SEQUENCES,
    TEXT_HELP,
    Heads,
    Output,
    run_folder,
    with_heads,
)
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.runs.recipes import RunConfig, measurement_recipe

MEASURE = changes_of(
    RunConfig,
    *in_panel("Corpus", Flag("tokenizer", shown="the checkpoint's own")),
    *SEQUENCES,
    *MEASURING,
)


@with_options(CORPUS, MEASURE)
def measure_options(
    source: CorpusSource,
    changed: Callable[[RunConfig], RunConfig],
    *,
    checkpoint: Annotated[str, Argument(help="A masked-LM checkpoint: folder or Hub id.")],
    corpus: Annotated[str, Argument(help=TEXT_HELP)] = "sotu",
    heads: Heads = None,
    output: Output = None,
) -> tuple[str, RunConfig, Path]:
    """The checkpoint, configuration and folder that the options of `measure` ask for."""
    from hf_apt.records.checkpoints import checkpoint_path

    if corpus == "planted":
        raise ValueError("measure reads natural text; for the planted language there is `run`.")
    path = checkpoint_path(checkpoint)
    config = changed(with_heads(measurement_recipe(replace(source, name=corpus), path), heads))
    return path, config, output or run_folder(f"{Path(checkpoint).name}-on-{corpus}")
