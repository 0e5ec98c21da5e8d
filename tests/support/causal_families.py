"""Masked language models of many families, and causal ones beside them, small and fresh."""

from __future__ import annotations

from typing import Any

import model_families
import torch
import transformers as hf

SMALL: dict[str, Any] = dict(model_families.SMALL)

MORE = {
    "gpt2": lambda: hf.GPT2LMHeadModel(
        hf.GPT2Config(vocab_size=300, n_embd=32, n_layer=3, n_head=4, n_positions=64)
    ),
    "llama of grouped queries": lambda: hf.LlamaForCausalLM(
        hf.LlamaConfig(**SMALL, num_key_value_heads=2)
    ),
    "qwen3 of wide heads": lambda: hf.Qwen3ForCausalLM(
        hf.Qwen3Config(**SMALL, num_key_value_heads=2, head_dim=16)
    ),
}


def made(family: str) -> Any:
    if family in model_families.FAMILIES:
        return model_families.made(family)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MORE[family]().eval()
