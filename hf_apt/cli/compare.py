"""`hf-apt compare`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from hf_apt.cli.failures import writes_into


def compare_command(
    runs: Annotated[
        list[Path], Argument(help="Folders of two or more runs that `finetune` wrote into.")
    ],
    task: Annotated[str, Option(help="Task that the runs were fine-tuned on.")] = "planted",
    output: Annotated[
        Path | None, Option("--output", "-o", help="A folder for the record, `compare-TASK.json`.")
    ] = None,
) -> None:
    """Runs that were fine-tuned on one task, against the size and overlap of their corpora."""
    from hf_apt.cli.tables import comparison
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.records.run import Run
    from hf_apt.records.run_records import RunRecords
    from hf_apt.studies.run_comparison import ComparedRun, compare

    if output is not None:
        writes_into(output)
    result = compare(
        [
            ComparedRun(
                name=str(folder),
                finetuned=Run(folder).finetuned_on(task),
                summary=RunRecords(Run(folder)).summary
                if (folder / "summary.json").exists()
                else None,
            )
            for folder in runs
        ]
    )
    show(result, (comparison,))
    if output is not None:
        Run(output).write_json(f"compare-{task}.json", result)
        show_paths(record=output / f"compare-{task}.json")
