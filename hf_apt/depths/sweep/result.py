"""What is known of each row once its logits have passed by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

NO_ANSWER = -1
"""The id of a row without an answer: a logit is NaN, or the largest one is infinite."""


@dataclass(frozen=True)
class VocabularySweep:
    """The most probable token, and the cross-entropy of the true one, of N rows of logits."""

    ids_N: Tensor
    """The id of the largest logit, int64; of equal logits the lowest id; `NO_ANSWER` where there is
    none."""

    log_sum_exp_N: Tensor
    """The logarithm of the sum of exp(logit) over the vocabulary, at least float32; finite just
    where the row has an answer."""

    target_logits_N: Tensor
    """The logit of the row's target, of the type of `log_sum_exp_N`."""

    @property
    def cross_entropy_N(self) -> Tensor:
        """The cross-entropy -log softmax(logits)[target] in nats, >= 0 but for rounding.

        It is inf where the target's logit is -inf.
        """
        return self.log_sum_exp_N - self.target_logits_N

    @classmethod
    def of_logits(cls, logits_NV: Tensor, targets_N: Tensor) -> Self:
        """The sweep over logits that are there already.

        Raises ValueError if a target is outside the vocabulary.
        """
        require_ids(targets_N, logits_NV.shape[1])
        logits_NV = logits_NV.to(torch.promote_types(logits_NV.dtype, torch.float32))
        log_sum_exp_N = logits_NV.logsumexp(dim=1)
        return cls(
            ids_N=answered(logits_NV.argmax(dim=1), log_sum_exp_N),
            log_sum_exp_N=log_sum_exp_N,
            target_logits_N=logits_NV.gather(1, targets_N[:, None])[:, 0],
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The rows of all parts, one part after the other."""
        return cls(*(torch.cat([getattr(p, field.name) for p in parts]) for field in fields(cls)))

    def split(self, num_parts: int) -> list[Self]:
        """The rows in `num_parts` equal parts, which `joined` puts together again."""
        columns = [getattr(self, field.name).tensor_split(num_parts) for field in fields(self)]
        return [type(self)(*parts) for parts in zip(*columns, strict=True)]


def answered(ids_N: Tensor, largest_N: Tensor) -> Tensor:
    """`ids_N`, and `NO_ANSWER` where the row's largest logit, or a sum over all, is not finite."""
    return ids_N.where(largest_N.isfinite(), NO_ANSWER)


def require_ids(targets_N: Tensor, num_tokens: int) -> None:
    """Raise ValueError if a target is outside a vocabulary of `num_tokens`."""
    outside = targets_N[(targets_N < 0) | (targets_N >= num_tokens)]
    if len(outside):
        raise ValueError(
            f"target {int(outside[0])} is no id of a vocabulary of {num_tokens} tokens: leave out "
            "positions that are not asked for."
        )
