"""`hf-apt finetune`: its options."""

# Without postponed annotations: typer reads them.

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument

from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.failures import writes_into
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import Revision, TaskOutput, run_folder, short_name
from hf_apt.cli.task_options import FINETUNING, TASK
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig

FINETUNE = made_from(
    BlockAccuracyConfig,
    *TASK,
    *FINETUNING,
    *in_panel("Training", Flag("features.poolings", "--pooling"), "cut", "untrained"),
)


@with_options(FINETUNE)
def finetune_options(
    config: BlockAccuracyConfig,
    *,
    checkpoint: Annotated[
        str, Argument(help="A checkpoint folder, a run's folder, a shipped name or a Hub id.")
    ],
    revision: Revision = None,
    output: TaskOutput = None,
) -> tuple[str, BlockAccuracyConfig, Path]:
    """The checkpoint, what to measure of it, and the folder to write into."""
    from hf_apt.records.checkpoints import of_run, pinned

    training = config.finetune
    assert training is not None
    config = replace(
        config,
        task=replace(config.task, seed=training.seed),
        features=replace(
            config.features,
            sequence_length=training.sequence_length,
            batch_size=training.batch_size,
        ),
        finetune=training if training.num_epochs else None,
    )
    checkpoint = pinned(checkpoint, revision)
    path = of_run(checkpoint)
    if path != checkpoint:
        return path, config, output or Path(checkpoint)
    task = Path(config.task.name).stem
    return checkpoint, config, output or run_folder(f"{short_name(checkpoint)}-on-{task}")


@with_options(finetune_options)
def finetune_command(checkpoint: str, config: BlockAccuracyConfig, folder: Path) -> None:
    """Fine-tune a checkpoint on a task; accuracy at every block, frozen and fine-tuned.

    All settings left out are those of the paper (arXiv 2507.14871): 50 epochs of batches of 32,
    5e-5, 128 tokens, and as many texts of each class as it takes for the task. An interrupted
    measurement goes on after the last seed that was finished. The page of a finished run is written
    again.
    """
    require_present(checkpoints=(checkpoint,), rows=config.task.data)
    from hf_apt.cli.tables import accuracy, confidence
    from hf_apt.cli.tables.show import end_of_task, show
    from hf_apt.records.run import Run
    from hf_apt.runs.option_checks import require_checkpoint

    writes_into(folder)
    require_checkpoint(checkpoint)
    if config.finetune is not None and config.finetune.objectives:
        from hf_apt.runs.starting.objective_files import require_objective_files

        require_objective_files(config.finetune.objectives)
    from hf_apt.studies.block_accuracy import measure_blocks

    result = measure_blocks(checkpoint, config, Run(folder))
    show(result, (accuracy, confidence))
    end_of_task(Run(folder), f"{result['task']}.json")
