"""The studies that were made of the model: answer, figures and tables of each."""

from __future__ import annotations

from hf_apt.records.studies.study_files import is_of_the_run, read_studies
from hf_apt.records.studies.study_record import study_name
from hf_apt.report.formats import short_path
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.studies.study_figure import figure_caption, study_figure
from hf_apt.report.studies.study_tables import shown_findings, study_title, text_tables


def section(view: PageView) -> Section | None:
    """A part for each study; nothing where there is none."""
    records = read_studies(view.records.run)
    if not records:
        return None
    model = view.summary["model"] or {}
    studies = [
        {
            "title": study_title(record),
            "question": record["question"],
            "other": ""
            if is_of_the_run(record, model)
            else f"This is of another model than the rest of the page: "
            f"{short_path(record['checkpoint'])}.",
            "findings": shown_findings(record),
            "figures": [
                (
                    figure_caption(figure),
                    study_figure(figure, f"study-{study_name(record)}-{number}"),
                )
                for number, figure in enumerate(record["figures"])
            ],
            "tables": text_tables(record),
            "command": record["command"],
        }
        for record in records
    ]
    return Section("studies", "Studies of the model", {"studies": studies})
