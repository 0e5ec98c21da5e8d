"""Small models of BERT-6 and its convolutional kin, with all their heads, and labels for them."""

from typing import Any

import torch

from hf_apt.models.bert6 import (
    Bert6ClsConfig,
    Bert6Config,
    BertConvConfig,
    modeling_bert6,
    modeling_bert6_cls,
    modeling_bert_conv,
)

SMALL = {
    "vocab_size": 65,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
AUTO_CLASSES = {
    "AutoModel": "Model",
    "AutoModelForMaskedLM": "ForMaskedLM",
    "AutoModelForSequenceClassification": "ForSequenceClassification",
    "AutoModelForTokenClassification": "ForTokenClassification",
}
HEADS = list(AUTO_CLASSES.values())
TYPES = {
    "bert6": (modeling_bert6, "Bert6", Bert6Config, {}),
    "bert6_cls": (
        *(modeling_bert6_cls, "Bert6Cls", Bert6ClsConfig),
        {"cls_norms": (1, 2), "cls_projections": (2,)},
    ),
    "bert_conv": (modeling_bert_conv, "BertConv", BertConvConfig, {"conv_channels": 4}),
}


def made(kind: str, head: str = "ForMaskedLM", **changes: Any) -> Any:
    """A small model in evaluation mode whose answers depend on everything."""
    module, stem, config_class, conv = TYPES[kind]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        config = config_class(**SMALL | conv | changes)
        model = getattr(module, stem + head)(config)
        for name, weight in model.named_parameters():
            weight.mul_(4.0 if weight.dim() > 1 else 1.0)
            if ".cls_" in name:  # which begin as copies
                weight.add_(0.3 * torch.randn_like(weight))
    return model.eval()


def labels_of(head: str, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    few = torch.where(torch.arange(9) % 4 == 1, ids, -100)
    return {
        "Model": {},
        "ForMaskedLM": {"labels": few},
        "ForSequenceClassification": {"labels": torch.tensor([0, 1, 1])},
        "ForTokenClassification": {"labels": ids % 2},
    }[head]
