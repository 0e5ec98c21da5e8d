"""Fine-tuning at equal data, beside the kernel that is to say what it does."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_apt.analysis.kernels.few_shot_training import FewShotTraining, train_function
from hf_apt.analysis.kernels.kernel_config import KernelConfig
from hf_apt.analysis.kernels.kernel_names import Arm
from hf_apt.analysis.kernels.linearisation import (
    copied_weights,
    feature_drift,
    linearised_outputs,
)
from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row
from hf_apt.analysis.kernels.parameter_groups import parameter_groups
from hf_apt.models.lora import require_rank
from hf_apt.stats.kernels.kernel_tensor import output_accuracy


@dataclass(frozen=True)
class DrawRows:
    """The texts of a draw as the model reads them, with their labels."""

    train: Sequence[Row]
    """Training texts."""

    train_labels: np.ndarray
    """Their classes."""

    validation: Sequence[Row]
    """Texts to choose settings with."""

    validation_labels: np.ndarray
    """Their classes."""

    test: Sequence[Row]
    """Texts to test with."""

    test_labels: np.ndarray
    """Their classes."""


def trained_figures(
    function: LogitsFunction, rows: DrawRows, arm: Arm, config: KernelConfig, seed: int
) -> dict[str, Any]:
    """What fine-tuning by `arm` reaches, and how far from the linear model it went.

    The learning rate is the one of best validation accuracy, the smaller of equally good ones; the
    loss may not stop being finite. `function` is left as it is.

    Args:
        function: the outputs at the start.
        rows: the texts of a draw.
        arm: how to fine-tune.
        config: steps, learning rates and the rank of adapters.
        seed: seed of adapters and of the order.

    Returns:
        `accuracy` on the test texts in [0, 1], `validation_accuracy`, `learning_rate`; `drift` and
        `linearised_accuracy`, None for adapters, whose gradients are of other parameters.

    Raises:
        ValueError: if no learning rate keeps the loss finite.
    """
    rates = {"sgd": config.sgd_rates, "adam": config.adam_rates, "lora": config.lora_rates}[arm]
    best: tuple[float, float, LogitsFunction] | None = None
    for rate in sorted(rates):
        trained = _prepared(function, arm, config, seed)
        training = FewShotTraining(
            "sgd" if arm == "sgd" else "adam", rate, config.num_steps, config.batch_size, seed
        )
        try:
            train_function(trained, rows.train, rows.train_labels, training)
        except FloatingPointError:
            continue
        accuracy = output_accuracy(trained.outputs(rows.validation).numpy(), rows.validation_labels)
        if best is None or accuracy > best[0]:
            best = accuracy, rate, trained
    if best is None:
        raise ValueError(
            f"no learning rate of {', '.join(map(str, rates))} keeps the loss of {arm} finite: "
            "give smaller ones."
        )
    accuracy, rate, trained = best
    figures: dict[str, Any] = {
        "accuracy": output_accuracy(trained.outputs(rows.test).numpy(), rows.test_labels),
        "validation_accuracy": accuracy,
        "learning_rate": rate,
        "drift": None,
        "linearised_accuracy": None,
    }
    if arm != "lora":
        end = copied_weights(trained.model)
        own = copied_weights(function.model)
        start = {name: own[name] for name in end}
        linear_JO = linearised_outputs(function, rows.test, start, end)
        figures["linearised_accuracy"] = output_accuracy(linear_JO, rows.test_labels)
        drift = feature_drift(function, rows.train[: config.drift_texts], start, end)
        figures["drift"] = float(np.nanmean(drift))
    return figures


def _prepared(
    function: LogitsFunction, arm: Arm, config: KernelConfig, seed: int
) -> LogitsFunction:
    """A copy of the function whose model is ready to be trained."""
    model = deepcopy(function.model)
    if arm == "lora":
        return function.with_model(with_block_adapters(model, config.lora_rank, seed))
    selected = {name for group in parameter_groups(model, config.selection) for name in group.names}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in selected)
    return function.with_model(model)


def with_block_adapters(model: Any, rank: int, seed: int) -> Any:
    """`model`, changed in place, with fresh LoRA adapters on the linear layers of its blocks.

    A fresh classifier is trained whole, as in fine-tuning; a language model's own head is not.

    Args:
        model: a classifier, or a language model.
        rank: rank of the adapters.
        seed: seed of their first factors.

    Returns:
        The model, in evaluation mode.

    Raises:
        ValueError: for a rank that the layers do not take, and a model without such layers.
    """
    from hf_apt.models.lora import block_linear_layers, with_adapter

    if "Classification" in type(model).__name__:
        return with_adapter(model, rank, seed=seed).eval()
    import torch
    from peft import LoraConfig, get_peft_model

    require_rank(model, rank)
    layers = list(block_linear_layers(model))
    lora = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, lora).eval()
