"""The answer to "is my accuracy normal?" in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hf_apt.records.references.reference_models import ReferenceModel
from hf_apt.stats.floors.floors import BEST_BLIND, COPY, UNIFORM, UNIGRAM

_GUESSERS = {
    UNIFORM: "guessing among all {:,} tokens",
    COPY: "copying what is shown",
    UNIGRAM: "always answering the commonest token",
    BEST_BLIND: "copying, with the commonest token for a mask,",
}


def normal_sentence(
    accuracy: float,
    vocab_size: int,
    floors: Mapping[str, float],
    like: Sequence[ReferenceModel] | None,
    *,
    ceiling: float | None = None,
) -> str:
    """Where an accuracy lies between what guessing reaches and what models like it reached.

    `floors` hold accuracies by name; those of a frequency band, which no model is told, are not
    compared with. `like` are models of like vocabulary and masking rate, the first of which is
    named, None where nothing was masked; `ceiling` is what the exact best predictor reaches, where
    it is known. Of the floors the highest is named: a table has the others.

    The sentence says that a model has not learnt to use context where copying or the commonest
    token is right as often. Where the commonest token is not known it says what is missing.
    """
    best = _best(floors)
    parts = [f"{_GUESSERS[best].format(vocab_size)} reaches {_share(floors[best])}"]
    if UNIGRAM not in floors:
        parts.append(
            "always answering the commonest token reaches its share of the text, which the counts "
            "of the tokens asked would tell"
        )
    if ceiling is not None:
        parts.append(f"the exact best predictor reaches {_share(ceiling)}")
    if like is not None:
        parts += _models(like)
    return f"Accuracy {_share(accuracy)} {_verdict(accuracy, floors)}: {'; '.join(parts)}."


def _models(like: Sequence[ReferenceModel]) -> list[str]:
    models = [
        f"{row['model']} reached {_share(row['accuracy'])} on {row['text']} "
        f"(vocabulary {row['vocab_size']:,}, masking rate {row['masking_rate']:g})"
        for row in like[:1]
    ]
    return models or ["no model of like vocabulary and masking rate has been measured"]


def _verdict(accuracy: float, floors: Mapping[str, float]) -> str:
    best = _best(floors)
    if accuracy <= floors[best]:
        return "is no more than guessing reaches, so that no use of context shows"
    times = accuracy / floors[best]
    how = f"{times:.1f} times" if times >= 1.05 else "hardly more than"
    return f"is {how} what the best known guess reaches"


def _best(floors: Mapping[str, float]) -> str:
    return max((name for name in _GUESSERS if name in floors), key=lambda name: floors[name])


def _share(value: float) -> str:
    return f"{value:.4f}"
