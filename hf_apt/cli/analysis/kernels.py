"""`hf-apt kernels`: its options."""

# Without postponed annotations: typer reads them.

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument

from hf_apt.analysis.kernels.kernel_config import KernelStudyConfig
from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import Revision, TaskOutput
from hf_apt.cli.spelling.lists import numbers_of, words_of
from hf_apt.cli.task_options import TASK

KERNELS = made_from(
    KernelStudyConfig,
    *(flag for flag in TASK if flag.path not in ("task.imbalance", "task.label_noise")),
    *in_panel(
        "Question",
        Flag("kernels.prompt", metavar="'{text} It was {mask}.'"),
        Flag("kernels.words", "--words", parse=words_of, metavar="bad,good"),
        Flag("kernels.num_shots", "--shots", min=1),
        Flag("kernels.num_validation", "--validation-shots", min=1),
        Flag("kernels.num_draws", "--draws", min=1),
        Flag("kernels.test_texts", min=1),
        Flag("kernels.sequence_length", min=8),
        "kernels.seed",
    ),
    *in_panel(
        "Kernels",
        Flag("kernels.kinds", "--kernel"),
        "kernels.selection",
        "kernels.solver",
        "kernels.sign_floor",
        Flag("kernels.memory", shown="2 GiB"),
    ),
    *in_panel(
        "Training",
        Flag("kernels.arms", "--arm"),
        Flag("kernels.num_steps", "--steps", min=1),
        Flag("kernels.batch_size", min=1),
        Flag("kernels.sgd_rates", parse=numbers_of, metavar="0.001,0.01"),
        Flag("kernels.adam_rates", parse=numbers_of, metavar="0.0001,0.001"),
        Flag("kernels.lora_rates", parse=numbers_of, metavar="0.001,0.01"),
        Flag("kernels.lora_rank", min=1),
        Flag("kernels.drift_texts", min=1),
    ),
)


@with_options(KERNELS)
def kernel_options(
    config: KernelStudyConfig,
    *,
    checkpoint: Annotated[
        str, Argument(help="A checkpoint folder, a run's folder, a shipped name or a Hub id.")
    ],
    revision: Revision = None,
    output: TaskOutput = None,
) -> tuple[str, KernelStudyConfig, Path]:
    """The checkpoint, what to ask of it, and the folder to write into."""
    from hf_apt.cli.analysis.studied import place_of
    from hf_apt.records.checkpoints import pinned

    config = replace(config, task=replace(config.task, seed=config.kernels.seed))
    checkpoint = pinned(checkpoint, revision)
    path, folder = place_of(checkpoint, output, "kernels")
    return path, config, folder


@with_options(kernel_options)
def kernels_command(checkpoint: str, config: KernelStudyConfig, folder: Path) -> None:
    """Is fine-tuning on a few texts what the gradients before it say, and in which blocks?

    Kernels of all parameters against fine-tuning on the same texts and a head on the last state;
    three criteria with their verdicts; which block and kind of parameter holds the signal
    (arXiv 2210.05643).
    """
    require_present(checkpoints=(checkpoint,), rows=config.task.data)
    from hf_apt.cli.analysis.studied import study_into
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show
    from hf_apt.data.tasks.read_texts import open_unread
    from hf_apt.runs.option_checks import require_checkpoint

    run = study_into(folder)
    require_checkpoint(checkpoint)
    task = open_unread(config.task, checkpoint)
    from hf_apt.analysis.kernels.kernel_study import measure_kernels

    record = measure_kernels(checkpoint, task, config.kernels, run)
    show(record, (study,))
    end_of_study(run, record)
