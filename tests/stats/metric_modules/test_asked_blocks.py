"""Laws of a batch that is read block by block: what a mask over all of it would give."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_apt.stats.metric_modules import asked_blocks
from hf_apt.stats.metric_modules.asked_blocks import ANY_ID, AskedBlocks
from hf_apt.stats.metric_modules.hit_stream import HitStream
from hf_apt.stats.metric_modules.streams import PairStream

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

position = st.tuples(st.sampled_from([-100, 0, 1, 7]), st.integers(0, 9), st.integers(0, 2))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_blocks, "_BLOCK", 3)


def read(blocks: AskedBlocks) -> list[list[int]]:
    """Tokens, answers and codes of all blocks, joined."""
    tables = [
        [values.tolist() for values in column if values is not None]
        for column in zip(
            *((each.true_N, each.predicted_N, each.codes_N) for each in blocks), strict=True
        )
    ]
    return [[value for part in parts for value in part] for parts in tables or [[], [], []]]


@given(st.lists(position, max_size=14))
def test_blocks_are_the_asked_positions_in_order(positions) -> None:
    true, predicted, codes = np.array(positions, np.int64).reshape(-1, 3).T
    asked = [each for each in positions if each[0] != -100]
    blocks = AskedBlocks(predicted, true, codes)
    assert read(blocks) == [[each[n] for each in asked] for n in range(3)]
    assert blocks.largest == max([-1, *(max(each[:2]) for each in asked)])
    numbers = np.arange(len(positions))
    of_numbers = [number for each in blocks for number in each.of(numbers).tolist()]
    assert of_numbers == np.flatnonzero(true != -100).tolist()


@pytest.mark.parametrize(
    "arranged",
    [
        np.asfortranarray,
        lambda array: array[::-1],
        lambda array: array[:, 1:],
        lambda array: array.T,
        lambda array: array[0, 0],
        lambda array: array.astype(np.uint16),
        lambda array: array[:0],
    ],
    ids=["fortran", "backwards", "shifted", "turned", "one", "unsigned", "none"],
)
def test_any_shape_and_order_in_memory_is_read_as_numpy_flattens_it(arranged) -> None:
    true, predicted = np.arange(20).reshape(4, 5), np.arange(20, 40).reshape(4, 5)
    read_true, read_predicted, codes = read(AskedBlocks(arranged(predicted), arranged(true)))
    assert read_true == arranged(true).ravel().tolist()
    assert read_predicted == arranged(predicted).ravel().tolist()
    assert codes == []


def test_what_is_not_asked_is_not_looked_at() -> None:
    blocks = AskedBlocks([ANY_ID, 5, -7], [-100, 1, -100], ["?", "replaced", "?"])
    assert read(blocks) == [[1], [5], [1]]
    assert blocks.largest == 5


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        ("predictions", -1, "predictions hold -1, which is no token id"),
        ("references", ANY_ID, f"references hold {ANY_ID}, which is no token id"),
        ("references", -99, "references hold -99, which is no token id"),
        ("treatment", 3, "treatment 3 is none of"),
    ],
)
@pytest.mark.parametrize("not_asked", [True, False])
def test_a_fault_in_the_last_block_is_named_before_any_is_counted(
    at: str, value: int, said: str, not_asked: bool
) -> None:
    batch = {name: np.arange(10) % 3 for name in ("predictions", "references", "treatment")}
    if not_asked:
        batch["references"][4] = -100
    batch[at][-1] = value
    stream = PairStream()
    with pytest.raises(ValueError, match=said):
        stream.update(**batch)
    assert len(stream) == 0
    assert stream.treatments == ()


def test_of_several_faults_predictions_are_named_first_then_references() -> None:
    with pytest.raises(ValueError, match="predictions hold -5"):
        AskedBlocks([0, 0, 0, 0, -5], [-7, 0, 0, 0, 0], [9, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="references hold -7"):
        AskedBlocks([0, 0, 0, 0, 5], [0, 0, 0, 0, -7], [9, 0, 0, 0, 0])


@pytest.mark.parametrize("stream_type", [HitStream, PairStream])
def test_a_batch_takes_the_same_memory_whatever_its_size(
    stream_type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mask, a copy without what is not asked and its codes took seven times the input."""
    monkeypatch.setattr(asked_blocks, "_BLOCK", 1 << 14)
    references = np.arange(6_000_000, dtype=np.int16) % 1000
    predictions = np.where(references % 3 == 0, references, 7).astype(np.int16)
    references[::1000] = -100

    def peak(num: int) -> int:
        tracemalloc.start()
        stream = stream_type().update(predictions[:num], references[:num])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(stream) == num - num // 1000
        return peak

    assert peak(6_000_000) < 1.2 * peak(3_000_000) < 2**25
