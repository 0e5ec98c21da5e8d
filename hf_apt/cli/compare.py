"""`hf-apt compare`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from hf_apt.cli.failures import writes_into


def compare_command(
    runs: Annotated[
        list[Path], Argument(help="Folders of two or more runs that `finetune` wrote into.")
    ],
    task: Annotated[str, Option(help="Task that the runs were fine-tuned on.")] = "planted",
    study: Annotated[
        str | None,
        Option(help="Compare this study of the runs instead, such as kernels-agnews."),
    ] = None,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="A folder for compare-TASK.json and its page, .html."),
    ] = None,
) -> None:
    """Runs that were fine-tuned on one task, against the size and overlap of their corpora."""
    if study is not None:
        return _compare_study(runs, study, output)
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
        page = _write_page(output / f"compare-{task}.html", result)
        show_paths(record=output / f"compare-{task}.json", page=page)


def _compare_study(folders: list[Path], study: str, output: Path | None) -> None:
    """The tables of one study, the runs side by side, also as `compare-STUDY.json`."""
    from hf_apt.cli.tables import study_comparison
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.records.run import Run
    from hf_apt.records.studies.study_files import read_study
    from hf_apt.report.studies.study_comparison import compared_studies

    if output is not None:
        writes_into(output)
    records = {str(folder): read_study(Run(folder), study) for folder in folders}
    result = {"study": study, "tables": compared_studies(records)}
    show(result, (study_comparison,))
    if output is not None:
        Run(output).write_json(f"compare-{study}.json", result)
        show_paths(record=output / f"compare-{study}.json")


def _write_page(path: Path, result: Any) -> Path:
    """The path of the page, with the tables of the terminal; whole or not at all."""
    from hf_apt.atomic import writing
    from hf_apt.cli.tables import comparison
    from hf_apt.report.results.comparison_page import comparison_page

    tables = [_as_text(table) for table in comparison.tables(result)]
    page = comparison_page(result, tables, comparison.footer(result).splitlines())
    with writing(path) as file:
        file.write(page.rendered())
    return path


def _as_text(table: Any) -> Any:
    """A table of the terminal as a table of text."""
    from hf_apt.report.section import TextTable

    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    rows = list(zip(*columns, strict=True))
    return TextTable(str(table.title), [str(column.header) for column in table.columns], rows)
