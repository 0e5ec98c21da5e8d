"""What can be said of an encoder without a head, which answers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from figures import pair
from transformers import PreTrainedModel

from hf_apt.stats.similarity.cka_error import linear_cka_estimate
from hf_apt.stats.token_rows.never_trained import named_unused


@torch.no_grad()
def of_states(model: PreTrainedModel, tokenizer: Any, texts: Sequence[str]) -> dict[str, Any]:
    """What can be said of a model without a head: its rows, and how alike its depths are."""
    special = torch.tensor(tokenizer.all_special_ids)
    states: list[list[np.ndarray]] = []
    documents: list[int] = []
    frequency_V = np.zeros(model.config.vocab_size, np.int64)
    for number, text in enumerate(texts):
        batch = tokenizer(text, truncation=True, max_length=128, return_tensors="pt")
        is_word_T = ~torch.isin(batch["input_ids"][0], special)
        of_text = model(**batch, output_hidden_states=True).hidden_states
        states.append([depth[0, is_word_T].numpy() for depth in of_text])
        documents += [number] * int(is_word_T.sum())
        frequency_V += np.bincount(batch["input_ids"][0], minlength=len(frequency_V))
    by_depth = [np.concatenate(of_depth) for of_depth in zip(*states, strict=True)]
    embeddings: Any = model.get_input_embeddings()
    norms_V = embeddings.weight.norm(dim=1).numpy()
    vocabulary = tokenizer.convert_ids_to_tokens(range(len(frequency_V)))
    unused_V = named_unused(vocabulary)
    groups = {"unused": unused_V, "in_the_text": frequency_V > 0}
    return {
        "num_states": len(documents),
        "cka_with_last": [
            pair(linear_cka_estimate(each, by_depth[-1], documents)) for each in by_depth
        ],
        "cka_with_before": [
            pair(linear_cka_estimate(each, before, documents))
            for before, each in zip(by_depth, by_depth[1:], strict=False)
        ],
        "norms": {name: _quartiles(norms_V[group_V]) for name, group_V in groups.items()},
    }


def _quartiles(norms_X: np.ndarray) -> dict[str, Any]:
    quartiles = np.quantile(norms_X, (0.25, 0.5, 0.75)) if len(norms_X) else np.full(3, np.nan)
    return {"num": len(norms_X), "quartiles": [round(float(each), 3) for each in quartiles]}
