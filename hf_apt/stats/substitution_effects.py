"""What replacing tokens does to a classifier's labels, and what the replacements are.

The paper's argument (arXiv 2509.03407) needs both: that most replacements are strong matches, and
that labels survive them better than they survive random tokens. Figures and controls are ours.
"""
# K tokens of all inputs, one input after the other; M replaced ones; N inputs, C classes, S draws,
# V vocabulary.

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


@dataclass(frozen=True, kw_only=True)
class SubstitutionConfig:
    """How tokens are replaced."""

    num_groups: int = 7
    """Groups of positions masked together: a seventh is about the 15 % of pre-training."""

    strong_match_threshold: float = 0.1
    """Of `hf_apt.stats.clusters.strong_matches`; the paper's is not known to us."""

    num_draws: int = 3
    """Random replacements that each control is the mean of."""

    seed: int = 2509
    """Of groups and random replacements."""


@dataclass(frozen=True)
class Replacements:
    """What stands in the place of tokens; shares of `num` that add up to 1."""

    num: int
    """Places."""

    identical: float
    """Share that holds the token itself."""

    strong_match: float
    """Share that holds a strong match of it."""

    other: float
    """Share that holds none of these, of an original that the row filter keeps."""

    not_kept: float
    """Share that holds another token than the original, which the row filter drops, so that it has
    no strong matches."""


def replacements(
    ids_M: Integer[np.ndarray, " m"],
    found_M: Integer[np.ndarray, " m"],
    strong_matches: csr_array,
    kept_V: Bool[np.ndarray, " vocab"],
) -> Replacements:
    """What `found_M` is to the true `ids_M`; NaN over nothing.

    `strong_matches` is what `hf_apt.stats.clusters.strong_matches` returns, `kept_V` of
    `Confusion`.
    """
    num = len(ids_M)
    if num == 0:
        return Replacements(0, *[float("nan")] * 4)
    rows, columns = strong_matches.nonzero()
    vocab_size = len(kept_V)
    strong_M = np.isin(
        ids_M.astype(np.int64) * vocab_size + found_M,
        rows.astype(np.int64) * vocab_size + columns,
    )
    wrong_M, kept_M = found_M != ids_M, kept_V[ids_M]
    return Replacements(
        num,
        identical=float((~wrong_M).mean()),
        strong_match=float(strong_M.mean()),  # no token is a strong match of itself
        other=float((wrong_M & kept_M & ~strong_M).mean()),
        not_kept=float((wrong_M & ~kept_M).mean()),
    )


@dataclass(frozen=True)
class Effects:
    """What replacement did to each input, mean over draws."""

    changed_label_N: Float[np.ndarray, " n"]
    """Share of the draws that gave another label."""

    accuracy_N: Float[np.ndarray, " n"]
    """Whether the label is right, less whether it was: in [-1, 1]."""

    confidence_N: Float[np.ndarray, " n"]
    """The largest softmax probability less what it was: in [-1, 1]."""

    def __sub__(self, other: Effects) -> Effects:
        return Effects(
            self.changed_label_N - other.changed_label_N,
            self.accuracy_N - other.accuracy_N,
            self.confidence_N - other.confidence_N,
        )

    def means(self) -> dict[str, Estimate]:
        """`changed_labels`, `accuracy_change`, `confidence_change`: means over inputs."""
        return {
            "changed_labels": mean_estimate(self.changed_label_N),
            "accuracy_change": mean_estimate(self.accuracy_N),
            "confidence_change": mean_estimate(self.confidence_N),
        }


def effects(
    before_NC: Float[np.ndarray, "n classes"],
    after_SNC: Float[np.ndarray, "draws n classes"],
    labels_N: Integer[np.ndarray, " n"],
) -> Effects:
    """What became of the labels `before_NC` gave; all are logits."""
    label_N, label_SN = before_NC.argmax(axis=-1), after_SNC.argmax(axis=-1)
    right_N, right_SN = label_N == labels_N, label_SN == labels_N
    return Effects(
        (label_SN != label_N).mean(axis=0),
        (right_SN.astype(float) - right_N).mean(axis=0),
        (confidences(after_SNC) - confidences(before_NC)).mean(axis=0),
    )


@dataclass(frozen=True)
class SubstitutionTest:
    """The substitution test of one classifier on one set of inputs."""

    inputs: FlatInputs
    """What it classifies."""

    labels_N: Integer[np.ndarray, " n"]
    """Their true labels."""

    logits_of: Callable[[np.ndarray], np.ndarray]
    """The classifier: from the ids (K,) of all inputs to logits (N, C)."""

    table: Confusion
    """What the masked language model confuses with what after its last block."""

    weights: Mapping[str, Integer[np.ndarray, " vocab"]]
    """The controls: in proportion to what a random token is drawn, by name."""

    config: SubstitutionConfig
    """The threshold, the number of draws, the seed."""

    def figures(
        self, group_K: Integer[np.ndarray, " k"], predicted_K: Integer[np.ndarray, " k"]
    ) -> dict[str, Any]:
        """What becomes of the labels when tokens are replaced by `predicted_K`.

        - `before`: `accuracy` and `confidence`, means over inputs.
        - `doses`: `all`, every position that has a group, and `one_group`, those of group 0. Each
          has `prediction` and the controls, which replace as many tokens at the same places: the
          means of `Effects`; `replaced`, the `Replacements` (of a control, over all draws); and for
          a control `less_prediction`, its effects less those of the prediction, paired by input.
        """
        before_NC = self.logits_of(self.inputs.ids_K)
        right_N = before_NC.argmax(axis=1) == self.labels_N
        return {
            "before": {
                "accuracy": mean_estimate(right_N.astype(float)),
                "confidence": mean_estimate(confidences(before_NC)),
            },
            "doses": {
                "all": self._dose(before_NC, group_K >= 0, predicted_K),
                "one_group": self._dose(before_NC, group_K == 0, predicted_K),
            },
        }

    def _dose(
        self, before_NC: np.ndarray, asked_K: np.ndarray, predicted_K: np.ndarray
    ) -> dict[str, Any]:
        true_K = self.inputs.ids_K
        shown_K = np.where(asked_K, predicted_K, true_K)
        prediction, replaced = self._of([shown_K], before_NC, asked_K)
        found = {"prediction": prediction.means() | {"replaced": replaced}}
        seeds = range(self.config.seed, self.config.seed + self.config.num_draws)
        for name, weights_V in self.weights.items():
            draws = [
                random_replacements(true_K, shown_K != true_K, weights_V, seed) for seed in seeds
            ]
            control, replaced = self._of(draws, before_NC, asked_K)
            less = (control - prediction).means()
            found[name] = control.means() | {"replaced": replaced, "less_prediction": less}
        return found

    def _of(
        self, draws: Sequence[np.ndarray], before_NC: np.ndarray, asked_K: np.ndarray
    ) -> tuple[Effects, Replacements]:
        after_SNC = np.stack([self.logits_of(ids_K) for ids_K in draws])
        matches = strong_matches(self.table, self.config.strong_match_threshold)
        replaced = replacements(
            np.tile(self.inputs.ids_K[asked_K], len(draws)),
            np.concatenate([ids_K[asked_K] for ids_K in draws]),
            matches,
            self.table.kept_V,
        )
        return effects(before_NC, after_SNC, self.labels_N), replaced
