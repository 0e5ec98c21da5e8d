"""The self-test of a user's own model: is what will be measured what the model answers?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hf_apt.depths.checks import depth_checks, direction, invariance, vocabulary_checks
from hf_apt.depths.checks.outcome import Outcome, failed, skipped
from hf_apt.depths.checks.report import CheckReport, CheckRow
from hf_apt.depths.checks.subject import Subject
from hf_apt.reading import first_line

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHECKS: dict[str, Callable[[Subject], Outcome]] = {
    "depths": depth_checks.depths,
    "finite": invariance.finite,
    "dropout": invariance.dropout,
    "last depth": depth_checks.last_depth,
    "final norm": depth_checks.final_norm,
    "cut model": depth_checks.cut_model,
    "batch": invariance.batch,
    "padding": invariance.padding,
    "precision": invariance.precision,
    "reads": direction.reads,
    "loss": direction.loss,
    "answers": direction.answers,
    "tied head": vocabulary_checks.tied_head,
    "rows": vocabulary_checks.rows,
    "mask token": vocabulary_checks.mask_token,
    "special tokens": vocabulary_checks.special_tokens,
}
"""The checks by name, in the order in which they are made. A new one is a line here."""

_OF_DEPTHS = {"last depth", "final norm", "cut model"}


def check(model: PreTrainedModel, tokenizer: Any = None, text: str | None = None) -> CheckReport:
    """Whether a model is such that accuracy by depth means what it says: 16 checks, a row for each.

    The last depth gives the model's logits, and a model cut after a block answers as that depth; no
    answer depends on other texts of a batch, on padding or on chance; weights and logits are finite
    and not tied by rounding; it reads the sides that its configuration says, and its loss and its
    answers are of the positions that they should be; head, vocabulary and special tokens fit its
    configuration and its tokenizer. The model is left as it is. Takes seconds for models of BERT's
    size. Source: ours.

    Args:
        model: a loaded language model of transformers, masked or causal.
        tokenizer: its tokenizer; without one the checks that need it are skipped.
        text: some text of the model's kind, on which its answers are looked at; one of English if
            None.

    Returns:
        The outcome of each check with a sentence on it.

    Raises:
        ValueError: for anything but a loaded language model of transformers, and for a text without
            a tokenizer.
    """
    if not hasattr(getattr(model, "config", None), "to_dict") or not hasattr(model, "forward"):
        raise ValueError(
            f"{model!r} is no loaded model: hand over what from_pretrained gives, or use the "
            "command `hf-apt check`."
        )
    if text is not None and (tokenizer is None or not isinstance(text, str) or not text.strip()):
        raise ValueError(
            f"text must be words, with the tokenizer that they are for, got {text!r} and "
            f"{type(tokenizer).__name__}."
        )
    subject = Subject(model, tokenizer, text)
    rows: list[CheckRow] = []
    for name, run in CHECKS.items():
        if name in _OF_DEPTHS and rows[0].status == "failed":
            outcome = skipped("the depths cannot be decoded")
        else:
            outcome = _outcome(run, subject)
        rows.append(CheckRow(name, outcome.status, outcome.sentence))
    return CheckReport(type(model).__name__, tuple(rows))


def _outcome(run: Callable[[Subject], Outcome], subject: Subject) -> Outcome:
    try:
        return run(subject)
    except Exception as error:  # a model can fail in any way on an input
        return failed(f"the model fails on it: {type(error).__name__}: {first_line(error)}")
