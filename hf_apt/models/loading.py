"""Checkpoints read from a folder or the Hub, whole and finite or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hf_apt.models.weights_files import require_weights_of_size
from hf_apt.reading import first_line, read_json
from hf_apt.records.checkpoints import checkpoint_path, pinned, require_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_FROM_PADDING = {
    *("camembert", "data2vec-text", "esm", "ibert", "lilt", "longformer", "luke", "markuplm"),
    *("mluke", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod"),
}
"""Model types that count positions from the one after the padding id."""

_TWO_MODELS = (
    "it is a generator with its discriminator; name the folder of one of them, generator or "
    "discriminator, beside it."
)


def load_masked_lm(name: str, *, revision: str | None = None) -> PreTrainedModel:
    """The masked language model of a checkpoint, in float32 and evaluation mode.

    `name` is a folder, a shipped checkpoint or a Hub id, and `revision` a branch, tag or commit of
    the Hub id. Raises ValueError if there is no such checkpoint, if it has no MLM head of its own,
    or if a weight is not finite.
    """
    from transformers import AutoModelForMaskedLM

    name = pinned(name, revision)
    model, missing = from_checkpoint(AutoModelForMaskedLM, name, "masked-LM checkpoint")
    if missing:
        raise ValueError(
            f"{name!r} has no masked-LM head of its own: its weights lack {first_of(missing)}."
        )
    require_finite(model, name)
    return model.eval()


def load_causal_lm(name: str, *, revision: str | None = None) -> PreTrainedModel:
    """The causal language model of a checkpoint, as `load_masked_lm` gives a masked one.

    Raises ValueError if there is none, if it has no head of its own, or if a weight is not finite.
    """
    from transformers import AutoModelForCausalLM

    name = pinned(name, revision)
    model, missing = from_checkpoint(AutoModelForCausalLM, name, "causal-LM checkpoint")
    if missing:
        raise ValueError(
            f"{name!r} has no language-modelling head of its own: its weights lack "
            f"{first_of(missing)}."
        )
    require_finite(model, name)
    return model.eval()


def load_selection(name: str) -> Any:
    """The generator with its discriminator of a checkpoint, in float32 and evaluation mode.

    Raises ValueError if there is none, if one of its weights is missing or not finite.
    """
    from hf_apt.models.selection import SelectionForPreTraining

    kind = "checkpoint of a generator with its discriminator"
    require_folder(name)
    folder = checkpoint_path(name)
    config = read_json(Path(folder) / "config.json")
    if not isinstance(config, dict) or config.get("model_type") != "apt_selection":
        raise ValueError(f"{name!r} is no {kind}: hf-apt pretrain --objective makes one.")
    require_weights_of_size(folder)
    try:
        made: Any = SelectionForPreTraining
        model, loading = made.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    except Exception as error:  # files can be broken in any way
        raise ValueError(f"{name!r} is no whole {kind}: {reason(error)}") from error
    if loading["missing_keys"]:
        raise ValueError(
            f"{name!r} is no whole {kind}: it lacks {first_of(loading['missing_keys'])}."
        )
    require_finite(model, name)
    return model.eval()


def from_checkpoint(
    auto_class: Any, name: str, kind: str, **options: Any
) -> tuple[PreTrainedModel, list[str]]:
    """The model that `auto_class` makes of a checkpoint, in float32, and the weights it lacks.

    Python code that comes with a checkpoint is never run. Raises ValueError, which names the `kind`
    wanted, if there is none, if it cannot be read or needs such code, and if its configuration says
    other sizes or fewer blocks than its weights have.
    """
    require_folder(name)
    folder = checkpoint_path(name)
    require_weights_of_size(folder)
    try:
        model, loading = auto_class.from_pretrained(
            folder,
            **{**options, "trust_remote_code": False},
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # files can be broken in any way
        raise ValueError(f"{name!r} is no whole {kind}: {reason(error)}") from error
    if model.config.model_type == "apt_selection":
        raise ValueError(f"{name!r} is no {kind}: {_TWO_MODELS}")
    extra = _of_further_blocks(loading["unexpected_keys"], model)
    if extra:
        raise ValueError(
            f"{name!r} has weights of blocks that its config.json does not have "
            f"({first_of(extra)}): the two do not belong together."
        )
    return model, sorted(loading["missing_keys"])


def _of_further_blocks(keys: Iterable[str], model: nn.Module) -> list[str]:
    """The weights of blocks that `model` lacks, of stacks that it has."""
    names = list(model.state_dict())
    further = []
    for key in keys:
        stack = re.match(r"(.*?\.)\d+\.", key)
        if stack and any(stack[1] in name for name in names):
            if not any(stack[0] in name for name in names):
                further.append(key)
    return further


def reason(error: BaseException) -> str:
    """Why a checkpoint was not read, in one line."""
    if "trust_remote_code" in str(error):
        return "it needs Python code of its own, which hf_apt does not run."
    if "SelectionConfig" in str(error):
        return _TWO_MODELS
    return first_line(error)


def first_of(keys: Iterable[str]) -> str:
    """The first of the names, and how many more there are.

    >>> first_of(["b", "a", "c"])
    'a and 2 more'
    """
    first, *others = sorted(keys)
    return f"{first} and {len(others)} more" if others else first


def require_finite(model: nn.Module, name: str) -> None:
    """Raise ValueError if a weight of `model` is NaN or infinite."""
    for key, weight in model.state_dict().items():
        if weight.is_floating_point() and not torch.isfinite(weight).all():
            raise ValueError(
                f"the weight {key} of {name!r} holds NaN or infinite values: nothing that is "
                "measured with it would mean anything."
            )


def num_positions(config: Any) -> int | None:
    """The longest sequence that a model of this configuration takes; None for no limit.

    Models with relative positions alone have none.

    >>> from transformers import BertConfig, RobertaConfig
    >>> num_positions(BertConfig()), num_positions(RobertaConfig(max_position_embeddings=514))
    (512, 512)
    """
    if getattr(config, "position_biased_input", True) is False:  # DeBERTa
        return None
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None or config.model_type not in _FROM_PADDING:
        return positions
    padding_id = 1 if config.model_type == "mpnet" else config.pad_token_id
    return positions if padding_id is None else positions - padding_id - 1


def require_room(model: PreTrainedModel, vocab_size: int, sequence_length: int) -> None:
    """Raise ValueError if `model` has fewer token ids or fewer positions."""
    if model.config.vocab_size < vocab_size:
        raise ValueError(
            f"the tokenizer has {vocab_size} tokens and the model only "
            f"{model.config.vocab_size}: they do not belong together."
        )
    positions = _num_positions(model)
    if positions is not None and positions < sequence_length:
        raise ValueError(
            f"sequences of {sequence_length} tokens are longer than the model's "
            f"{positions} positions: choose a smaller sequence length."
        )


def _num_positions(model: PreTrainedModel) -> int | None:
    """The longest sequence that `model` takes, if it says so."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            if module.padding_idx is not None:
                # RoBERTa and its kin count positions from the one after the padding id.
                return module.num_embeddings - module.padding_idx - 1
    return num_positions(model.config)
