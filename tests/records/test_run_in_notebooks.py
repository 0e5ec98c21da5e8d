"""What a notebook shows of a run's folder."""

from xml.etree import ElementTree

import numpy as np

from hf_apt.records.run import Run
from hf_apt.stats.counts import DepthCounts


def shown(run: Run) -> list[str]:
    """The texts of what a notebook shows, which is well-formed."""
    html = run._repr_html_()
    return [text for text in ElementTree.fromstring(html).itertext() if text.strip()]  # noqa: S314


def test_a_run_shows_what_it_has(tmp_path) -> None:
    run = Run(tmp_path / "a<b>&")
    assert shown(run) == [
        *("Run", "folder", str(run.folder), "readouts", "none yet", "page", "none yet")
    ]
    run.counts_path("own_head").parent.mkdir(parents=True)
    counts = DepthCounts.empty(2, 5).update(
        np.zeros(1, int), np.zeros((2, 1), int), np.zeros(1, int)
    )
    counts.save(run.counts_path("own_head"))
    run.path("report.html").write_text("")
    assert shown(run)[4:] == ["own_head", "page", str(run.path("report.html"))]
