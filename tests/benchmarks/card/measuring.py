"""Seven depths of ten million modified tokens, and other ways on fewer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForMaskedLM, Trainer

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import Tokens
from hf_apt.data.training_draws import FixedDraws, as_batch
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk

from ..ratio import limit, report
from .arguments import trainer_arguments
from .sizes import DEVICE, Sizes
from .timing import once, seconds, wait


@torch.no_grad()
def run(sizes: Sizes, tokens: Tokens, rate: float, folder: Path) -> bool:
    """Seven depths of ten million modified tokens; against other ways on fewer."""
    model: Any = BertForMaskedLM(BertConfig(**sizes.config())).to(DEVICE, torch.bfloat16).eval()
    trunk = Trunk(model).prepare()
    decoders = {"own_head": OwnHead(trunk)}

    def ours(num: int) -> int:
        asked = MeasureConfig(num_sequences=num, batch_size=sizes.batch)
        return measure(trunk, tokens, decoders, asked)["own_head"].counts.at(6).total

    def batches() -> list[dict[str, torch.Tensor]]:
        draws = FixedDraws(tokens, tokens.masking(seed=1), num_sequences=sizes.compared)
        return [
            draws.__getitems__(list(range(start, min(start + sizes.batch, sizes.compared))))
            for start in range(0, sizes.compared, sizes.batch)
        ]

    held = batches()  # masked beforehand: slower ways are given their batches

    def per_depth() -> None:
        for depth in range(7):
            for batch in held:
                inputs, asked = batch["input_ids"].to(DEVICE), batch["labels"] != -100
                states = model.bert(inputs, output_hidden_states=True).hidden_states[depth]
                model.cls(states[asked.to(DEVICE)]).float().argmax(-1).cpu()

    def lenses() -> None:
        for batch in held:
            inputs = batch["input_ids"].to(DEVICE)
            for part in inputs.split(32):  # logits of all positions, in float32
                states = model.bert(part, output_hidden_states=True).hidden_states
                final = model.cls(states[-1]).float().log_softmax(-1)
                for state in states:
                    lens = model.cls(state).float().log_softmax(-1)
                    (final.exp() * (final - lens)).sum(-1).mean()

    stock = Trainer(
        model=model,
        args=trainer_arguments(folder / "evaluate", sizes, batch=sizes.batch, steps=1),
        eval_dataset=FixedDraws(tokens, tokens.masking(seed=1), num_sequences=sizes.compared),
        data_collator=as_batch,
    )
    start = time.perf_counter()
    ours(sizes.compared)  # compiles the kernel
    wait()
    first = time.perf_counter() - start
    start = time.perf_counter()
    modified = ours(sizes.measured)
    wait()
    whole = time.perf_counter() - start
    times = {
        name: seconds(way, 1)
        for name, way in {
            "ours": lambda: ours(sizes.compared),
            "Trainer.evaluate, loss alone": stock.evaluate,
        }.items()
    }
    times |= {name: once(way) for name, way in {"per": per_depth, "lens": lenses}.items()}
    limit("first pass, with compilation", ours=first, unit="s")
    limit("modified tokens", ours=modified, unit="tokens")
    return all(
        [
            limit("seven depths of these", ours=whole, at_most=30.0),
            *(
                report(f"{name} / seven depths", ours=times["ours"], peer=times[key], at_least=bar)
                for key, name, bar in (
                    ("Trainer.evaluate, loss alone", "Trainer.evaluate, loss alone", 1.0),
                    ("per", "a pass per depth", 4.0),
                    ("lens", "lenses at every layer and position", 6.0),
                )
            ),
        ]
    )
