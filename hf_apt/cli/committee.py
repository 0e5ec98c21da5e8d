"""`hf-apt committee`: its options."""

# Without postponed annotations: typer reads them.

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument

from hf_apt.cli.dataclass_options import Flag, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.failures import writes_into
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import Revision, TaskOutput, run_folder
from hf_apt.cli.task_options import FINETUNING, TASK
from hf_apt.studies.committee_config import CommitteeRunConfig

COMMITTEE = made_from(CommitteeRunConfig, *TASK, *FINETUNING, Flag("combination"), Flag("against"))


@with_options(COMMITTEE)
def committee_options(
    config: CommitteeRunConfig,
    *,
    members: Annotated[
        list[str],
        Argument(
            help="Checkpoints, as for `finetune`: pre-trained ones are fine-tuned, classifiers of "
            "the task's labels are used as they are."
        ),
    ],
    revision: Revision = None,
    output: TaskOutput = None,
) -> tuple[list[str], CommitteeRunConfig, Path]:
    """The members' checkpoints, the committee to make of them, and the folder to write into."""
    from hf_apt.records.checkpoints import of_run, pinned

    members = [of_run(pinned(member, revision)) for member in members]
    config = replace(
        config,
        task=replace(config.task, seed=config.finetune.seed),
        against=config.against and of_run(pinned(config.against)),
    )
    folder = output or run_folder(f"committee-on-{Path(config.task.name).stem}")
    return members, config, folder


@with_options(committee_options)
def committee_command(checkpoints: list[str], config: CommitteeRunConfig, folder: Path) -> None:
    """Several classifiers that answer together; their accuracy by number, and what they cost."""
    require_present(checkpoints=tuple(checkpoints), rows=config.task.data)
    from hf_apt.cli.tables import committee
    from hf_apt.cli.tables.show import end_of_task, show
    from hf_apt.records.run import Run
    from hf_apt.runs.option_checks import require_checkpoint

    writes_into(folder)
    against = (config.against,) if config.against else ()
    for checkpoint in (*checkpoints, *against):
        require_checkpoint(checkpoint)
    from hf_apt.studies.committee import measure_committee

    result = measure_committee(checkpoints, config, Run(folder))
    show(result, (committee,))
    end_of_task(Run(folder), f"{result['task']}-committee.json")
