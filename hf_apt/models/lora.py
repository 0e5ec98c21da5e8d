"""LoRA adapters on an encoder: what peft makes, for any encoder with a classifier."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from hf_apt.models.weights_files import tensor_shapes
from hf_apt.reading import first_line, read_json

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_FILE = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_PICKLED = "adapter_model.bin"
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

    Raises ValueError as `require_rank` does.
    """
    from peft import LoraConfig, TaskType, get_peft_model

    require_rank(model, rank)
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=rank,
        lora_alpha=2 * rank,
        target_modules=list(block_linear_layers(model)),
        modules_to_save=_trained_whole(model),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, config)  # pyright: ignore[reportReturnType]


def require_rank(model: nn.Module, rank: int) -> None:
    """Raise ValueError unless an adapter of `rank` can be put on the blocks of `model`.

    Two factors of a larger rank than the matrix they are added to hold more numbers than it and can
    do no more: the largest rank is the smaller side of the largest matrix.
    """
    if rank < 1:
        raise ValueError(f"an adapter has a rank of at least 1, got {rank}.")
    sides = [
        min(each.in_features, each.out_features) for each in block_linear_layers(model).values()
    ]
    if not sides:
        raise ValueError(f"{type(model).__name__} has no linear layers in blocks to adapt.")
    if rank > max(sides):
        raise ValueError(
            f"a rank of {rank} is larger than the matrices of {type(model).__name__} that it "
            f"adapts, {max(sides)} wide at most: choose a smaller rank, 8 to 64 are usual."
        )


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
    base = _configuration(folder).get("base_model_name_or_path")
    if not base or not isinstance(base, str):
        raise ValueError(f"the adapter {str(folder)!r} does not say which checkpoint it adapts.")
    return base


def with_saved_adapter(
    model: PreTrainedModel | PeftModel, folder: str | Path, name: str = "default"
) -> PeftModel:
    """`model`, changed in place, with the adapter of `folder`, called `name`.

    A `model` that has adapters already gets one more. Raises ValueError as `require_adapter` does,
    and for an adapter of another model.
    """
    from peft import PeftModel

    require_adapter(model, folder)
    try:
        if not is_adapted(model):
            return PeftModel.from_pretrained(model, str(folder), adapter_name=name)
        model.load_adapter(str(folder), adapter_name=name)
    except Exception as error:  # files can be broken in any way
        raise ValueError(
            f"the adapter {str(folder)!r} is broken or of another model than "
            f"{type(model).__name__}: {' '.join(str(error).split())[:300]}"
        ) from error
    return cast(Any, model)


def require_adapter(model: nn.Module, folder: str | Path) -> None:
    """Raise ValueError unless `folder` holds an adapter that may be put on `model`.

    Its weights have to be a file of safetensors, since a pickle can run code; its kind has to be
    one of peft's, and a LoRA's ranks those of its weights. No weight is read.
    """
    from peft import PeftType

    content = _configuration(folder)
    if content.get("peft_type") not in [kind.value for kind in PeftType]:
        raise ValueError(
            f"{Path(folder) / _FILE} has the peft_type {content.get('peft_type')!r}, which the "
            "installed peft does not know: save the adapter again, or update peft."
        )
    if not (Path(folder) / _WEIGHTS).is_file():
        is_pickled = (Path(folder) / _PICKLED).is_file()
        others = f", only {_PICKLED}, a pickle, which can run code" if is_pickled else ""
        raise ValueError(
            f"the adapter {str(folder)!r} has no {_WEIGHTS}{others}: save it as safetensors, which "
            "`save_pretrained` of peft does."
        )
    patterns = content.get("rank_pattern")
    ranks = [content.get("r"), *(patterns.values() if isinstance(patterns, dict) else ())]
    largest = max((rank for rank in ranks if isinstance(rank, int)), default=0)
    if content["peft_type"] == "LORA" and largest > _longest_side(Path(folder) / _WEIGHTS):
        raise ValueError(
            f"{Path(folder) / _FILE} says a rank of {largest}, and no weight beside it has such a "
            "side: the two do not belong together; save the adapter again."
        )


def _longest_side(file: Path) -> int:
    try:
        shapes = tensor_shapes(file)
    except Exception as error:  # files can be broken in any way
        raise ValueError(f"{file} is broken ({first_line(error)}): save it again.") from error
    return max((side for shape in shapes.values() for side in shape), default=0)


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


def _configuration(folder: str | Path) -> dict[str, Any]:
    path = Path(folder) / _FILE
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} is no adapter configuration: it is no JSON object.")
    return content


def block_linear_layers(model: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers of the blocks, by their paths."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and _is_in_block(name)
    }


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
