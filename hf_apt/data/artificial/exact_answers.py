"""The exact best answers at masked positions of artificial documents, and the exact loss floor."""
# B documents, T positions, N asked positions, V words.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.evidence import asked_evidence, evidence_of
from hf_apt.data.masking import Masking


@dataclass(frozen=True, eq=False)
class ExactAnswers:
    """The exact distributions of masked words, in row-major order of the asked positions."""

    probabilities_NV: Float[np.ndarray, "asked words"]
    """(N, V) probability of each word given everything that is shown."""

    @property
    def best_N(self) -> Int[np.ndarray, " asked"]:
        """(N,) the most probable word, the lowest number among equals."""
        return self.probabilities_NV.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """Expected share of right best answers, in [0, 1]: no predictor has more."""
        return float(self.probabilities_NV.max(axis=1).mean())

    @property
    def loss(self) -> float:
        """Expected -log p(true word) in nats: no predictor has less."""
        probs_NV = self.probabilities_NV
        logs_NV = np.log(probs_NV, out=np.zeros_like(probs_NV), where=probs_NV > 0)
        return float(-(probs_NV * logs_NV).sum(axis=1).mean())


def exact_answers(
    language: ArtificialLanguage,
    shown_BT: Int[np.ndarray, "documents seq"],
    asked_BT: Bool[np.ndarray, "documents seq"],
    masking: Masking,
) -> ExactAnswers:
    """The exact answers to corrupted documents.

    The reader knows the language and the law of corruption, and that an asked position was
    modified, but not which others were: what a masked language model is told.

    Args:
        language: the language of the documents.
        shown_BT: the word shown at each position, -1 for a mask or a token that is no word.
        asked_BT: the positions that are asked.
        masking: the law of corruption.

    Raises:
        NotImplementedError: where the language has no exact answer.
    """
    prior_NV = language.posteriors(evidence_of(shown_BT, masking), asked_BT)
    probs_NV = prior_NV * asked_evidence(shown_BT[asked_BT], language.num_words, masking)
    return ExactAnswers(probs_NV / probs_NV.sum(axis=1, keepdims=True))
