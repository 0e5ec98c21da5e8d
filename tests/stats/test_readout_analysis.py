"""What an analysis gives is what the functions give, formed once."""

import numpy as np

from hf_apt.stats.clusters import token_clusters
from hf_apt.stats.confusion import confusion
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.readout_analysis import ReadoutAnalysis


def counts() -> DepthCounts:
    draw = np.random.default_rng(0)
    return DepthCounts.empty(3, 9).update(
        draw.integers(0, 9, 400), draw.integers(0, 9, (3, 400)), draw.integers(0, 3, 400)
    )


def test_tables_and_clusters_are_those_of_the_counts():
    analysis = ReadoutAnalysis.of_counts(counts())
    for depth in range(3):
        table = confusion(counts().at(depth))
        assert (analysis.table(depth).matrix != table.matrix).nnz == 0
        for definition in ("row", "mutual", "weak", "errors"):
            expected = token_clusters(table, 0.3, definition).members
            clusters = analysis.clusters(depth, 0.3, definition).members
            assert [members.tolist() for members in clusters] == [m.tolist() for m in expected]
    assert np.array_equal(analysis.hits_DV, counts().hits())
    assert np.array_equal(analysis.support_V, counts().support())


def test_they_are_formed_once():
    analysis = ReadoutAnalysis.of_counts(counts())
    assert analysis.table(1) is analysis.table(1)
    assert analysis.clusters(1, 0.3, "weak") is analysis.clusters(1, 0.3, "weak")
    assert analysis.clusters(1, 0.3, "weak") is not analysis.clusters(1, 0.3, "mutual")
    assert analysis.readout.measures == {}


def test_a_table_takes_the_bytes_that_are_stated():
    table = ReadoutAnalysis.of_counts(counts()).table(0)
    arrays = [m.data for m in (table.matrix, table.normalised)]
    arrays += [m.indices for m in (table.matrix, table.normalised)]
    assert sum(array.nbytes for array in arrays) <= 32 * table.matrix.nnz
    errors = ReadoutAnalysis.of_counts(counts()).table(0).error_shares
    num_repeated = int((table.matrix.data > 1).sum())
    assert errors.data.nbytes + errors.indices.nbytes <= 16 * num_repeated
