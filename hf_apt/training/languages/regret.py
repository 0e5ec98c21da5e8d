"""How much worse a model answers in a language than the exact best predictor that knows it."""
# B documents, T positions of a sequence, N asked positions, V token ids, W words.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.masking import MaskedBatch, Masking, mask
from hf_apt.data.planted import PlantedLanguage, masked_posteriors, sample_documents
from hf_apt.data.tokenizer import SPECIAL_TOKENS

FIRST = len(SPECIAL_TOKENS)
"""Token id of word 0; word w has the id w + 5."""

CLS, SEP, MASK = (SPECIAL_TOKENS.index(token) for token in ("[CLS]", "[SEP]", "[MASK]"))

Answers = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Token ids (B, T) and asked positions (B, T) to log-probabilities (N, V) of all token ids."""


@dataclass(frozen=True, kw_only=True)
class AskedTexts:
    """Documents of any language, and their masks: the same random numbers for all languages."""

    num_documents: int = 64
    """Number of documents."""

    num_words: int = 48
    """Number of words of a document."""

    masking_rate: float = 0.15
    """Share of the positions that is asked."""

    seed: int = 0
    """Seeds documents and masks."""

    start: int = 0
    """Number of the first document."""

    def read(self, language: PlantedLanguage) -> tuple[MaskedBatch, Masking]:
        """The masked documents, [CLS] and [SEP] about each, and the law of their masks."""
        numbers = (self.num_documents, self.num_words, self.seed, self.start)
        words_BT = sample_documents(language, *numbers).words
        ids_BT = np.pad(words_BT + FIRST, ((0, 0), (1, 1)), constant_values=((0, 0), (CLS, SEP)))
        law = Masking(
            vocab_size=FIRST + language.num_words,
            mask_id=MASK,
            special_ids=tuple(range(FIRST)),
            seed=self.seed,
            rate=self.masking_rate,
        )
        return mask(ids_BT, np.arange(self.start, self.start + self.num_documents), law), law


@dataclass(frozen=True)
class Regret:
    """Means over the asked positions of some documents."""

    nats: float
    """KL divergence of the model's answer from the exact distribution, in nats; 0 or more."""

    accuracy: float
    """Expected accuracy of the model's first answer, in [0, 1]."""

    ceiling: float
    """Expected accuracy of the best answer: no model has more."""

    num_asked: int
    """Number of positions."""

    @property
    def accuracy_lost(self) -> float:
        """What the model's accuracy lacks of the ceiling; 0 or more."""
        return self.ceiling - self.accuracy


def regret(answers: Answers, language: PlantedLanguage, texts: AskedTexts) -> Regret:
    """The regret of answers to masked documents of a language. Source: ours.

    All figures are expectations over the true words given what is shown, so that they vary with
    the documents alone, and are 0 for the exact predictor at every single position.

    Args:
        answers: the model.
        language: the language, which the exact predictor knows.
        texts: the documents and masks.

    Returns:
        The mean regret over all asked positions.
    """
    batch, law = texts.read(language)
    exact_NW = exact_words(language, batch, law)
    logs_NV = answers(batch.input_ids_BT, batch.modified_BT)
    logs_NW = logs_NV[:, FIRST:].astype(np.float64)
    log_exact_NW = np.log(exact_NW, out=np.zeros_like(exact_NW), where=exact_NW > 0)
    terms_NW = np.where(exact_NW > 0, exact_NW * (log_exact_NW - logs_NW), 0.0)
    best_N = logs_NW.argmax(axis=1)
    return Regret(
        nats=float(terms_NW.sum(axis=1).mean()),
        accuracy=float(np.take_along_axis(exact_NW, best_N[:, None], axis=1).mean()),
        ceiling=float(exact_NW.max(axis=1).mean()),
        num_asked=len(exact_NW),
    )


def exact_words(
    language: PlantedLanguage, batch: MaskedBatch, law: Masking
) -> Float[np.ndarray, "asked words"]:
    """(N, W) the exact distributions of the asked words of a batch of `AskedTexts`."""
    words = slice(1, -1)
    posteriors_NW, _ = masked_posteriors(
        language,
        batch.input_ids_BT[:, words],
        batch.modified_BT[:, words],
        mask_id=law.mask_id,
        vocab_size=law.vocab_size,
        word_ids=np.arange(FIRST, law.vocab_size),
        masking_rate=law.rate,
        masked_share=law.masked_share,
        replaced_share=law.replaced_share,
    )
    return posteriors_NW


def model_answers(model: Any) -> Answers:
    """The answers of a masked language model over all token ids, special ones included."""
    import torch

    def answers(
        ids_BT: Int[np.ndarray, "documents seq"], asked_BT: Bool[np.ndarray, "documents seq"]
    ) -> Float[np.ndarray, "asked ids"]:
        was_training = model.training
        model.eval()
        device = next(model.parameters()).device
        with torch.no_grad():
            logits_BTV = model(input_ids=torch.as_tensor(ids_BT, device=device).long()).logits
            asked = torch.as_tensor(asked_BT, device=device)
            logs_NV = logits_BTV[asked].float().log_softmax(dim=1).cpu().numpy()
        model.train(was_training)
        return logs_NV

    return answers
