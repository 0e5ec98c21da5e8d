"""Chooses paragraphs that are most like the texts of the tasks, and as many tokens least like them.

    python examples/paper/overlap.py --text='wikipedia/enwiki2014_*.parquet' --data DATA

Paragraphs are put in order by how much likelier their tokens are by the frequencies of the tasks'
texts than by those of the corpus, mean log-odds in nats (Moore and Lewis, Intelligent selection of
language model training data, ACL 2010, with unigrams). DATA is the folder of the
tasks' files; `near_train.parquet`, `far_train.parquet` and their `..._validation.parquet`, which
are the text's own, are written into it.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pieces
from transformers import AutoTokenizer, HfArgumentParser, PreTrainedTokenizerBase

import hf_apt
from hf_apt.atomic import writing

TASKS = ("dbpedia14_train", "fewrel64_train", "agnews_train")
COLUMNS = ("text", "content")
"""Columns that hold the texts, the first one that is there."""

FEWEST = 32
"""Number of tokens that a paragraph has at least: of a few words the mean is noise."""

BATCH = 10_000
"""Number of texts that are encoded at a time."""


@dataclass
class Arguments:
    """The texts, and how much to take."""

    text: str = field(metadata={"help": "Parquet files to choose from."})
    data: str = field(default=".", metadata={"help": "Folder of the tasks' Parquet files."})
    num_tokens: int = field(default=1_000_000, metadata={"help": "Tokens of each choice, at most."})


def main(arguments: list[str] | None = None) -> None:
    """Write both choices, and say how much of the tasks' tokens each has."""
    (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses(arguments)  # pyright: ignore
    pattern = Path(args.text)
    files = sorted(pattern.parent.glob(pattern.name))
    held_out = [file for file in files if "validation" in file.name]
    if not held_out:
        raise ValueError(f"{args.text} has no file with `validation` in its name: add one.")
    texts = _texts(file for file in files if file not in held_out)
    tokenizer = AutoTokenizer.from_pretrained(hf_apt.checkpoint(pieces.TOKENIZER))
    size = len(tokenizer)
    rows = _rows(texts, tokenizer)
    wanted = _texts(Path(args.data) / f"{task}.parquet" for task in TASKS)
    wanted_V = _counts(_rows(wanted, tokenizer), size)
    there = np.array([row for row, tokens in enumerate(rows) if len(tokens) >= FEWEST])
    lengths = np.array([len(rows[row]) for row in there])
    if 2 * args.num_tokens > lengths.sum():
        raise ValueError(
            f"two choices of {args.num_tokens:,} tokens are not to be had: paragraphs of {FEWEST} "
            f"tokens or more have {lengths.sum():,} together."
        )
    scores = likeness([rows[row] for row in there], wanted_V, _counts(rows, size))
    in_order = np.argsort(-scores, kind="stable")
    for name, order in (("near", in_order), ("far", in_order[::-1])):
        chosen = there[order[np.cumsum(lengths[order]) <= args.num_tokens]].tolist()
        _write(Path(args.data) / f"{name}_train.parquet", [texts[row] for row in sorted(chosen)])
        _write(Path(args.data) / f"{name}_validation.parquet", _texts(held_out))
        num_tokens = sum(len(rows[row]) for row in chosen)
        print(f"{name}: {len(chosen):,} paragraphs, {num_tokens:,} tokens")


def likeness(
    rows: Sequence[Sequence[int] | np.ndarray], wanted_V: np.ndarray, corpus_V: np.ndarray
) -> np.ndarray:
    """Mean log-odds of each row's tokens, in nats; above 0 the row is like what is wanted.

    Counts are by token id; half an occurrence is added to each, so that none is impossible.
    """
    shares_V = [(counts_V + 0.5) / (counts_V + 0.5).sum() for counts_V in (wanted_V, corpus_V)]
    odds_V = np.log(shares_V[0] / shares_V[1])
    return np.array([odds_V[row].mean() for row in rows])


def _texts(files: Iterable[Path]) -> list[str]:
    texts: list[str] = []
    for file in files:
        frame = pd.read_parquet(file)
        columns = [name for name in COLUMNS if name in frame]
        if not columns:
            raise ValueError(f"{file} has no column {' or '.join(COLUMNS)}.")
        texts.extend(frame[columns[0]])
    return texts


def _rows(texts: list[str], tokenizer: PreTrainedTokenizerBase) -> list[np.ndarray]:
    """The token ids of every text, without special tokens; texts are encoded some at a time."""
    encode: Any = tokenizer
    return [
        np.array(ids, np.int32)
        for first in range(0, len(texts), BATCH)
        for ids in encode(texts[first : first + BATCH], add_special_tokens=False)["input_ids"]
    ]


def _counts(rows: list[np.ndarray], size: int) -> np.ndarray:
    return np.bincount(np.concatenate(rows), minlength=size)


def _write(path: Path, texts: list[str]) -> None:
    with writing(path, "wb") as file:
        pd.DataFrame({"text": texts}).to_parquet(file)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
