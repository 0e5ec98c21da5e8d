"""Several checkpoints, each measured into a folder of its own on one text, tokenised once."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hf_apt.data.corpus_source import CorpusSource
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
from hf_apt.runs.pipeline import begun, finish, is_main, measure_run
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
    """Each checkpoint of `name` whose revision matches the pattern `revisions`, measured on `text`.

    `name` is a Hub id, whose branches and tags are matched (`step*`), or a folder with checkpoints
    in it (`checkpoint-*`). Each is measured by its own head into `output/<revision>`, a run as
    `hf-apt measure` leaves it; the text is tokenised once. Called again, it goes on where it was:
    what is complete is not measured again, and of the Hub not downloaded. A checkpoint whose files
    are missing or broken off is left out with a warning and named in the result. What is downloaded
    stays in the cache of the Hub's files.

    Raises ValueError, before any work, if nothing matches, for options that do not go together and
    for folders of something else; and if not one checkpoint could be measured.
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
    require_valid(config)
    _require_folders(output, checkpoints)
    source: Run | None = None
    measured, left_out = [], {}
    for each in checkpoints:
        own = config
        if series.own_tokenizers:
            own = replace(config, tokenizer=own_tokenizer(each.name))
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
            if is_main():
                told(each.revision)
            _measure(name, own, run, source)
        source = source or run
        seconds = time.perf_counter() - start if is_new else None
        if is_main():  # which alone writes the summary
            measured.append(measured_checkpoint(each.revision, run, seconds))
    if len(left_out) == len(checkpoints):
        first, why = next(iter(left_out.items()))
        raise ValueError(f"not one of {len(checkpoints)} checkpoints was measured. {first}: {why}")
    return MeasuredCheckpoints(output, tuple(measured), left_out)


def _measure(name: str, config: RunConfig, run: Run, source: Run | None) -> None:
    with begun(config, run.folder):
        if source is not None and is_main():
            share_tokens(source, run, config)
        measure_run(config, run, name)
        finish(run)


def _is_complete(run: Run, config: RunConfig, checkpoint: NamedCheckpoint) -> bool:
    """Whether nothing is left to do in a run.

    Raises ValueError for a complete run under other options or of a text that has changed since.
    """
    require_same_run(config, run)
    wanted = {"own_head", *config.head_kinds, *(["untrained"] if config.untrained else [])}
    files = ("summary.json", "report.html", "model.json")
    is_whole = wanted <= set(run.whole_readouts()) and all(
        run.path(name).exists() for name in files
    )
    if not is_whole or not _is_of(run, checkpoint):
        return False
    prepare(config, run, needs_mask=False)
    return True


def _is_of(run: Run, checkpoint: NamedCheckpoint) -> bool:
    """Whether a run is of that checkpoint; of the Hub its commit tells, and nothing is asked."""
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
