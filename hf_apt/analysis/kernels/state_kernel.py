"""The kernel of a frozen state alone: what a fresh linear head on the model learns."""
# J: all texts. H: width of a state. O: outputs.

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from hf_apt.analysis.kernels.answer_positions import answer_positions, trunk_of
from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row
from hf_apt.depths.model_parts import depth_states


def depth_answer_states(
    function: LogitsFunction, rows: Sequence[Row]
) -> list[Float[np.ndarray, "J H"]]:
    """The hidden states that the answer is read from, at every depth.

    They are those of the mask, of the last token of a causal model, or of the tokens that a
    classifier's head reads: the first in BERT, the last in GPT-2, the mean of all in others.

    Args:
        function: the outputs; the trunk of its model is run, one text at a time.
        rows: the texts.

    Returns:
        For each depth, from embeddings on, the states in float64.

    Raises:
        ValueError: for a classifier that reads its tokens in another way.
    """
    trunk = trunk_of(function.model)
    states = []
    for row in rows:
        read = answer_positions(function, row)
        with torch.no_grad():
            outputs = trunk(**function.batch([row]).inputs, output_hidden_states=True)
        read_DH = torch.stack(
            [each[0, read].double().mean(dim=0) for each in depth_states(outputs)]
        )
        states.append(read_DH.cpu().numpy())
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
