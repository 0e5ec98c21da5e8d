"""Whether the depths that are decoded are those of the model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hf_apt.depths.checks.outcome import Outcome, failed, judged, passed, skipped
from hf_apt.depths.checks.subject import Subject
from hf_apt.depths.model_parts import recorded
from hf_apt.depths.truncation import cut
from hf_apt.models.encoders import Encoder

_MOST_WEIGHTS = 1_000_000_000


def depths(subject: Subject) -> Outcome:
    """Whether trunk and head can be told apart, so that every depth can be decoded."""
    try:
        head = subject.head
    except ValueError as error:
        return failed(f"the depths cannot be decoded: {error}")
    return passed(f"{head.trunk.num_depths} depths of {head.trunk.hidden_size} numbers")


def last_depth(subject: Subject) -> Outcome:
    """Whether the last depth, read by the own head, gives the logits of the model."""
    everywhere_BT = torch.ones_like(subject.ids_BT, dtype=torch.bool)
    inputs = {"input_ids": subject.ids_BT, "attention_mask": torch.ones_like(subject.ids_BT)}
    last_NH = subject.trunk.at(inputs, everywhere_BT)[-1]
    difference = subject.difference(subject.logits_BTV.flatten(0, 1), subject.head.logits(last_NH))
    return judged(
        difference <= subject.tolerance,
        f"its logits differ from the model's by {difference:.1g} of the largest",
        f"its logits differ from the model's by {difference:.1g} of the largest: the model adds "
        "something to its head that is no function of the last hidden state, and the figures of "
        "all depths leave that out",
    )


def final_norm(subject: Subject) -> Outcome:
    """Whether all that the trunk does after its last block is a normalisation that is known."""
    num_blocks = subject.trunk.num_depths - 1
    stack = _stack(subject.trunk.module, num_blocks)
    if stack is None:
        return skipped("no list of its blocks is known")
    returned: list[tuple[nn.Module, Any]] = []
    with recorded([stack[-1]], returned):
        output = subject.answer(subject.ids_BT, output_hidden_states=True)
    if len(returned) != 1 or not hasattr(output, "hidden_states"):
        return skipped("its last block is not called once")
    block_BTH = _first_tensor(returned[0][1])
    norm = subject.trunk._parts.final_norm
    everywhere_BT = torch.ones_like(subject.ids_BT, dtype=torch.bool)
    inputs = {"input_ids": subject.ids_BT, "attention_mask": torch.ones_like(subject.ids_BT)}
    last_NH = subject.trunk.at(inputs, everywhere_BT)[-1]
    if block_BTH is None or block_BTH.numel() != last_NH.numel():
        return skipped("what its last block returns is no hidden state")
    bare_NH = block_BTH.reshape(last_NH.shape)
    if subject.difference(last_NH, bare_NH) <= subject.tolerance:
        return passed("none after the last block")
    if norm is None:
        return failed(
            "something that is no known normalisation stands between the last block and the head, "
            "and depths before the last are read without it: name its class ...Norm"
        )
    with torch.no_grad():
        difference = subject.difference(last_NH, norm(bare_NH))
    name = type(norm).__name__
    return judged(
        difference <= subject.tolerance,
        f"{name}, applied at every depth",
        f"{name} is applied at every depth, and is not all that the model does after its last "
        f"block: that differs by {difference:.1g} of the largest state",
    )


def cut_model(subject: Subject) -> Outcome:
    """Whether a model cut after a block answers as the own head does at that depth."""
    model, last = subject.model, subject.trunk.num_depths - 1
    if last < 2:
        return skipped("it has no block before its last one")
    if sum(weight.numel() for weight in model.parameters()) > _MOST_WEIGHTS:
        return skipped("it is too large to be copied for a test")
    everywhere_BT = torch.ones_like(subject.ids_BT, dtype=torch.bool)
    inputs = {"input_ids": subject.ids_BT, "attention_mask": torch.ones_like(subject.ids_BT)}
    states_DNH = subject.trunk.at(inputs, everywhere_BT)
    compared = []
    for depth in sorted({1, (last + 1) // 2}):
        try:
            shorter = Subject(cut(Encoder(model, None), depth).model)
            logits_BTV = shorter.logits(subject.ids_BT)
        except Exception:  # blocks and heads can depend on one another in any way
            continue
        expected_NV = subject.head.logits(states_DNH[depth])
        difference = subject.difference(expected_NV, logits_BTV.flatten(0, 1))
        if not difference <= subject.tolerance:
            return failed(
                f"cut after block {depth} it answers otherwise than its own head at that depth, by "
                f"{difference:.1g} of the largest logit: the head reads more than the last state"
            )
        compared.append(depth)
    if not compared:
        return skipped("it cannot be cut: its blocks depend on one another")
    return passed(f"cut after block {' and '.join(map(str, compared))} it answers as that depth")


def _stack(trunk: nn.Module, num_blocks: int) -> nn.ModuleList | None:
    """The only list of `num_blocks` modules outside of any block; None for none, or several."""
    lists = [
        module
        for name, module in trunk.named_modules()
        if isinstance(module, nn.ModuleList)
        and len(module) == num_blocks > 0
        and not any(map(str.isdigit, name.split(".")))
    ]
    return lists[0] if len(lists) == 1 else None


def _first_tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    values = output if isinstance(output, tuple | list) else ()
    return next((value for value in values if isinstance(value, Tensor)), None)
