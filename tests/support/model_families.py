"""Masked language models of many families, small and fresh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers as hf

VOCAB = 300


NUM_BLOCKS = 3


SMALL = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "num_hidden_layers": NUM_BLOCKS,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}


IDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1}


DISTIL = {
    "vocab_size": VOCAB,
    "dim": 32,
    "n_layers": NUM_BLOCKS,
    "n_heads": 4,
    "hidden_dim": 64,
    "max_position_embeddings": 64,
}


RELATIVE = {"relative_attention": True, "position_buckets": 16, "pos_att_type": ["p2c", "c2p"]}


BOTTLENECK = {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16}


ESM = {"pad_token_id": 1, "mask_token_id": 4, "position_embedding_type": "absolute"}


FAMILIES: dict[str, Callable[[], Any]] = {
    "bert": lambda: hf.BertForMaskedLM(hf.BertConfig(**SMALL)),
    "roberta": lambda: hf.RobertaForMaskedLM(hf.RobertaConfig(**SMALL)),
    "distilbert": lambda: hf.DistilBertForMaskedLM(hf.DistilBertConfig(**DISTIL)),
    "electra": lambda: hf.ElectraForMaskedLM(hf.ElectraConfig(**SMALL, embedding_size=16)),
    "modernbert": lambda: hf.ModernBertForMaskedLM(hf.ModernBertConfig(**SMALL, **IDS)),
    "deberta-v2": lambda: hf.DebertaV2ForMaskedLM(hf.DebertaV2Config(**SMALL, **RELATIVE)),
    "deberta-v2-new-head": lambda: hf.DebertaV2ForMaskedLM(
        hf.DebertaV2Config(**SMALL, legacy=False)
    ),
    "albert": lambda: hf.AlbertForMaskedLM(hf.AlbertConfig(**SMALL, embedding_size=16)),
    "xlm-roberta-xl": lambda: hf.XLMRobertaXLForMaskedLM(hf.XLMRobertaXLConfig(**SMALL)),
    "esm": lambda: hf.EsmForMaskedLM(hf.EsmConfig(**SMALL, **ESM)),
    "mobilebert": lambda: hf.MobileBertForMaskedLM(hf.MobileBertConfig(**SMALL, **BOTTLENECK)),
}


every_family = pytest.mark.parametrize("family", FAMILIES)


def made(family: str) -> Any:
    """A model whose answers depend on where they are asked, unlike those of a fresh one."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = FAMILIES[family]()
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(5.0)
            else:  # scales of normalisations are called weights, too
                torch.nn.init.normal_(weight, mean=float(name.endswith("weight")), std=0.1)
    return model.eval()
