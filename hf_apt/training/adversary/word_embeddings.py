"""A model that reads its word embeddings with something added to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


def word_embeddings(model: Any) -> Any:
    """The module that looks up word embeddings in `model`: an `nn.Embedding`, or peft's around one.

    Raises ValueError if there is none, or for an encoder with a decoder, which share one.
    """
    try:
        module = model.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        module = None
    table = getattr(module, "base_layer", module)
    if not isinstance(table, nn.Embedding):
        raise ValueError(
            f"{type(model).__name__} has no table of word embeddings to perturb: this is for "
            "models that read token ids."
        )
    if getattr(model.config, "is_encoder_decoder", False):
        raise ValueError(
            f"{type(model).__name__} is an encoder with a decoder, which read the same word "
            "embeddings: this is for models of one part."
        )
    return module


def width_of(embeddings: Any) -> int:
    """The number of coordinates of a word embedding."""
    return getattr(embeddings, "base_layer", embeddings).weight.shape[1]


def require_fine_numbers(embeddings: Any, size: float, remedy: str) -> None:
    """Raise ValueError where steps of `size` vanish in the numbers of the word embeddings.

    They do where the spacing of numbers at the root mean square of the table is larger. `remedy`
    is the end of the sentence.
    """
    weights = getattr(embeddings, "base_layer", embeddings).weight.detach()
    typical = float(weights.float().square().mean().sqrt())
    spacing = torch.finfo(weights.dtype).eps * typical
    if size < spacing:
        name = str(weights.dtype).removeprefix("torch.")
        raise ValueError(
            f"a perturbation of {size:g} vanishes in word embeddings of {name}, whose numbers are "
            f"{spacing:.1g} apart at their usual size of {typical:.2g}: {remedy}."
        )


def ids_and_mask(
    inputs: Mapping[str, Any],
) -> tuple[Int[Tensor, "b t"], Bool[Tensor, "b t"]]:
    """The token ids of a batch, a text a row, and which of them are no padding.

    Special tokens are tokens like others. Without an attention mask of the ids' shape all are read
    by the model, and count.

    Raises ValueError where the batch holds no ids.
    """
    ids = inputs.get("input_ids")
    if ids is None:
        raise ValueError("the batch has no input_ids: this is for models that read token ids.")
    mask = inputs.get("attention_mask")
    if mask is None or mask.shape != ids.shape:
        mask = torch.ones_like(ids)
    return ids.flatten(0, -2), mask.flatten(0, -2).bool()


@contextmanager
def added_to(embeddings: nn.Module, delta_BTE: Float[Tensor, "b t e"] | None) -> Iterator[None]:
    """Within the block, which is one forward pass, `delta_BTE` is added to the word embeddings.

    The model goes on reading token ids. So positions, types, normalisation and the search for the
    last token, which follow from the ids in many models, are what they are without: with 0 added
    the answers are the model's own. With None nothing is done.

    Raises ValueError where the table is not read once in the block, or for another shape.
    """
    if delta_BTE is None:
        yield
        return
    times_read = 0

    def add(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        nonlocal times_read
        times_read += 1
        if output.shape != delta_BTE.shape:
            raise ValueError(
                f"the word embeddings have the shape {tuple(output.shape)}, and the perturbation "
                f"{tuple(delta_BTE.shape)}: this is for models that read a batch as it is."
            )
        return output + delta_BTE.to(output.dtype)

    handle = embeddings.register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()
    if times_read != 1:
        raise ValueError(
            f"the model has read its word embeddings {times_read} times in a pass: this is for "
            "models that read them once."
        )
