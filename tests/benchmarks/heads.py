"""Heads of all depths trained in one pass: against a pass for each depth, both kinds against one
after the other, kept states against a pass in every step; and the memory of the loss.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForMaskedLM

from hf_apt.depths.head_config import HeadKind
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.trunk import Trunk

from ..support.live_bytes import peak_bytes
from .ratio import medians, report
from .sizes import BERT6, TINY, Size
from .text import masked_inputs

NUM_DEPTHS = 7


def run() -> bool:
    """Whether steps of seven heads are quick enough at both sizes, and their loss small enough."""
    return all(
        [
            _step(TINY, at_least=2.9),
            _step(BERT6, at_least=1.85),
            _sharing(TINY, both=1.02, kept=1.4),
            _sharing(BERT6, both=0.84, kept=1.25),
            _memory(TINY, at_least=5.2),
        ]
    )


class _Parts:
    """A frozen trunk, a batch, and heads to train."""

    def __init__(self, size: Size):
        self.size = size
        self.model = BertForMaskedLM(BertConfig(**size.config())).eval().requires_grad_(False)
        inputs = masked_inputs(num_sequences=2 * size.batch_size, vocab_size=size.vocab_size)
        self.ids, labels = inputs["input_ids"], inputs["labels"]
        self.asked = labels != -100
        self.labels_N = labels[self.asked]
        self.trunk = Trunk(self.model).prepare()

    def states(self) -> Tensor:
        return self.trunk.at({"input_ids": self.ids}, self.asked)

    def heads(self, kind: HeadKind) -> DepthHeads:
        return DepthHeads(kind, NUM_DEPTHS, self.size.hidden_size, self.size.vocab_size)


def _adamw(module: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)


def _stepping(optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor]) -> None:
    loss().backward()
    optimizer.step()
    optimizer.zero_grad()


def _step(size: Size, *, at_least: float) -> bool:
    parts = _Parts(size)
    together = parts.heads("linear_head")
    apart = [nn.Linear(size.hidden_size, size.vocab_size) for _ in range(NUM_DEPTHS)]
    optimizer, optimizers = _adamw(together), [_adamw(head) for head in apart]
    num = len(parts.labels_N)

    def ours() -> None:
        _stepping(optimizer, lambda: together.loss(parts.states(), parts.labels_N, divisor=num))

    def at(depth: int) -> Tensor:
        with torch.no_grad():
            states = parts.model.bert(parts.ids, output_hidden_states=True).hidden_states
        logits = apart[depth](states[depth][parts.asked])
        return nn.functional.cross_entropy(logits, parts.labels_N)

    def pass_per_depth() -> None:
        for depth in range(NUM_DEPTHS):
            _stepping(optimizers[depth], lambda depth=depth: at(depth))

    times = medians({"ours": ours, "per depth": pass_per_depth}, rounds=size.rounds)
    return report(
        f"step of seven heads, {size.name}: a pass per depth / ours",
        ours=times["ours"],
        peer=times["per depth"],
        at_least=at_least,
    )


def _sharing(size: Size, *, both: float, kept: float) -> bool:
    """A step of both kinds against one of each; a step with kept states against one without."""
    parts = _Parts(size)
    heads = {kind: parts.heads(kind) for kind in ("linear_head", "mlm_head")}
    optimizers = {kind: _adamw(each) for kind, each in heads.items()}
    optimizers["both"] = _adamw(nn.ModuleList(heads.values()))
    kept_DNH, num = parts.states(), len(parts.labels_N)

    def step(name: str, *kinds: str, states: Callable[[], Tensor] = parts.states) -> None:
        def loss() -> Tensor:
            hidden_DNH = states()
            losses = [heads[kind].loss(hidden_DNH, parts.labels_N, divisor=num) for kind in kinds]
            return torch.stack(losses).sum()

        _stepping(optimizers[name], loss)

    times = medians(
        {
            "linear": lambda: step("linear_head", "linear_head"),
            "mlm": lambda: step("mlm_head", "mlm_head"),
            "both": lambda: step("both", "linear_head", "mlm_head"),
            "kept": lambda: step("linear_head", "linear_head", states=lambda: kept_DNH),
        },
        rounds=size.rounds,
    )
    return all(
        [
            report(
                f"step of both kinds of heads, {size.name}: apart / together",
                ours=times["both"],
                peer=times["linear"] + times["mlm"],
                at_least=both,
            ),
            report(
                f"step of seven heads, {size.name}: states anew / states kept",
                ours=times["kept"],
                peer=times["linear"],
                at_least=kept,
            ),
        ]
    )


def _memory(size: Size, *, at_least: float) -> bool:
    """Beyond weights and their gradients, what the loss of seven heads takes at the peak.

    The logits of all depths tell there if positions are more than the width: at 768 units the
    gradients alone are the peak.
    """
    parts = _Parts(size)
    heads, hidden_DNH, num = parts.heads("linear_head"), parts.states(), len(parts.labels_N)
    gradients = sum(weight.nbytes for weight in heads.parameters())

    def plain() -> None:
        logits = (
            head(hidden_NH) for head, hidden_NH in zip(heads.decoders, hidden_DNH, strict=True)
        )
        losses = [nn.functional.cross_entropy(each, parts.labels_N) for each in logits]
        torch.stack(losses).sum().backward()

    def ours() -> None:
        heads.loss(hidden_DNH, parts.labels_N, divisor=num).backward()

    peaks = []
    for call in (ours, plain):
        peaks.append(peak_bytes(call) - gradients)
        heads.zero_grad()
    return report(
        f"loss of seven heads, {size.name}: memory of autograd / ours",
        ours=peaks[0] / 1e6,
        peer=peaks[1] / 1e6,
        at_least=at_least,
        unit="MB",
    )
