"""How a span is put to a model: between masks and brackets, or with one of these left out."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.stats.config_checks import require_whole

FEWEST_TOKENS = 16
"""The shortest row that has room for a span among its marks."""


@dataclass(frozen=True, kw_only=True)
class SpanFormat:
    """The form of a row, `left [ MASK ] [ span ] [ MASK ] right`, and its limits.

    The switches are the ablations of arXiv 2205.11799: with all of them on a row is nearest to what
    a masked language model was trained on.

    Raises:
        ValueError: for limits out of range.
    """

    mask: bool = True
    """Whether the model answers at mask tokens; else at an ordinary word, `it`, in their place."""

    brackets: bool = True
    """Whether masks and span stand in brackets."""

    merged: bool = False
    """Whether one mask, before the span, is asked for both, whether it is a mention and its type,
    as one choice among the types and none; else one mask before and one after it."""

    max_span_words: int = 8
    """Words of the longest span that is asked about; longer mentions cannot be found."""

    sequence_length: int = 128
    """Tokens of a row at most; what is farthest from the span is left out."""

    def __post_init__(self) -> None:
        require_whole(self, "max_span_words")
        require_whole(self, "sequence_length", least=FEWEST_TOKENS)
