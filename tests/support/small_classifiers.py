"""Classifiers of several families, small and with weights that tell positions apart."""

from collections.abc import Callable
from typing import Any

import torch
import transformers as hf
from small_trainers import IDS, SMALL, VOCAB

import hf_apt

LABELS = {"id2label": {0: "a", 1: "b", 2: "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}
DISTIL = {"vocab_size": VOCAB, "dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 16}

CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "bert6": lambda: hf.AutoModelForSequenceClassification.from_config(
        hf_apt.Bert6Config(**SMALL, **LABELS)
    ),
    "bert_conv": lambda: hf.AutoModelForSequenceClassification.from_config(
        hf_apt.BertConvConfig(**SMALL, **LABELS, conv_channels=3)
    ),
    "bert": lambda: hf.BertForSequenceClassification(hf.BertConfig(**SMALL, **LABELS)),
    "distilbert": lambda: hf.DistilBertForSequenceClassification(
        hf.DistilBertConfig(**DISTIL, **LABELS)
    ),
    "roberta": lambda: hf.RobertaForSequenceClassification(
        hf.RobertaConfig(**SMALL, **LABELS, pad_token_id=0)
    ),
    "electra": lambda: hf.ElectraForSequenceClassification(
        hf.ElectraConfig(**SMALL, **LABELS, embedding_size=8)
    ),
    "modernbert": lambda: hf.ModernBertForSequenceClassification(
        hf.ModernBertConfig(**SMALL, **LABELS, **IDS)
    ),
    "albert": lambda: hf.AlbertForSequenceClassification(
        hf.AlbertConfig(**SMALL, **LABELS, embedding_size=8)
    ),
    "deberta": lambda: hf.DebertaV2ForSequenceClassification(hf.DebertaV2Config(**SMALL, **LABELS)),
}


def classifier(family: str, seed: int = 0) -> Any:
    """A classifier of three labels in evaluation mode, whose answers differ from text to text."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = CLASSIFIERS[family]()
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(4.0)
    return model.eval()


def batch(num: int = 6, length: int = 9, *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Token ids of different lengths, padded on the right with 0."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, VOCAB, (num, length), generator=generator)
    lengths = torch.arange(num) % (length - 3) + 4
    mask = (torch.arange(length) < lengths[:, None]).long()
    return {"input_ids": ids * mask, "attention_mask": mask}
