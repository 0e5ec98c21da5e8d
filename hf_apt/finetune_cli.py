"""`hf-apt finetune`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from hf_apt.options import run_folder, taking
from hf_apt.task_options import Given, on_a_task, training_option

if TYPE_CHECKING:
    from hf_apt.block_accuracy import BlockAccuracyConfig


@on_a_task
def finetune_options(
    given: Given,
    checkpoint: Annotated[
        str, Argument(help="A checkpoint folder, a run's folder, a shipped name or a Hub id.")
    ],
    seeds: Annotated[int, training_option(min=1, help="Repetitions, for standard errors.")] = 1,
    untrained: Annotated[
        bool, training_option("--untrained", help="The same without pre-training.")
    ] = False,
    output: Annotated[
        Path | None, Option("--output", "-o", help="The run's folder to write into.")
    ] = None,
) -> "tuple[str, BlockAccuracyConfig, Path]":
    """The checkpoint, what to measure of it, and the folder to write into."""
    from hf_apt.block_accuracy import BlockAccuracyConfig
    from hf_apt.checkpoints import of_run
    from hf_apt.features import FeatureConfig

    training = given.finetune
    config = BlockAccuracyConfig(
        task=given.task,
        features=FeatureConfig(
            sequence_length=training.sequence_length, batch_size=training.batch_size
        ),
        finetune=training if training.num_epochs else None,
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
    """Fine-tune a checkpoint on a task; accuracy at every block, frozen and fine-tuned."""
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
