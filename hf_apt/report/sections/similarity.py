"""How alike the states at any two depths are: which blocks change them."""

from __future__ import annotations

from hf_apt.records.state_similarity import read_state_similarity
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.similarity.similarity_svg import similarity_svg


def section(view: PageView) -> Section | None:
    """The matrix of linear CKA; nothing for a run in which it was not kept."""
    similarity = read_state_similarity(view.records.run, len(view.labels))
    if similarity is None:
        return None
    name = view.summary["model"]["name"]
    return Section(
        "similarity",
        "How alike the blocks are",
        {"picture": similarity_svg(similarity, name, labels=view.labels), "similarity": similarity},
    )
