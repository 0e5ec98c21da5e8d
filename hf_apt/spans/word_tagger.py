"""The encoder of a checkpoint as a tagger of words, of which a span model takes the trunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.models.checkpoint_config import encoder_config
from hf_apt.models.encoders import Encoder
from hf_apt.models.loading import first_of, from_checkpoint, require_finite, require_room
from hf_apt.models.lora import is_adapter_folder
from hf_apt.records.checkpoints import checkpoint_path, pinned
from hf_apt.spans.token_tags import bio_tags
from hf_apt.training.finetune_config import FinetuneConfig


def load_tagger(checkpoint: str, labels: Sequence[str], config: FinetuneConfig) -> Encoder:
    """A tagger of names of these types, as fine-tuning begins: its seed and length are `config`'s.

    Raises ValueError as `load_word_tagger`.
    """
    return load_word_tagger(
        checkpoint, bio_tags(labels), seed=config.seed, sequence_length=config.sequence_length
    )


def load_word_tagger(name: str, tags: Sequence[str], *, seed: int, sequence_length: int) -> Encoder:
    """The encoder of a checkpoint with a fresh head of one class for each tag, and its tokenizer.

    Args:
        name: a checkpoint folder, a shipped checkpoint or a Hub id.
        tags: names of the classes of tokens.
        seed: seed of the fresh head.
        sequence_length: tokens of the longest row.

    Returns:
        The model, in float32 and evaluation mode, and its tokenizer.

    Raises:
        ValueError: if there is none, if a weight of the trunk is missing or not finite, for a
            tokenizer without a mask token, for an adapter, and for rows longer than the model's
            positions.
    """
    from transformers import AutoModelForTokenClassification

    name = pinned(name)
    encoder_config(name)
    folder = checkpoint_path(name)
    if is_adapter_folder(folder):
        raise ValueError(f"{name!r} is an adapter: merge it into its model first.")
    names: dict[str, Any] = {
        "id2label": dict(enumerate(tags)),
        "label2id": {tag: index for index, tag in enumerate(tags)},
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, missing = from_checkpoint(
            AutoModelForTokenClassification,
            name,
            "encoder checkpoint",
            ignore_mismatched_sizes=True,  # a head of other tags is not wanted
            **names,
        )
    lost = [key for key in missing if key.startswith(f"{model.base_model_prefix}.")]
    if lost:
        raise ValueError(f"{name!r} lacks weights of its trunk: {first_of(lost)}.")
    require_finite(model, name)
    tokenizer = load_tokenizer(folder)
    require_room(model, len(tokenizer), sequence_length)
    return Encoder(model.eval(), tokenizer)
