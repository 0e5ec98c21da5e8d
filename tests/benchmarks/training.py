"""A training step with logits at the modified positions only, against stock BertForMaskedLM.

Stock as it comes, stock in bfloat16 and stock by our library; ours by the arithmetic that
pre-training would choose, exact and in bfloat16.
"""

from collections.abc import Callable
from functools import partial

import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.models.bert6 import Bert6Config, Bert6ForMaskedLM
from hf_apt.models.shapes import ModelShape
from hf_apt.training.costs.model_costs import ModelCosts
from hf_apt.training.costs.training_flops import pretraining_flops

from .arithmetic import (
    best_way,
    bfloat16_rate,
    has_amx,
    has_bfloat16,
    has_faster_float32,
)
from .ratio import limit, medians, report
from .sizes import BERT6, MIDDLE, TINY, Size
from .text import masked_inputs

LENGTH, RATE = 128, 0.15
_STOCK = "stock BertForMaskedLM"


def run() -> bool:
    """Whether our step is quick enough at all sizes."""
    bars = {
        # Stock as it comes over ours, exact and in bfloat16, each where oneDNN is faster and where
        # it is not; stock in bfloat16; both by oneDNN; share of the rate.
        TINY: ((2.7, 1.6), (3.05, 2.1), 1.8, 1.85, 0.21),
        MIDDLE: ((2.35, 1.25), (3.05, 2.25), 1.3, 1.7, 0.33),
        BERT6: ((2.4, 1.2), (4.0, 2.1), 1.3, 1.5, 0.50),
    }
    sizes = {TINY: 16, MIDDLE: 16, BERT6: 4}
    return all([_steps(size, sizes[size], *bars[size]) for size in bars])


def _steps(
    size: Size,
    batch_size: int,
    exact_bars: tuple[float, float],
    rounded_bars: tuple[float, float],
    stock_rounded_bar: float,
    onednn_bar: float,
    share_bar: float,
) -> bool:
    ours, stock = _stepping(size, batch_size)
    exact = best_way("fp32", ours)
    ways = {"ours, exact": (exact, ours), f"{_STOCK} as it comes": (Arithmetic(), stock)}
    if has_faster_float32():
        by_onednn = Arithmetic(matmul="onednn", attention="math")
        ways[f"{_STOCK} by oneDNN"] = (by_onednn, stock)
    if has_bfloat16():
        ways["ours, bfloat16"] = (best_way("bf16", ours), ours)
        ways[f"{_STOCK}, bf16=True"] = (Arithmetic(precision="bf16"), stock)
    variants = {name: partial(step, way) for name, (way, step) in ways.items()}
    times = medians(variants, rounds=size.rounds)
    settings = {name: f"{way.matmul}, {way.attention} attention" for name, (way, _) in ways.items()}

    def against(peer: str, ours: str, bar: float) -> bool:
        return report(
            f"training step, {size.name}: {peer} / {ours}",
            ours=times[ours],
            peer=times[peer],
            at_least=bar,
            tokens=batch_size * LENGTH,
            setting=f"ours by {settings[ours]}",
        )

    is_faster = has_faster_float32()
    passed = [against(f"{_STOCK} as it comes", "ours, exact", exact_bars[0 if is_faster else 1])]
    if is_faster:
        passed.append(against(f"{_STOCK} by oneDNN", "ours, exact", onednn_bar))
    else:
        limit(f"training step, {size.name}: no library faster than torch's default here", ours=0.0)
    if not has_bfloat16():
        limit(f"training step, {size.name}: bfloat16 is no faster than float32 here", ours=0.0)
        return all(passed)
    passed.append(
        against(f"{_STOCK} as it comes", "ours, bfloat16", rounded_bars[0 if is_faster else 1])
    )
    passed.append(against(f"{_STOCK}, bf16=True", "ours, bfloat16", stock_rounded_bar))
    share = _flops(size, batch_size) / times["ours, bfloat16"] / bfloat16_rate()
    name = f"training step, {size.name}: share of the bfloat16 rate"
    if has_amx():
        limit(f"{name}, with matrix units (not judged)", ours=share, unit="")
        return all(passed)
    passed.append(report(name, ours=1.0, peer=share, at_least=share_bar, unit=""))
    return all(passed)


Step = Callable[[Arithmetic], None]
"""A step of training by an arithmetic: the forward pass alone is under autocast."""


def _stepping(size: Size, batch_size: int) -> tuple[Step, Step]:
    ours = Bert6ForMaskedLM(Bert6Config(**size.config()))
    stock = BertForMaskedLM(BertConfig(**size.config()))
    stock.load_state_dict(ours.state_dict())
    inputs = masked_inputs(num_sequences=batch_size, vocab_size=size.vocab_size)

    def stepping(model: torch.nn.Module) -> Step:
        optimizer = torch.optim.AdamW(model.train().parameters(), lr=1e-4, fused=True)

        def step(way: Arithmetic) -> None:
            with way.applied():
                with way.autocast("cpu"):
                    loss = model(**inputs).loss
                loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        return step

    return stepping(ours), stepping(stock)


def _flops(size: Size, batch_size: int) -> float:
    shape = ModelShape(hidden_size=size.hidden_size, num_heads=size.num_heads)
    costs = ModelCosts(shape=shape, vocab_size=size.vocab_size, sequence_length=LENGTH)
    return pretraining_flops(1, costs, batch_size=batch_size, length=LENGTH, masking_rate=RATE)
