"""The figures of one draw: kernels, fine-tuning on the same texts, and where the signal lives."""
# J: all texts, training, validation and test texts in this order. O: outputs.

from __future__ import annotations

import time
from typing import Any

import numpy as np

from hf_apt.analysis.kernels.block_kernels import block_kernels
from hf_apt.analysis.kernels.empirical_kernels import KernelTexts, stream_kernels
from hf_apt.analysis.kernels.kernel_config import KernelConfig
from hf_apt.analysis.kernels.logits_function import LogitsFunction
from hf_apt.analysis.kernels.state_kernel import depth_answer_states, state_kernel
from hf_apt.analysis.kernels.trained_arms import DrawRows, trained_figures
from hf_apt.stats.kernels.alignment import label_alignment
from hf_apt.stats.kernels.choice import chosen_prediction
from hf_apt.stats.kernels.condition_number import condition_number
from hf_apt.stats.kernels.contrasts import class_contrasts, target_contrasts
from hf_apt.stats.kernels.kernel_tensor import class_targets, output_accuracy
from hf_apt.stats.kernels.solver_names import Solver

_GIB = 2**30


def kernel_texts(function: LogitsFunction, rows: DrawRows, config: KernelConfig) -> KernelTexts:
    """The texts of a draw, and how their kernels are to be computed.

    Args:
        function: the outputs.
        rows: the texts of a draw.
        config: which kernels, over what, and how much memory they may take.

    Returns:
        What `stream_kernels` takes; validation and test texts are predicted, in this order.
    """
    return KernelTexts(
        *(function, rows.train, [*rows.validation, *rows.test], config.selection, config.kinds),
        memory=int(config.memory * _GIB),
        sign_floor=config.sign_floor,
    )


def draw_figures(function: LogitsFunction, rows: DrawRows, config: KernelConfig) -> dict[str, Any]:
    """The figures of one draw.

    Args:
        function: the outputs at the start of fine-tuning.
        rows: its texts.
        config: what is asked; its seed is the draw's own.

    Returns:
        `start_accuracy` before training; `kernels` by kind, each with `accuracy`,
        `validation_accuracy`, `regularisation`, `start_scale` and `alignment`; `condition` of the
        whole kernel of gradient descent; `states`, the accuracy of ridge regression on frozen
        states by depth; `arms` as `trained_figures` gives them; `groups` and `places` as
        `block_kernels` does; `seconds` of kernels and of arms.

    Raises:
        ValueError: if memory does not suffice, and as `trained_figures` does.
    """
    began = time.perf_counter()
    outputs = (
        function.outputs(rows.train).numpy(),
        function.outputs(rows.validation).numpy(),
        function.outputs(rows.test).numpy(),
    )
    targets_IO = class_targets(rows.train_labels, function.num_outputs)
    others = [*rows.validation, *rows.test]
    ends = np.cumsum([len(rows.train), len(rows.validation)])

    def chosen(kernel: np.ndarray, solver: Solver, *, with_start: bool = True):
        train, validation, test = (each * with_start for each in outputs)
        return chosen_prediction(
            tuple(np.split(kernel, ends)),  # pyright: ignore[reportArgumentType]
            rows.train_labels,
            (train, validation, test),
            rows.validation_labels,
            solver=solver,
        )

    def accuracy_of(kernel: np.ndarray) -> float:
        alone = chosen(kernel, "ridge", with_start=False)
        return output_accuracy(alone.outputs_JO, rows.test_labels)

    stream = stream_kernels(kernel_texts(function, rows, config))
    parts = block_kernels(stream, targets_IO, accuracy_of)
    kernels: dict[str, Any] = {}
    for kind, kernel in parts.total.items():
        best = chosen(kernel, config.solver)
        kernels[kind] = {
            "accuracy": output_accuracy(best.outputs_JO, rows.test_labels),
            "validation_accuracy": best.validation_accuracy,
            "regularisation": best.regularisation,
            "start_scale": best.start_scale,
            "alignment": label_alignment(
                class_contrasts(kernel[: len(rows.train)]), target_contrasts(targets_IO)
            ),
        }
    states_DJH = depth_answer_states(function, [*rows.train, *others])
    states = [
        accuracy_of(state_kernel(states_JH, len(rows.train), function.num_outputs))
        for states_JH in states_DJH
    ]
    whole = parts.total.get("sgd")
    seconds_of_kernels = time.perf_counter() - began
    began = time.perf_counter()
    arms = {arm: trained_figures(function, rows, arm, config, config.seed) for arm in config.arms}
    return {
        "start_accuracy": output_accuracy(outputs[2], rows.test_labels),
        "kernels": kernels,
        "condition": None
        if whole is None
        else condition_number(class_contrasts(whole[: len(rows.train)])),
        "states": states,
        "arms": arms,
        "groups": parts.groups,
        "places": parts.places,
        "seconds": {"kernels": seconds_of_kernels, "arms": time.perf_counter() - began},
    }
