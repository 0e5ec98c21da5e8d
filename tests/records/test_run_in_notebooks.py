"""What a notebook shows of a run's folder."""

from xml.etree import ElementTree

import numpy as np
import pytest

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


def test_a_run_is_a_table_of_readouts_and_depths(finished_run) -> None:
    frame = finished_run.to_pandas()
    summary = finished_run.read_json("summary.json")
    assert len(frame) == sum(map(len, summary["readouts"].values()))
    for row in frame.itertuples():
        figures = summary["readouts"][row.readout][row.depth]
        assert row.mean_apt == figures["mean_apt"]["pooled"]["value"]
        assert row.mean_apt_standard_error == figures["mean_apt"]["pooled"]["standard_error"]
        assert row.num_tokens == figures["mean_apt"]["pooled"]["num"]
        assert row.masked_accuracy == figures["masked_accuracy"]["pooled"]["value"]
        assert row.num_positions == figures["masked_accuracy"]["pooled"]["num"]
        if row.depth:
            assert row.growth == figures["growth"]["value"]
            assert row.name == f"block {row.depth}"
        else:
            assert np.isnan(row.growth)
            assert row.name == "embeddings"


def test_what_is_null_is_not_a_number_in_the_table(finished_run, tmp_path) -> None:
    summary = finished_run.read_json("summary.json")
    pooled = summary["readouts"]["own_head"][1]["mean_apt"]["pooled"]
    pooled |= {"value": None, "standard_error": None, "num": 0}
    summary["readouts"]["bayes"] = summary["readouts"]["own_head"][:1]
    summary["model"] = None
    run = Run(tmp_path)
    run.write_json("summary.json", summary)
    frame = run.to_pandas()
    own = frame[frame.readout == "own_head"]
    assert np.isnan(own.mean_apt.iloc[1])
    assert own.name.tolist()[:2] == ["embeddings", "block 1"]
    assert frame.name[frame.readout == "bayes"].tolist() == ["exact best predictor"]
    assert frame.mean_apt.dtype == np.float64


def test_a_run_without_a_summary_is_no_table(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"is no finished hf_apt run: it has no summary\.json"):
        Run(tmp_path).to_pandas()
