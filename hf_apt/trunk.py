"""Any language model of transformers, taken apart: its trunk at every depth, its own head.

Nothing here knows a model family. The trunk is the outermost module that returns hidden states; the
head is whatever the model does between its trunk's output and its logits, found by running the
model itself on hidden states put in the trunk's place.
"""
# B batch, T sequence position, N modified positions, D depths, H hidden width, E decoder input
# width.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hf_apt.last_block import asked_only, position_wise_modules
from hf_apt.replaced import forward_replaced
from hf_apt.sweep import VocabularySweep, once_each, streamed_argmax, vocabulary_sweep

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ROW_CHUNK = 256
"""Positions scored at once where a head has to be run whole."""


class Trunk:
    """The hidden states of a language model at every depth: 0 = embeddings, m = after block m."""

    def __init__(self, model: PreTrainedModel):
        self.model = model
        self.trunk = _outermost(model)
        self._final_norm = _final_norm(self.trunk, model)
        outputs = self._outputs(_probe(model))
        self._output = replace(outputs, hidden_states=None)
        states = _states(outputs)
        widths = {tuple(state.shape) for state in states}
        if len(widths) > 1:
            raise ValueError(
                f"{type(model).__name__} changes the shape of its hidden states from block to "
                f"block ({sorted(widths)}): its depths cannot be decoded alike."
            )
        self.num_depths = len(states)
        """Number of depths D, the embeddings included."""
        self.hidden_size = states[0].shape[-1]
        """Width H of the hidden states."""
        self._position_wise = position_wise_modules(self.trunk, self._last_states)

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
            outputs = self._outputs(inputs)
        states = [state.flatten(0, 1)[places_N] for state in _states(outputs)]
        if self._final_norm is not None:
            states[:-1] = [self._final_norm(state) for state in states[:-1]]
        return torch.stack(states)

    def output(self, hidden_BTH: Tensor) -> Any:
        """What the trunk would return if its last hidden states were these."""
        return replace(self._output, last_hidden_state=hidden_BTH)

    def _last_states(self, inputs: dict[str, Tensor]) -> Tensor:
        return self._outputs(inputs).last_hidden_state

    def _outputs(self, inputs: dict[str, Tensor]) -> Any:
        with torch.no_grad(), _evaluating(self.model):
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
        with _evaluating(self._model), _output_replaced(self.trunk, hidden_NH[None]):
            return self._model(**_probe(self._model)).logits[0]

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
            with _evaluating(self._model), _output_replaced(self.trunk, hidden_NH[None]):
                self._model(**_probe(self._model))
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
        is_all = any(_is_view(logits, out) and out._version == version for out, version in decoded)
        return decoder if is_all else None


class _DecoderReachedError(Exception):
    """Ends a forward pass once the decoder's input is known."""


def _output_replaced(trunk: Trunk, hidden_BTH: Tensor) -> AbstractContextManager[None]:
    """Within the block, the trunk answers any input with `hidden_BTH`."""
    output = trunk.output(hidden_BTH)
    return forward_replaced(trunk.trunk, lambda *_, **__: output)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Within the block, `model` is in evaluation mode; afterwards each module is as it was."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _probe(model: PreTrainedModel) -> dict[str, Tensor]:
    """A smallest input."""
    ids = torch.ones(1, 4, dtype=torch.long, device=model.device)
    return {"input_ids": ids * (min(4, model.config.vocab_size - 1)), "attention_mask": ids}


def _states(outputs: Any) -> list[Tensor]:
    # The last entry of hidden_states is before the final normalisation in some families.
    return [*outputs.hidden_states[:-1], outputs.last_hidden_state]


def _outermost(model: PreTrainedModel) -> nn.Module:
    """The module below `model` that hands hidden states to its head."""
    *below, (_, answer) = _returned(model, list(model.modules()))
    found = [
        module
        for module, output in below
        if isinstance(getattr(output, "last_hidden_state", None), Tensor)
    ]
    if not found or not isinstance(getattr(answer, "logits", None), Tensor):
        raise ValueError(
            f"{type(model).__name__} has no trunk apart from its head, or returns no logits."
        )
    return found[-1]


def _final_norm(trunk: nn.Module, model: PreTrainedModel) -> nn.Module | None:
    """The normalisation that a trunk applies after its last block, outside of any block."""
    norms = [
        module
        for name, module in trunk.named_modules()
        if "norm" in type(module).__name__.lower() and not any(map(str.isdigit, name.split(".")))
    ]
    *normed, (_, output) = _returned(model, [*norms, trunk])
    last = output.last_hidden_state
    return next((module for module, state in normed if _is_view(last, state)), None)


def _is_view(one: Tensor, other: Any) -> bool:
    """Whether they hold the same numbers in the same place: GPT-2 reshapes what it normalised."""
    places = [(t.data_ptr(), t.numel()) for t in (one, other) if isinstance(t, Tensor)]
    return len(places) == 2 and places[0] == places[1]


def _returned(model: PreTrainedModel, modules: list[nn.Module]) -> list[tuple[nn.Module, Any]]:
    """What each of `modules` returns when `model` reads the probe, in the order of returning."""
    returned: list[tuple[nn.Module, Any]] = []

    def record(module: nn.Module, _: Any, output: Any) -> None:
        returned.append((module, output))

    hooks = [module.register_forward_hook(record) for module in modules]
    try:
        with torch.no_grad(), _evaluating(model):
            model(**_probe(model))
    finally:
        for hook in hooks:
            hook.remove()
    return returned
