"""A head for each depth of a frozen trunk: its parts, loss, predictions and file.

The published layer-wise protocol of the group of arXiv 2509.03407: keep the trained network up to a
depth, train only a new head on top ("linear probe" in the literature). Which head the paper trained
on the blocks of BERT-6 is not known to us; both are offered.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Self, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from hf_apt.atomic import writing
from hf_apt.depths.head_config import HeadKind
from hf_apt.depths.head_loss import head_loss
from hf_apt.depths.sweep import (
    VocabularySweep,
    once_each,
    streamed_argmax,
    sweep_once_each,
    vocabulary_sweep,
)
from hf_apt.depths.trunk import Trunk
from hf_apt.models.output_embeddings import output_embeddings
from hf_apt.models.weights_digest import weights_digest

_ORIGIN = "made_from"
"""Entry of the file that says what heads were made from, and the digest of their weights."""


class DepthHeads(nn.Module):
    """One head for each depth, with weights of its own.

    Args:
        kind: `linear_head`, one linear map; or `mlm_head`, BERT's whole MLM head.
        num_depths: number of depths D, the embeddings included.
        hidden_size: width H of the hidden states.
        vocab_size: number of token ids V.
    """

    def __init__(self, kind: HeadKind, num_depths: int, hidden_size: int, vocab_size: int):
        super().__init__()
        self.kind: HeadKind = kind
        self.decoders = nn.ModuleList(nn.Linear(hidden_size, vocab_size) for _ in range(num_depths))
        self.transforms = nn.ModuleList(
            nn.Sequential(nn.Linear(hidden_size, hidden_size), nn.GELU(), nn.LayerNorm(hidden_size))
            if kind == "mlm_head"
            else nn.Identity()
            for _ in range(num_depths)
        )

    @classmethod
    def begun(cls, kind: HeadKind, trunk: Trunk, vocab_size: int, *, seed: int) -> Self:
        """New heads for a trunk, on the processor, drawn from a seed alone.

        Decoders start from the model's own output embeddings, without bias, where these have the
        right shape.

        Args:
            kind: `linear_head`, one linear map; or `mlm_head`, BERT's whole MLM head.
            trunk: the trunk whose depths are to be read.
            vocab_size: number of token ids V.
            seed: seed of the weights.

        Returns:
            Heads that have not been trained.
        """
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            heads = cls(kind, trunk.num_depths, trunk.hidden_size, vocab_size)
        weight_VH = getattr(output_embeddings(trunk.model), "weight", None)
        if isinstance(weight_VH, Tensor) and weight_VH.shape == (vocab_size, trunk.hidden_size):
            heads.begin_from(weight_VH.detach().float().cpu())
        return heads

    def begin_from(self, embeddings_VH: Tensor) -> None:
        """Start every decoder from the model's own output embeddings, without bias.

        Args:
            embeddings_VH: the embeddings, shape (V, H).
        """
        for _, decoder in self._by_depth():
            nn.init.zeros_(decoder.bias)
            decoder.weight.data.copy_(embeddings_VH)

    def loss(
        self, hidden_DNH: Tensor, labels_N: Tensor, *, divisor: Tensor | float = 1.0
    ) -> Tensor:
        """The cross-entropies of all depths added up, each summed over positions.

        Heads share nothing, so the gradient of the sum gives each head its own.

        Args:
            hidden_DNH: hidden states, shape (D, N, H).
            labels_N: the true token id at each position, shape (N,).
            divisor: what the sum is divided by, such as the number of positions; 0, which a step
                has that asks for nothing, is taken for 1, and the loss is 0.

        Returns:
            A scalar, in nats.
        """
        divisor = float(divisor) or 1.0  # once: to ask a graphics card is to wait for it
        total = torch.zeros((), device=hidden_DNH.device)
        for (transform, decoder), hidden_NH in zip(self._by_depth(), hidden_DNH, strict=True):
            total = total + head_loss(
                transform(hidden_NH), decoder.weight, decoder.bias, labels_N, divisor=divisor
            )
        return total

    @torch.no_grad()
    def forward(self, hidden_DNH: Tensor) -> Tensor:
        """The most probable token at each depth and position.

        Args:
            hidden_DNH: hidden states, shape (D, N, H).

        Returns:
            Token ids of shape (D, N); of equal logits the lowest id.
        """

        def predicted(depth: int, hidden_NH: Tensor) -> Tensor:
            transform, decoder = self._by_depth()[depth]
            return streamed_argmax(transform(hidden_NH), decoder.weight, decoder.bias)

        embedded_NH, *blocks = hidden_DNH
        first_N = once_each(partial(predicted, 0), embedded_NH)
        others = [predicted(depth, hidden_NH) for depth, hidden_NH in enumerate(blocks, 1)]
        return torch.stack([first_N, *others])

    @torch.no_grad()
    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """For each depth the predicted ids and the cross-entropy of the targets, from one read.

        Args:
            hidden_DNH: hidden states, shape (D, N, H).
            targets_N: the true token id at each position, shape (N,).

        Returns:
            A result for each of the D depths; cross-entropies in nats, shape (N,).

        Raises:
            ValueError: if a target is outside the vocabulary.
        """
        (embed, decode), *later = self._by_depth()
        first = sweep_once_each(embed, decode.weight, decode.bias, hidden_DNH[0], targets_N)
        return [
            first,
            *(
                vocabulary_sweep(transform(hidden_NH), decoder.weight, decoder.bias, targets_N)
                for (transform, decoder), hidden_NH in zip(later, hidden_DNH[1:], strict=True)
            ),
        ]

    def _by_depth(self) -> list[tuple[nn.Module, nn.Linear]]:
        decoders = (cast(nn.Linear, decoder) for decoder in self.decoders)
        return list(zip(self.transforms, decoders, strict=True))

    def save(self, path: Path, made_from: str = "") -> None:
        """Write the weights of all depths (safetensors), whole or not at all.

        Args:
            path: the file to write, or to replace.
            made_from: a fingerprint of what they were trained on and how, for `load`.
        """
        weights = self.state_dict()
        # One entry: safetensors writes several in an order that changes from run to run.
        metadata = {_ORIGIN: f"{made_from} {weights_digest(weights)}"}
        with writing(path, "wb") as file:
            file.write(save(weights, metadata))

    @classmethod
    def load(cls, path: Path, kind: HeadKind, made_from: str | None = None) -> Self:
        """The heads that `save` wrote.

        Args:
            path: the file.
            kind: `linear_head` or `mlm_head`, as it was saved.
            made_from: the fingerprint that they have to have; any if None.

        Returns:
            The heads, in evaluation mode on the processor.

        Raises:
            ValueError: with the file's name, if it is missing, broken, changed or of another kind,
                or if it was not made from `made_from`.
        """
        try:
            with safe_open(path, framework="pt") as file:
                origin = (file.metadata() or {}).get(_ORIGIN, " ")
                weights = {name: file.get_tensor(name) for name in file.keys()}
            vocab_size, hidden_size = weights["decoders.0.weight"].shape
            num_depths = sum(name.startswith("decoders.") for name in weights) // 2
            heads = cls(kind, num_depths, hidden_size, vocab_size)
            heads.load_state_dict(weights)
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path} holds no heads of kind {kind} ({reason}).") from None
        recorded, _, digest = origin.rpartition(" ")
        if digest != weights_digest(weights):
            raise ValueError(f"{path} does not hold the weights that were written: it was changed.")
        if made_from is not None and recorded != made_from:
            raise ValueError(f"{path} holds heads of another model, text or training.")
        return heads.eval()
