"""What is mistaken for what: the confusion pictures."""

from __future__ import annotations

from hf_apt.report.confusions.picture_tokens import PICTURE_CLUSTER
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section


def section(view: PageView) -> Section | None:
    """The pictures of every readout that has room for its details; nothing without counts."""
    if not view.pictures:
        return None
    return Section(
        "confusion",
        "What is mistaken for what",
        {
            "readouts": view.by_readout(picture=view.pictures),
            "depths": view.labels,
            "depth_options": list(enumerate(view.short_labels)),
            "threshold": f"{view.threshold:g}",
            "most": PICTURE_CLUSTER,
        },
    )
