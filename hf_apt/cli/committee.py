"""`hf-apt committee`: its options."""

# Without postponed annotations: typer reads them.

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from hf_apt.cli.option_functions import taking
from hf_apt.cli.shared_options import run_folder
from hf_apt.cli.task_options import Given, on_a_task, training_option

if TYPE_CHECKING:
    from hf_apt.studies.committee import CommitteeRunConfig


class CombinationName(StrEnum):
    """How members answer together."""

    mean_softmax = "mean_softmax"
    mean_logits = "mean_logits"
    majority = "majority"


@on_a_task
def committee_options(
    given: Given,
    members: Annotated[
        list[str],
        Argument(
            help="Checkpoints, as for `finetune`: pre-trained ones are fine-tuned, classifiers of "
            "the task's labels are used as they are."
        ),
    ],
    seeds: Annotated[
        int, training_option(min=1, help="Classifiers made of one checkpoint; LoRA: on one trunk.")
    ] = 1,
    combination: Annotated[
        CombinationName, Option(help="How the saved committee answers.")
    ] = CombinationName.mean_softmax,
    against: Annotated[str | None, Option(help="A checkpoint to compare with.")] = None,
    output: Annotated[
        Path | None, Option("--output", "-o", help="The run's folder to write into.")
    ] = None,
) -> "tuple[list[str], CommitteeRunConfig, Path]":
    """The members' checkpoints, the committee to make of them, and the folder to write into."""
    from hf_apt.records.run import of_run
    from hf_apt.studies.committee import CommitteeRunConfig

    config = CommitteeRunConfig(
        task=given.task,
        finetune=given.finetune,
        combination=combination.value,
        num_seeds=seeds,
        against=against and of_run(against),
    )
    folder = output or run_folder(f"committee-on-{Path(given.task.name).stem}")
    return [of_run(member) for member in members], config, folder


@taking(committee_options)
def committee_command(checkpoints: list[str], config: "CommitteeRunConfig", folder: Path) -> None:
    """Several classifiers that answer together; their accuracy by number, and what they cost."""
    from rich.console import Console

    from hf_apt.cli.tables.committee import committee_legend, committee_tables
    from hf_apt.records.run import Run
    from hf_apt.report import write_report
    from hf_apt.studies.committee import measure_committee

    result = measure_committee(checkpoints, config, Run(folder))
    console = Console(highlight=False)
    for table in committee_tables(result):
        console.print(table)
        console.print()
    console.print(committee_legend(result), style="dim")
    record = folder / "finetune" / f"{result['task']}-committee.json"
    console.print(f"record: {record}", soft_wrap=True)
    if Run(folder).path("summary.json").exists():
        console.print(f"page: {write_report(Run(folder))}", soft_wrap=True)
