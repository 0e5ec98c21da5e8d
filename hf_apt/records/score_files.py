"""Scores of sentences and of minimal pairs as files: JSON with everything, or a table as CSV."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing
from hf_apt.ownership import require_new_file
from hf_apt.stats.estimates import Estimate, plain
from hf_apt.stats.likelihood.pair_scores import PairScores
from hf_apt.stats.likelihood.score_kinds import ScoreLevel, ScoreUnit
from hf_apt.stats.likelihood.sentence_scores import SentenceScore, SentenceScores, nats_in


def require_score_file(path: Path) -> None:
    """Raise ValueError unless `path` is the name of a new .json or .csv file."""
    if path.suffix.lower() not in (".json", ".csv"):
        raise ValueError(f"{path} is no .json or .csv file, as which scores are written: name one.")
    require_new_file(path)


def write_scores(
    path: Path,
    scores: SentenceScores | PairScores,
    model: str,
    *,
    unit: ScoreUnit = "nats",
    level: ScoreLevel = "sentence",
) -> Path:
    """The path of the file that is written, whole or not at all; `model` is the model's name.

    A .json file has the figures of every depth, and every sentence with its words and tokens. A
    .csv file is the table of `to_pandas`, of sentences at that `level`. Raises ValueError for
    another suffix, and as `to_pandas`.
    """
    require_score_file(path)
    if path.suffix.lower() == ".csv":
        frame = (
            scores.to_pandas() if isinstance(scores, PairScores) else scores.to_pandas(level, unit)
        )
        content = frame.to_csv(index=False)
    else:
        content = json.dumps(score_record(scores, model, unit), indent=1, allow_nan=False) + "\n"
    with writing(path) as file:
        file.write(content)
    return path


def score_record(
    scores: SentenceScores | PairScores, model: str, unit: ScoreUnit = "nats"
) -> dict[str, Any]:
    """The scores as JSON: lists by depth are from the embeddings to the last block; NaN is null."""
    nats = nats_in(unit)
    if isinstance(scores, PairScores):
        return plain(_pair_record(scores, model, unit, nats))
    depths = zip(scores.mean_log_likelihood(unit), scores.token_surprisal(unit), strict=True)
    return plain(
        {
            "model": model,
            "kind": scores.kind,
            "unit": unit,
            "depths": [
                {
                    "log_likelihood": likelihood,
                    "token_surprisal": surprisal,
                    "perplexity": perplexity(surprisal, unit),
                }
                for likelihood, surprisal in depths
            ],
            "sentences": [_sentence(sentence, nats) for sentence in scores.sentences],
        }
    )


def perplexity(surprisal: Estimate, unit: ScoreUnit) -> float:
    """The exponential of a mean surprisal; infinite where that is too large.

    >>> round(perplexity(Estimate(3.0, 0.1, 9), "bits"), 9)
    8.0
    """
    nats = surprisal.value * nats_in(unit)
    return math.exp(nats) if nats < 700 else math.inf


def _sentence(sentence: SentenceScore, nats: float) -> dict[str, Any]:
    record: dict[str, Any] = {
        "text": sentence.text,
        "num_unknown": sentence.num_unknown,
        "log_likelihood": (sentence.log_likelihood_D / nats).tolist(),
        "tokens": _surprisals("token", sentence.tokens, sentence.log_probabilities_DT / nats),
    }
    if sentence.words is not None:
        by_word_DW = sentence.word_log_likelihoods_DW / nats
        record["words"] = _surprisals("word", sentence.words, by_word_DW)
    return record


def _surprisals(name: str, names: tuple[str, ...], values_DX: Any) -> list[dict[str, Any]]:
    return [
        {name: each, "surprisal": column_D}
        for each, column_D in zip(names, (-values_DX.T).tolist(), strict=True)
    ]


def _pair_record(scores: PairScores, model: str, unit: str, nats: float) -> dict[str, Any]:
    good_DP, bad_DP = scores.good.log_likelihood_DS / nats, scores.bad.log_likelihood_DS / nats
    sides = zip(scores.good.sentences, scores.bad.sentences, strict=True)
    return {
        "model": model,
        "kind": scores.good.kind,
        "unit": unit,
        "overall": scores.overall(),
        "paradigms": scores.accuracy(),
        "pairs": [
            {
                "paradigm": paradigm,
                "good": {"text": good.text, "log_likelihood": good_DP[:, number].tolist()},
                "bad": {"text": bad.text, "log_likelihood": bad_DP[:, number].tolist()},
            }
            for number, (paradigm, (good, bad)) in enumerate(
                zip(scores.paradigms, sides, strict=True)
            )
        ],
    }
