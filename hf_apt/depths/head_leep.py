"""LEEP of a checkpoint's own answers: what its masked-LM head says at the vectors of texts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Int

from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import to_device
from hf_apt.models.loading import load_masked_lm
from hf_apt.models.lora import is_adapter_folder
from hf_apt.records.checkpoints import checkpoint_path
from hf_apt.stats.transfer.leep import leep_in_parts

_ROWS = 256
"""Texts whose probabilities of all words are held at once."""


def masked_lm_head(checkpoint: str) -> OwnHead | None:
    """The masked-LM head of a checkpoint; None where it has none, as a classifier or an adapter."""
    if is_adapter_folder(checkpoint_path(checkpoint)):
        return None
    try:
        return OwnHead(Trunk(to_device(load_masked_lm(checkpoint))))
    except ValueError:
        return None


def leep_per_depth(
    head: OwnHead,
    features_DIH: Float[np.ndarray, "depth inputs width"],
    labels_I: Int[np.ndarray, " inputs"],
) -> Float[np.ndarray, " depth"]:
    """LEEP (Nguyen et al. 2020, arXiv 2002.12462) at each depth, in nats, at most 0.

    The source classes are the words of the vocabulary. A text's source distribution is what the
    head says at the vector that probes read of it too, be that the state of [CLS], which is an
    answer of the model, or the mean over tokens (ours). There are more words than texts, so that
    words which few texts bring up tell their labels too well: compare depths, not tasks.
    """

    def probabilities(features_IH: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(features_IH), _ROWS):
            rows_NH = np.ascontiguousarray(features_IH[start : start + _ROWS])
            yield _probabilities(head, rows_NH)

    return np.array(
        [
            leep_in_parts(lambda at=features_IH: probabilities(at), labels_I)
            for features_IH in features_DIH
        ]
    )


@torch.no_grad()
def _probabilities(head: OwnHead, rows_NH: np.ndarray) -> np.ndarray:
    model = head.trunk.model
    hidden_NH = torch.from_numpy(rows_NH).to(model.device, model.dtype)
    if head.decoder is None:
        logits_NV = head.logits(hidden_NH)
    else:
        logits_NV = head.decoder(head.features(hidden_NH))
    return logits_NV.float().softmax(dim=-1).cpu().numpy()
