"""Laws of the halves: those of a loop over positions, and no token of one half alone."""

import numpy as np

from hf_apt.stats.experts.halves import apt_of_halves
from hf_apt.stats.experts.part_answers import PartAnswers


def test_halves_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    num, vocab_size = 150, 20
    references_N = rng.integers(0, 18, num)
    texts_N = rng.integers(0, 7, num)
    texts_N[references_N == 3] = 2  # asked for in even texts alone
    right_UN = rng.random((3, num)) < 0.5
    answers = PartAnswers.empty(3, vocab_size)
    for part in (slice(0, 40), slice(40, num)):
        predictions_UN = np.where(right_UN[:, part], references_N[part], 19)
        zeros_N = np.zeros(len(references_N[part]), np.int64)
        answers.update(references_N[part], predictions_UN, zeros_N, texts_N[part])
    for least in (1, 9):
        expected = []
        for token in range(vocab_size):
            asked = [[at for at in range(num) if references_N[at] == token
                      and texts_N[at] % 2 == half] for half in (0, 1)]  # fmt: skip
            if all(asked) and len(asked[0]) + len(asked[1]) >= least:
                expected.append(
                    [[np.mean([right_UN[u, at] for at in places]) for u in range(3)]
                     for places in asked]
                )  # fmt: skip
        apt_2UT = apt_of_halves(answers, min_support=least)
        assert apt_2UT.shape[2] == len(expected) < 18
        np.testing.assert_allclose(apt_2UT, np.moveaxis(np.array(expected), 0, 2))


def test_texts_of_one_half_have_no_tokens() -> None:
    answers = PartAnswers.empty(2, 4).update(
        np.array([1, 2]), np.array([[1, 2], [0, 0]]), np.zeros(2, np.int64), np.array([2, 4])
    )
    assert apt_of_halves(answers).shape == (2, 2, 0)
