"""Any language model of transformers, taken apart: its trunk at every depth, its own head.

Nothing here knows a model family. The trunk is the outermost module that returns hidden states; the
head is whatever the model does between its trunk's output and its logits, found by running the
model itself on hidden states put in the trunk's place.
"""
# B batch, T sequence position, N modified positions, D depths, H hidden width, E decoder input
# width.

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hf_apt.anatomy import (
    depth_states,
    evaluating,
    final_norm,
    outermost,
    probe,
    recorded,
)
from hf_apt.last_block import asked_only, position_wise_modules
from hf_apt.replaced import forward_replaced
from hf_apt.sweep import VocabularySweep, once_each, streamed_argmax, vocabulary_sweep
from hf_apt.taps import is_view, makers, tapped

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ROW_CHUNK = 256
"""Positions scored at once where a head has to be run whole."""


class Trunk:
    """The hidden states of a language model at every depth: 0 = embeddings, m = after block m.

    With `deepest` only the depths 0 to `deepest` are read, and nothing behind that block is
    computed. Raises ValueError for a model whose depths cannot be decoded alike, and for a depth
    that it does not have.
    """

    def __init__(self, model: PreTrainedModel, *, deepest: int | None = None):
        self.model = model
        self.trunk = outermost(model)
        self._final_norm = final_norm(self.trunk, model)
        outputs = self._outputs(probe(model))
        self._output = replace(outputs, hidden_states=None)
        states = depth_states(outputs)
        widths = {tuple(state.shape) for state in states}
        if len(widths) > 1:
            raise ValueError(
                f"{type(model).__name__} changes the shape of its hidden states from block to "
                f"block ({sorted(widths)}): its depths cannot be decoded alike."
            )
        last = len(states) - 1
        deepest = last if deepest is None else deepest
        if not 0 <= deepest <= last:
            raise ValueError(f"the model has the depths 0 to {last}, not {deepest}.")
        self.num_depths = deepest + 1
        """Number of depths D, the embeddings included."""
        self.hidden_size = states[0].shape[-1]
        """Width H of the hidden states."""
        self._is_whole = deepest == last
        self._makers = self._find_makers()
        self._position_wise = (
            position_wise_modules(self.trunk, self._last_states, model.config.vocab_size)
            if self._is_whole
            else ()
        )

    @torch.no_grad()
    def at(self, inputs: dict[str, Tensor], asked_BT: Tensor) -> Tensor:
        """The hidden states (D, N, H) at the asked positions, from one forward pass.

        The last block is computed at these alone, as far as it lets itself. `asked_BT` may stay on
        the processor whatever the model's device. Where a trunk ends in a normalisation of its own
        (pre-norm models), it is applied at every depth, as the head expects it.
        """
        places_N = asked_BT.flatten().nonzero()[:, 0]
        few = 2 * len(places_N) < asked_BT.numel()
        # Where the mask is the processor's, a graphics card is never waited for.
        places_N = places_N.to(self.model.device, non_blocking=True)
        shape = (asked_BT.shape[0], asked_BT.shape[1])
        with asked_only(self._position_wise if few else (), shape, places_N):
            states = self._states_at(inputs, places_N)
        if self._final_norm is not None:
            bare = self.num_depths - self._is_whole  # the last of all is normalised already
            states[:bare] = [self._final_norm(state) for state in states[:bare]]
        return torch.stack(states)

    def _states_at(self, inputs: dict[str, Tensor], places_N: Tensor) -> list[Tensor]:
        states = self._tapped(self._makers, inputs, places_N) if self._makers else None
        if states is not None:
            return states
        shown = depth_states(self._outputs(inputs))[: self.num_depths]
        return [state.flatten(0, 1)[places_N] for state in shown]

    def _tapped(
        self, modules: Sequence[nn.Module], inputs: dict[str, Tensor], places_N: Tensor
    ) -> list[Tensor] | None:
        with torch.no_grad(), evaluating(self.model):
            return tapped(
                modules,
                places_N,
                lambda: self.trunk(**inputs, return_dict=True),
                stop=not self._is_whole,
            )

    def _find_makers(self) -> tuple[nn.Module, ...] | None:
        """The modules that make the states, if these are what they make: later steps may add."""
        returned: list[tuple[nn.Module, Any]] = []
        with recorded(list(self.trunk.modules()), returned):
            states = depth_states(self._outputs(probe(self.model)))[: self.num_depths]
        found = makers(returned, states)
        if found is None:
            return None
        places_N = torch.arange(states[0].shape[1], device=states[0].device)
        again = self._tapped(found, probe(self.model), places_N) or []
        same = len(again) == len(states) and all(
            torch.equal(a, b.flatten(0, 1)) for a, b in zip(again, states, strict=True)
        )
        return found if same else None

    def output(self, hidden_BTH: Tensor) -> Any:
        """What the trunk would return if its last hidden states were these."""
        return replace(self._output, last_hidden_state=hidden_BTH)

    def _last_states(self, inputs: dict[str, Tensor]) -> Tensor:
        return self._outputs(inputs).last_hidden_state

    def _outputs(self, inputs: dict[str, Tensor]) -> Any:
        with torch.no_grad(), evaluating(self.model):
            outputs = self.trunk(**inputs, output_hidden_states=True, return_dict=True)
        if getattr(outputs, "hidden_states", None) is None:
            raise ValueError(
                f"{type(self.model).__name__} shows no hidden states of one stack of blocks: its "
                "depths cannot be decoded."
            )
        return outputs


class OwnHead:
    """A model's own MLM head, as a function from hidden states to predicted token ids.

    Applied at a depth other than the last it is what the literature calls a logit lens.
    """

    def __init__(self, trunk: Trunk):
        self.trunk = trunk
        """What it was taken off."""
        self._model = trunk.model
        self._decoder = self._find_decoder()

    @torch.no_grad()
    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        """The predicted ids (D, N); of equal logits the lowest id."""
        embedded_NH, blocks_MH = hidden_DNH[0], hidden_DNH[1:].flatten(0, 1)
        ids = torch.cat([once_each(self._predict, embedded_NH), self._predict(blocks_MH)])
        return ids.unflatten(0, hidden_DNH.shape[:2])

    @torch.no_grad()
    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """For each depth the predicted ids and the cross-entropy of the targets, from one read.

        Raises ValueError if a target is no id of the vocabulary.
        """
        num_depths = len(hidden_DNH)
        return self._swept(hidden_DNH.flatten(0, 1), targets_N.repeat(num_depths)).split(num_depths)

    def logits(self, hidden_NH: Tensor) -> Tensor:
        """The logits (N, V), all at once: for few positions."""
        with evaluating(self._model), _output_replaced(self.trunk, hidden_NH[None]):
            return self._model(**probe(self._model)).logits[0]

    def _predict(self, hidden_NH: Tensor) -> Tensor:
        if len(hidden_NH) == 0:
            return torch.empty(0, dtype=torch.long, device=hidden_NH.device)
        if self._decoder is None:
            parts = hidden_NH.split(_ROW_CHUNK)
            return torch.cat([self.logits(part).argmax(dim=-1) for part in parts])
        features_NE = self._features(hidden_NH, self._decoder)
        return streamed_argmax(features_NE, self._decoder.weight, self._decoder.bias)

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
                self._model(**probe(self._model))
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


class _DecoderReachedError(Exception):
    """Ends a forward pass once the decoder's input is known."""


def _output_replaced(trunk: Trunk, hidden_BTH: Tensor) -> AbstractContextManager[None]:
    """Within the block, the trunk answers any input with `hidden_BTH`."""
    output = trunk.output(hidden_BTH)
    return forward_replaced(trunk.trunk, lambda *_, **__: output)
