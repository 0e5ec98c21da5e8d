"""What the substitution test asks: a masked language model for tokens, a classifier for labels."""
# B batch, T sequence position, D depths, H hidden width, N inputs, C classes, K tokens of all
# inputs, M those of a batch.

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor

from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import to_device
from hf_apt.models.encoders import Encoder
from hf_apt.stats.substitution import Answer, FlatInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def own_answer(
    model: PreTrainedModel, tokenizer: Any, inputs: FlatInputs, batch_size: int
) -> Answer:
    """What `model` answers after its last block; each question takes one pass over all inputs."""
    trunk = Trunk(to_device(model))
    head = OwnHead(trunk)

    def answer(shown_K: np.ndarray, asked_K: np.ndarray) -> np.ndarray:
        answers_K = np.zeros(len(asked_K), np.int64)
        for _, place_M, batch in _batches(inputs, shown_K, tokenizer, batch_size, "Predicting"):
            asked_M = asked_K[place_M]
            present_BT = batch["attention_mask"].bool()
            asked_BT = torch.zeros_like(present_BT)
            asked_BT[present_BT] = torch.from_numpy(asked_M)
            hidden_DNH = trunk.at(_moved(batch, model), asked_BT.to(model.device))
            answers_K[place_M[asked_M]] = head(hidden_DNH[-1:])[0].cpu().numpy()
        return answers_K[asked_K]

    return answer


def classifier(
    encoder: Encoder, inputs: FlatInputs, batch_size: int
) -> Callable[[Integer[np.ndarray, " k"]], Float[np.ndarray, "n classes"]]:
    """From the ids (K,) of all inputs to the logits (N, C), float32, that `encoder` gives them.

    Batches are the same whatever the ids: an input that did not change gets the very same logits.
    """
    model = to_device(encoder.model)

    @torch.no_grad()
    def logits_of(ids_K: np.ndarray) -> np.ndarray:
        found, numbers = [], []
        batches = _batches(inputs, ids_K, encoder.tokenizer, batch_size, "Classifying again")
        for input_B, _, batch in batches:
            found.append(model(**_moved(batch, model)).logits.cpu().numpy())
            numbers.append(input_B)
        return np.concatenate(found)[np.argsort(np.concatenate(numbers))]

    return logits_of


def _batches(
    inputs: FlatInputs, ids_K: np.ndarray, tokenizer: Any, batch_size: int, label: str
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, Tensor]]]:
    """The inputs of each batch, the places of their tokens in `ids_K`, and what a model reads."""
    from tqdm.auto import tqdm

    rows, places = inputs.rows(ids_K), inputs.rows(np.arange(len(ids_K)))
    # Longest first: the texts of a batch are about equally long.
    order = np.argsort(-inputs.lengths_N, kind="stable")
    for start in tqdm(range(0, len(order), batch_size), desc=label, unit=" batches", leave=False):
        input_B = order[start : start + batch_size]
        ids = {"input_ids": [rows[number].tolist() for number in input_B]}
        padded = tokenizer.pad(ids, return_tensors="pt")
        batch = {name: padded[name] for name in ("input_ids", "attention_mask")}
        yield input_B, np.concatenate([places[number] for number in input_B]), batch


def _moved(batch: dict[str, Tensor], model: PreTrainedModel) -> dict[str, Tensor]:
    return {name: values.to(model.device) for name, values in batch.items()}
