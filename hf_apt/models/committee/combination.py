"""One answer from the logits of several classifiers."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from hf_apt.models.committee.combination_names import Combination, require_combination


def combined(
    logits_MIC: Float[Tensor, "members texts classes"], combination: Combination = "mean_softmax"
) -> Float[Tensor, "texts classes"]:
    """The committee's logits, in float32 at least; it answers with the class of the largest.

    - `mean_softmax`: the logarithm of the mean probability of each class.
    - `mean_logits`: the mean logit; its softmax is the normalised geometric mean of the members'.
    - `majority`: the logarithm of each class's share of the votes. A member whose largest logits
      are equal votes for the lowest of these classes. One extra vote is spread evenly over all
      classes, (votes + 1/C) / (M + 1), so that none has probability 0. Classes with equally many
      votes have equal logits: `argmax` then gives the lowest class.

    The definition in arXiv 2507.14871, which speaks of soft committees, is not known to us;
    `mean_softmax` is the usual one. Source of the extra vote: ours.

    Raises ValueError for an unknown combination and where there is no member.

    >>> from hf_apt.models.committee import COMBINATIONS
    >>> logits = torch.tensor([[[0.9, 0.1]], [[0.4, 0.6]], [[0.4, 0.6]]]).log()
    >>> [combined(logits, name).argmax().item() for name in COMBINATIONS]
    [0, 0, 1]
    """
    require_combination(combination)
    if logits_MIC.ndim != 3 or 0 in (logits_MIC.shape[0], logits_MIC.shape[2]):
        raise ValueError(
            "logits to combine have the shape (members, texts, classes) with one member at least, "
            f"got {tuple(logits_MIC.shape)}."
        )
    logits_MIC = logits_MIC.to(torch.promote_types(logits_MIC.dtype, torch.float32))
    num_members, _, num_classes = logits_MIC.shape
    if combination == "mean_softmax":
        return logits_MIC.log_softmax(dim=-1).logsumexp(dim=0) - math.log(num_members)
    if combination == "mean_logits":
        return logits_MIC.mean(dim=0)
    votes_IC = torch.nn.functional.one_hot(logits_MIC.argmax(dim=-1), num_classes).sum(dim=0)
    return ((votes_IC.to(logits_MIC.dtype) + 1 / num_classes) / (num_members + 1)).log()
