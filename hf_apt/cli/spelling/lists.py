"""Lists as the command line spells them: parts between commas."""

from __future__ import annotations


def words_of(text: str) -> tuple[str, ...]:
    """The words between commas, without the spaces around them.

    >>> words_of("bad, good")
    ('bad', 'good')
    """
    return tuple(word.strip() for word in text.split(","))


def numbers_of(text: str) -> tuple[float, ...]:
    """The numbers between commas.

    Raises ValueError for what is no number.

    >>> numbers_of("0.001,1e-2")
    (0.001, 0.01)
    """
    try:
        return tuple(float(word) for word in words_of(text))
    except ValueError:
        raise ValueError(
            f"{text!r} are no numbers: give them between commas, as 0.001,0.01."
        ) from None
