"""A table of embeddings that is another model's, alone or under a table of its own."""
# V rows, H width.

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import embedding


class BorrowedEmbedding(nn.Module):
    """Rows of `lender`'s table; where `disentangled`, as constants to which rows of its own add.

    Without `disentangled` it has no weight and its gradients go into the lender's table. With it
    they stop there (gradient-disentangled embedding sharing, He et al. 2021, arXiv 2111.09543,
    section 3.3), and its own table, `weight`, begins at 0.

    Args:
        lender: the embedding whose table is read; it is not a part of this module.
        disentangled: whether to add a table of its own.
    """

    def __init__(self, lender: nn.Embedding, *, disentangled: bool):
        super().__init__()
        self._lenders = (lender,)  # in a tuple, so that its weights are not ours as well
        self.padding_idx = lender.padding_idx
        self.weight = nn.Parameter(torch.zeros_like(lender.weight)) if disentangled else None

    def forward(self, ids: Int[Tensor, "*ids"]) -> Float[Tensor, "*ids width"]:
        """The rows of these ids."""
        lent = self._lenders[0].weight
        if self.weight is None:
            return embedding(ids, lent, self.padding_idx)
        own = embedding(ids, self.weight, self.padding_idx)
        return embedding(ids, lent.detach(), self.padding_idx) + own

    def table(self) -> Float[Tensor, "rows width"]:
        """All rows, shape (V, H), without a gradient."""
        lent = self._lenders[0].weight.detach()
        return lent.clone() if self.weight is None else lent + self.weight.detach()
