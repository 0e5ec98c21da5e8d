"""Counts, confusions and clusters as pandas tables: nothing is lost, and figures can be remade."""

import numpy as np
import oracles
import pytest

from hf_apt.stats.apt import apt
from hf_apt.stats.clusters import TokenClusters, token_clusters
from hf_apt.stats.confusion import Confusion, confusion
from hf_apt.stats.counts import TREATMENTS, DepthCounts

VOCAB = 9


@pytest.fixture(scope="module")
def counts() -> DepthCounts:
    rng = np.random.default_rng(0)
    references_N = rng.integers(0, VOCAB - 1, 400)
    predictions_DN = np.where(rng.random((3, 400)) < 0.5, references_N, rng.integers(0, VOCAB, 400))
    made = DepthCounts.empty(3, VOCAB)
    return made.update(references_N, predictions_DN, rng.integers(0, 3, 400))


@pytest.fixture(scope="module")
def table(counts) -> Confusion:
    return confusion(counts.at(2))


def test_counts_are_a_row_for_each_pair_of_a_depth_and_treatment(counts):
    frame = counts.to_pandas()
    assert list(frame.columns) == ["depth", "treatment", "reference", "prediction", "count"]
    assert not frame.duplicated(["depth", "treatment", "reference", "prediction"]).any()
    for depth in range(3):
        for treatment in TREATMENTS:
            pairs = counts.at(depth, treatment)
            rows = frame[(frame.depth == depth) & (frame.treatment == treatment)]
            assert (rows.reference * VOCAB + rows.prediction).tolist() == pairs.keys.tolist()
            assert rows["count"].tolist() == pairs.counts.tolist()


def test_apt_can_be_made_of_the_table_of_counts(counts):
    frame = counts.to_pandas()
    last = frame[frame.depth == 2]
    support = last.groupby("reference")["count"].sum()
    hits = last[last.reference == last.prediction].groupby("reference")["count"].sum()
    expected = apt(counts.hits()[2], counts.support())
    assert (hits / support).fillna(0).to_dict() == pytest.approx(
        {token: value for token, value in enumerate(expected) if not np.isnan(value)}
    )


def test_a_confusion_is_a_row_for_each_pair_with_its_share(counts, table):
    frame = table.to_pandas()
    pairs = counts.at(2)
    keys = zip(frame.reference, frame.prediction, strict=True)
    found = dict(zip(keys, frame["count"], strict=True))
    expected = {
        divmod(int(key), VOCAB): int(num) for key, num in zip(pairs.keys, pairs.counts, strict=True)
    }
    assert found == expected
    kept, _ = oracles.kept_and_tied(expected, VOCAB)
    assert set(frame.reference[frame.kept]) == kept
    for row in frame.itertuples():
        share = table.normalised[row.reference, row.prediction]
        assert np.isnan(row.normalised) if not row.kept else row.normalised == share


@pytest.mark.parametrize("definition", ["row", "mutual", "weak"])
def test_clusters_are_a_row_for_each_token(table, definition):
    clusters = token_clusters(table, 0.1, definition)
    assert len(clusters.members)
    frame = clusters.to_pandas()
    assert list(frame.columns) == ["cluster", "token", "size"]
    for number, tokens in enumerate(clusters.members):
        rows = frame[frame.cluster == number]
        assert rows.token.tolist() == tokens.tolist()
        assert set(rows["size"]) == {len(tokens)}
    assert frame.cluster.nunique() == len(clusters.members)


def test_of_nothing_there_are_columns_and_no_row():
    nothing = DepthCounts.empty(2, 4)
    assert nothing.to_pandas().shape == (0, 5)
    assert confusion(nothing.at(0)).to_pandas().shape == (0, 5)
    none = TokenClusters("mutual", 0.5, (), np.zeros(4, bool), 0, 0)
    assert none.to_pandas().shape == (0, 3)
    assert none.to_pandas()["token"].dtype == np.int64
