"""A reader of states at every depth that adds up what fits of the log-partition need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import psutil
from torch import Tensor, nn

from hf_apt.analysis.anchors.log_bulk import log_bulk
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.own_head import OwnHead
from hf_apt.stats.anchors.anchor_fit import AnchorFit, fitted
from hf_apt.stats.anchors.anchor_sums import AnchorSums, sums_bytes
from hf_apt.stats.anchors.bulk import AnchorBulk
from hf_apt.stats.anchors.products import PrincipalProducts
from hf_apt.stats.anchors.word_vectors import mean_word
from hf_apt.stats.measures.text_groups import NUM_GROUPS, groups_of_neighbours

_MOST_BYTES = 1 << 30


@dataclass
class AnchorTotal:
    """The sums of every depth."""

    depths: list[AnchorSums]
    """For each depth what its fits are read off."""

    def merge(self, other: Self) -> Self:
        """These sums and those of `other`, which is of other batches."""
        for own, others in zip(self.depths, other.depths, strict=True):
            own.merge(others)
        return self


class AnchorReader:
    """Adds up states, passed through the model's own head, with their log bulk partitions.

    A reader of a pass (`hf_apt.depths.depth_pass.Reader`). Memory: the square of the width of the
    states in float64, for each depth and each group of documents; of these as many as 1 GiB holds,
    2 to 20.

    Args:
        head: the model's own head.
        bulk: which words are summed over.
        num_documents: how many documents the pass has, whose numbers are those of its sequences:
            neighbours are held out together. None where it is not known: every so many of them.
        products: for each depth what the quadratic fit has beside the states; None for no such fit.

    Raises:
        ValueError: for a head without word vectors, a bulk of nothing, fewer than two documents,
            and where memory does not suffice.
    """

    def __init__(
        self,
        head: OwnHead,
        bulk: AnchorBulk,
        num_documents: int | None,
        products: Sequence[PrincipalProducts] | None = None,
    ):
        decoder = require_word_vectors(head)
        bulk.require_fit(len(decoder.weight))
        if num_documents is not None and num_documents < 2:
            raise ValueError(
                f"there is {num_documents} document, and one is predicted by fits on the others: "
                "give two at least."
            )
        self.head, self.bulk = head, bulk
        self._num_documents = num_documents
        width, num_depths = decoder.weight.shape[1], head.trunk.num_depths
        self.num_groups = _num_groups(
            width, products[0].num if products else 0, num_depths, num_documents
        )
        """Groups of documents, each of which is predicted by fits on all others."""
        bases = products or [None] * num_depths
        self.total = AnchorTotal([AnchorSums(width, base) for base in bases])
        weight_VE = decoder.weight.detach().double().cpu().numpy()
        bias_V = np.zeros(len(weight_VE))
        if decoder.bias is not None:
            bias_V = decoder.bias.detach().double().cpu().numpy()
        self._mean_word_E, self._mean_bias = mean_word(weight_VE, bias_V, bulk)

    def update(self, batch: AskedBatch, hidden_DNH: Tensor) -> None:
        """Add the states of a batch. Raises ValueError where states or logits are not finite."""
        decoder = self.head.decoder
        assert decoder is not None
        groups_N = self._groups(batch.sequences_N)
        for sums, hidden_NH in zip(self.total.depths, hidden_DNH, strict=True):
            features_NE = self.head.features(hidden_NH)
            log_bulk_N = log_bulk(features_NE, decoder.weight, decoder.bias, self.bulk)
            states_NE = features_NE.double().cpu().numpy()
            mean_logit_N = states_NE @ self._mean_word_E + self._mean_bias
            sums.update(states_NE, mean_logit_N, log_bulk_N.cpu().numpy(), groups_N)

    def _groups(self, sequences_N: np.ndarray) -> np.ndarray:
        if self._num_documents is None:
            return sequences_N % self.num_groups
        return groups_of_neighbours(sequences_N, self._num_documents, self.num_groups)

    def fits(self, total: AnchorTotal | None = None, *, ridge: float = 0.0) -> list[AnchorFit]:
        """The fit at each depth, of these sums or of those of all processes.

        Raises ValueError for states of fewer than two groups of documents.
        """
        depths = (self.total if total is None else total).depths
        return [fitted(sums, mean_word_E=self._mean_word_E, ridge=ridge) for sums in depths]


def require_word_vectors(head: OwnHead) -> nn.Linear:
    """The output layer of a head. Raises ValueError where logits are made otherwise."""
    if head.decoder is None:
        raise ValueError(
            f"the logits of {type(head.trunk.model).__name__} are no linear map of a state, so "
            "that it has no word vectors and no anchor among them: take a model with a linear "
            "output layer."
        )
    return head.decoder


def _num_groups(width: int, num_products: int, num_depths: int, num_documents: int | None) -> int:
    """Groups that memory has room for, 2 to 20. Raises ValueError where it has not for 2."""
    needed = sums_bytes(width, num_products, num_depths)
    free = psutil.virtual_memory().available
    if 2 * needed > free:
        raise ValueError(
            f"to fit {num_depths} depths of {width} takes {2 * needed / 1e9:.3g} GB of memory, and "
            f"{free / 1e9:.3g} GB are free: take a smaller model, or a larger machine."
        )
    return min(
        NUM_GROUPS, num_documents or NUM_GROUPS, max(2, min(_MOST_BYTES, free // 2) // needed)
    )
