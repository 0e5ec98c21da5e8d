"""Which words are told apart, and how tokens of a data set are counted."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hf_apt.data.masking import Masking
from hf_apt.data.training_draws import NumberedDraws, TrainingDraws
from hf_apt.training.pairs.frequent_words import frequent_words, token_counts


def test_the_most_frequent_come_first_without_special_and_missing_ones():
    counts = np.array([90, 7, 0, 9, 7, 1, 80])
    assert frequent_words(counts, 3, [0, 6]).tolist() == [3, 1, 4]
    assert frequent_words(counts, 100, [0]).tolist() == [6, 3, 1, 4, 5]
    assert frequent_words(counts, 2, []).tolist() == [0, 6]


def test_tokens_of_the_package_are_counted_whole(tokens):
    masking = Masking(vocab_size=65, mask_id=4, special_ids=(0, 1, 2, 3, 4), seed=0)
    draws = TrainingDraws(tokens, masking, num_draws=1)
    assert Path(tokens.folder).exists()
    ids = np.concatenate([np.asarray(tokens.ids).reshape(-1)])
    expected = np.bincount(ids, minlength=65)
    np.testing.assert_array_equal(token_counts(draws, 65, "it"), expected)
    np.testing.assert_array_equal(token_counts(NumberedDraws(3, tokens), 65, "it"), expected)


def test_other_data_are_counted_row_by_row_or_refused():
    rows = [{"input_ids": [1, 2, 2]}, {"input_ids": [2, 4]}]
    assert token_counts(rows, 6, "it").tolist() == [0, 1, 3, 0, 1, 0]
    for bad in (iter(rows), [{"text": "a"}], NumberedDraws(3), SimpleNamespace()):
        with pytest.raises(ValueError, match=r"it tells the most frequent words apart, .* no rows"):
            token_counts(bad, 6, "it")
