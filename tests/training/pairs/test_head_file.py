"""A head over pairs in a file, and its law over the tokens of a vocabulary."""

import numpy as np
import pytest
import torch

from hf_apt.training.pairs.head_file import (
    HEAD_FILE,
    WordPairHead,
    log_shares,
    of_tokens,
    read_pair_head,
    write_pair_head,
)
from hf_apt.training.pairs.pair_head import PairHead


def trained() -> WordPairHead:
    head = PairHead(5, num_answers=4, rank=2, max_distance=3, seed=1)
    with torch.no_grad():
        head.distance_gate += 1.0
    return WordPairHead(head, np.array([7, 3, 9]))


def test_what_is_read_is_what_was_written(tmp_path):
    write_pair_head(tmp_path / HEAD_FILE, trained())
    states = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    for where in (tmp_path, tmp_path / HEAD_FILE, str(tmp_path)):
        read = read_pair_head(where)
        assert read.word_ids_K.tolist() == [7, 3, 9]
        assert read.max_distance == 3
        law = read.log_joint(states[0], states[1], 2)
        np.testing.assert_array_equal(law, trained().log_joint(states[0], states[1], 2))
        assert np.exp(law).sum() == pytest.approx(1.0, abs=1e-6)


def test_words_have_answers_of_their_own_and_others_share_one():
    classes = trained().classes(11)
    assert classes.tolist() == [3, 3, 3, 1, 3, 3, 3, 0, 3, 2, 3]
    law = np.log(np.arange(1.0, 12) / 66)
    shares = np.exp(log_shares(law, classes, np.arange(11)))
    assert shares[[3, 7, 9]].tolist() == [1.0, 1.0, 1.0]
    others = [0, 1, 2, 4, 5, 6, 8, 10]
    np.testing.assert_allclose(shares[others], np.exp(law[others]) / np.exp(law[others]).sum())


def test_over_the_whole_vocabulary_the_law_of_answers_is_divided_and_kept():
    classes = trained().classes(11)
    generator = np.random.default_rng(0)
    joint = generator.dirichlet(np.ones(16)).reshape(4, 4)
    laws = [np.log(generator.dirichlet(np.ones(11))) for _ in range(2)]
    shares = (
        log_shares(laws[0], classes, np.arange(11)),
        log_shares(laws[1], classes, np.arange(11)),
    )
    over = np.exp(of_tokens(np.log(joint), (classes, classes), shares))
    again = np.zeros((4, 4))
    for first in range(11):
        for second in range(11):
            again[classes[first], classes[second]] += over[first, second]
    np.testing.assert_allclose(again, joint, rtol=1e-9)
    one, two = over[0, 3] / over[1, 3], np.exp(laws[0][0] - laws[0][1])
    assert one == pytest.approx(two)


def test_a_vocabulary_of_known_words_leaves_nothing_to_share():
    assert log_shares(np.log(np.ones(3) / 3), np.array([1, 0, 2]), np.arange(3)).tolist() == [0] * 3


def test_what_is_no_head_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"there is no .*pairs_head.*masked_pairs:weight=1 leaves"):
        read_pair_head(tmp_path)
    (tmp_path / HEAD_FILE).write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is no head over pairs of words: train one"):
        read_pair_head(tmp_path)
    states = torch.zeros(2, 5)
    for width, distance in ((5, 4), (4, 1)):
        with pytest.raises(ValueError, match="was trained for states of width 5, up to 3 tokens"):
            trained().log_joint(states[0, :width], states[1, :width], distance)
