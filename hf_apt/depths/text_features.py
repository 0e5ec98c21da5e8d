"""Texts as vectors at every depth of an encoder, from one forward pass."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from hf_apt.depths.feature_config import POOLINGS, FeatureConfig, Pooling
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import to_device
from hf_apt.models.encoders import Encoder


def pooled(
    states_DBTH: Float[Tensor, "depth batch seq width"],
    present_BT: Bool[Tensor, "batch seq"],
    pooling: Pooling,
) -> Float[Tensor, "depth batch pooled"]:
    """One vector for each text and depth; positions that are not present count for nothing.

    It is H wide, of `flatten` T * H: a text's first token comes first, its padding is zero and
    last.

    >>> states = torch.tensor([[[[-1.0], [-3.0], [7.0]]]])
    >>> present = torch.tensor([[True, True, False]])
    >>> [pooled(states, present, pooling).item() for pooling in ("cls", "mean", "max")]
    [-1.0, -2.0, -1.0]
    >>> pooled(states, present, "flatten").tolist()
    [[[-1.0, -3.0, 0.0]]]
    """
    if pooling == "cls":
        first_B = present_BT.int().argmax(dim=1)
        return states_DBTH[:, torch.arange(len(first_B), device=first_B.device), first_B]
    absent_BT1 = ~present_BT[..., None]
    if pooling == "max":
        return states_DBTH.masked_fill(absent_BT1, -torch.inf).amax(dim=2)
    if pooling == "flatten":
        order_BT = absent_BT1[..., 0].int().argsort(dim=1, stable=True)
        texts_B1 = torch.arange(len(order_BT), device=order_BT.device)[:, None]
        return states_DBTH.masked_fill(absent_BT1, 0)[:, texts_B1, order_BT].flatten(start_dim=2)
    return states_DBTH.masked_fill(absent_BT1, 0).sum(dim=2) / present_BT.sum(dim=1)[:, None]


def features(
    encoder: Encoder,
    texts: Sequence[str],
    config: FeatureConfig,
    folder: Path | None = None,
    *,
    label: str = "Reading texts",
) -> dict[Pooling, Float[np.ndarray, "depth inputs _"]]:
    """The vectors (D, I, W) of all `texts` by pooling, float32, from one pass with a progress bar.

    W is H, for `flatten` `sequence_length` * H. They are memory-mapped files in `folder`, if one is
    given: I texts then take the memory of one batch, and D * I * W * 4 bytes on disk for each
    pooling.

    Raises ValueError for an unknown pooling, where the tokenizer or the length of the texts does
    not fit the model, and where `folder` has too little room.
    """
    from tqdm.auto import tqdm

    unknown = [pooling for pooling in config.poolings if pooling not in POOLINGS]
    if unknown:
        raise ValueError(f"no pooling is called {unknown[0]!r}: choose of {', '.join(POOLINGS)}.")
    trunk = Trunk(to_device(encoder.model))
    rows = encoder.encode(texts, config.sequence_length)
    by_pooling: dict[Pooling, np.ndarray] = {}
    for pooling in config.poolings:
        num_states = config.sequence_length if pooling == "flatten" else 1
        shape = (trunk.num_depths, len(rows), num_states * trunk.hidden_size)
        by_pooling[pooling] = _zeros(folder, pooling, shape)
    # Longest first: texts of a batch are about equally long, and memory suffices from the start.
    order = np.argsort([-len(row) for row in rows], kind="stable")
    starts = range(0, len(order), config.batch_size)
    for start in tqdm(starts, desc=label, unit=" batches"):
        indices_B = order[start : start + config.batch_size]
        states_DBTH, present_BT = _states(encoder, trunk, [rows[index] for index in indices_B])
        for pooling, array_DIW in by_pooling.items():
            vectors_DBW = pooled(states_DBTH, present_BT, pooling).cpu().numpy()
            array_DIW[:, indices_B, : vectors_DBW.shape[-1]] = vectors_DBW
    return by_pooling


@torch.no_grad()
def _states(encoder: Encoder, trunk: Trunk, rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """The states (D, B, T, H) of token ids of different lengths, and which of them are tokens."""
    batch = encoder.tokenizer.pad({"input_ids": rows}, return_tensors="pt")
    inputs = {name: batch[name].to(trunk.model.device) for name in ("input_ids", "attention_mask")}
    present_BT = inputs["attention_mask"].bool()
    hidden_DNH = trunk.at(inputs, present_BT)
    states_DBTH = hidden_DNH.new_zeros(trunk.num_depths, *present_BT.shape, trunk.hidden_size)
    states_DBTH[:, present_BT] = hidden_DNH
    return states_DBTH, present_BT


def _zeros(folder: Path | None, pooling: str, shape: tuple[int, int, int]) -> np.ndarray:
    if folder is None:
        return np.zeros(shape, np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = 4 * math.prod(shape), shutil.disk_usage(folder).free
    if free < needed:
        raise ValueError(
            f"the pooling {pooling} needs {needed / 1e9:.3g} GB in {folder}, where "
            f"{free / 1e9:.3g} GB are free: name a larger disk by TMPDIR, or choose fewer or "
            "shorter texts or another pooling."
        )
    return np.lib.format.open_memmap(folder / f"{pooling}.npy", "w+", np.float32, shape)
