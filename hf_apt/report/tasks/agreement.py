"""Scores that rank the depths of a model as their accuracy does."""

from __future__ import annotations

from hf_apt.report.formats import estimate
from hf_apt.report.section import Section
from hf_apt.report.tasks.formats import main_pooling, pooled
from hf_apt.report.tasks.task_view import TaskView
from hf_apt.stats.labels import PROTOCOL_LABELS, SCORE_LABELS


def part(view: TaskView) -> Section | None:
    """Rank correlations over depths: a row for each score and mean APT, a column a protocol."""
    record = view.record
    if record is None:
        return None
    main = main_pooling(record)
    agreement = record.get("agreement") or {}
    by_protocol = {
        protocol: by_pooling[main]
        for protocol in PROTOCOL_LABELS
        if main in (by_pooling := agreement.get(protocol, {}))
    }
    names = [
        name for name in SCORE_LABELS if any(name in by_score for by_score in by_protocol.values())
    ]
    if not names:
        return None
    content = {
        "pooling": pooled(main),
        "num": len(record["depths"]),
        "header": ["", *(PROTOCOL_LABELS[protocol] for protocol in by_protocol)],
        "rows": [
            [
                SCORE_LABELS[name],
                *(estimate(by_score.get(name), signed=True) for by_score in by_protocol.values()),
            ]
            for name in names
        ],
    }
    return Section("agreement", "Scores that rank the depths as accuracy does", content)
