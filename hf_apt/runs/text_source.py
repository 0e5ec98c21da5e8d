"""A text by its name, as commands and functions take it."""

from __future__ import annotations

from dataclasses import replace

from hf_apt.data.corpus_source import CorpusSource


def text_source(source: CorpusSource, name: str, *, paragraphs: bool) -> CorpusSource:
    """`source` of that name, whose .txt files hold a document a line unless `paragraphs`.

    Raises ValueError where `paragraphs` are asked for and there is no .txt file.
    """
    from hf_apt.data.local_files import local_files
    from hf_apt.data.text_files import suffix_of
    from hf_apt.data.text_formats import BUILDERS

    files = None if name in ("planted", "sotu") else local_files(name, BUILDERS)
    has_lines = any(suffix_of(file) == ".txt" for file in files or ())
    if paragraphs and not has_lines:
        raise ValueError(f"--paragraphs is about .txt files, and {name!r} has none: leave it out.")
    return replace(source, name=name, paragraphs=paragraphs or not has_lines)
