"""The kernel of a frozen state alone: what a fresh linear head on the model learns."""
# J: all texts. O: outputs.

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row
from hf_apt.depths.model_parts import depth_states


def depth_answer_states(
    function: LogitsFunction, rows: Sequence[Row]
) -> list[Float[np.ndarray, "J H"]]:
    """The hidden states where the answer is read, at every depth; of a classifier the first token.

    Args:
        function: the outputs; the trunk of its model is run, one text at a time.
        rows: the texts.

    Returns:
        For each depth, from embeddings on, the states in float64.
    """
    model = function.model
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    trunk = getattr(base, base.base_model_prefix, base)
    states = []
    with torch.no_grad():
        for row in rows:
            batch = function.batch([row])
            outputs = trunk(**batch.inputs, output_hidden_states=True)
            read_DH = torch.stack([each[0, row.position] for each in depth_states(outputs)])
            states.append(read_DH.double().cpu().numpy())
    return list(np.stack(states, axis=1))


def state_kernel(
    states_JH: Float[np.ndarray, "J H"], num_train: int, num_outputs: int
) -> Float[np.ndarray, "J O I O"]:
    """The tangent kernel of a linear head with a bias: (h h' + 1) for each output by itself.

    Ridge regression with it is ridge regression on frozen states: the arm that a kernel over all
    parameters has to beat.

    Args:
        states_JH: states, training texts first.
        num_train: how many training texts there are.
        num_outputs: outputs of the head.

    Returns:
        The kernel between all texts and training texts.
    """
    products_JI = states_JH @ states_JH[:num_train].T + 1
    return np.einsum("ji,op->joip", products_JI, np.eye(num_outputs))
