"""Whether one checkpoint is better than another: two runs of `measure` at the same positions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from hf_apt.records.run import READOUTS, Run
from hf_apt.records.run_records import RunRecords
from hf_apt.report.run_diff import RunDiff
from hf_apt.stats.config_checks import require_share
from hf_apt.stats.labels import default_depth_names
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.paired.comparison import paired_comparison


def diff(
    run_a: Path | str | Run,
    run_b: Path | str | Run,
    *,
    readout: str = "own_head",
    rate: float = 0.05,
    tokens: Sequence[str] | None = None,
) -> RunDiff:
    """How run B differs from run A: mean APT and accuracy at every depth, tokens gained and lost.

    Both are folders that `hf-apt measure` or `hf-apt run` wrote, on the same text with the same
    tokenizer and masks, so that every answer of A has its partner. `readout` is the head that is
    asked, `rate` the false-discovery rate of tokens gained and lost, and `tokens` a set whose
    figures are told apart, such as tokens that were added. No model is loaded.

    Raises ValueError, with what to do, for folders that hold no measurement of `readout`, for runs
    that were not asked at the same positions, for tokens that the vocabulary lacks, and for a rate
    outside (0, 1).
    """
    _require_readout(readout)
    require_share(_Rate(rate), "rate")
    runs = [run if isinstance(run, Run) else Run(run) for run in (run_a, run_b)]
    for run in runs:
        _require_measured(run, readout)
    a, b = (RunRecords(run) for run in runs)
    vocabulary = _common_vocabulary(a, b)
    named_V = _named(vocabulary, tokens, runs[0])
    _require_same_masks(a, b)
    readouts = [records.run.readout(readout) for records in (a, b)]
    try:
        comparison = paired_comparison(
            readouts[0], readouts[1], runs[0].frequency(), rate=rate, named_V=named_V
        )
    except ValueError as error:
        raise ValueError(_not_the_same(runs[0], runs[1], str(error))) from None
    return RunDiff(
        a=str(runs[0].folder),
        b=str(runs[1].folder),
        readout=readout,
        rate=rate,
        depths=tuple(_depth_names(a, readouts, len(comparison.mean_apt))),
        words=tuple(vocabulary),
        num_named=None if named_V is None else int(named_V.sum()),
        comparison=comparison,
    )


class _Rate:
    def __init__(self, rate: float):
        self.rate = rate


def _require_readout(readout: str) -> None:
    known = [name for name in READOUTS if name != "bayes"]
    if readout not in known:
        raise ValueError(f"readout is {readout!r}: choose one of {', '.join(known)}.")


def _require_measured(run: Run, readout: str) -> None:
    if not run.counts_path(readout).exists():
        has = ", ".join(run.readouts())
        remedy = f"only of {has}: choose one of them." if has else "`hf-apt measure` writes them."
        raise ValueError(
            f"{run.folder} holds no answers of {readout}{',' if has else ':'} {remedy}"
        )
    if not run.path(f"measures/{readout}-{RarefiedApt.name}.npz").exists():
        raise ValueError(
            f"{run.folder} was measured before answers were kept by groups of sequences: give its "
            "`hf-apt measure` command again."
        )


def _common_vocabulary(a: RunRecords, b: RunRecords) -> list[str]:
    """The words by id; ids that one model alone has are told by it."""
    words_a, words_b = a.run.vocabulary(), b.run.vocabulary()
    for token, (word_a, word_b) in enumerate(zip(words_a, words_b, strict=False)):
        if word_a != word_b:
            raise ValueError(
                f"token {token} is {word_a!r} in {a.run.folder} and {word_b!r} in "
                f"{b.run.folder}: measure both with one tokenizer, which `hf-apt measure "
                "--tokenizer` names."
            )
    return max(words_a, words_b, key=len)


def _named(
    vocabulary: Sequence[str], tokens: Sequence[str] | None, run: Run
) -> Bool[np.ndarray, " vocab"] | None:
    if tokens is None:
        return None
    ids = {word: token for token, word in enumerate(vocabulary)}
    missing = [word for word in tokens if word not in ids]
    if missing or not tokens:
        said = f"{missing[0]!r} is no token of {run.folder}" if missing else "no token was named"
        raise ValueError(
            f"{said}: give tokens as they stand in its vocabulary.json, such as {vocabulary[-1]!r}."
        )
    named_V = np.zeros(len(vocabulary), bool)
    named_V[[ids[word] for word in tokens]] = True
    return named_V


def _require_same_masks(a: RunRecords, b: RunRecords) -> None:
    """Raise ValueError where the configurations say that other positions were asked."""
    masks_a, masks_b = (dict(records.config.get("measure") or {}) for records in (a, b))
    for masks in (masks_a, masks_b):
        masks.pop("batch_size", None)  # changes no position
    for name in masks_a.keys() & masks_b.keys():
        if masks_a[name] != masks_b[name]:
            said = f"{name} is {masks_a[name]} in one and {masks_b[name]} in the other"
            raise ValueError(_not_the_same(a.run, b.run, said))


def _not_the_same(a: Run, b: Run, said: str) -> str:
    return (
        f"{a.folder} and {b.folder} cannot be compared position by position, as {said}: give both "
        "checkpoints to `hf-apt measure` with the same text and the same options."
    )


def _depth_names(a: RunRecords, readouts: Sequence[Readout], num_depths: int) -> list[str]:
    """What stands at the compared depths."""
    num_a, num_b = (readout.counts.num_depths for readout in readouts)
    if num_a != num_b:
        return [f"last of {num_a - 1} and of {num_b - 1}"]
    model = a.run.read_json("model.json") if a.run.path("model.json").exists() else {}
    names = model.get("depths")
    return names if names and len(names) == num_depths else default_depth_names(num_depths)
