"""What is kept of a measurement: small, plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from blosum import RESIDUES, blosum_agreement, similar_answers
from transformers import PreTrainedModel

from hf_apt import masked_accuracy, mean_apt
from hf_apt.models.token_rows import token_rows
from hf_apt.stats.apt import ASKED_OFTEN, never_right
from hf_apt.stats.clusters import Definition, token_clusters
from hf_apt.stats.confusion import confusion
from hf_apt.stats.counts.depth_counts import DepthCounts
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.token_rows.never_trained import named_unused
from hf_apt.stats.token_rows.row_figures import row_figures
from hf_apt.stats.token_rows.token_rows import TokenRows

CLUSTERS: tuple[tuple[Definition, float], ...] = (
    ("mutual", 0.05),
    ("mutual", 0.1),
    ("errors", 0.2),
)
"""Definitions and thresholds of the clusters that are kept."""

NUM_ANSWERS = 3
"""How many answers are kept of each token."""


def of_counts(
    counts: DepthCounts, model: PreTrainedModel, vocabulary: Sequence[str], frequency_V: np.ndarray
) -> dict[str, Any]:
    """Accuracy per token, clusters and rows of a model that answers; residues against BLOSUM62."""
    support_V, hits_DV = counts.support(), counts.hits()
    depths = [_depth(counts, depth, vocabulary) for depth in range(counts.num_depths)]
    never = never_right(hits_DV[-1], support_V)
    return {
        "num_asked": int(support_V.sum()),
        "num_tokens": int((support_V > 0).sum()),
        "depths": depths,
        "clusters": {
            f"{definition} {threshold}": [
                [
                    [vocabulary[token] for token in members]
                    for members in token_clusters(
                        confusion(counts.at(depth)), threshold, definition
                    ).members
                ]
                for depth in range(counts.num_depths)
            ]
            for definition, threshold in CLUSTERS
        },
        "never_right": {vocabulary[token]: int(support_V[token]) for token in never},
        "rows": _rows(model, vocabulary, counts, frequency_V),
    }


def _depth(counts: DepthCounts, depth: int, vocabulary: Sequence[str]) -> dict[str, Any]:
    hits_V, support_V = counts.hits()[depth], counts.support()
    masked_V, at_mask_V = counts.at(depth, "masked").hits(), counts.support("masked")
    figures: dict[str, Any] = {
        "mean_apt": pair(mean_apt(hits_V, support_V)),
        "mean_apt_at_mask": pair(mean_apt(masked_V, at_mask_V)),
        "accuracy": pair(masked_accuracy(hits_V, support_V)),
    }
    ids = {token: index for index, token in enumerate(vocabulary)}
    if ids.keys() >= set(RESIDUES):
        of_residues = [ids[letter] for letter in RESIDUES]
        errors_RR = counts.at(depth).matrix()[of_residues][:, of_residues].toarray()
        np.fill_diagonal(errors_RR, 0)
        rho, chance = blosum_agreement(errors_RR)
        figures["blosum"] = {
            "rho": None if np.isnan(rho) else round(rho, 4),
            "p": round(chance, 5),
            "num_errors": int(errors_RR.sum()),
            "num_similar": similar_answers(errors_RR),
        }
    return figures


def _rows(
    model: PreTrainedModel,
    vocabulary: Sequence[str],
    counts: DepthCounts,
    frequency_V: np.ndarray,
) -> dict[str, Any] | None:
    """Embedding norms, output biases and answers of tokens asked often, of [UNK], of unused ids."""
    rows = token_rows(model)
    if rows is None or not named_unused(vocabulary).any():
        return None
    hits_V, support_V = counts.hits()[-1], counts.support()
    answers_VV = counts.at(counts.num_depths - 1).matrix()
    shown = np.flatnonzero(support_V >= ASKED_OFTEN).tolist()
    shown += [index for index, token in enumerate(vocabulary) if token == "[UNK]"]
    compared = row_figures(rows, hits_V, support_V, vocabulary=vocabulary, frequency_V=frequency_V)
    return {
        "tokens": {
            vocabulary[token]: {
                "asked": int(support_V[token]),
                "right": int(hits_V[token]),
                "answers": _commonest(answers_VV[[token]].tocoo(), vocabulary),
                **_row(rows, token),
            }
            for token in shown
        },
        **{key: compared[key] for key in ("unused", "right", "is_reliable", "num_untrained")},
    }


def _row(rows: TokenRows, token: int) -> dict[str, float | None]:
    bias = None if rows.biases_V is None else round(float(rows.biases_V[token]), 3)
    return {"norm": round(float(rows.norms_V[token]), 3), "bias": bias}


def _commonest(answers: Any, vocabulary: Sequence[str]) -> dict[str, int]:
    """The commonest answers at a token's positions, and how often each was given."""
    in_order = sorted(zip((-answers.data).tolist(), answers.col.tolist(), strict=True))
    return {vocabulary[answer]: -number for number, answer in in_order[:NUM_ANSWERS]}


def pair(estimate: Estimate) -> list[float]:
    """A value and its standard error, rounded to what a table shows and two places more."""
    return [round(estimate.value, 5), round(estimate.standard_error, 5)]
