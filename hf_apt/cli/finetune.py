"""`hf-apt finetune`: its options."""

# Without postponed annotations: typer reads them.

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from hf_apt.cli.option_functions import taking
from hf_apt.cli.shared_options import run_folder
from hf_apt.cli.task_options import Given, on_a_task, training_option

if TYPE_CHECKING:
    from hf_apt.studies.block_protocols import BlockAccuracyConfig


class PoolingName(StrEnum):
    """How the states of a text become one vector."""

    cls = "cls"
    mean = "mean"
    max = "max"
    flatten = "flatten"


@on_a_task
def finetune_options(
    given: Given,
    checkpoint: Annotated[
        str, Argument(help="A checkpoint folder, a run's folder, a shipped name or a Hub id.")
    ],
    pooling: Annotated[
        list[PoolingName] | None,
        training_option(
            help="How a text becomes a vector; can be repeated.", show_default="cls mean max"
        ),
    ] = None,
    cut: Annotated[
        bool,
        training_option("--cut", help="Fine-tune the trunk cut after each block, too: costly."),
    ] = False,
    seeds: Annotated[int, training_option(min=1, help="Repetitions, for standard errors.")] = 1,
    untrained: Annotated[
        bool, training_option("--untrained", help="The same without pre-training.")
    ] = False,
    output: Annotated[
        Path | None, Option("--output", "-o", help="The run's folder to write into.")
    ] = None,
) -> "tuple[str, BlockAccuracyConfig, Path]":
    """The checkpoint, what to measure of it, and the folder to write into."""
    from hf_apt.depths.text_features import FeatureConfig
    from hf_apt.records.run import of_run
    from hf_apt.studies.block_protocols import BlockAccuracyConfig

    training = given.finetune
    config = BlockAccuracyConfig(
        task=given.task,
        features=FeatureConfig(
            sequence_length=training.sequence_length,
            batch_size=training.batch_size,
            poolings=tuple(dict.fromkeys(each.value for each in pooling))  # pyright: ignore
            if pooling
            else FeatureConfig.poolings,
        ),
        finetune=training if training.num_epochs else None,
        cut=cut,
        untrained=untrained,
        num_seeds=seeds,
    )
    path = of_run(checkpoint)
    if path != checkpoint:
        return path, config, output or Path(checkpoint)
    task = Path(given.task.name).stem
    return checkpoint, config, output or run_folder(f"{Path(checkpoint).name}-on-{task}")


@taking(finetune_options)
def finetune_command(checkpoint: str, config: "BlockAccuracyConfig", folder: Path) -> None:
    """Fine-tune a checkpoint on a task; accuracy at every block, frozen and fine-tuned.

    All settings left out are those of the paper (arXiv 2507.14871): 50 epochs of batches of 32,
    5e-5, 128 tokens; training and test texts of a class 630 and 70 of `fewrel`, 100 and 100 of
    `dbpedia_14`, 1,000 and 1,000 of `ag_news`. An interrupted measurement goes on after the last
    seed that was finished. The page of a finished run is written anew.
    """
    from rich.console import Console

    from hf_apt.cli.tables.accuracy import block_tables, legend
    from hf_apt.cli.tables.confidence import confidence_legend, confidence_tables
    from hf_apt.records.run import Run
    from hf_apt.report import write_report
    from hf_apt.studies.block_accuracy import measure_blocks

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
    if Run(folder).path("summary.json").exists():
        console.print(f"page: {write_report(Run(folder))}", soft_wrap=True)
