"""What the substitution test asks: a masked language model for tokens, a classifier for labels."""

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

    def answer(shown_P: np.ndarray, asked_P: np.ndarray) -> np.ndarray:
        answers_P = np.zeros(len(asked_P), np.int64)
        for _, place_Q, batch in _batches(inputs, shown_P, tokenizer, batch_size, "Predicting"):
            asked_Q = asked_P[place_Q]
            present_BT = batch["attention_mask"].bool()
            asked_BT = torch.zeros_like(present_BT)
            asked_BT[present_BT] = torch.from_numpy(asked_Q)
            hidden_DNH = trunk.at(_moved(batch, model), asked_BT.to(model.device))
            answers_P[place_Q[asked_Q]] = head(hidden_DNH[-1:])[0].cpu().numpy()
        return answers_P[asked_P]

    return answer


def classifier(
    encoder: Encoder, inputs: FlatInputs, batch_size: int
) -> Callable[[Integer[np.ndarray, " positions"]], Float[np.ndarray, "inputs classes"]]:
    """A function from the ids (P,) of all inputs to their logits (I, C), float32, by `encoder`.

    Batches are the same whatever the ids: an input that did not change gets the very same logits.
    """
    model = to_device(encoder.model)

    @torch.no_grad()
    def logits_of(ids_P: np.ndarray) -> np.ndarray:
        logits, numbers = [], []
        batches = _batches(inputs, ids_P, encoder.tokenizer, batch_size, "Classifying again")
        for input_B, _, batch in batches:
            logits.append(model(**_moved(batch, model)).logits.cpu().numpy())
            numbers.append(input_B)
        return np.concatenate(logits)[np.argsort(np.concatenate(numbers))]

    return logits_of


def logits_before(
    encoder: Encoder,
    inputs: FlatInputs,
    batch_size: int,
    read_IC: Float[np.ndarray, "inputs classes"],
) -> Float[np.ndarray, "inputs classes"]:
    """The logits (I, C) of the inputs as they are: `read_IC`, where those are the very same.

    `read_IC` are what the classifier gave before, maybe in other batches or by other arithmetic.
    The first batch is read again: if a bit differs, all are, as an input that does not change must
    get the very same logits.
    """
    model = to_device(encoder.model)
    batches = _batches(inputs, inputs.ids_P, encoder.tokenizer, batch_size, "Classifying again")
    for input_B, _, batch in batches:
        with torch.no_grad():
            logits_BC = model(**_moved(batch, model)).logits.cpu().numpy()
        if np.array_equal(logits_BC, read_IC[input_B]):
            return read_IC
        break
    return classifier(encoder, inputs, batch_size)(inputs.ids_P)


def _batches(
    inputs: FlatInputs, ids_P: np.ndarray, tokenizer: Any, batch_size: int, label: str
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, Tensor]]]:
    """The inputs of each batch, the indices of their tokens in `ids_P`, and what a model reads."""
    from tqdm.auto import tqdm

    rows, indices = inputs.rows(ids_P), inputs.rows(np.arange(len(ids_P)))
    # Longest first: the texts of a batch are about equally long.
    order = np.argsort(-inputs.lengths_I, kind="stable")
    for start in tqdm(range(0, len(order), batch_size), desc=label, unit=" batches", leave=False):
        input_B = order[start : start + batch_size]
        ids = {"input_ids": [rows[number].tolist() for number in input_B]}
        padded = tokenizer.pad(ids, return_tensors="pt")
        batch = {name: padded[name] for name in ("input_ids", "attention_mask")}
        yield input_B, np.concatenate([indices[number] for number in input_B]), batch


def _moved(batch: dict[str, Tensor], model: PreTrainedModel) -> dict[str, Tensor]:
    return {name: values.to(model.device) for name, values in batch.items()}
