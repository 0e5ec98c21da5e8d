"""What replacing tokens does to a classifier's labels, and what the replacements are.

The paper's argument (arXiv 2509.03407) needs both: that most replacements are strong matches, and
that labels survive them better than they survive random tokens. Figures and controls are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.sparse import csr_array

from hf_apt.stats.clusters import strong_matches
from hf_apt.stats.confidence import confidences
from hf_apt.stats.confusion import Confusion
from hf_apt.stats.estimates import Estimate, mean_estimate
from hf_apt.stats.substitution import FlatInputs, random_replacements
from hf_apt.stats.substitution_config import SubstitutionConfig


@dataclass(frozen=True)
class Replacements:
    """What stands in place of tokens: shares of `num` that add up to 1."""

    num: int
    """Number of positions."""

    identical: float
    """Share of positions that hold the original token."""

    strong_match: float
    """Share of positions that hold a strong match of the original token."""

    other: float
    """Share of positions with another token, no match, whose original the row filter keeps."""

    not_kept: float
    """Share of positions with another token, whose original the row filter drops, so that it has no
    strong matches."""


def replacements(
    ids_Q: Integer[np.ndarray, " q"],
    shown_Q: Integer[np.ndarray, " q"],
    strong_matches: csr_array,
    kept_V: Bool[np.ndarray, " vocab"],
) -> Replacements:
    """How `shown_Q` relates to the true `ids_Q`; NaN over nothing.

    `strong_matches` is what `hf_apt.stats.clusters.strong_matches` returns, `kept_V` that of
    `Confusion`.
    """
    num = len(ids_Q)
    if num == 0:
        return Replacements(0, *[float("nan")] * 4)
    rows, columns = strong_matches.nonzero()
    vocab_size = len(kept_V)
    strong_Q = np.isin(
        ids_Q.astype(np.int64) * vocab_size + shown_Q,
        rows.astype(np.int64) * vocab_size + columns,
    )
    wrong_Q, kept_Q = shown_Q != ids_Q, kept_V[ids_Q]
    return Replacements(
        num,
        identical=float((~wrong_Q).mean()),
        strong_match=float(strong_Q.mean()),  # no token is a strong match of itself
        other=float((wrong_Q & kept_Q & ~strong_Q).mean()),
        not_kept=float((wrong_Q & ~kept_Q).mean()),
    )


@dataclass(frozen=True)
class Effects:
    """What replacement did to each input, mean over draws."""

    changed_label_I: Float[np.ndarray, " inputs"]
    """Share of draws that gave another label."""

    accuracy_I: Float[np.ndarray, " inputs"]
    """Accuracy after replacement less accuracy before, in [-1, 1]."""

    confidence_I: Float[np.ndarray, " inputs"]
    """Largest softmax probability after replacement less that before, in [-1, 1]."""

    def __sub__(self, other: Effects) -> Effects:
        return Effects(
            self.changed_label_I - other.changed_label_I,
            self.accuracy_I - other.accuracy_I,
            self.confidence_I - other.confidence_I,
        )

    def means(self) -> dict[str, Estimate]:
        """`changed_labels`, `accuracy_change`, `confidence_change`: means over inputs."""
        return {
            "changed_labels": mean_estimate(self.changed_label_I),
            "accuracy_change": mean_estimate(self.accuracy_I),
            "confidence_change": mean_estimate(self.confidence_I),
        }


def effects(
    before_IC: Float[np.ndarray, "inputs classes"],
    after_RIC: Float[np.ndarray, "draws inputs classes"],
    labels_I: Integer[np.ndarray, " inputs"],
) -> Effects:
    """What replacement did, from the logits before it and those after each draw."""
    before_label_I, after_label_RI = before_IC.argmax(axis=-1), after_RIC.argmax(axis=-1)
    before_right_I, after_right_RI = before_label_I == labels_I, after_label_RI == labels_I
    return Effects(
        (after_label_RI != before_label_I).mean(axis=0),
        (after_right_RI.astype(float) - before_right_I).mean(axis=0),
        (confidences(after_RIC) - confidences(before_IC)).mean(axis=0),
    )


@dataclass(frozen=True)
class SubstitutionTest:
    """The substitution test of one classifier on one set of inputs."""

    inputs: FlatInputs
    """Inputs that are classified."""

    labels_I: Integer[np.ndarray, " inputs"]
    """True label of each input."""

    logits_of: Callable[[np.ndarray], np.ndarray]
    """The classifier: from the ids (P,) of all inputs to logits (I, C)."""

    before_IC: Float[np.ndarray, "inputs classes"]
    """Its logits of the inputs as they are: the very ones that `logits_of` would give."""

    table: Confusion
    """What the masked language model confuses with what after its last block."""

    weights: Mapping[str, Integer[np.ndarray, " vocab"]]
    """The weights by which each control draws a random token, by the control's name."""

    config: SubstitutionConfig
    """Threshold, number of draws and seed."""

    def figures(
        self,
        group_P: Integer[np.ndarray, " positions"],
        predicted_P: Integer[np.ndarray, " positions"],
    ) -> dict[str, Any]:
        """What becomes of the labels when tokens are replaced by `predicted_P`.

        - `before`: `accuracy` and `confidence`, means over inputs.
        - `doses`: `all`, every position that has a group, and `one_group`, those of group 0. Each
          has `prediction` and the controls, which replace as many tokens at the same positions: the
          means of `Effects`; `replaced`, the `Replacements` (of a control, over all draws); and for
          a control `less_prediction`, its effects less those of the prediction, paired by input.
        """
        before_IC = self.before_IC
        right_I = before_IC.argmax(axis=1) == self.labels_I
        return {
            "before": {
                "accuracy": mean_estimate(right_I.astype(float)),
                "confidence": mean_estimate(confidences(before_IC)),
            },
            "doses": {
                "all": self._dose(before_IC, group_P >= 0, predicted_P),
                "one_group": self._dose(before_IC, group_P == 0, predicted_P),
            },
        }

    def _dose(
        self, before_IC: np.ndarray, asked_P: np.ndarray, predicted_P: np.ndarray
    ) -> dict[str, Any]:
        true_P = self.inputs.ids_P
        shown_P = np.where(asked_P, predicted_P, true_P)
        prediction, replaced = self._of([shown_P], before_IC, asked_P)
        dose = {"prediction": prediction.means() | {"replaced": replaced}}
        seeds = range(self.config.seed, self.config.seed + self.config.num_draws)
        for name, weights_V in self.weights.items():
            draws = [
                random_replacements(true_P, shown_P != true_P, weights_V, seed) for seed in seeds
            ]
            control, replaced = self._of(draws, before_IC, asked_P)
            less = (control - prediction).means()
            dose[name] = control.means() | {"replaced": replaced, "less_prediction": less}
        return dose

    def _of(
        self, draws: Sequence[np.ndarray], before_IC: np.ndarray, asked_P: np.ndarray
    ) -> tuple[Effects, Replacements]:
        after_RIC = np.stack([self.logits_of(ids_P) for ids_P in draws])
        matches = strong_matches(self.table, self.config.strong_match_threshold)
        replaced = replacements(
            np.tile(self.inputs.ids_P[asked_P], len(draws)),
            np.concatenate([ids_P[asked_P] for ids_P in draws]),
            matches,
            self.table.kept_V,
        )
        return effects(before_IC, after_RIC, self.labels_I), replaced
