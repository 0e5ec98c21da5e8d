"""The trained parameters of a model by where they are: block by block, and by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import nn

from hf_apt.analysis.kernels.kernel_names import SELECTIONS, Selection

Kind = Literal["attention", "feed-forward", "norms", "embeddings", "head"]
"""What parameters are for."""


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters of one place and kind."""

    place: str
    """`embeddings`, `block 1` and so on, or `head`."""

    kind: Kind
    """What they are for."""

    names: tuple[str, ...]
    """Names of the parameters in the model."""

    num_values: int
    """How many numbers they hold."""

    @property
    def name(self) -> str:
        """Place and kind, as `block 1 attention`."""
        return self.place if self.place == self.kind else f"{self.place} {self.kind}"


def parameter_groups(model: Any, selection: Selection = "all") -> list[ParameterGroup]:
    """The trained parameters of a model in groups, from embeddings to head; each once.

    A block is a numbered module; its parameters are norms by their module, attention by their name,
    else feed-forward. Outside of blocks, what is in the trunk is embeddings, but for a pooler and a
    final norm, which count with the head. A matrix that embeddings and head share is in the group
    of embeddings. What has no gradient by choice, as all but the adapters of a LoRA model, is left
    out.

    Args:
        model: a model of transformers, with or without adapters of PEFT.
        selection: which parameters are asked for.

    Returns:
        Groups that are not empty, in the order of the model.

    Raises:
        ValueError: if nothing is trained, or nothing is left.
    """
    if selection not in SELECTIONS:
        raise ValueError(
            f"the selection {selection!r} is unknown: choose one of {', '.join(SELECTIONS)}."
        )
    norms = {
        name for name, module in model.named_modules() if "norm" in type(module).__name__.lower()
    }
    trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
    if not trained:
        raise ValueError(
            f"no parameter of {type(model).__name__} is trained: set requires_grad of those that "
            "the kernel is to be over."
        )
    members: dict[tuple[str, Kind], list[str]] = {}
    for name in trained:
        key = _place_and_kind(name, norms, _trunk_prefix(model))
        if _is_selected(name, key, selection):
            members.setdefault(key, []).append(name)
    if not members:
        raise ValueError(f"{type(model).__name__} has no trained parameters of {selection!r}.")
    groups = [
        ParameterGroup(place, kind, tuple(names), sum(trained[name].numel() for name in names))
        for (place, kind), names in members.items()
    ]
    return sorted(groups, key=_order)


def _trunk_prefix(model: Any) -> str:
    """What the names of the trunk's parameters begin with, adapters or not."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    trunk: Any = getattr(base, base.base_model_prefix, None)
    if not isinstance(trunk, nn.Module):
        return ""
    return next(f"{name}." for name, module in model.named_modules() if module is trunk)


def _place_and_kind(name: str, norms: set[str], prefix: str) -> tuple[str, Kind]:
    parts = name.split(".")
    numbers = [int(part) for part in parts if part.isdigit()]
    is_norm = any(".".join(parts[:end]) in norms for end in range(1, len(parts)))
    in_trunk = name.startswith(prefix)
    if numbers and in_trunk and "embed" not in name:
        attends = any("att" in part.lower() for part in parts)
        kind: Kind = "norms" if is_norm else "attention" if attends else "feed-forward"
        return f"block {numbers[0] + 1}", kind
    is_last = "pooler" in name or (is_norm and "embed" not in name)
    return ("head", "head") if not in_trunk or is_last else ("embeddings", "embeddings")


def _is_selected(name: str, key: tuple[str, Kind], selection: Selection) -> bool:
    if selection == "biases":
        return name.endswith("bias")
    left_out = {
        "all": (),
        "no_embeddings": ("embeddings",),
        "no_head": ("head",),
        "blocks": ("embeddings", "head"),
    }[selection]
    return key[0] not in left_out


def _order(group: ParameterGroup) -> tuple[int, int]:
    kinds: Sequence[str] = get_args(Kind)
    number = group.place.removeprefix("block ")
    place = int(number) if number.isdigit() else {"embeddings": 0}.get(group.place, 10**6)
    return place, kinds.index(group.kind)
