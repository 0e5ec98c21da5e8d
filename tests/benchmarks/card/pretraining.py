"""Pre-training through the Trainer, ours and stock, compiled and not."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForMaskedLM, Trainer, TrainerCallback

from hf_apt.data.tokens import Tokens
from hf_apt.data.training_draws import TrainingDraws, as_batch
from hf_apt.models.bert6 import Bert6Config, Bert6ForMaskedLM
from hf_apt.models.shapes import ModelShape
from hf_apt.training.costs.model_costs import ModelCosts

from ..ratio import LINES, limit, report
from .arguments import trainer_arguments
from .sizes import DEVICE, Sizes
from .timing import once, wait


def run(sizes: Sizes, tokens: Tokens, rate: float, folder: Path) -> bool:
    """Tokens a second through the Trainer, ours and stock, compiled and not."""
    found: dict[str, float] = {}
    for batch, steps, name in (
        (sizes.batch, sizes.steps, "large"),
        (sizes.small_batch, sizes.small_steps, "small"),
    ):
        runs: list[tuple[str, bool, str | None]] = [("stock", False, None), ("ours", False, None)]
        if name == "large":
            runs += [("stock", True, None), *(("ours", True, m) for m in sizes.compile_modes)]
        else:
            runs += [("ours", True, sizes.small_mode)]
        for kind, compiled, mode in runs:
            label = f"{kind}{' compiled' if compiled else ''}{f' {mode}' if mode else ''}, {name}"
            model = (
                Bert6ForMaskedLM(Bert6Config(**sizes.config()))
                if kind == "ours"
                else BertForMaskedLM(BertConfig(**sizes.config()))
            )
            try:
                speed = _tokens_a_second(
                    model, sizes, tokens, folder / label, batch, steps, compiled, mode
                )
            except Exception as error:  # the other ways are still worth their time
                LINES.append({"benchmark": label, "failed": str(error)[:300]})
                print(json.dumps(LINES[-1]), flush=True)
                continue
            found[label] = speed
            limit(f"{label}: training", ours=speed / 1e6, unit="M tokens/s")
            if DEVICE.type == "cuda":
                limit(
                    f"{label}: memory", ours=torch.cuda.max_memory_allocated() / 2**30, unit="GiB"
                )
    best = {
        (kind, name): max(
            (value for key, value in found.items() if key.startswith(kind) and name in key),
            default=0.0,
        )
        for kind in ("ours", "stock")
        for name in ("large", "small")
    }
    plain = found.get("stock, large", 0.0)
    utilisation = best["ours", "large"] * _flops_a_token(sizes) / rate
    limit("model FLOPs utilisation", ours=utilisation, unit="of the square product's rate")
    return all(
        [
            _faster("stock / ours", best["ours", "large"], plain, 2.0),
            _faster("stock, compiled / ours", best["ours", "large"], best["stock", "large"], 1.3),
            _faster(
                "small batches, stock / ours", best["ours", "small"], best["stock", "small"], 1.5
            ),
            utilisation >= 0.47,
        ]
    )


def _faster(name: str, ours: float, peer: float, at_least: float) -> bool:
    """Seconds that a million tokens take."""
    seconds = {"ours": 1e6 / max(ours, 1.0), "peer": 1e6 / max(peer, 1.0)}
    return report(f"training, 1 M tokens: {name}", **seconds, at_least=at_least)


def _tokens_a_second(
    model: Any,
    sizes: Sizes,
    tokens: Tokens,
    folder: Path,
    batch: int,
    steps: int,
    compiled: bool,
    mode: str | None,
) -> float:
    """After the warm-up; both kinds are fed by the same loader."""
    if DEVICE.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    torch.compiler.reset()
    arguments = trainer_arguments(folder, sizes, batch=batch, steps=steps)
    if compiled:
        arguments = replace(
            arguments,
            torch_compile=True,
            torch_compile_backend=sizes.backend,
            torch_compile_mode=mode,
        )
    clock = _Clock(sizes.warm_up if steps > sizes.warm_up else 1)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=TrainingDraws(
            tokens,
            tokens.masking(seed=0),
            num_draws=steps * batch,
            fixed_shapes=compiled and isinstance(model, Bert6ForMaskedLM),
        ),
        data_collator=as_batch,
        callbacks=[clock],
    )
    trainer.train()
    return (steps - clock.first) * batch * sizes.length / clock.seconds


class _Clock(TrainerCallback):
    """Wall time from the step `first` to the end."""

    def __init__(self, first: int):
        self.first, self.start, self.seconds = first, 0.0, 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step in (self.first, state.max_steps):
            wait()
            self.seconds = time.perf_counter() - self.start
            if state.global_step == self.first:
                self.start = time.perf_counter()


def _flops_a_token(sizes: Sizes) -> float:
    """Of training, forward and backward, with what lies behind the last attention at 15 %."""
    shape = ModelShape(hidden_size=sizes.hidden_size, num_heads=sizes.num_heads, num_blocks=6)
    costs = ModelCosts(shape=shape, vocab_size=sizes.vocab_size, sequence_length=sizes.length)
    asked = 0.15 * (sizes.length - 2) / sizes.length
    trunk = costs.trunk_flops(sizes.length) / sizes.length
    spared = (1 - asked) * costs.spared_flops(training=True)
    return 3 * (trunk - spared + asked * costs.head_flops())


def run_whole(sizes: Sizes, tokens: Tokens, rate: float, folder: Path) -> bool:
    """40,000 sequences of 128 tokens, 50 times, with compilation."""
    model = Bert6ForMaskedLM(Bert6Config(**sizes.config()))
    target = folder / "real"
    seconds = once(
        lambda: _tokens_a_second(
            model, sizes, tokens, target, sizes.batch, sizes.real_steps, True, None
        )
    )
    num = sizes.real_steps * sizes.batch * sizes.length
    return limit(f"pre-training on {num:,} tokens", ours=seconds, at_most=300.0)
