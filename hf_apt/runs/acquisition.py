"""When each token is learnt, at each depth: from a callback's files or from checkpoints."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hf_apt.reading import read_arrays
from hf_apt.records.run import Run
from hf_apt.report.acquisition import Acquisition
from hf_apt.stats.acquisition.measured_steps import MeasuredSteps, ages
from hf_apt.stats.acquisition.step_confusions import strongest_confusions
from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.token_cross_entropy import TokenCrossEntropy

_STEP_FILE = re.compile(r"(.+)-step-(\d{8,})\.npz")


@dataclass(frozen=True)
class _OneStep:
    """One measurement of a training."""

    source: Path
    step: int
    hits_DV: np.ndarray
    support_V: np.ndarray
    cross_entropy_DV: np.ndarray | None
    counts: DepthCounts | None
    """All answers, where they were kept."""


def acquisition(
    sources: Path | str | Sequence[Path | str],
    *,
    data: str = "eval",
    readout: str = "own_head",
    steps: Sequence[int] | None = None,
    min_support: int = 20,
    tokenizer: str | None = None,
) -> Acquisition:
    """When each token is learnt at each depth, which are forgotten, and in what order.

    Args:
        sources: the `output_dir` of a training with `AptCallback`; or some of its files
            `<data>-step-<step>.npz`; or folders into which `hf-apt measure` wrote, one for each
            checkpoint.
        data: name of the data whose measurements are read, the prefix of the callback's files.
        readout: the readout that is read in folders of `hf-apt measure`.
        steps: the step of each folder of `hf-apt measure`; None for the last number in its name.
        min_support: leave out tokens that were asked fewer times, at least 1.
        tokenizer: Hub id or folder of a tokenizer, for words; None for the words of the folders,
            and for ids where there are none.

    Returns:
        Steps, tokens and the step at which each was learnt at each depth.

    Raises:
        ValueError: with the file's name, for what cannot be read, for measurements of other
            positions or depths than the first, and for fewer than two steps; for `steps` beside
            files.
    """
    require_whole_number("min_support", min_support)
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    paths = [Path(source) for source in given]
    words: list[str] | None = None
    if len(paths) == 1 and paths[0].is_dir() and not _is_run(paths[0]):
        paths = _step_files(paths[0], data)
    if paths and all(_is_run(path) for path in paths):
        measured = _of_runs([Run(path) for path in paths], readout, steps)
        words = Run(paths[0]).vocabulary(len(measured[0].support_V))
    elif steps is not None:
        raise ValueError(
            "steps are for folders of `hf-apt measure`: files have theirs in the name."
        )
    else:
        measured = [_of_file(path) for path in paths]
    together = _together(measured)
    if tokenizer is not None:
        words = _words(tokenizer, len(together.support_V))
    return Acquisition(
        name=str(paths[0].parent if len(given) == 1 else paths[0]),
        words=None if words is None else tuple(words),
        min_support=min_support,
        measured=together,
        ages=ages(together, min_support=min_support),
        confusions=tuple(
            one.counts and strongest_confusions(one.counts, min_support=min_support)
            for one in sorted(measured, key=lambda one: one.step)
        ),
    )


def _is_run(path: Path) -> bool:
    return path.is_dir() and (path / "counts").is_dir()


def _step_files(folder: Path, data: str) -> list[Path]:
    """The files of one data set in a Trainer's output folder, or in the callback's own."""
    for place in (folder / "apt", folder):
        files = sorted(place.glob(f"{glob.escape(data)}-step-*.npz"))
        if files:
            return files
    others = sorted(
        {match[1] for path in (folder / "apt").glob("*.npz") if (match := _named(path))}
    )
    raise ValueError(
        f"{folder} holds no apt/{data}-step-<step>.npz: "
        + (f"choose the data {' or '.join(others)}." if others else "AptCallback writes them.")
    )


def _named(path: Path) -> re.Match[str] | None:
    return _STEP_FILE.fullmatch(path.name)


def _of_file(path: Path) -> _OneStep:
    """What `AptCallback` left of one step."""
    match = _named(path)
    if match is None:
        raise ValueError(
            f"{path} is neither <data>-step-<step>.npz of AptCallback nor a folder of "
            "`hf-apt measure`."
        )
    arrays = read_arrays(path)
    hits_DV, support_V = arrays.get("hits"), arrays.get("support")
    losses_DV = arrays.get("cross_entropy")
    if (
        hits_DV is None
        or support_V is None
        or hits_DV.ndim != 2
        or hits_DV.shape[1:] != support_V.shape
        or (losses_DV is not None and losses_DV.shape != hits_DV.shape)
        or (hits_DV > support_V).any()
    ):
        raise ValueError(f"{path} holds no hits and support of AptCallback: leave it out.")
    counts = _answers_beside(path, hits_DV, support_V)
    return _OneStep(path, int(match[2]), hits_DV, support_V, losses_DV, counts)


def _answers_beside(path: Path, hits_DV: np.ndarray, support_V: np.ndarray) -> DepthCounts | None:
    """What `ConfusionCallback` left of the same step, in the folder beside.

    None where there is nothing, or it is of other positions.
    """
    beside = path.parent.parent / "confusion" / path.name
    if path.parent.name != "apt" or not beside.exists():
        return None
    counts = DepthCounts.load(beside)
    same = len(hits_DV) == counts.num_depths and np.array_equal(counts.support(), support_V)
    return counts if same else None


def _of_runs(runs: Sequence[Run], readout: str, steps: Sequence[int] | None) -> list[_OneStep]:
    if steps is None:
        steps = [_step_of(run) for run in runs]
    if len(steps) != len(runs):
        raise ValueError(f"{len(steps)} steps came with {len(runs)} folders: give one for each.")
    measured = []
    for run, step in zip(runs, steps, strict=True):
        require_whole_number("a step", step, least=0)
        if not run.counts_path(readout).exists():
            raise ValueError(f"{run.folder} holds no answers of {readout}: choose another readout.")
        read = run.readout(readout)
        kept = read.measures.get(TokenCrossEntropy.name)
        losses_DV = kept.sums_DV if isinstance(kept, TokenCrossEntropy) else None
        measured.append(
            _OneStep(
                run.folder,
                step,
                read.counts.hits(),
                read.counts.support(),
                losses_DV,
                read.counts,
            )
        )
    return measured


def _step_of(run: Run) -> int:
    numbers = re.findall(r"\d+", run.folder.name)
    if not numbers:
        raise ValueError(f"{run.folder} has no number in its name that is its step: give --steps.")
    return int(numbers[-1])


def _together(measured: Sequence[_OneStep]) -> MeasuredSteps:
    """The steps in order. Raises ValueError where they are not of the same positions."""
    measured = sorted(measured, key=lambda one: one.step)
    if not measured:
        raise ValueError("no measurement was given: name a training's folder, or files.")
    first = measured[0]
    for before, one in zip(measured, measured[1:], strict=False):
        if one.step == before.step:
            raise ValueError(f"{before.source} and {one.source} are both of step {one.step}.")
        if one.hits_DV.shape != first.hits_DV.shape:
            raise ValueError(f"{one.source} is of other depths or tokens than {first.source}.")
        if not np.array_equal(one.support_V, first.support_V):
            raise ValueError(
                f"{one.source} was asked for other tokens than {first.source}, so that their "
                "figures are not of the same text: measure all steps on the same positions."
            )
    losses = [one.cross_entropy_DV for one in measured]
    kept = [each for each in losses if each is not None]
    return MeasuredSteps(
        steps_S=np.array([one.step for one in measured]),
        hits_SDV=np.stack([one.hits_DV for one in measured]),
        support_V=first.support_V,
        cross_entropy_SDV=np.stack(kept) if len(kept) == len(measured) else None,
    )


def _words(tokenizer: str, vocab_size: int) -> list[str]:
    from hf_apt.data.tokenizer import load_tokenizer

    loaded = load_tokenizer(tokenizer, needs_mask=False)
    words = loaded.convert_ids_to_tokens(list(range(min(len(loaded), vocab_size))))
    return words + [f"<{token}>" for token in range(len(words), vocab_size)]
