"""Strict span F1: a mention counts if its first word, last word and type are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hf_apt.spans.mentions import Mention


@dataclass(frozen=True)
class SpanScore:
    """Precision, recall and F1 of mentions."""

    num_true: int
    """Mentions that there are."""

    num_predicted: int
    """Mentions that are predicted."""

    num_right: int
    """Predicted mentions that there are, with the same words and type."""

    @property
    def precision(self) -> float:
        """Share of the predicted mentions that are right; 0 where none is predicted."""
        return self.num_right / self.num_predicted if self.num_predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the mentions that are predicted; 0 where there is none."""
        return self.num_right / self.num_true if self.num_true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where nothing is right."""
        total = self.num_true + self.num_predicted
        return 2 * self.num_right / total if total else 0.0

    def as_json(self) -> dict[str, float | int]:
        """The counts and the three shares by their names."""
        return {
            "num_true": self.num_true,
            "num_predicted": self.num_predicted,
            "num_right": self.num_right,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
        }


def span_score(
    true: Sequence[Iterable[Mention]], predicted: Sequence[Iterable[Mention]]
) -> SpanScore:
    """The score over all sentences and types together, that of seqeval's strict mode.

    Args:
        true: the mentions of each sentence.
        predicted: those that are predicted, of the same sentences.

    Returns:
        Counts and the shares made of them.

    Raises:
        ValueError: for another number of sentences.
    """
    return _score(*_counted(true, predicted))


def scores_by_type(
    true: Sequence[Iterable[Mention]], predicted: Sequence[Iterable[Mention]]
) -> dict[str, SpanScore]:
    """The score of each type of mention that there is or that is predicted, sorted by type.

    Raises ValueError for another number of sentences.
    """
    counted = _counted(true, predicted)
    labels = sorted({label for counts in counted for label in counts})
    return {
        label: _score(*(Counter({label: counts[label]}) for counts in counted)) for label in labels
    }


def _score(true: Counter[str], predicted: Counter[str], right: Counter[str]) -> SpanScore:
    return SpanScore(true.total(), predicted.total(), right.total())


def _counted(
    true: Sequence[Iterable[Mention]], predicted: Sequence[Iterable[Mention]]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Mentions by type: true ones, predicted ones, right ones."""
    if len(true) != len(predicted):
        raise ValueError(
            f"there are mentions of {len(true)} sentences and predictions for {len(predicted)}: "
            "give those of the same sentences."
        )
    counts: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
    for of_sentence, of_model in zip(true, predicted, strict=True):
        there, said = set(of_sentence), set(of_model)
        for counter, mentions in zip(counts, (there, said, there & said), strict=True):
            counter.update(mention.label for mention in mentions)
    return counts
