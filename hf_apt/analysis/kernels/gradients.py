"""Gradients of single texts: of each output, by the parameters that are asked for."""
# O: outputs.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row


class Outputs(Protocol):
    """Outputs of texts as a function of a model's weights, such as a `LogitsFunction`."""

    @property
    def model(self) -> Any:
        """The model."""
        ...

    def batch(self, rows: Any, /) -> Any:
        """Texts as the model reads them."""
        ...

    def __call__(self, batch: Any, weights: dict[str, Tensor] | None = None, /) -> Tensor:
        """The outputs of a batch, of shape (texts, outputs), with the model's weights or others."""
        ...


def detached_weights(function: Outputs) -> dict[str, Tensor]:
    """The model's parameters by name, each once, sharing memory and not followed by autograd."""
    return {name: each.detach() for name, each in function.model.named_parameters()}


def output_gradients(
    function: Outputs,
    row: Any,
    names: Sequence[str],
    weights: dict[str, Tensor] | None = None,
    kept: Mapping[str, Tensor] | None = None,
) -> tuple[Float[Tensor, " O"], list[Float[Tensor, "O values"]]]:
    """The outputs of one text and their gradients by some parameters.

    The text is run alone, so that nothing is padded and no other text matters; parameters that the
    outputs do not depend on have a gradient of 0. The model is not changed.

    Args:
        function: the outputs.
        row: the text.
        names: the parameters, as `named_parameters` calls them.
        weights: all parameters by name; the model's own if None.
        kept: rows of a parameter to return, by its name; all where it has none.

    Returns:
        The outputs, and for each name a matrix with a row for each output.
    """
    weights = detached_weights(function) if weights is None else weights
    kept = kept or {}
    asked = {name: weights[name].detach().requires_grad_() for name in names}
    outputs_O = function(function.batch([row]), {**weights, **asked})[0]
    by_output: list[list[Tensor]] = []
    for place, output in enumerate(outputs_O):
        gradients = torch.autograd.grad(
            *(output, list(asked.values())),
            retain_graph=place + 1 < len(outputs_O),
            allow_unused=True,
        )
        by_output.append(
            [
                _flat(gradient, weight, kept.get(name))
                for gradient, (name, weight) in zip(gradients, asked.items(), strict=True)
            ]
        )
    return outputs_O.detach(), [torch.stack(column) for column in zip(*by_output, strict=True)]


def _flat(gradient: Tensor | None, weight: Tensor, rows: Tensor | None) -> Tensor:
    if gradient is None:
        gradient = torch.zeros_like(weight)
    return (gradient if rows is None else gradient[rows]).detach().reshape(-1)


def rows_with_gradient(
    function: LogitsFunction, rows: Sequence[Row], names: Sequence[str]
) -> dict[str, Tensor]:
    """The rows of tables of the vocabulary that the outputs of some texts depend on.

    A table of words has a gradient at the tokens of a text, and a head's matrix at the words of the
    prompt: a few in a hundred of its rows. Whether that is so of a model is seen in the gradient of
    the first text.

    Args:
        function: the outputs.
        rows: the texts.
        names: the parameters to look at.

    Returns:
        The indices of rows by name, for parameters whose other rows have a gradient of 0.
    """
    weights = detached_weights(function)
    vocab_size = getattr(function.model.config, "vocab_size", None)
    tables = [
        each for each in names if weights[each].dim() == 2 and len(weights[each]) == vocab_size
    ]
    if not tables:
        return {}
    ids = [torch.tensor([*row.inputs["input_ids"], *function.word_ids]).unique() for row in rows]
    united = torch.cat(ids).unique().to(function.model.device)
    _, gradients = output_gradients(function, rows[0], tables)
    kept = {}
    for name, gradient in zip(tables, gradients, strict=True):
        gradient = gradient.reshape(len(gradient), len(weights[name]), -1)
        gradient[:, ids[0].to(gradient.device)] = 0
        if not gradient.any():
            kept[name] = united
    return kept
