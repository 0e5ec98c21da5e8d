"""A step of linear heads for all seven depths, against a pass and a step for each depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.data.tokens import Tokens
from hf_apt.data.training_draws import TrainingDraws
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.trunk import Trunk

from ..ratio import limit, report
from .sizes import DEVICE, Sizes
from .timing import seconds


def run(sizes: Sizes, tokens: Tokens, rate: float, folder: Path) -> bool:
    """Both in bfloat16 by autocast, with fused AdamW."""
    model: Any = BertForMaskedLM(BertConfig(**sizes.config())).to(DEVICE).eval()
    model.requires_grad_(False)
    trunk = Trunk(model).prepare()
    draws = TrainingDraws(tokens, tokens.masking(seed=0), num_draws=sizes.batch)
    batch = draws.__getitems__(list(range(sizes.batch)))
    asked = batch["labels"] != -100
    inputs, labels = batch["input_ids"].to(DEVICE), batch["labels"][asked].to(DEVICE)
    on_device = asked.to(DEVICE)
    together = DepthHeads("linear_head", 7, sizes.hidden_size, sizes.vocab_size).to(DEVICE)
    apart = [torch.nn.Linear(sizes.hidden_size, sizes.vocab_size, device=DEVICE) for _ in range(7)]
    fused = {"lr": 1e-3, "fused": True}
    optimizer = torch.optim.AdamW(together.parameters(), **fused)
    optimizers = [torch.optim.AdamW(head.parameters(), **fused) for head in apart]

    def ours() -> None:
        with torch.autocast(DEVICE.type, torch.bfloat16):
            together.loss(trunk.at({"input_ids": inputs}, asked), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    def pass_per_depth() -> None:
        for depth, head in enumerate(apart):
            with torch.autocast(DEVICE.type, torch.bfloat16):
                with torch.no_grad():
                    states = model.bert(inputs, output_hidden_states=True).hidden_states
                logits = head(states[depth][on_device])
                loss = torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
            loss.backward()
            optimizers[depth].step()
            optimizers[depth].zero_grad()

    times = {"ours": seconds(ours, 20), "per depth": seconds(pass_per_depth, 5)}
    speed = sizes.batch * sizes.length / times["ours"] / 1e6
    limit("seven heads: training", ours=speed, unit="M tokens/s")
    return report(
        "step of seven heads: a pass per depth / ours",
        ours=times["ours"],
        peer=times["per depth"],
        at_least=2.5,
    )
