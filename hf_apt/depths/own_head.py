"""A model's own head taken off its trunk, as a function of hidden states."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from hf_apt.depths.forward_override import forward_replaced
from hf_apt.depths.model_parts import (
    evaluating,
    smallest_input,
)
from hf_apt.depths.state_hooks import is_view
from hf_apt.depths.sweep import (
    VocabularySweep,
    answered,
    once_each,
    streamed_argmax,
    sweep_once_each,
    vocabulary_sweep,
)
from hf_apt.depths.trunk import Trunk

_ROW_CHUNK = 256
"""Positions scored at once where a head has to be run whole."""


class OwnHead:
    """A model's own MLM head, as a function from hidden states to predicted token ids.

    Applied at a depth other than the last it is what the literature calls a logit lens.
    """

    def __init__(self, trunk: Trunk):
        self.trunk = trunk
        """The trunk that the head was taken off."""
        self._model = trunk.model
        self._decoder = self._find_decoder()

    @torch.no_grad()
    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        """The predicted ids (D, N); of equal logits the lowest id; -1 where there is no answer."""
        embedded_NH, blocks_NH = hidden_DNH[0], hidden_DNH[1:].flatten(0, 1)
        ids = torch.cat([once_each(self._predict, embedded_NH), self._predict(blocks_NH)])
        return ids.unflatten(0, hidden_DNH.shape[:2])

    @torch.no_grad()
    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """For each depth the predicted ids and the cross-entropy of the targets, from one read.

        Raises ValueError if a target is no id of the vocabulary.
        """
        num_blocks = len(hidden_DNH) - 1
        embedded = self._swept_once_each(hidden_DNH[0], targets_N)
        if not num_blocks:
            return [embedded]
        blocks = self._swept(hidden_DNH[1:].flatten(0, 1), targets_N.repeat(num_blocks))
        return [embedded, *blocks.split(num_blocks)]

    def logits(self, hidden_NH: Tensor) -> Tensor:
        """The logits (N, V), all at once: for few positions."""
        with evaluating(self._model), _output_replaced(self.trunk, hidden_NH[None]):
            return self._model(**smallest_input(self._model)).logits[0]

    def _predict(self, hidden_NH: Tensor) -> Tensor:
        if len(hidden_NH) == 0:
            return torch.empty(0, dtype=torch.long, device=hidden_NH.device)
        if self._decoder is None:
            parts = hidden_NH.split(_ROW_CHUNK)
            return torch.cat([_most_probable(self.logits(part)) for part in parts])
        features_NE = self._features(hidden_NH, self._decoder)
        return streamed_argmax(features_NE, self._decoder.weight, self._decoder.bias)

    def _swept_once_each(self, hidden_NH: Tensor, targets_N: Tensor) -> VocabularySweep:
        decoder = self._decoder
        if decoder is None or len(hidden_NH) == 0:
            return self._swept(hidden_NH, targets_N)
        features = partial(self._features, decoder=decoder)
        return sweep_once_each(features, decoder.weight, decoder.bias, hidden_NH, targets_N)

    def _swept(self, hidden_NH: Tensor, targets_N: Tensor) -> VocabularySweep:
        if len(hidden_NH) == 0:
            return VocabularySweep.of_logits(hidden_NH.new_empty(0, 1), targets_N)
        if self._decoder is None:
            parts = zip(hidden_NH.split(_ROW_CHUNK), targets_N.split(_ROW_CHUNK), strict=True)
            return VocabularySweep.joined(
                [VocabularySweep.of_logits(self.logits(rows), targets) for rows, targets in parts]
            )
        features_NE = self._features(hidden_NH, self._decoder)
        return vocabulary_sweep(features_NE, self._decoder.weight, self._decoder.bias, targets_N)

    def _features(self, hidden_NH: Tensor, decoder: nn.Linear) -> Tensor:
        """What `decoder` is given: the head up to its product with the vocabulary."""
        features: list[Tensor] = []

        def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            features.append(inputs[0])
            raise _DecoderReachedError

        hook = decoder.register_forward_pre_hook(keep)
        try:
            with evaluating(self._model), _output_replaced(self.trunk, hidden_NH[None]):
                self._model(**smallest_input(self._model))
        except _DecoderReachedError:
            pass
        finally:
            hook.remove()
        return features[0][0]

    def _find_decoder(self) -> nn.Linear | None:
        """The linear map to the vocabulary, if what it returns are the logits themselves.

        Equal values would not do: a bias that is added to them may be zero now and trained later.
        """
        decoder = self._model.get_output_embeddings()
        if type(decoder) is not nn.Linear:
            return None
        generator = torch.Generator().manual_seed(0)
        hidden_NH = torch.randn(5, self.trunk.hidden_size, generator=generator)
        hidden_NH = hidden_NH.to(self._model.device, self._model.dtype)
        decoded: list[tuple[Tensor, int]] = []

        def record(_: nn.Module, __: Any, output: Tensor) -> None:
            decoded.append((output, output._version))

        hook = decoder.register_forward_hook(record)
        try:
            with torch.no_grad():
                logits = self.logits(hidden_NH)
        finally:
            hook.remove()
        is_all = any(is_view(logits, out) and out._version == version for out, version in decoded)
        return decoder if is_all else None


def _most_probable(logits_NV: Tensor) -> Tensor:
    return answered(logits_NV.argmax(dim=-1), logits_NV.amax(dim=-1))


class _DecoderReachedError(Exception):
    """Ends a forward pass once the decoder's input is known."""


def _output_replaced(trunk: Trunk, hidden_BTH: Tensor) -> AbstractContextManager[None]:
    """Within the block, the trunk answers any input with `hidden_BTH`."""
    output = trunk.output(hidden_BTH)
    return forward_replaced(trunk.module, lambda *_, **__: output)
