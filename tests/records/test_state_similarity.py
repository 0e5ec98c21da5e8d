"""Laws of the matrix between depths in a run's folder: read as written, or refused by name."""

import re

import numpy as np
import pytest
from finished import write_finished_run

from hf_apt.records.run import Run
from hf_apt.records.state_similarity import read_state_similarity, write_state_similarity
from hf_apt.report import write_report
from hf_apt.stats.similarity.depth_similarity import DepthSimilarity


def matrix(num_depths: int) -> DepthSimilarity:
    cka_DE = np.eye(num_depths) + 0.25 * (1 - np.eye(num_depths))
    return DepthSimilarity(cka_DE, 1234, "tokens", True, np.full(cka_DE.shape, 0.0123))


def test_it_is_read_as_it_was_written(tmp_path) -> None:
    run = Run(tmp_path)
    assert read_state_similarity(run, 3) is None
    for written in (matrix(3), DepthSimilarity(matrix(3).cka_DE, 99, "tokens", True)):
        write_state_similarity(run, written)
        read = read_state_similarity(run, 3)
        assert read is not None
        assert (read.num, read.things, read.debiased) == (written.num, "tokens", True)
        assert read.cka_DE.tolist() == written.cka_DE.tolist()
        assert (read.errors_DE is None) == (written.errors_DE is None)
    write_state_similarity(run, None)  # of a model of which there is none
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["other depths", "no matrix", "beyond one", "cut"])
def test_what_is_no_matrix_of_the_run_is_named(tmp_path, kind) -> None:
    run = Run(tmp_path)
    write_state_similarity(run, matrix(2 if kind == "other depths" else 3))
    if kind == "no matrix":
        run.write_arrays("similarity.npz", num=np.array(3))
    if kind == "beyond one":
        wrong = matrix(3).cka_DE * 2
        run.write_arrays("similarity.npz", cka_DE=wrong, errors_DE=wrong, num=np.array(3))
    if kind == "cut":
        path = run.path("similarity.npz")
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=re.escape(str(run.path("similarity.npz")))):
        read_state_similarity(run, 3)


def test_the_page_shows_the_matrix_where_it_was_kept(tmp_path) -> None:
    run = write_finished_run(tmp_path / "run")
    num_depths = len(run.read_json("summary.json")["readouts"]["own_head"])
    assert 'id="similarity"' not in write_report(run).read_text()
    write_state_similarity(run, matrix(num_depths))
    page = write_report(run).read_text()
    assert 'id="similarity"' in page
    assert "at 1,234 asked positions" in page
    assert "<title>0.250 ± 0.012</title>0.25" in page
