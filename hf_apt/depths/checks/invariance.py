"""Whether the answer to a text depends on that text and on nothing else."""

from __future__ import annotations

import torch

from hf_apt.depths.checks.outcome import Outcome, failed, judged, passed, skipped
from hf_apt.depths.checks.subject import Subject

_PADDING = 5


def dropout(subject: Subject) -> Outcome:
    """Whether the model is in evaluation mode, and twice the same then."""
    training = [name for name, module in subject.model.named_modules() if module.training]
    if training:
        return failed(
            f"{len(training)} of its modules are in training mode ({training[0] or 'the model'} "
            "first), where dropout changes every answer: call model.eval()"
        )
    first_BTV, again_BTV = subject.logits(subject.ids_BT), subject.logits(subject.ids_BT)
    equal = torch.equal(first_BTV.nan_to_num(), again_BTV.nan_to_num())
    difference = subject.difference(first_BTV.nan_to_num(), again_BTV.nan_to_num())
    return judged(
        equal or difference <= 1e-5,
        "two evaluations are equal",
        f"in evaluation mode two evaluations differ by {difference:.1g} of the largest logit: it "
        "draws random numbers, such as a dropout without training=self.training",
    )


def batch(subject: Subject) -> Outcome:
    """Whether a text is answered alone as it is beside others."""
    alone_BTV = torch.cat([subject.logits(row[None]) for row in subject.ids_BT])
    difference = subject.difference(subject.logits_BTV, alone_BTV)
    return judged(
        difference <= subject.tolerance,
        f"alone and in a batch differ by {difference:.1g} of the largest logit",
        f"a text is answered otherwise beside others, by {difference:.1g} of the largest logit: "
        "its texts see one another; measure with a batch of one, or mend the model",
    )


def padding(subject: Subject) -> Outcome:
    """Whether padding on the right changes no answer before it."""
    if not subject.takes_any_length:
        return skipped(f"it takes few lengths, {subject.trunk.length} tokens is one")
    ids_BT = subject.ids_BT
    length = ids_BT.shape[1] - _PADDING
    if length < 2:
        return skipped("it has too few positions")
    present_BT = torch.ones_like(ids_BT)
    present_BT[:, length:] = 0
    padded_BT = ids_BT.masked_fill(present_BT == 0, _padding_id(subject))
    bare_BTV = subject.logits(ids_BT[:, :length])
    difference = subject.difference(bare_BTV, subject.logits(padded_BT, present_BT)[:, :length])
    return judged(
        difference <= subject.tolerance,
        f"padded and bare differ by {difference:.1g} of the largest logit",
        f"{_PADDING} padding tokens change the answers before them by {difference:.1g} of the "
        "largest logit: its attention mask is not kept; measure texts joined and cut to one length",
    )


def _padding_id(subject: Subject) -> int:
    given = getattr(subject.tokenizer, "pad_token_id", None)
    for id in (given, getattr(subject.config, "pad_token_id", None)):
        if isinstance(id, int) and 0 <= id < subject.config.vocab_size:
            return id
    return 0


def finite(subject: Subject) -> Outcome:
    """Whether weights and logits are numbers."""
    for name, weight in subject.model.state_dict().items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            return failed(
                f"the weight {name} holds NaN or infinite values: load a whole checkpoint"
            )
    logits_BTV = subject.logits_BTV
    broken = int((logits_BTV.isnan() | (logits_BTV == torch.inf)).sum())
    return judged(
        not broken,
        "all weights, and all logits of a random text",
        f"{broken} of {logits_BTV.numel()} logits are NaN or infinite: load it with "
        "dtype=torch.float32",
    )


def precision(subject: Subject) -> Outcome:
    """Whether the best logit is the best alone, and not one of several that were rounded alike."""
    best = subject.logits_BTV.topk(min(2, subject.logits_BTV.shape[-1]), dim=-1).values
    share = float((best[..., 0] == best[..., -1]).float().mean())
    dtypes = {weight.dtype for weight in subject.model.parameters() if weight.is_floating_point()}
    named = " and ".join(sorted(str(dtype).removeprefix("torch.") for dtype in dtypes))
    if share > 0.01:
        remedy = (
            "load it with dtype=torch.float32"
            if dtypes != {torch.float32}
            else ("its head gives several tokens one logit")
        )
        return failed(f"{share:.0%} of its answers in {named} are ties between tokens: {remedy}")
    return passed(f"{named}, {share:.1%} of its answers are ties")
