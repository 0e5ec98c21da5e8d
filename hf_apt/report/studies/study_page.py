"""The page of one study, for a folder without the page of a run."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from hf_apt.atomic import writing
from hf_apt.records.run import Run
from hf_apt.records.studies.study_record import StudyRecord, study_name
from hf_apt.report.formats import short_path
from hf_apt.report.results.result_page import ResultPage
from hf_apt.report.studies.study_figure import figure_caption, study_figure
from hf_apt.report.studies.study_tables import shown_findings, study_title, text_tables


def study_page(record: StudyRecord) -> ResultPage:
    """The question, the findings, all figures and all tables of a study."""
    answer, *more = shown_findings(record)
    return ResultPage(
        title=f"{study_title(record)} · {short_path(record['checkpoint'])}",
        question=record["question"],
        answer=answer,
        more=more,
        chart=_charts(record),
        caption="" if not record["figures"] else figure_caption(record["figures"][-1]),
        tables=text_tables(record),
        notes=[f"Made by {record['command']}."],
        receipts_end=record["command"],
    )


def _charts(record: StudyRecord) -> Markup | None:
    """The figures one below another, each but the last with its caption; None if there are none."""
    figures, name = record["figures"], study_name(record)
    if not figures:
        return None
    drawn = [
        study_figure(figure, f"study-{name}-{number}") for number, figure in enumerate(figures)
    ]
    caption = Markup('<p class="note">{}</p>')
    said = [*(caption.format(figure_caption(figure)) for figure in figures[:-1]), Markup("")]
    return Markup("").join(each for pair in zip(drawn, said, strict=True) for each in pair)


def write_study_page(run: Run, record: StudyRecord) -> Path:
    """The path of `studies/<name>.html`, written whole or not at all."""
    path = run.path(f"studies/{study_name(record)}.html")
    with writing(path) as file:
        file.write(study_page(record).rendered())
    return path
