"""A run's records as the dictionary that the page's template is filled with."""

from __future__ import annotations

from typing import Any

from hf_apt.records.run_records import RunRecords
from hf_apt.report.first_screen.answer import QUESTION, answer, readable_title, text_read
from hf_apt.report.first_screen.main_chart import main_chart
from hf_apt.report.first_screen.receipts import receipts_end
from hf_apt.report.formats import counted_text
from hf_apt.report.page_view import PageView
from hf_apt.report.ruler_table import ruler_sentence
from hf_apt.report.sections.clusters import cluster_figures
from hf_apt.report.sections.registry import FOLDED, SECTIONS
from hf_apt.report.sentences import key_figures, lead
from hf_apt.stats.labels import READOUT_LABELS
from hf_apt.stats.pictures.depth_palette import depth_palette


def page_content(records: RunRecords) -> dict[str, Any]:
    """Everything the template names. Raises ValueError if the run is not finished."""
    view = PageView(records)
    lookup, pictures = view.lookup_and_pictures
    summaries = {name: cluster_figures(view.readouts[name]) for name in pictures}
    return {
        "title": readable_title(view.summary),
        "question": QUESTION,
        "answer": answer(view.summary, view.shown[0]),
        "text_read": text_read(view.summary),
        "main_chart": main_chart(view),
        "ruler": ruler_sentence(view.summary),
        "receipts_end": receipts_end(view.summary),
        "lead": lead(view.summary, view.shown[0], view.records.config),
        "key_figures": key_figures(view.summary, view.shown[0], view.threshold),
        "palettes": {
            theme: depth_palette(len(view.labels), dark=theme == "dark")
            for theme in ("light", "dark")
        },
        "depths": view.labels,
        "readouts": view.by_readout(),
        "sections": [section for make in SECTIONS if (section := make(view)) is not None],
        "folded": FOLDED,
        "lookup": lookup | {"summary": summaries} if pictures else None,
        "labels": {
            "depths": view.labels,
            "counted_in": counted_text(view.summary),
            "names": {name: READOUT_LABELS[name] for name in pictures},
        },
    }
