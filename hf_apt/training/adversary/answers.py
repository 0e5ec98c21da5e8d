"""The answers of a model that a perturbation may move, one row for each that counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hf_apt.training.adversary.divergence import squared_difference, symmetric_kl
from hf_apt.training.objective import asked_logits, num_asked

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def num_answers(inputs: Mapping[str, Any]) -> Tensor | int:
    """The number of answers in a batch: texts with a number as label, or labels other than -100.

    Raises ValueError if there are no labels.
    """
    labels = inputs.get("labels")
    if labels is not None and labels.is_floating_point():
        return len(labels)
    return num_asked(inputs)


def answers(outputs: Any, inputs: Mapping[str, Any]) -> Float[Tensor, "n outputs"]:
    """The logits of each answer that counts, in float32 and in the order of the labels.

    Raises ValueError if there are no labels, for logits of another shape, and for several labels of
    one text.
    """
    labels = inputs.get("labels")
    if labels is None or not labels.is_floating_point():
        logits_NC, asked_N = asked_logits(outputs, inputs)
        return logits_NC[asked_N]
    logits = outputs["logits"].float()
    if logits.shape[:1] != labels.shape[:1]:
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} do not belong to labels of shape "
            f"{tuple(labels.shape)}: there must be one row of logits for each text."
        )
    return logits.flatten(1)


def divergence(
    first_NC: Float[Tensor, "n outputs"],
    second_NC: Float[Tensor, "n outputs"],
    inputs: Mapping[str, Any],
) -> Float[Tensor, " n"]:
    """How far the answers to a batch are apart, each: by its labels, as classes or as numbers.

    One output is a number, too, whatever the type of the labels, as in transformers.
    """
    is_number = first_NC.shape[-1] == 1 or inputs["labels"].is_floating_point()
    return (squared_difference if is_number else symmetric_kl)(first_NC, second_NC)


def require_one_label(model: Any, inputs: Mapping[str, Any]) -> None:
    """Raise ValueError where texts have several labels each, which softmax does not answer."""
    kind = getattr(getattr(model, "config", None), "problem_type", None)
    if kind == "multi_label_classification" and inputs["labels"].is_floating_point():
        raise ValueError(
            "the labels are of multi_label_classification, for which answers are not compared: "
            "this objective is for one label a text or token, and for regression."
        )
