"""`python -m tests.attacks.fuzz`: random damage to what users hand over, for minutes on end.

A whole file is cut, doubled, flipped or filled with odd bytes, at random places, and read. It is
read, or refused by one sentence (ValueError, or an error of the operating system); anything else is
printed with the seed that makes it again, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .small_run import end, start

TEXTS = [f"Dokument Nummer {number}, für Wort {number % 7}." for number in range(60)]
_ODD = (b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\n\r\n", b"{", b"[[[[", b"NaN", b"\\u0000")


def damaged(content: bytes, rng: random.Random) -> bytes:
    """`content` changed in one to four places."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place, end_of = sorted(rng.randint(0, len(changed)) for _ in range(2))
        how = rng.randrange(5)
        if how == 0:
            del changed[place:end_of]
        elif how == 1:
            changed[place:place] = changed[place:end_of]
        elif how == 2 and changed:
            changed[min(place, len(changed) - 1)] ^= 1 << rng.randrange(8)
        elif how == 3:
            changed[place:place] = rng.choice(_ODD) * rng.choice((1, 1, 1, 40, 3000))
        else:
            changed[place : place + 8] = rng.randbytes(8)
    return bytes(changed[: 1 << 22])


def tables() -> dict[str, bytes]:
    """A table of texts and labels in each form that is read, by the file's name."""
    import pandas as pd

    rows = [{"text": text, "label": number % 3} for number, text in enumerate(TEXTS)]
    written = io.StringIO()
    writer = csv.DictWriter(written, ["text", "label"])
    writer.writeheader()
    writer.writerows(rows)
    parquet = io.BytesIO()
    pd.DataFrame(rows).to_parquet(parquet)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return {
        "a.jsonl": lines.encode(),
        "a.json": json.dumps(rows).encode(),
        "a.csv": written.getvalue().encode(),
        "a.parquet": parquet.getvalue(),
    }


def corpora(scratch: Path) -> Callable[[random.Random], None]:
    """Reads one corpus from a damaged file."""
    from hf_apt.data.corpora import open_corpus
    from hf_apt.data.corpus_source import CorpusSource

    whole = tables() | {"a.txt": "\n\n".join(TEXTS).encode()}

    def attack(rng: random.Random) -> None:
        name = rng.choice(sorted(whole))
        (scratch / name).write_bytes(damaged(whole[name], rng))
        corpus = open_corpus(CorpusSource(name=str(scratch / name), validation_share=0.3))
        assert all(isinstance(text, str) for text in [*corpus.train, *corpus.validation])

    return attack


def tasks(scratch: Path) -> Callable[[random.Random], None]:
    """Reads one task from a damaged file."""
    from hf_apt.data.tasks.task import open_task
    from hf_apt.data.tasks.task_config import TaskConfig

    whole = tables()

    def attack(rng: random.Random) -> None:
        name = rng.choice(sorted(whole))
        (scratch / name).write_bytes(damaged(whole[name], rng))
        config = TaskConfig(name=str(scratch / name), train_per_class=8, test_per_class=4)
        task = open_task(config)
        assert all(isinstance(text, str) for text in [*task.train.texts, *task.test.texts])

    return attack


def runs(scratch: Path) -> Callable[[random.Random], None]:
    """Makes summary and page of a finished run, one file of which is damaged."""
    from hf_apt.records.run import Run
    from hf_apt.runs.pipeline import finish

    kept = scratch / "kept"
    code, error = end(start(kept))
    if code:
        sys.exit(f"the run that is left alone fails: {error}")
    shutil.rmtree(kept / "training")
    names = [path.relative_to(kept) for path in sorted(kept.rglob("*")) if path.is_file()]

    def attack(rng: random.Random) -> None:
        name = rng.choice(names)
        content = (kept / name).read_bytes()
        try:
            (kept / name).write_bytes(damaged(content, rng))
            finish(Run(kept))
        finally:
            (kept / name).write_bytes(content)

    return attack


def metrics(scratch: Path) -> Callable[[random.Random], None]:
    """Computes a metric of inputs of odd types, values and lengths."""
    import evaluate

    from hf_apt.hub.resources import resource

    names = tuple(OPTIONS)
    loaded = {
        name: evaluate.load(str(resource(f"metrics/{name}")), experiment_id=name) for name in names
    }
    odd: list[Callable[[random.Random], Any]] = [
        lambda rng: [rng.randint(0, 9) for _ in range(rng.randint(0, 30))],
        lambda rng: [rng.choice((0, 1, -1, -100, 2**40, 2**63, 1.5, float("nan"))) for _ in "abcd"],
        lambda rng: [[rng.randint(0, 9)] * rng.randint(0, 3) for _ in range(4)],
        lambda rng: np.arange(rng.randint(0, 9)).reshape(-1, 1),
        lambda rng: np.array([rng.random() for _ in range(4)]),
        lambda rng: rng.choice((None, "", "abc", 7, {}, [None], ["a"], [[]], [[[1]]], b"x")),
    ]

    def attack(rng: random.Random) -> None:
        name = rng.choice(names)
        inputs = {key: rng.choice(odd)(rng) for key in ("predictions", "references")}
        further, option = OPTIONS[name]
        if further and rng.random() < 0.5:
            inputs[further] = rng.choice(odd)(rng)
        if option and rng.random() < 0.3:
            inputs[option] = rng.choice((0, 5, 10, -1, "a", None, 2**40))
        loaded[name].compute(**inputs)

    return attack


OPTIONS = {
    "apt": ("treatment", "vocab_size"),
    "token_confusion": ("", "vocab_size"),
    "token_clusters": ("", "vocab_size"),
    "confidence_apt": ("correct", "num_bins"),
    "graph_neighbours": ("", "num_neighbours"),
    "local_smoothness": ("", ""),
}
"""A further input and an option of each metric."""

KINDS = {"corpora": corpora, "tasks": tasks, "runs": runs, "metrics": metrics}


def fuzz(kind: str, seconds: float, first_seed: int) -> int:
    """The number of trials that ended otherwise than they may."""
    num_wrong = num_read = number = 0
    with tempfile.TemporaryDirectory(prefix="hf_apt-fuzz-") as scratch:
        attack = KINDS[kind](Path(scratch))
        finish = time.monotonic() + seconds
        while time.monotonic() < finish:
            seed = f"{kind} {first_seed + number}"
            number += 1
            try:
                with contextlib.redirect_stderr(io.StringIO()):
                    attack(random.Random(seed))
                num_read += 1
            except (ValueError, OSError) as error:
                if "\n" in str(error).strip():
                    print(f"{seed}: several lines: {str(error)[:300]!r}", flush=True)
                    num_wrong += 1
            except Exception:
                print(f"{seed}: {traceback.format_exc()}", flush=True)
                num_wrong += 1
    print(f"{kind}: {number} trials, {num_read} read, {num_wrong} wrong", flush=True)
    return num_wrong


def main() -> None:
    """Fuzz as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seconds", type=float, default=600, help="for each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the first trial")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    wrong = [fuzz(kind, arguments.seconds, arguments.seed) for kind in arguments.kinds]
    sys.exit(any(wrong))


if __name__ == "__main__":
    main()
