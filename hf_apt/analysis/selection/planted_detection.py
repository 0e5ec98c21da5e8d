"""Detection in the planted language, beside the best that any detector can do.

One word of each document is masked, and the generator writes a sample in its place. Given the other
words, which are true, the original and the sample know nothing of each other, so that a sample y is
the original with the probability p(y | the other words), whatever the generator. A detector that is
told which word was masked is right most often where it calls y replaced if that is less than 1/2:
no other is right more often. Source: ours.
"""
# B documents, T sequence position, V words.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from hf_apt.analysis.selection.selection_counts import told_at_depths
from hf_apt.data.masking import sampling_keys
from hf_apt.data.planted.posteriors import exact_posteriors
from hf_apt.data.tokenizer import SPECIAL_TOKENS
from hf_apt.data.tokens import Tokens
from hf_apt.stats.counts import NOT_ASKED

if TYPE_CHECKING:
    from hf_apt.data.planted.language import PlantedLanguage
    from hf_apt.models.selection import SelectionForPreTraining

_BATCH = 64


@dataclass(frozen=True)
class PlantedDetection:
    """Which samples a discriminator and the best detector tell, one a document."""

    is_replaced_B: Bool[np.ndarray, " documents"]
    """Whether the sample is another word than the original."""

    is_right_DB: Bool[np.ndarray, "depth documents"]
    """Whether the discriminator says so, by depth."""

    is_best_right_B: Bool[np.ndarray, " documents"]
    """Whether the best detector does."""

    best_B: Float[np.ndarray, " documents"]
    """Its probability of being right: the mean is the ceiling of every detector's accuracy."""


@torch.no_grad()
def planted_detection(
    model: SelectionForPreTraining,
    tokens: Tokens,
    language: PlantedLanguage,
    *,
    num_documents: int,
    seed: int = 0,
) -> PlantedDetection:
    """Detection of one sample in each of the first documents, at every depth.

    Args:
        model: a generator with a discriminator that has the head `replaced_tokens`.
        tokens: documents of the language, one in a sequence between [CLS] and [SEP].
        language: the language.
        num_documents: how many of them, at most those that there are.
        seed: of the places and the samples.

    Returns:
        What is told of each.
    """
    num = min(num_documents, len(tokens))
    parts = [
        _told(model, tokens, language, np.arange(start, min(start + _BATCH, num)), seed)
        for start in range(0, num, _BATCH)
    ]
    replaced, right, best = (
        np.concatenate([part[number] for part in parts], axis=-1) for number in range(3)
    )
    return PlantedDetection(replaced, right, (best < 0.5) == replaced, np.maximum(best, 1 - best))


def _told(
    model: SelectionForPreTraining,
    tokens: Tokens,
    language: PlantedLanguage,
    indices_B: Int[np.ndarray, " documents"],
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether replaced, whether told at each depth, and the probability of being the original."""
    text_BT = tokens.padded(indices_B).astype(np.int64)
    num, length = text_BT.shape
    keys_BT = sampling_keys(seed, indices_B, length)
    # Of another epoch: the places know nothing of the samples.
    places_BT = sampling_keys(seed, indices_B, length, epoch=1)
    places_B = 1 + places_BT[:, 1:-1].argmax(axis=1)
    at = np.arange(num), places_B
    labels_BT = np.full_like(text_BT, NOT_ASKED)
    labels_BT[at] = text_BT[at]
    masked_BT, mask_id = text_BT.copy(), tokens.description.mask_id
    assert mask_id is not None  # the planted language's tokenizer has one
    masked_BT[at] = mask_id
    batch = {
        "input_ids": torch.from_numpy(masked_BT).to(model.device),
        "labels": torch.from_numpy(labels_BT).to(model.device),
        "sampling_keys": torch.from_numpy(keys_BT).to(model.device),
    }
    output = model(**batch)
    is_called_DBT = told_at_depths(model, batch, output)["replaced_tokens"].cpu().numpy()
    shown_B = output.shown_ids.cpu().numpy()[at]
    is_replaced_B = shown_B != text_BT[at]
    first = len(SPECIAL_TOKENS)
    asked_BT = (labels_BT != NOT_ASKED)[:, 1:-1]
    posteriors_BV = exact_posteriors(language, text_BT[:, 1:-1] - first, asked_BT)
    words_B = shown_B - first  # a special token is no word, and never the original
    is_word_B = (words_B >= 0) & (words_B < language.num_words)
    original_B = np.where(
        is_word_B,
        posteriors_BV[np.arange(num), words_B.clip(0, language.num_words - 1)],
        0.0,
    )
    return is_replaced_B, is_called_DBT[:, at[0], at[1]] == is_replaced_B, original_B
