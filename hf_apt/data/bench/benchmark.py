"""A benchmark's folder: passages of text and the words of each that a model is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_apt.file_digests import sha256
from hf_apt.reading import read_json

DESCRIPTION = "apt-bench.json"
"""The file with `name`, `version`, and `sha256` of the passages."""

PASSAGES = "data/test.jsonl"
"""The file of passages, a JSON object a line with `id`, `text` and `asked`, spans of characters."""


@dataclass(frozen=True)
class Passage:
    """A stretch of text that is one sequence for a model."""

    name: str
    """What the passage is called."""

    text: str
    """The text, whole."""

    spans: tuple[tuple[int, int], ...]
    """Beginning and end of each asked word, in characters of `text`, ascending and disjoint."""

    @property
    def words(self) -> list[str]:
        """The asked words as they stand in the text."""
        return [self.text[start:end] for start, end in self.spans]


@dataclass(frozen=True)
class Benchmark:
    """Passages that never change, known by their digest."""

    name: str
    """Name of the benchmark."""

    version: int
    """Version, raised whenever a passage or a word changes."""

    digest: str
    """SHA-256 of the file of passages, in hexadecimal."""

    passages: tuple[Passage, ...]
    """The passages in their order, neighbours from the same source."""

    @property
    def words(self) -> list[str]:
        """All asked words, passage after passage."""
        return [word for passage in self.passages for word in passage.words]


def read_benchmark(folder: Path | str) -> Benchmark:
    """The benchmark in a folder.

    Raises ValueError for a folder without one, for passages that are not those of the digest, and
    for a line that is no passage.
    """
    folder = Path(folder)
    path = folder / PASSAGES
    for needed in (folder / DESCRIPTION, path):
        if not needed.is_file():
            raise ValueError(f"{folder} holds no benchmark: it has no {needed.name}.")
    described = read_json(folder / DESCRIPTION)
    try:
        name, version, digest = (described[key] for key in ("name", "version", "sha256"))
    except (TypeError, KeyError):
        raise ValueError(
            f"{folder / DESCRIPTION} must say name, version and sha256 of a benchmark."
        ) from None
    if sha256(path) != digest:
        raise ValueError(
            f"{path} is not what {DESCRIPTION} says (its SHA-256 is another): figures of it would "
            "compare with nobody's; take an unchanged copy of the benchmark."
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    passages = tuple(_passage(line, f"{path}:{at}") for at, line in enumerate(lines, 1))
    if not passages:
        raise ValueError(f"{path} holds no passage.")
    return Benchmark(str(name), int(version), str(digest), passages)


def _passage(line: str, where: str) -> Passage:
    try:
        content: Any = json.loads(line)
        name, text = str(content["id"]), content["text"]
        spans = tuple((int(start), int(end)) for start, end in content["asked"])
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{where} is no passage: it needs id, text and asked.") from None
    edges = [edge for span in spans for edge in span]
    is_ordered = all(a < b for a, b in spans) and edges == sorted(edges)
    if not spans or not is_ordered or edges[0] < 0 or edges[-1] > len(text):
        raise ValueError(
            f"{where} asks for {list(spans)}, which are no words of its text in order."
        )
    return Passage(name, text, spans)
