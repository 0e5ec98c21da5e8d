"""What fitting a lens costs, from the shape of the model alone: FLOPs and memory.

Of a model that is there, `hf_apt.depths.lenses.jacobian_cost` counts them. Source: ours.
"""

from __future__ import annotations

from hf_apt.training.costs.model_costs import FLOAT, ModelCosts

_DOUBLE = 8
_ADAM = 4 * FLOAT
"""Bytes a parameter: weight, gradient, two moments."""


def lens_parameters(model: ModelCosts) -> int:
    """Number of parameters of a lens: an affine map of the states at each depth."""
    hidden = model.shape.hidden_size
    return model.num_depths * hidden * (hidden + 1)


def jacobian_flops(model: ModelCosts, num_sequences: int) -> float:
    """FLOPs of a Jacobian lens: of each sequence a forward pass and H backward passes by states.

    A backward pass by states alone makes one product for each of a map's, y = xW, and two for each
    of attention's, which has two factors that depend on states.
    """
    length, hidden = model.sequence_length, model.shape.hidden_size
    forward = model.trunk_flops(length)
    backward = forward + 4 * model.shape.num_blocks * length**2 * hidden
    return num_sequences * (forward + hidden * backward)


def jacobian_bytes(model: ModelCosts, batch_size: int) -> int:
    """Bytes beside the model at the peak: what a batch keeps, gradients, sums in double precision.

    Weights are frozen, so that a block keeps queries, keys, values, the attention's result and the
    inputs of LayerNorms and GELU alone: 6 H + F a token. Convolutions and attention weights, where
    they are kept, come on top.
    """
    hidden, num_tokens = model.shape.hidden_size, batch_size * model.sequence_length
    kept = model.shape.num_blocks * (6 * hidden + model.shape.intermediate_size) + hidden
    gradients = (model.num_depths - 1) * hidden
    return FLOAT * num_tokens * (kept + gradients) + _DOUBLE * lens_parameters(model)


def translator_head_flops(model: ModelCosts) -> float:
    """FLOPs at one position of a step, over all depths.

    At each depth but the last an affine map, 2 HH and as much for its gradient, and the frozen own
    head, forward and backward by its states; at the last depth the head forward.
    """
    at_depth = 4 * model.shape.hidden_size**2 + 2 * model.head_flops()
    return (model.num_depths - 1) * at_depth + model.head_flops()


def translator_bytes(model: ModelCosts, num_modified: int) -> int:
    """Bytes beside the model and its states at the peak: maps in training, logits of two depths.

    Of the depth in hand its logits, their log-probabilities, and the gradients of both.
    """
    return _ADAM * lens_parameters(model) + 5 * FLOAT * num_modified * model.vocab_size
