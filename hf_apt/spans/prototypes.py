"""Mentions by the nearest prototype: the mean state of each type's words, without training.

As prototypical networks (Snell et al. 2017, arXiv 1703.05175) classify, on the states of the
encoder as it is, at every depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.neighbors import NearestCentroid

from hf_apt.depths.trunk import Trunk
from hf_apt.spans.mentions import Mention, Sentence, mentions_of, tags_of
from hf_apt.spans.token_tags import TagCollator, TokenRows

_BATCH = 32


def prototype_mentions(
    model: Any,
    rows: TokenRows,
    train: Sequence[Sentence],
    sentences: Sequence[Sequence[str]],
    *,
    pad_id: int,
) -> list[list[tuple[Mention, ...]]]:
    """The mentions in `sentences` by prototypes at each depth of an encoder.

    A word has the state of its first token. There is a prototype for each type, whatever the place
    in a mention, and one for words outside; the nearest in the Euclidean distance is taken
    (scikit-learn's NearestCentroid). Neighbouring words of one type are one mention.

    Args:
        model: a model of transformers with a trunk that `hf_apt.depths.trunk` reads.
        rows: makes rows of the sentences.
        train: the sentences to make prototypes of.
        sentences: the words of those to find mentions in.
        pad_id: id of the padding.

    Returns:
        For each depth, the embeddings first, the mentions of each sentence.
    """
    trunk = Trunk(model)
    train_DNH, kept = _states(trunk, rows, [each.words for each in train], pad_id)
    kinds = [
        tag.partition("-")[2] or "O"
        for sentence, num in zip(train, kept, strict=True)
        for tag in tags_of(sentence.mentions, len(sentence.words))[:num]
    ]
    states_DNH, kept = _states(trunk, rows, sentences, pad_id)
    lengths = [len(words) for words in sentences]
    by_depth = []
    for train_NH, states_NH in zip(train_DNH, states_DNH, strict=True):
        nearest = NearestCentroid().fit(train_NH, kinds).predict(states_NH).tolist()
        by_depth.append(list(_mentions(nearest, kept, lengths)))
    return by_depth


def _mentions(kinds: Sequence[str], kept: Sequence[int], lengths: Sequence[int]) -> Any:
    first = 0
    for num, length in zip(kept, lengths, strict=True):
        own = kinds[first : first + num]
        tags = [kind if kind == "O" else f"I-{kind}" for kind in own]
        yield mentions_of([*tags, *["O"] * (length - num)], lenient=True)
        first += num


def _states(
    trunk: Trunk, rows: TokenRows, sentences: Sequence[Sequence[str]], pad_id: int
) -> tuple[Float[np.ndarray, "depths words width"], list[int]]:
    """The state of each word at each depth, and how many words of each sentence have one."""
    collate, parts, kept = TagCollator(pad_id), [], []
    for first in range(0, len(sentences), _BATCH):
        made = [rows.row(words) for words in sentences[first : first + _BATCH]]
        batch = collate([{"input_ids": row.input_ids} for row in made])
        asked_BT = torch.zeros_like(batch["input_ids"], dtype=torch.bool)
        for place, row in enumerate(made):
            asked_BT[place, row.first_positions] = True
        device = trunk.model.device
        inputs = {name: values.to(device) for name, values in batch.items()}
        parts.append(trunk.at(inputs, asked_BT).cpu().numpy())
        kept += [len(row.first_positions) for row in made]
    return np.concatenate(parts, axis=1), kept
