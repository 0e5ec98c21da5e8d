"""Two checkpoints measured at the same positions of one text, to be compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.tokenizer import is_same_tokenizer, load_tokenizer, vocabulary
from hf_apt.records.checkpoints import SHIPPED, of_run, pinned
from hf_apt.records.run import Run
from hf_apt.runs.checkpoints.matching import fetched
from hf_apt.runs.checkpoints.named import NamedCheckpoint, Series
from hf_apt.runs.checkpoints.on_text import TextOptions, config_on_text
from hf_apt.runs.checkpoints.series import measure_series
from hf_apt.runs.measured_checkpoint import is_causal_checkpoint
from hf_apt.runs.option_checks import require_checkpoint
from hf_apt.runs.shared_vocabulary import common_vocabulary, named_tokens


@contextmanager
def measured_pair(
    a: str | Path,
    b: str | Path,
    text: str | Path | CorpusSource,
    *,
    folder: str | Path | None = None,
    options: TextOptions | None = None,
    tokens: Sequence[str] | None = None,
) -> Iterator[tuple[Run, Run]]:
    """The runs of two checkpoints on `text`, each by its own head, within the block.

    A checkpoint is a folder, a run's folder, a shipped name or a Hub id. The runs are kept in
    `folder`, as `a` and `b`, and not measured again there; without one they are deleted in the end.

    Raises ValueError, before anything is measured, for what is no checkpoint, for one masked and
    one causal model, for tokenizers that differ, and for `tokens` that the vocabulary lacks.
    """
    options = options or TextOptions()
    checkpoints = [
        NamedCheckpoint(name, _measurable(str(each))) for name, each in (("a", a), ("b", b))
    ]
    names = [fetched(each) for each in checkpoints]
    is_causal, *others = map(is_causal_checkpoint, names)
    if others != [is_causal]:
        raise ValueError(
            f"of {a} and {b} one is a masked and one a causal model, which are asked at other "
            "positions: name two of one kind."
        )
    words = _common_words(names, options.tokenizer)
    named_tokens(words, tokens, str(a))
    config = config_on_text(names[0], text, options)
    with tempfile.TemporaryDirectory() if folder is None else nullcontext(folder) as output:
        series = Series(checkpoints, own_tokenizers=options.tokenizer is None)
        measured = measure_series(series, config, Path(output))
        for name, why in measured.left_out.items():
            raise ValueError(f"{a if name == 'a' else b} cannot be measured: {why}")
        first, second = (Run(each.folder) for each in measured.measured)
        yield first, second


def _measurable(name: str) -> str:
    """A checkpoint as it is measured: a folder, a shipped one, or NAME@COMMIT."""
    name = of_run(name)
    is_here = Path(name).expanduser().is_dir() or (SHIPPED / name).is_dir()
    if is_here:
        require_checkpoint(name)
        return name
    return pinned(name) if "@" in name else pinned(name, "main")


def _common_words(names: Sequence[str], tokenizer: str | None) -> list[str]:
    """The words by id of both. Raises ValueError where they would read a text as other tokens."""
    given = names if tokenizer is None else [tokenizer]
    loaded = [load_tokenizer(name, needs_mask=False) for name in given]
    a, b = names
    words = common_vocabulary(vocabulary(loaded[0]), vocabulary(loaded[-1]), a=a, b=b)
    if not is_same_tokenizer(loaded[0], loaded[-1]):
        raise ValueError(
            f"the tokenizers of {a} and {b} have other rules, or one has more tokens: name one "
            "that reads the text for both by --tokenizer."
        )
    return words
