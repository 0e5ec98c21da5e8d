"""Which token the model answers, and at which position: its own, or the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.nn.functional import cross_entropy

from hf_apt.depths.checks.outcome import Outcome, failed, judged, passed, skipped
from hf_apt.depths.checks.subject import Subject

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_OFFSETS = (-2, -1, 0, 1, 2)
_ENOUGH = 0.2
"""Share of right answers from which a model is taken for a trained one."""


def reads(subject: Subject) -> Outcome:
    """Whether the model reads both sides, or the left one, as its configuration says."""
    said = said_to_be_causal(subject.model, subject.is_causal)
    seen = "the left side alone" if subject.is_causal else "both sides"
    if said is None:
        return skipped(f"it reads {seen}; its configuration does not say what it should")
    return judged(
        said == subject.is_causal,
        f"it reads {seen}, as its class and configuration say",
        f"it reads {seen}, and {type(subject.model).__name__} with is_decoder="
        f"{getattr(subject.config, 'is_decoder', None)} should read "
        f"{'the left side alone' if said else 'both sides'}: load the other class, or set "
        f"config.is_decoder={said}",
    )


def said_to_be_causal(model: PreTrainedModel, is_causal: bool) -> bool | None:
    """What the class and `config.is_decoder` say; None where they say nothing.

    A class that is listed for next tokens and does not know `is_decoder` can read both sides by
    design (XLNet): it says nothing unless it `is_causal`.
    """
    from transformers.models.auto import modeling_auto

    masked = {*modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()}
    causal = {*modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()} - masked
    names = [kind.__name__ for kind in type(model).__mro__]
    config: Any = model.config
    said = config.to_dict().get("is_decoder")
    if any(name in masked or name.endswith("ForMaskedLM") for name in names):
        return bool(said)
    if any(name in causal for name in names):
        return True if is_causal or isinstance(said, bool) else None
    return None


def loss(subject: Subject) -> Outcome:
    """Whether the model's own loss is that of the labels at the positions that it answers."""
    try:
        own = getattr(subject.answer(subject.ids_BT, labels=subject.ids_BT), "loss", None)
    except Exception:  # a model need not take labels
        own = None
    if not isinstance(own, Tensor) or own.numel() != 1:
        return skipped("it returns no loss for labels")
    losses = {offset: _cross_entropy(subject, offset) for offset in (-1, 0, 1)}
    value, expected = float(own), int(subject.is_causal)
    slack = max(1.0, abs(value)) * (2e-5 if subject.tolerance <= 1e-3 else 2e-3)
    like = [offset for offset, other in losses.items() if abs(other - value) <= slack]
    if len(like) > 1:
        return skipped(f"its loss of {value:.3f} is that of several positions")
    if expected in like:
        return passed(f"its loss of {value:.3f} is that of the {_label(expected)}")
    if like:
        return failed(
            f"its loss of {value:.3f} is that of the {_label(like[0])}, and a model that reads "
            f"{'the left side alone' if expected else 'both sides'} is asked for the "
            f"{_label(expected)} (loss {losses[expected]:.3f}): shift the labels"
        )
    return skipped(f"its loss of {value:.3f} is no plain cross-entropy of its logits")


def _cross_entropy(subject: Subject, offset: int) -> float:
    logits_BTV, labels_BT = _paired(subject.logits_BTV, subject.ids_BT, offset)
    return float(cross_entropy(logits_BTV.flatten(0, 1).float(), labels_BT.flatten()))


def _paired(logits_BTV: Tensor, ids_BT: Tensor, offset: int) -> tuple[Tensor, Tensor]:
    """Logits, and the ids that stand `offset` positions after theirs."""
    length = ids_BT.shape[1]
    first, last = max(0, -offset), length - max(0, offset)
    return logits_BTV[:, first:last], ids_BT[:, first + offset : last + offset]


def answers(subject: Subject) -> Outcome:
    """Whether the tokens of an unmasked text are answered where they should be."""
    ids_BT = subject.text_BT if subject.text_BT is not None else subject.ids_BT
    if ids_BT.shape[1] < 6:
        return skipped("the text is too short")
    logits_BTV = subject.logits(ids_BT)
    shares = {}
    for offset in _OFFSETS:
        near_BTV, labels_BT = _paired(logits_BTV, ids_BT, offset)
        shares[offset] = float((near_BTV.argmax(dim=-1) == labels_BT).float().mean())
    expected = int(subject.is_causal)
    best = max(shares, key=lambda offset: (shares[offset], offset == expected))
    if shares[best] < _ENOUGH:
        return skipped(
            f"{shares[expected]:.0%} of an unmasked text is answered: too little to tell where"
        )
    if best == expected or shares[expected] > shares[best] / 2:
        return passed(f"{shares[expected]:.0%} of an unmasked text at the {_label(expected)}")
    if subject.is_causal and best == 0:
        return skipped(
            f"it repeats {shares[0]:.0%} of its input: it is not trained, or on labels that were "
            "not shifted"
        )
    return failed(
        f"{shares[best]:.0%} of an unmasked text is answered at the {_label(best)}, and "
        f"{shares[expected]:.0%} at the {_label(expected)}: its answers are shifted by "
        f"{best - expected:+d}"
    )


def _label(offset: int) -> str:
    names = {0: "same position", 1: "next position", -1: "position before"}
    return names.get(offset, f"position {offset:+d}")
