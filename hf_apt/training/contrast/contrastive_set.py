"""For each class as many features of its own and of others: drawn, and mixed from the hardest ones.

Simple sampling and hard mix-up of Li et al., "Simple-Sampling and Hard-Mixup with Prototypes to
Rebalance Contrastive Learning for Text Classification". Ours, from the idea; a memory of features
and the choice of a class before one of its features are ours.
"""
# C classes, P positives, K negatives, H units, N examples.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize


@dataclass(frozen=True, kw_only=True)
class SetSizes:
    """How many features a class is contrasted with, and how they are made."""

    num_positives: int
    """Features of the class itself."""

    num_negatives: int
    """Features of other classes."""

    hardest: int
    """How many hardest features two are mixed from."""

    mix: float
    """Both parameters of the Beta distribution that the share of the first is drawn from."""


def contrastive_sets(
    members: Sequence[Float[Tensor, "members width"]],
    prototypes_CH: Float[Tensor, "classes width"],
    sizes: SetSizes,
    hard_share: float,
    seed: int,
) -> tuple[Float[Tensor, "classes positives width"], Float[Tensor, "classes negatives width"]]:
    """The positives and negatives of each class, rows of length 1, without a gradient.

    The hardest positives are the features of a class that are least like its prototype, and its
    hardest negatives the features of others that are most like it; prototypes are among them. A
    share of both is a mix of two hardest ones, made one long again. The rest are drawn with
    replacement: of negatives first another class, all alike, then one of its features.

    Args:
        members: remembered features of each class, rows of any length; there may be none.
        prototypes_CH: a vector for each class.
        sizes: how many there are.
        hard_share: share of mixes, in [0, 1].
        seed: of what is drawn.
    """
    rng = np.random.default_rng(seed)
    prototypes_CH = normalize(prototypes_CH.detach().float().cpu(), dim=1)
    pools = [
        torch.cat([normalize(own.float(), dim=1), prototype[None]])
        for own, prototype in zip(members, prototypes_CH, strict=True)
    ]
    positives, negatives = [], []
    for label, prototype_H in enumerate(prototypes_CH):
        others = [pool for other, pool in enumerate(pools) if other != label]
        own, rest = pools[label], torch.cat(others)
        positives.append(
            _entries(own, -own @ prototype_H, [own], sizes.num_positives, sizes, hard_share, rng)
        )
        negatives.append(
            _entries(rest, rest @ prototype_H, others, sizes.num_negatives, sizes, hard_share, rng)
        )
    return torch.stack(positives), torch.stack(negatives)


def contrast_losses(
    features_NH: Float[Tensor, "n width"],
    labels_N: Int[Tensor, " n"],
    prototypes_CH: Float[Tensor, "classes width"],
    positives_CPH: Float[Tensor, "classes positives width"],
    negatives_CKH: Float[Tensor, "classes negatives width"],
    temperature: float,
) -> Float[Tensor, " n"]:
    """The contrastive loss of each example, in nats and float32.

    The mean over the prototype and the positives of its class of minus the log of the softmax,
    among all prototypes and the class's positives and negatives, of cosines over the temperature.
    """
    features_NH = normalize(features_NH.float(), dim=1)
    to_prototypes_NC = features_NH @ normalize(prototypes_CH.float(), dim=1).T
    of_class = (each.to(features_NH)[labels_N] for each in (positives_CPH, negatives_CKH))
    positives_NP, negatives_NK = (
        torch.einsum("nh,nph->np", features_NH, entries) for entries in of_class
    )
    alike = torch.cat([to_prototypes_NC, positives_NP, negatives_NK], dim=1) / temperature
    log_shares = alike.log_softmax(dim=1)
    own_N = log_shares.gather(1, labels_N[:, None])[:, 0]
    num_classes, num_positives = to_prototypes_NC.shape[1], positives_NP.shape[1]
    others_N = log_shares[:, num_classes : num_classes + num_positives].sum(dim=1)
    return -(own_N + others_N) / (1 + num_positives)


def _entries(
    candidates: Tensor,
    hardness: Tensor,
    groups: Sequence[Tensor],
    num: int,
    sizes: SetSizes,
    hard_share: float,
    rng: np.random.Generator,
) -> Tensor:
    """`num` features: mixes of the hardest candidates, and draws from groups that are all alike."""
    num_mixed = round(hard_share * num)
    order = hardness.argsort(descending=True, stable=True)[: sizes.hardest]
    firsts, seconds = rng.integers(len(order), size=(2, num_mixed))
    shares = torch.as_tensor(rng.beta(sizes.mix, sizes.mix, (num_mixed, 1)), dtype=torch.float32)
    hard = candidates[order]
    mixed = normalize(shares * hard[firsts] + (1 - shares) * hard[seconds], dim=1)
    drawn = [
        groups[group][rng.integers(len(groups[group]))]
        for group in rng.integers(len(groups), size=num - num_mixed)
    ]
    return torch.cat([mixed, *(each[None] for each in drawn)])
