"""`hf-apt compare`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def compare_command(
    runs: Annotated[
        list[Path], Argument(help="Folders of two or more runs that `finetune` wrote into.")
    ],
    task: Annotated[str, Option(help="The task they were fine-tuned on.")] = "planted",
    output: Annotated[
        Path | None, Option("--output", "-o", help="A folder for compare-<task>.json.")
    ] = None,
) -> None:
    """Runs that were fine-tuned on one task, against the size and overlap of their corpora."""
    from rich.console import Console

    from hf_apt.cli.tables.comparison import comparison_tables, legend
    from hf_apt.records.run import Run
    from hf_apt.studies.run_comparison import RunRecords, compare

    result = compare(
        [
            RunRecords(
                name=str(folder),
                finetuned=Run(folder).read_json(f"finetune/{task}.json"),
                summary=Run(folder).read_json("summary.json")
                if (folder / "summary.json").exists()
                else None,
            )
            for folder in runs
        ]
    )
    console = Console(highlight=False)
    for table in comparison_tables(result):
        console.print(table)
        console.print()
    console.print(legend(result), style="dim")
    if output is not None:
        Run(output).write_json(f"compare-{task}.json", result)
        console.print(f"record: {output / f'compare-{task}.json'}", soft_wrap=True)
