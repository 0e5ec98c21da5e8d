"""How well names are found after a few examples: what is tried, and on how much."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from hf_apt.spans.span_format import SpanFormat
from hf_apt.stats.config_checks import require_one_of, require_seed, require_whole
from hf_apt.training.finetune_config import FinetuneConfig

Arm = Literal["spans", "no_mask", "no_brackets", "merged", "tokens", "prototypes"]
"""A way to find names. `spans`: as arXiv 2205.11799; `no_mask`, `no_brackets`, `merged`: with that
left out (`hf_apt.spans.span_format.SpanFormat`). `tokens`: an encoder with a tag for each word.
`prototypes`: the nearest mean state of a type's words, without training."""

ARMS: tuple[Arm, ...] = get_args(Arm)

_SWITCHES: dict[str, dict[str, bool]] = {
    "spans": {},
    "no_mask": {"mask": False},
    "no_brackets": {"brackets": False},
    "merged": {"merged": True},
}


@dataclass(frozen=True, kw_only=True)
class NerConfig:
    """What to measure of a checkpoint on sentences with names.

    Raises:
        ValueError: for numbers that are out of range, and unknown arms.
    """

    tokens_column: str = "tokens"
    """Column of the words in Parquet and JSON."""

    tags_column: str = "ner_tags"
    """Column of the BIO tags in Parquet and JSON."""

    num_shots: int = 5
    """Mentions of each type to learn from, at least; 0 for all sentences."""

    num_draws: int = 3
    """Repetitions for standard errors, each with its own few sentences, fresh heads and order."""

    test_sentences: int | None = None
    """Sentences to test with, the same in each repetition; None for all."""

    max_span_words: int = 8
    """Words of the longest span that is asked about; longer names cannot be found."""

    max_rows: int | None = None
    """Rows of a sentence in an epoch at most, names first; None for as many as in the paper."""

    arms: tuple[Arm, ...] = ("spans", "tokens", "prototypes")
    """Ways to find names that are compared."""

    cut: bool = False
    """Train `spans` and `tokens` on the trunk cut after each block, too: about D / 2 times the
    training."""

    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    """How encoders are trained: `tokens` for as many steps as `spans`."""

    def __post_init__(self) -> None:
        require_whole(self, "num_shots", least=0)
        require_whole(self, "num_draws", "max_span_words", "test_sentences", "max_rows")
        require_one_of(self, "arms", ARMS)
        require_seed(self.finetune, num_seeds=self.num_draws)

    def form(self, arm: str) -> SpanFormat:
        """The form of the rows of `arm`; of arms that ask about no spans that of `spans`."""
        return SpanFormat(
            **_SWITCHES.get(arm, {}),
            max_span_words=self.max_span_words,
            sequence_length=self.finetune.sequence_length,
        )

    def asks_spans(self, arm: str) -> bool:
        """Whether `arm` is a span model."""
        return arm in _SWITCHES
