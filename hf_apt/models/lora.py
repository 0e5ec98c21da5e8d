"""LoRA adapters on an encoder: what peft makes, for any encoder with a classifier."""

from __future__ import annotations

import json
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_FILE = "adapter_config.json"
_ADDED_BY_PEFT = ("classifier", "score")
"""Modules that peft trains whole in any classifier."""


def with_adapter(model: PreTrainedModel, rank: int, *, seed: int) -> PeftModel:
    """`model` with a fresh LoRA adapter of `rank`, drawn from `seed`; nothing else is trained.

    Adapted are the linear layers of the blocks, that is, all that have a number in their path:
    every encoder numbers its blocks, and names of layers differ from one to the next. Trained
    whole, as copies that belong to the adapter, are the pooler, the classifier, and batch
    normalisations, whose running means change in training. alpha is twice the rank; no dropout is
    added to the model's own. `model` is changed in place; its answers are as before until the
    adapter is trained, its second factor being zero.

    Raises ValueError for a rank below 1, and for a model without linear layers in blocks.
    """
    from peft import LoraConfig, TaskType, get_peft_model

    if rank < 1:
        raise ValueError(f"an adapter has a rank of at least 1, got {rank}.")
    targets = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and _is_in_block(name)
    ]
    if not targets:
        raise ValueError(f"{type(model).__name__} has no linear layers in blocks to adapt.")
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=rank,
        lora_alpha=2 * rank,
        target_modules=targets,
        modules_to_save=_trained_whole(model),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, config)  # pyright: ignore[reportReturnType]


def is_adapted(model: nn.Module) -> bool:
    """Whether `model` is one of peft's."""
    return hasattr(model, "peft_config") and hasattr(model, "get_base_model")


def is_adapter_folder(folder: str | Path) -> bool:
    """Whether `folder` holds an adapter."""
    return (Path(folder) / _FILE).is_file()


def base_of(folder: str | Path) -> str:
    """The checkpoint that the adapter in `folder` belongs to.

    Raises ValueError if the adapter does not say which, and for a broken configuration.
    """
    path = Path(folder) / _FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is no JSON file: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{str(path)!r} is no adapter configuration: it is no JSON object.")
    base = content.get("base_model_name_or_path")
    if not base:
        raise ValueError(f"the adapter {str(folder)!r} does not say which checkpoint it adapts.")
    return base


def with_saved_adapter(model: PreTrainedModel, folder: str | Path) -> PeftModel:
    """`model`, changed in place, with the adapter of `folder`."""
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(folder))


def merge_adapter(model: Any) -> Any:
    """`model` with its adapter added to its weights: a plain model again."""
    return model.merge_and_unload() if is_adapted(model) else model


def save_config(model: Any, folder: str | Path) -> None:
    """Write the configuration of an adapted classifier, which says its labels, to `folder`."""
    base = model.get_base_model()
    config = copy(base.config)
    config.architectures = [type(base).__name__]
    config.save_pretrained(folder)


def num_trained(model: nn.Module) -> int:
    """The number of parameters that training changes."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def _is_in_block(name: str) -> bool:
    return any(part.isdigit() for part in name.split("."))


def _trained_whole(model: PreTrainedModel) -> list[str]:
    """Batch normalisations, pooler, and all that the model has besides its trunk."""
    names = [name for name, module in model.named_modules() if isinstance(module, _BatchNorm)]
    trunk = getattr(model, model.base_model_prefix, None)
    for parent, prefix in ((model, ""), (trunk, f"{model.base_model_prefix}.")):
        if parent is None:
            continue
        for name, module in parent.named_children():
            is_head = parent is model and module is not trunk
            if (is_head or "pooler" in name) and any(True for _ in module.parameters()):
                names.append(f"{prefix}{name}")
    return [name for name in names if name not in _ADDED_BY_PEFT]
