"""Laws of similarity between depths: each entry is `linear_cka`, whatever the batches."""

import numpy as np
import pytest

from hf_apt.stats.similarity.cka import linear_cka
from hf_apt.stats.similarity.cka_error import linear_cka_estimate
from hf_apt.stats.similarity.depth_similarity import SimilaritySums, sums_bytes

GENERATOR = np.random.default_rng(8)
STATES = GENERATOR.normal(size=(3, 40, 5)).cumsum(axis=0) + 3.0
OTHERS = np.concatenate([STATES[:2], GENERATOR.normal(size=(2, 40, 5))], axis=2)


def expected(left, right, debiased) -> np.ndarray:
    return np.array([[linear_cka(x, y, debiased) for y in right] for x in left])


@pytest.mark.parametrize("debiased", [True, False])
def test_every_entry_is_the_cka_of_two_depths(debiased) -> None:
    own, both = SimilaritySums(3), SimilaritySums(3, 2)
    for part in (slice(0, 17), slice(17, 40)):
        own.update(STATES[:, part])
        both.update(STATES[:, part], OTHERS[:, part])
    for sums, right in ((own, STATES), (both, OTHERS)):
        similarity = sums.result("tokens", debiased=debiased)
        np.testing.assert_allclose(
            similarity.cka_DE, expected(STATES, right, debiased), rtol=0, atol=1e-12
        )
        assert (similarity.num, similarity.debiased) == (40, debiased)


def test_a_depth_is_itself_and_the_matrix_is_symmetric() -> None:
    sums = SimilaritySums(3)
    sums.update(STATES)
    cka_DE = sums.result("tokens").cka_DE
    np.testing.assert_allclose(cka_DE.diagonal(), 1.0, atol=1e-12)
    np.testing.assert_array_equal(cka_DE, cka_DE.T)


def test_a_table_has_a_row_for_each_pair() -> None:
    sums = SimilaritySums(3, 2)
    sums.update(STATES, OTHERS)
    similarity = sums.result("texts")
    frame = similarity.to_pandas()
    assert frame["cka"].tolist() == similarity.cka_DE.ravel().tolist()
    assert frame[["depth", "other_depth"]].values.tolist()[3] == [1, 1]
    assert "40 texts" in similarity._repr_html_()


def test_memory_is_that_of_the_sums() -> None:
    assert sums_bytes(5, 3) == 8 * 25 * 6
    assert sums_bytes(5, 3, 10, 2) == 8 * (5 * 10 * 6 + 25 * 3 + 100 * 2)


def test_a_state_that_is_not_finite_is_named_by_its_depth() -> None:
    broken = STATES.copy()
    broken[1, 3, 2] = np.inf
    with pytest.raises(ValueError, match="depth 1 holds values that are not finite"):
        SimilaritySums(3).update(broken)


@pytest.mark.parametrize("debiased", [True, False])
def test_errors_are_those_of_each_pair_by_itself(debiased) -> None:
    groups_N = np.arange(40) // 3 % 5
    own, both = SimilaritySums(3, num_groups=20), SimilaritySums(3, 2, num_groups=20)
    for group in range(5):
        here_N = groups_N == group
        own.update(STATES[:, here_N], group=group)
        both.update(STATES[:, here_N], OTHERS[:, here_N], group=group)
    for sums, right in ((own, STATES), (both, OTHERS)):
        similarity = sums.result("tokens", debiased=debiased)
        for depth, other in np.ndindex(similarity.cka_DE.shape):
            alone = linear_cka_estimate(STATES[depth], right[other], groups_N.tolist(), debiased)
            assert similarity.cka_DE[depth, other] == pytest.approx(alone.value, abs=1e-12)
            assert similarity.errors_DE is not None
            error = similarity.errors_DE[depth, other]
            assert error == pytest.approx(alone.standard_error, abs=1e-9)
        errors_DE = similarity.errors_DE
        assert errors_DE is not None
        assert similarity.to_pandas()["standard_error"].tolist() == errors_DE.ravel().tolist()


def test_one_group_has_no_errors() -> None:
    sums = SimilaritySums(3)
    sums.update(STATES)
    similarity = sums.result("tokens")
    assert similarity.errors_DE is None
    assert similarity.largest_error is None
    assert np.isnan(similarity.to_pandas()["standard_error"].to_numpy()).all()
