"""Several checkpoints, each measured into a folder of its own on one text, tokenised once."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.models.devices import process_state
from hf_apt.ownership import MARKER
from hf_apt.records.checkpoints import name_and_commit
from hf_apt.records.fingerprints import checkpoint_identity, is_same_checkpoint
from hf_apt.records.run import Run
from hf_apt.records.run_folder import require_run_folder
from hf_apt.runs.checkpoints.matching import fetched, matching_checkpoints
from hf_apt.runs.checkpoints.measured import MeasuredCheckpoints, measured_checkpoint
from hf_apt.runs.checkpoints.named import NamedCheckpoint, Series
from hf_apt.runs.checkpoints.on_text import TextOptions, config_on_text, own_tokenizer
from hf_apt.runs.checkpoints.shared_tokens import share_tokens
from hf_apt.runs.option_checks import require_valid
from hf_apt.runs.pipeline import begun, finish, measure_run
from hf_apt.runs.preparation import prepare
from hf_apt.runs.recipes import RunConfig
from hf_apt.runs.same_run import require_same_run


def measure_checkpoints(
    name: str | Path,
    revisions: str,
    text: str | Path | CorpusSource = "sotu",
    *,
    output: str | Path,
    options: TextOptions | None = None,
) -> MeasuredCheckpoints:
    """Measure each checkpoint of a name whose revision matches a pattern, on one text.

    Each is measured by its own head into a run of its own, as `hf-apt measure` leaves it; the text
    is tokenised once. Called again, it goes on where it was: what is complete is not measured
    again. A checkpoint whose files are missing or broken off is left out with a warning and named
    in the result. What is downloaded stays in the cache of the Hub's files.

    Args:
        name: a Hub id, or a folder with checkpoints in it.
        revisions: pattern that branches and tags are matched with (`step*`), or folders
            (`checkpoint-*`).
        text: corpus name, file, folder or glob of the text; or how it is read.
        output: folder that gets a run `<revision>` of each checkpoint.
        options: how the text is read and masked; the defaults of `TextOptions` if None.

    Returns:
        The runs, by revision, and the checkpoints that were left out.

    Raises:
        ValueError: before any work, if nothing matches, for options that do not go together, for
            folders of something else or of other options, and where several processes were started;
            and later if not one checkpoint could be measured.
    """
    checkpoints = matching_checkpoints(str(name), revisions)
    first = first_usable(checkpoints)
    options = options or TextOptions()
    config = config_on_text(fetched(first), text, options)
    return measure_series(Series(checkpoints, options.tokenizer is None), config, output)


def first_usable(checkpoints: Sequence[NamedCheckpoint]) -> NamedCheckpoint:
    """The first that has its files, which are downloaded from the Hub where they are not here.

    Raises ValueError, with what the first one lacks, if there is none.
    """
    reasons = []
    for each in checkpoints:
        try:
            fetched(each)
        except ValueError as error:
            reasons.append(f"{each.revision}: {error}")
        else:
            return each
    raise ValueError(f"not one of {len(checkpoints)} checkpoints can be measured. {reasons[0]}")


def measure_series(
    series: Series,
    config: RunConfig,
    output: str | Path,
    *,
    told: Callable[[str], None] = lambda name: None,
) -> MeasuredCheckpoints:
    """The checkpoints, each measured under `config` into `output`, in a folder named after it.

    The tokenizer of `config` is that of all unless each has its own. `told` is given the name of
    each before it is measured. Raises ValueError as `measure_checkpoints` does.
    """
    output, checkpoints = Path(output), series.checkpoints
    if process_state().num_processes > 1:
        raise ValueError(
            "several checkpoints are measured by one process: give the command without torchrun."
        )
    require_valid(config)
    _require_folders(output, checkpoints)
    configs = [_own(config, series, each) for each in checkpoints]
    for each, own in zip(checkpoints, configs, strict=True):
        _require_same(Run(output / each.folder_name), own, each)
    source: Run | None = None
    measured, left_out = [], {}
    for each, own in zip(checkpoints, configs, strict=True):
        run = Run(output / each.folder_name)
        start = time.perf_counter()
        is_new = not _is_complete(run, own, each)
        if is_new:
            try:
                name = fetched(each)
            except ValueError as error:
                left_out[each.revision] = str(error)
                warnings.warn(f"{each.revision} is left out: {error}", stacklevel=2)
                continue
            told(each.revision)
            _measure(name, own, run, source)
        source = source or run
        seconds = time.perf_counter() - start if is_new else None
        measured.append(measured_checkpoint(each.revision, run, seconds))
    if len(left_out) == len(checkpoints):
        first, why = next(iter(left_out.items()))
        raise ValueError(f"not one of {len(checkpoints)} checkpoints was measured. {first}: {why}")
    return MeasuredCheckpoints(output, tuple(measured), left_out)


def _own(config: RunConfig, series: Series, checkpoint: NamedCheckpoint) -> RunConfig:
    """The configuration of one checkpoint."""
    if not series.own_tokenizers:
        return config
    return replace(config, tokenizer=own_tokenizer(checkpoint.name))


def _require_same(run: Run, config: RunConfig, checkpoint: NamedCheckpoint) -> None:
    """Raise ValueError if a run is of another commit of the checkpoint, or of other options."""
    commit = name_and_commit(checkpoint.name)[1]
    if run.path("model.json").exists():
        before = run.read_json("model.json").get("revision")
        if commit is not None and before not in (None, commit):
            raise ValueError(
                f"{checkpoint.revision} is another commit now than {run.folder} was measured at "
                f"({before[:8]} before, now {commit[:8]}): delete that folder, or choose another "
                "--output."
            )
    require_same_run(config, run)


def _measure(name: str, config: RunConfig, run: Run, source: Run | None) -> None:
    with begun(config, run.folder):
        if source is not None:
            share_tokens(source, run, config)
        measure_run(config, run, name)
        finish(run)


def _is_complete(run: Run, config: RunConfig, checkpoint: NamedCheckpoint) -> bool:
    """Whether nothing is left to do in a run.

    Raises ValueError for a complete run of a text that has changed since.
    """
    wanted = {"own_head", *config.head_kinds, *(["untrained"] if config.untrained else [])}
    if not wanted <= set(run.whole_readouts()) or not _is_of(run, checkpoint):
        return False
    # In the order in which they are written, so that none is older than what it is made of.
    made = [*map(run.counts_path, wanted), run.path("summary.json"), run.path("report.html")]
    if not all(path.exists() for path in (*made, run.path("frequency.npy"))):
        return False
    times = [path.stat().st_mtime_ns for path in made]
    if max(times[:-2]) > times[-2] or times[-2] > times[-1]:
        return False
    prepare(config, run, needs_mask=False)
    return True


def _is_of(run: Run, checkpoint: NamedCheckpoint) -> bool:
    """Whether a run is of that checkpoint; of the Hub its commit tells, and nothing is asked."""
    if not run.path("model.json").exists():
        return False
    model = run.read_json("model.json")
    commit = name_and_commit(checkpoint.name)[1]
    if commit is not None and model.get("revision") == commit:
        return True
    return is_same_checkpoint(model, checkpoint_identity(checkpoint.name))


def _require_folders(output: Path, checkpoints: Sequence[NamedCheckpoint]) -> None:
    """Raise ValueError, before anything is written, for folders of something else."""
    if (output / MARKER).exists():
        raise ValueError(
            f"{output} is the folder of one run, and checkpoints are measured into folders inside "
            "it: choose another --output."
        )
    for each in checkpoints:
        require_run_folder(Run(output / each.folder_name))
