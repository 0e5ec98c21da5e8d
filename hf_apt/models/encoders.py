"""An encoder checkpoint of any kind with its tokenizer: pre-trained, or already a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hf_apt.data.tokenizer import load_tokenizer, vocabulary
from hf_apt.models.checkpoint_config import encoder_config
from hf_apt.models.loading import (
    first_of,
    from_checkpoint,
    require_finite,
    require_room,
)
from hf_apt.models.lora import (
    base_of,
    is_adapted,
    is_adapter_folder,
    merge_adapter,
    save_config,
    with_saved_adapter,
)
from hf_apt.records.checkpoints import checkpoint_path, pinned

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_KIND = "encoder checkpoint"


@dataclass(frozen=True)
class Encoder:
    """A model and the tokenizer that belongs to it."""

    model: PreTrainedModel
    """The model with a classification head, in float32 and evaluation mode."""

    tokenizer: Any
    """The tokenizer of the model."""

    def encode(self, texts: Sequence[str], sequence_length: int) -> list[list[int]]:
        """The token ids of each text, cut after `sequence_length` tokens, special ones included.

        Raises ValueError where the model has fewer ids or positions.
        """
        require_room(self.model, len(vocabulary(self.tokenizer)), sequence_length)
        encoded = self.tokenizer(list(texts), truncation=True, max_length=sequence_length)
        return encoded["input_ids"]

    def save(self, folder: Path) -> None:
        """Write model and tokenizer so that `load_encoder` reads them; for adapters, only those."""
        self.model.save_pretrained(folder)
        if is_adapted(self.model):
            save_config(self.model, folder)
        self.tokenizer.save_pretrained(folder)


def load_encoder(
    name: str, *, revision: str | None = None, label_names: Sequence[str] = (), seed: int = 42
) -> Encoder:
    """The encoder of a checkpoint, with a classification head and its tokenizer.

    Its trunk is read whole; a missing pooler, and the classifier for `label_names` if the
    checkpoint has none, begin from fresh weights. A folder with an adapter gives the model that it
    was made for, the adapter merged into its weights.

    Args:
        name: a checkpoint folder, a shipped checkpoint or a Hub id.
        revision: a branch, tag or commit of the Hub id; None for the one that `name` says, or the
            Hub's default.
        label_names: the names of the classes; those of the checkpoint's own classifier if empty.
        seed: seed of the fresh weights.

    Returns:
        The model, in float32 and evaluation mode, and its tokenizer.

    Raises:
        ValueError: if there is none, if a weight of the trunk is missing or not finite, and if the
            checkpoint classifies other labels than those asked for.
    """
    from transformers import AutoModelForSequenceClassification

    name = pinned(name, revision)
    folder = checkpoint_path(name)
    config = encoder_config(name)
    labels = _labels(config, label_names, name)
    source = folder
    if is_adapter_folder(folder):
        source, labels = base_of(folder), {"id2label": config.id2label, "label2id": config.label2id}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, missing = from_checkpoint(
            AutoModelForSequenceClassification, source, _KIND, **labels
        )
    trunk = f"{model.base_model_prefix}."
    lost = [key for key in missing if key.startswith(trunk) and "pooler" not in key]
    if lost:
        raise ValueError(f"{name!r} lacks weights of its trunk: {first_of(lost)}.")
    if source != folder:
        model = merge_adapter(with_saved_adapter(model, folder))
    require_finite(model, name)
    return Encoder(model.eval(), load_tokenizer(folder))


def load_trunk(name: str) -> PreTrainedModel:
    """The encoder of a checkpoint without any head, in float32 and evaluation mode.

    A missing pooler begins from fresh weights: it is not part of the blocks. Raises ValueError if
    there is no such checkpoint, and if another weight is missing or one is not finite.
    """
    from transformers import AutoModel

    model, missing = from_checkpoint(AutoModel, checkpoint_path(name), _KIND)
    lost = [key for key in missing if "pooler" not in key]
    if lost:
        raise ValueError(f"{name!r} lacks weights of its trunk: {first_of(lost)}.")
    require_finite(model, name)
    return model.eval()


def is_classifier(name: str, label_names: Sequence[str]) -> bool:
    """Whether a checkpoint is a classifier of these labels already, by its configuration alone.

    Raises ValueError if there is no such checkpoint, and if it classifies other labels.
    """
    config = encoder_config(name)
    _labels(config, label_names, name)
    return _classifies(config)


def _classifies(config: Any) -> bool:
    names = config.architectures or ()
    return any("Classification" in each or each == "SoftCommittee" for each in names)


def _labels(config: Any, label_names: Sequence[str], name: str) -> dict[str, Any]:
    """What to ask `from_pretrained` for, so that the head fits the task."""
    if not label_names:
        return {}
    if not _classifies(config):
        return {
            "id2label": dict(enumerate(label_names)),
            "label2id": {label: index for index, label in enumerate(label_names)},
        }
    known = tuple(config.id2label[index] for index in range(config.num_labels))
    if known != tuple(label_names):
        raise ValueError(
            f"{name!r} classifies {len(known)} labels ({', '.join(known[:3])}, ...), the task has "
            f"{len(label_names)} ({', '.join(label_names[:3])}, ...): they do not belong together."
        )
    return {}
