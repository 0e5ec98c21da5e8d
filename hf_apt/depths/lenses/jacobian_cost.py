"""What fitting a Jacobian lens costs, told by one sequence before the others are read."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from hf_apt.depths.lenses.bare_states import bare_states
from hf_apt.depths.lenses.jacobian_config import JacobianConfig
from hf_apt.depths.model_calls import smallest_input
from hf_apt.depths.trunk import Trunk

_DOUBLE = 8


@dataclass(frozen=True)
class JacobianCost:
    """What fitting a Jacobian lens to one model costs."""

    flops: float
    """Floating-point operations in products of matrices, over all sequences. Attention that runs in
    one fused kernel on the processor is not among them."""

    memory: int
    """Bytes at the peak, beside the model: what a batch keeps for its backward passes, its
    gradients, and the sums."""


def jacobian_cost(trunk: Trunk, length: int, config: JacobianConfig | None = None) -> JacobianCost:
    """The cost of `fit_jacobian` on sequences of `length` tokens.

    It is counted on one forward and one backward pass of one sequence. Source: ours.
    """
    config = config or JacobianConfig()
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    weights = {weight.untyped_storage().data_ptr() for weight in trunk.model.parameters()}
    inputs = smallest_input(trunk.model, length)
    with FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            states = bare_states(trunk, inputs, with_graph=True)
        forward = counter.get_total_flops()
        torch.autograd.grad(states[-1][0, 0, 0], states[:-1])
        backward = counter.get_total_flops() - forward
    D, H = trunk.num_depths, trunk.hidden_size
    of_sequence = sum(size for at, size in kept.items() if at not in weights)
    of_sequence += sum(state.nbytes for state in states[:-1])  # their gradients
    return JacobianCost(
        flops=float(config.num_sequences * (forward + H * backward)),
        memory=config.batch_size * of_sequence + _DOUBLE * D * H * (H + 1),
    )
