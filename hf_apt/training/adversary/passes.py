"""Forward passes of a model beside those of its Trainer: in float32, without or with equal dropout.

B texts, T tokens, E width of the word embeddings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import extract_model_from_parallel
from torch import Tensor, nn

from hf_apt.depths.forward_override import forward_replaced
from hf_apt.training.adversary.word_embeddings import added_to, word_embeddings

if TYPE_CHECKING:
    from jaxtyping import Float


def unwrapped(model: Any) -> Any:
    """The model within what a Trainer calls, without what is for several processes or compiled."""
    return extract_model_from_parallel(model, keep_torch_compile=False)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Within the block there is no dropout; modules in training are so again afterwards."""
    in_training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in in_training:
            each.training = True


@contextmanager
def random_state_kept(module: nn.Module) -> Iterator[None]:
    """After the block torch's random state, on the model's CUDA device too, is what it was."""
    device = next(module.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


def is_reduced(module: nn.Module) -> bool:
    """Whether the Trainer has `module` multiply in a lower precision than its weights have."""
    return "_original_forward" in module.__dict__ or torch.is_autocast_enabled(
        next(module.parameters()).device.type
    )


@contextmanager
def in_float32(module: nn.Module) -> Iterator[None]:
    """Within the block `module` multiplies in the precision of its weights, without autocast.

    Accelerate puts autocast into the model's own forward pass, which is left out here.
    """
    own = module.__dict__.get("_original_forward")
    device = next(module.parameters()).device.type
    with (
        torch.autocast(device, enabled=False),
        forward_replaced(module, own) if own is not None else nullcontext(),
    ):
        yield


def perturbed_pass(
    module: Any, inputs: Mapping[str, Any], delta_BTE: Float[Tensor, "b t e"] | None
) -> Any:
    """What `module` answers with `delta_BTE` added to the word embeddings, or as it is for None."""
    with added_to(word_embeddings(module), delta_BTE):
        return module(**inputs)
