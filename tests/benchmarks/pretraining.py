"""A training step with logits at the modified positions only, against stock BertForMaskedLM."""

import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.models.bert6 import Bert6Config, Bert6ForMaskedLM

from .ratio import medians, report
from .sizes import BERT6, TINY, Size
from .text import masked_inputs


def run() -> bool:
    """Whether our step is quick enough at both sizes."""
    return all([_step(TINY, 16, at_least=1.8), _step(BERT6, 4, at_least=1.45)])


def _step(size: Size, batch_size: int, *, at_least: float) -> bool:
    models = {
        "ours": Bert6ForMaskedLM(Bert6Config(**size.config())),
        "stock": BertForMaskedLM(BertConfig(**size.config())),
    }
    models["stock"].load_state_dict(models["ours"].state_dict())
    inputs = masked_inputs(num_sequences=batch_size, vocab_size=size.vocab_size)

    def step(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        model(**inputs).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    variants = {}
    for name, model in models.items():
        optimizer = torch.optim.AdamW(model.train().parameters(), lr=1e-4, fused=True)
        variants[name] = lambda model=model, optimizer=optimizer: step(model, optimizer)
    times = medians(variants, rounds=size.rounds)
    return report(
        f"training step, {size.name}: stock BertForMaskedLM / ours",
        ours=times["ours"],
        peer=times["stock"],
        at_least=at_least,
    )
