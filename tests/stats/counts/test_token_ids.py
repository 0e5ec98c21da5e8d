"""Laws of what is a token id."""

import numpy as np
import pytest

from hf_apt.stats.counts import refuse_outside


@pytest.mark.parametrize("id_type", [np.int8, np.uint8, np.int32, np.uint64, np.int64])
def test_ids_of_the_vocabulary_pass_whatever_their_type_and_shape(id_type: type) -> None:
    for ids in ([0, 8], [[0, 1], [2, 8]], []):
        refuse_outside("answer", np.array(ids, id_type), 9)


@pytest.mark.parametrize(
    ("ids", "named"),
    [
        (np.array([0, 9]), "answer 9 is outside 0 to 8"),
        (np.array([9, -1]), "answer -1 is outside 0 to 8"),
        (np.array([-128], np.int8), "answer -128 is outside 0 to 8"),
        (np.array([2**64 - 1], np.uint64), f"answer {2**64 - 1} is outside"),
        (np.array([1.0]), "answers are of float64: give whole numbers"),
        (np.array([True]), "answers are of bool: give whole numbers"),
    ],
)
def test_the_first_fault_is_named(ids: np.ndarray, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        refuse_outside("answer", ids, 9)


@pytest.mark.parametrize(
    ("ids", "num", "wrong"),
    [
        (np.array([5, -1], np.int8), 300, -1),
        (np.array([-128], np.int8), 129, -128),
        (np.array([-100], np.int16), 119_547, -100),
        (np.array([2**24], ">i4"), 10, 2**24),
    ],
)
def test_a_narrow_or_swapped_type_hides_no_wrong_id(ids: np.ndarray, num: int, wrong: int) -> None:
    with pytest.raises(ValueError, match=f"answer {wrong} is outside 0 to {num - 1}"):
        refuse_outside("answer", ids, num)


def test_the_highest_ids_of_narrow_and_swapped_types_pass() -> None:
    refuse_outside("answer", np.array([127], np.int8), 128)
    refuse_outside("answer", np.array([127], np.int8), 300)
    refuse_outside("answer", np.array([0, 9], ">i4"), 10)
