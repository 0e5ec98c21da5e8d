"""The model, the texts and the folder of a study, by their names."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.cli.failures import starts_anew, writes_into
from hf_apt.cli.shared_options import run_folder, short_name

if TYPE_CHECKING:
    from hf_apt.records.run import Run


def place_of(named: str, output: Path | None, study: str) -> tuple[str, Path]:
    """The checkpoint that a run's folder or a name stands for, and the folder of its study."""
    from hf_apt.records.checkpoints import of_run

    path = of_run(named)
    own = Path(named) if path != named else run_folder(f"{short_name(named)}-{study}")
    return path, output or own


def study_into(folder: Path) -> Run:
    """The run that a study is kept in, before any work.

    Raises ValueError for a folder that cannot be written or holds files of somebody else's, and
    under several processes: a study is made by one.
    """
    from hf_apt.models.devices import process_state
    from hf_apt.records.run import Run
    from hf_apt.records.run_folder import require_run_folder

    if process_state().num_processes > 1:
        raise ValueError("a study is made by one process: run it without a launcher.")
    starts_anew()
    writes_into(folder)
    run = Run(folder)
    require_run_folder(run)
    return run


def texts_of(name: str, *, column: str, paragraphs: bool, max_texts: int) -> list[str]:
    """The first texts of a corpus.

    Raises ValueError where there is none, and for the planted language, which is no text.
    """
    from hf_apt.cli.shared_options import text_source
    from hf_apt.data.corpora import open_corpus
    from hf_apt.data.corpus_source import CorpusSource

    if name == "planted":
        raise ValueError("this study reads natural text, not the planted language: name a text.")
    source = text_source(
        CorpusSource(column=column, validation_share=1.0), name, paragraphs=paragraphs
    )
    return list(islice(open_corpus(source).validation, max_texts))


def loaded_model(name: str) -> tuple[Any, Any]:
    """A language model on this process's device, and its tokenizer."""
    from hf_apt.data.tokenizer import load_tokenizer
    from hf_apt.models.devices import to_device
    from hf_apt.runs.measured_checkpoint import is_causal_checkpoint, load_measured

    tokenizer = load_tokenizer(name, needs_mask=not is_causal_checkpoint(name))
    return to_device(load_measured(name)), tokenizer
