"""A model's own head taken off its trunk, as a function of hidden states."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hf_apt.depths.forward_override import forward_replaced
from hf_apt.depths.model_calls import (
    answer_of,
    evaluating,
    logits_of,
    named_answers,
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
from hf_apt.models.output_embeddings import output_embeddings

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ROW_CHUNK = 256
"""Positions scored at once where a head has to be run whole."""


class OwnHead:
    """A model's own MLM head, as a function from hidden states to predicted token ids.

    Applied at a depth other than the last it is what the literature calls a logit lens. When it is
    applied, it refuses (ValueError) a model of which modules were added, taken out or exchanged
    since.

    Args:
        trunk: the trunk of the model.

    Raises:
        ValueError: for a model without logits over its vocabulary.
    """

    def __init__(self, trunk: Trunk):
        self.trunk = trunk
        """The trunk that the head was taken off."""
        self._model = trunk.model
        self._decoder = self._find_decoder()

    def __repr__(self) -> str:
        return f"OwnHead({self.trunk})"

    @torch.no_grad()
    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        """The most probable token at each depth and position.

        Args:
            hidden_DNH: hidden states as `Trunk.at` gives them, shape (D, N, H).

        Returns:
            Token ids of shape (D, N); of equal logits the lowest id; -1 where there is no answer.

        Raises:
            ValueError: if modules of the model were added, taken out or exchanged.
        """
        self.trunk.require_current()
        embedded_NH, blocks_NH = hidden_DNH[0], hidden_DNH[1:].flatten(0, 1)
        ids = torch.cat([once_each(self._predict, embedded_NH), self._predict(blocks_NH)])
        return ids.unflatten(0, hidden_DNH.shape[:2])

    @torch.no_grad()
    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """For each depth the predicted ids and the cross-entropy of the targets, from one read.

        Args:
            hidden_DNH: hidden states as `Trunk.at` gives them, shape (D, N, H).
            targets_N: the true token id at each position, shape (N,).

        Returns:
            A result for each of the D depths; cross-entropies in nats, shape (N,).

        Raises:
            ValueError: if a target is outside the vocabulary, and if modules of the model were
                added, taken out or exchanged.
        """
        self.trunk.require_current()
        num_blocks = len(hidden_DNH) - 1
        embedded = self._swept_once_each(hidden_DNH[0], targets_N)
        if not num_blocks:
            return [embedded]
        blocks = self._swept(hidden_DNH[1:].flatten(0, 1), targets_N.repeat(num_blocks))
        return [embedded, *blocks.split(num_blocks)]

    @property
    def decoder(self) -> nn.Linear | None:
        """The linear map from `features` to the logits; None where logits are made otherwise."""
        return self._decoder

    @torch.no_grad()
    def features(self, hidden_NH: Tensor) -> Tensor:
        """What the output layer is given: the head up to its product with the vocabulary.

        Args:
            hidden_NH: hidden states of one depth, shape (N, H).

        Returns:
            States of shape (N, E), of which `decoder` makes the logits.

        Raises:
            ValueError: for a head that has no `decoder`, and if modules of the model were added,
                taken out or exchanged.
        """
        self.trunk.require_current()
        if self._decoder is None:
            raise ValueError(
                f"the logits of {type(self._model).__name__} are no linear map of a state: its "
                "head has no output layer of word vectors and biases."
            )
        return self._features(hidden_NH, self._decoder)

    def logits(self, hidden_NH: Tensor) -> Tensor:
        """The logits of all tokens at few positions: they are all held at once.

        Args:
            hidden_NH: hidden states of one depth, shape (N, H).

        Returns:
            Logits of shape (N, V).

        Raises:
            ValueError: for a model without logits over its vocabulary, and one that does not answer
                position by position.
        """
        logits_1NV = logits_of(self._model, self._answer(hidden_NH))
        if logits_1NV is None or logits_1NV.dim() != 3:
            raise _no_head(self._model)
        if logits_1NV.shape[1] != len(hidden_NH):
            raise ValueError(
                f"the head of {type(self._model).__name__} gives {logits_1NV.shape[1]} answers for "
                f"{len(hidden_NH)} hidden states: it does not answer position by position, and "
                "its depths cannot be decoded."
            )
        return logits_1NV[0]

    def _answer(self, hidden_NH: Tensor) -> Any:
        """What the model returns where its last hidden states are these."""
        model, inputs = self._model, smallest_input(self._model, self.trunk.length)
        replaced = _output_replaced(self.trunk, hidden_NH[None])
        with evaluating(model), named_answers(model), replaced:
            return answer_of(model, inputs)

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
            self._answer(hidden_NH)
        except _DecoderReachedError:
            pass
        finally:
            hook.remove()
        return features[0][0]

    def _find_decoder(self) -> nn.Linear | None:
        """The linear map to the vocabulary, if what it returns are the logits themselves.

        Equal values would not do: a bias that is added to them may be zero now and trained later.
        Raises ValueError if the model has no logits over its vocabulary.
        """
        decoder = output_embeddings(self._model)
        linear = decoder if type(decoder) is nn.Linear else None
        decoded: list[tuple[Tensor, int]] = []

        def record(_: nn.Module, __: Any, output: Tensor) -> None:
            decoded.append((output, output._version))

        hooks = [linear.register_forward_hook(record)] if linear is not None else []
        try:
            logits_NV = self._logits_at_random()
        finally:
            for hook in hooks:
                hook.remove()
        if decoder is None and logits_NV.shape[-1] != self._model.config.vocab_size:
            raise _no_head(self._model)
        is_all = any(
            is_view(logits_NV, out) and out._version == version for out, version in decoded
        )
        return linear if is_all else None

    @torch.no_grad()
    def _logits_at_random(self) -> Tensor:
        """The logits (5, V) of random hidden states, always the same ones."""
        generator = torch.Generator().manual_seed(0)
        hidden_NH = torch.randn(5, self.trunk.hidden_size, generator=generator)
        try:
            return self.logits(hidden_NH.to(self._model.device, self._model.dtype))
        except ValueError:
            raise
        except Exception as error:  # what a head does without its trunk is its own affair
            raise ValueError(
                f"the head of {type(self._model).__name__} cannot be taken off its trunk "
                f"({type(error).__name__}: {' '.join(str(error).split())})."
            ) from error


def _most_probable(logits_NV: Tensor) -> Tensor:
    return answered(logits_NV.argmax(dim=-1), logits_NV.amax(dim=-1))


class _DecoderReachedError(Exception):
    """Ends a forward pass once the decoder's input is known."""


def _output_replaced(trunk: Trunk, hidden_BTH: Tensor) -> AbstractContextManager[None]:
    """Within the block, the trunk answers any input with `hidden_BTH`."""
    output = trunk.output(hidden_BTH)

    def forward(*_: Any, return_dict: bool | None = None, **__: Any) -> Any:
        return output.to_tuple() if return_dict is False else output

    return forward_replaced(trunk.module, forward)


def _no_head(model: PreTrainedModel) -> ValueError:
    return ValueError(
        f"{type(model).__name__} has no masked-LM head, so that it answers with no token: load it "
        "by AutoModelForMaskedLM, or by AutoModelForCausalLM."
    )
