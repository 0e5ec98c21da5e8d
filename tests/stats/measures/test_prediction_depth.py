"""The depth at which the final answer is reached, against a slow loop and known answers."""

import numpy as np
import pytest

from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.prediction_depth import PredictionDepth

DEPTHS, VOCAB = 5, 11


def answers(references: np.ndarray, predictions: np.ndarray) -> Answers:
    none = np.zeros(len(references), np.int64)
    return Answers(references, none, none, predictions, np.zeros(predictions.shape))


def drawn(num: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions whose answers often repeat from depth to depth."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, VOCAB, num), generator.integers(0, 3, (DEPTHS, num))


def slow(references: np.ndarray, predictions: np.ndarray) -> dict[int, list[int]]:
    """The prediction depths of each token's positions, by looking back from the last depth."""
    depths: dict[int, list[int]] = {}
    for position, token in enumerate(references.tolist()):
        answer = predictions[:, position].tolist()
        depth = len(answer) - 1
        while depth > 0 and answer[depth - 1] == answer[-1]:
            depth -= 1
        depths.setdefault(token, []).append(depth)
    return depths


def test_it_is_that_of_a_loop_over_positions():
    references, predictions = drawn(500)
    measure = PredictionDepth.empty(DEPTHS, VOCAB)
    for part in np.array_split(np.arange(500), 3):
        measure.update(answers(references[part], predictions[:, part]))
    expected = slow(references, predictions)
    by_token = measure.by_token()
    assert by_token[sorted(expected)] == pytest.approx(
        [np.mean(expected[token]) for token in sorted(expected)]
    )
    every = np.concatenate(list(expected.values()))
    for depth, figures in enumerate(measure.figures()):
        assert figures["settled_answers"].value == pytest.approx((every <= depth).mean())
        same = (predictions[depth] == predictions[-1]).mean()
        assert figures["final_answers"].value == pytest.approx(same)
        assert figures["final_answers"].num == 500
    assert 0 < measure.figures()[0]["settled_answers"].value < 0.1


@pytest.mark.parametrize(
    ("answers_D", "depth"),
    [([7, 7, 7], 0), ([1, 7, 7], 1), ([7, 1, 7], 2), ([1, 2, 7], 2), ([7, 7, 1], 2)],
)
def test_known_positions(answers_D, depth):
    """An answer that is given up and taken again is settled where it is taken for good."""
    measure = PredictionDepth.empty(3, VOCAB)
    measure.update(answers(np.array([4]), np.array(answers_D)[:, None]))
    assert measure.by_token()[4] == depth
    assert np.isnan(np.delete(measure.by_token(), 4)).all()


def test_at_the_last_depth_every_answer_is_final():
    measure = PredictionDepth.empty(DEPTHS, VOCAB)
    measure.update(answers(*drawn(40)))
    last = measure.figures()[-1]
    assert last["final_answers"].value == last["settled_answers"].value == 1.0
    settled = [figures["settled_answers"].value for figures in measure.figures()]
    assert settled == sorted(settled)


def test_parts_add_up_to_the_whole_and_are_read_again():
    references, predictions = drawn(60)
    whole = PredictionDepth.empty(DEPTHS, VOCAB)
    whole.update(answers(references, predictions))
    parts = [PredictionDepth.empty(DEPTHS, VOCAB) for _ in range(2)]
    for part, kept in zip(np.array_split(np.arange(60), 2), parts, strict=True):
        kept.update(answers(references[part], predictions[:, part]))
    merged = PredictionDepth.from_arrays(parts[0].merge(parts[1]).arrays())
    assert all(np.array_equal(merged.arrays()[k], v) for k, v in whole.arrays().items())
    assert merged.figures() == whole.figures()


def test_of_nothing_there_is_no_figure():
    measure = PredictionDepth.empty(2, VOCAB)
    measure.update(answers(np.zeros(0, np.int64), np.zeros((2, 0), np.int64)))
    assert np.isnan(measure.figures()[0]["final_answers"].value)
    assert np.isnan(measure.by_token()).all()
