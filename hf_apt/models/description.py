"""What a model is called, how large it is, and what stands at each of its depths."""

from __future__ import annotations

from typing import Any

from hf_apt.stats import labels


def describe(model: Any, checkpoint: str, num_depths: int) -> dict[str, Any]:
    """`model` in plain JSON: `name`, `model_type`, sizes, and the names of its `depths`.

    A model of ours is called by its number of blocks, BERT-6, BERT-6 + [CLS] or BERT-1 + conv, any
    other one by its `checkpoint`. `conv` is there only where convolutions stand before the blocks,
    `cls_norms` and `cls_projections` only where [CLS] has weights of its own.
    """
    config = model.config
    description = {
        "name": checkpoint,
        "model_type": config.model_type,
        "num_blocks": config.num_hidden_layers,
        "hidden_size": config.hidden_size,
        "num_attention_heads": config.num_attention_heads,
        "vocab_size": config.vocab_size,
        "num_parameters": model.num_parameters(),
        "depths": depth_names(config, num_depths),
    }
    if config.model_type == "bert6":
        return description | {"name": f"BERT-{config.num_hidden_layers}"}
    if config.model_type == "bert6_cls":
        blocks = range(1, config.num_hidden_layers + 1)
        of_cls = {
            name: [number for number in blocks if number in getattr(config, name)]
            for name in ("cls_norms", "cls_projections")
        }
        return description | {"name": f"BERT-{config.num_hidden_layers} + [CLS]", **of_cls}
    if config.model_type == "bert_conv":
        conv = {
            "num_layers": config.conv_layers,
            "num_channels": config.conv_channels,
            "kernel": list(config.conv_kernel),
        }
        return description | {"name": f"BERT-{config.num_hidden_layers} + conv", "conv": conv}
    return description


def depth_names(config: Any, num_depths: int) -> list[str]:
    """What stands at each depth: as the model's configuration says, else embeddings and blocks.

    >>> depth_names(None, 3)
    ['embeddings', 'block 1', 'block 2']
    """
    named = getattr(config, "depth_names", None)
    return named[:num_depths] if named else labels.default_depth_names(num_depths)
