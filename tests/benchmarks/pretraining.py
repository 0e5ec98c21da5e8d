"""A training step with logits at the modified positions only, against stock BertForMaskedLM."""

import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.bert6 import Bert6Config, Bert6ForMaskedLM

from .ratio import medians, report
from .text import masked_inputs


def run() -> bool:
    """Whether our step of BERT-6 128 wide, V = 8,192, 16 x 128 tokens is quick enough."""
    size = {
        "vocab_size": 8192,
        "hidden_size": 128,
        "num_hidden_layers": 6,
        "num_attention_heads": 2,
        "intermediate_size": 512,
    }
    models = {
        "ours": Bert6ForMaskedLM(Bert6Config(**size)),
        "stock": BertForMaskedLM(BertConfig(**size)),
    }
    models["stock"].load_state_dict(models["ours"].state_dict())
    inputs = masked_inputs(num_sequences=16, vocab_size=8192)

    def step(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        model(**inputs).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    variants = {}
    for name, model in models.items():
        optimizer = torch.optim.AdamW(model.train().parameters(), lr=1e-4, fused=True)
        variants[name] = lambda model=model, optimizer=optimizer: step(model, optimizer)
    times = medians(variants, rounds=5)
    return report(
        "training step: stock BertForMaskedLM / ours",
        ours=times["ours"],
        peer=times["stock"],
        at_least=1.7,
    )
