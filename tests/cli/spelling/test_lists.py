"""Parts between commas, and what is no number."""

import pytest

from hf_apt.cli.spelling.lists import blocks_of, numbers_of, words_of


def test_parts_are_read_without_their_spaces() -> None:
    assert words_of(" bad,very good ") == ("bad", "very good")
    assert numbers_of("1e-3, 2") == (0.001, 2.0)
    assert blocks_of("5, 1-3") == (1, 2, 3, 5)


def test_what_is_no_number_is_named() -> None:
    with pytest.raises(ValueError, match="'small,1' are no numbers"):
        numbers_of("small,1")
