"""Lists as the command line spells them: parts between commas."""

from __future__ import annotations


def words_of(text: str) -> tuple[str, ...]:
    """The words between commas, without the spaces around them.

    >>> words_of("bad, good")
    ('bad', 'good')
    """
    return tuple(word.strip() for word in text.split(","))


def steps_of(text: str) -> tuple[int, ...]:
    """The whole numbers between commas, each once, in ascending order.

    Raises ValueError for what is no whole number.

    >>> steps_of("100, 10,100")
    (10, 100)
    """
    try:
        return tuple(sorted({int(word) for word in words_of(text)}))
    except ValueError:
        raise ValueError(
            f"{text!r} are no steps: give whole numbers between commas, as 10,100,1000."
        ) from None


def blocks_of(text: str) -> tuple[int, ...]:
    """The numbers of blocks that `1-3` or `1,4-6` names, ascending.

    Raises ValueError for what names no blocks.

    >>> blocks_of("1,4-6")
    (1, 4, 5, 6)
    """
    from hf_apt.models.carried_blocks import block_numbers

    return tuple(block_numbers(text))


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
