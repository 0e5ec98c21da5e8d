"""Whether one checkpoint is better than another: two runs of `measure` at the same positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hf_apt.records.run import READOUTS, Run
from hf_apt.records.run_records import RunRecords
from hf_apt.report.run_diff import RunDiff
from hf_apt.runs.shared_vocabulary import common_vocabulary, named_tokens
from hf_apt.stats.config_checks import require_share
from hf_apt.stats.labels import default_depth_names
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.paired.comparison import paired_comparison

if TYPE_CHECKING:
    from hf_apt.data.corpus_source import CorpusSource
    from hf_apt.runs.checkpoints.on_text import TextOptions


def diff(
    run_a: Path | str | Run,
    run_b: Path | str | Run,
    *,
    readout: str = "own_head",
    against: str | None = None,
    rate: float = 0.05,
    tokens: Sequence[str] | None = None,
    text: str | Path | CorpusSource | None = None,
    options: TextOptions | None = None,
    folder: str | Path | None = None,
) -> RunDiff:
    """How run B differs from run A: mean APT and accuracy at every depth, tokens gained and lost.

    Both are folders that `hf-apt measure` or `hf-apt run` wrote, on the same text with the same
    tokenizer and masks, so that every answer of A has its partner; no model is loaded. With a
    `text` they are checkpoints instead, and both are measured on it by their own heads.

    Args:
        run_a: run A; with a `text`, a checkpoint: a folder, a shipped one or a Hub id.
        run_b: run B; with a `text`, a checkpoint.
        readout: the readout that is compared, such as `own_head`.
        against: the readout of B, where it is another, so that two heads of one run are compared by
            giving that run twice.
        rate: false-discovery rate of tokens gained and lost, in (0, 1).
        tokens: tokens whose figures are told apart, such as those that were added to the
            vocabulary.
        text: corpus name, file, folder or glob of a text, or how it is read.
        options: how the text is read and masked; the defaults of `TextOptions` if None.
        folder: where measurements on the text are kept; they are deleted if None.

    Returns:
        Differences B - A with standard errors paired by position, and the tokens gained and lost.

    Raises:
        ValueError: with what to do, for folders that hold no measurement of `readout`, for runs
            that were not asked at the same positions, for tokens that the vocabulary lacks, for a
            rate outside (0, 1), and for `options` or a `folder` without a text.
    """
    if text is not None:
        _require_own_heads(readout, against)
        require_share(_Rate(rate), "rate")
        from hf_apt.runs.checkpoints.pair import measured_pair

        a, b = (str(each.folder if isinstance(each, Run) else each) for each in (run_a, run_b))
        with measured_pair(a, b, text, folder=folder, options=options, tokens=tokens) as pair:
            made = diff(*pair, rate=rate, tokens=tokens)
        return replace(made, a=a, b=b)
    if options is not None or folder is not None:
        raise ValueError("options and folder say how a text is measured: give a text.")
    asked = (readout, readout if against is None else against)
    for name in asked:
        _require_readout(name)
    require_share(_Rate(rate), "rate")
    runs = [run if isinstance(run, Run) else Run(run) for run in (run_a, run_b)]
    for run, name in zip(runs, asked, strict=True):
        _require_measured(run, name)
    a, b = (RunRecords(run) for run in runs)
    folder_a, folder_b = (str(run.folder) for run in runs)
    words_a, words_b = (run.vocabulary() for run in runs)
    vocabulary = common_vocabulary(words_a, words_b, a=folder_a, b=folder_b)
    named_V = named_tokens(vocabulary, tokens, folder_a)
    _require_same_masks(a, b)
    readouts = [run.readout(name) for run, name in zip(runs, asked, strict=True)]
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
        against=None if against == readout else against,
    )


class _Rate:
    def __init__(self, rate: float):
        self.rate = rate


def _require_readout(readout: str) -> None:
    known = [name for name in READOUTS if name != "bayes"]
    if readout not in known:
        raise ValueError(f"readout is {readout!r}: choose one of {', '.join(known)}.")


def _require_own_heads(readout: str, against: str | None) -> None:
    if {readout, against or readout} != {"own_head"}:
        raise ValueError(
            "with a text checkpoints are measured by their own heads: leave the readouts out."
        )


def _require_measured(run: Run, readout: str) -> None:
    if not run.folder.is_dir():
        raise ValueError(f"there is no folder {run.folder}: name one that `hf-apt measure` wrote.")
    if not run.counts_path(readout).exists():
        has = ", ".join(run.readouts())
        remedy = f"only of {has}: choose one of them." if has else "`hf-apt measure` writes them."
        raise ValueError(
            f"{run.folder} holds no answers of {readout}{',' if has else ':'} {remedy}"
        )
    if not run.path(f"measures/{readout}-{RarefiedApt.name}.npz").exists():
        raise ValueError(
            f"{run.folder} was measured before answers were kept by stretches of text: give its "
            "`hf-apt measure` command again."
        )


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
