"""Heads of all depths trained in one pass, against a pass and a head for each depth."""

import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.heads import DepthHeads
from hf_apt.trunk import Trunk

from .ratio import medians, report
from .sizes import BERT6, TINY, Size
from .text import masked_inputs


def run() -> bool:
    """Whether a step of seven linear heads is quick enough at both sizes."""
    return all([_step(TINY, at_least=2.6), _step(BERT6, at_least=2.3)])


def _step(size: Size, *, at_least: float) -> bool:
    model = BertForMaskedLM(BertConfig(**size.config())).eval().requires_grad_(False)
    inputs = masked_inputs(num_sequences=2 * size.batch_size, vocab_size=size.vocab_size)
    ids, labels = inputs["input_ids"], inputs["labels"]
    asked = labels != -100
    trunk = Trunk(model)
    together = DepthHeads("linear_head", 7, size.hidden_size, size.vocab_size)
    apart = [torch.nn.Linear(size.hidden_size, size.vocab_size) for _ in range(7)]
    optimizers = {
        "ours": torch.optim.AdamW(together.parameters(), lr=1e-3, fused=True),
        **{
            depth: torch.optim.AdamW(head.parameters(), lr=1e-3, fused=True)
            for depth, head in enumerate(apart)
        },
    }

    def ours() -> None:
        hidden = trunk.at({"input_ids": ids}, asked)
        together.loss(hidden, labels[asked]).backward()
        optimizers["ours"].step()
        optimizers["ours"].zero_grad()

    def pass_per_depth() -> None:
        for depth, head in enumerate(apart):
            with torch.no_grad():
                states = model.bert(ids, output_hidden_states=True).hidden_states
            logits = head(states[depth][asked])
            torch.nn.functional.cross_entropy(logits, labels[asked], reduction="sum").backward()
            optimizers[depth].step()
            optimizers[depth].zero_grad()

    times = medians({"ours": ours, "per depth": pass_per_depth}, rounds=size.rounds)
    return report(
        f"step of seven heads, {size.name}: a pass per depth / ours",
        ours=times["ours"],
        peer=times["per depth"],
        at_least=at_least,
    )
