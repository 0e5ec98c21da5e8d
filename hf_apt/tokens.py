"""Tokenised sequences as flat integers on disk, memory-mapped when read.

Text is tokenised once. What is left is two plain files and a description: training and measuring
from them need neither the tokenizer nor `datasets`.
"""
# B examples, T sequence positions, V vocabulary.

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Int, Integer

from hf_apt.atomic import writing_folder
from hf_apt.masking import Masking
from hf_apt.tokenizers import fingerprint, vocabulary

Layout = Literal["first", "packed"]
"""`first`: the first tokens of each document, one sequence each (arXiv 2507.14871). `packed`: all
tokens, documents joined by the separator and cut into full sequences; the last, partial one is
dropped."""

_BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class TokensDescription:
    """What the integers on disk are."""

    vocab_size: int
    """Number of token ids."""

    sequence_length: int
    """Longest sequence, special tokens included."""

    layout: Layout
    """How documents became sequences."""

    num_sequences: int
    """Number of sequences."""

    num_tokens: int
    """Number of tokens, special ones included."""

    pad_id: int
    """Fills short sequences when they are batched; never stored."""

    mask_id: int
    """The id that masking shows."""

    special_ids: tuple[int, ...]
    """Ids that are never asked for."""

    tokenizer: str
    """Fingerprint of the tokenizer."""


class Tokens:
    """Sequences of token ids in a folder, memory-mapped."""

    def __init__(self, folder: Path | str):
        folder = Path(folder)
        try:
            content = json.loads((folder / "description.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ValueError(f"{folder} holds no tokenised sequences.") from None
        content["special_ids"] = tuple(content["special_ids"])
        self.description = TokensDescription(**content)
        """What the integers are."""
        self.starts = np.load(folder / "starts.npy")
        """Where each sequence starts, and where the last one ends, int64."""
        self.ids = np.memmap(
            folder / "ids.bin", mode="r", dtype=_dtype(self.description.vocab_size)
        )
        """All ids, one sequence after the other."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def padded(self, indices_B: Integer[np.ndarray, " batch"]) -> Integer[np.ndarray, "batch seq"]:
        """The chosen sequences, filled up to `sequence_length` with the padding id."""
        description = self.description
        starts_B = self.starts[indices_B]
        lengths_B = self.starts[indices_B + 1] - starts_B
        places_BT = starts_B[:, None] + np.arange(description.sequence_length)
        # Places past the end of a sequence read some other token, which is then overwritten.
        tokens_BT = np.asarray(self.ids).take(places_BT, mode="clip")
        if lengths_B.min(initial=description.sequence_length) < description.sequence_length:
            outside_BT = np.arange(description.sequence_length) >= lengths_B[:, None]
            tokens_BT[outside_BT] = description.pad_id
        return tokens_BT

    def frequency(self) -> Int[np.ndarray, " vocab"]:
        """Occurrences of each token id, int64."""
        frequency_V = np.zeros(self.description.vocab_size, np.int64)
        for start in range(0, len(self.ids), 1 << 22):
            part = self.ids[start : start + (1 << 22)]
            frequency_V += np.bincount(part, minlength=len(frequency_V))
        return frequency_V

    def masking(self, *, seed: int, rate: float = 0.15) -> Masking:
        """The masking law for these tokens."""
        return Masking(
            vocab_size=self.description.vocab_size,
            mask_id=self.description.mask_id,
            special_ids=self.description.special_ids,
            seed=seed,
            rate=rate,
        )


def write_tokens(
    folder: Path | str,
    documents: Iterable[str],
    tokenizer: Any,
    *,
    sequence_length: int,
    layout: Layout,
    num_documents: int | None = None,
    label: str = "Tokenising",
) -> Tokens:
    """Tokenise `documents` into `folder`, on all cores, with a progress bar; whole or not at all.

    Raises ValueError where no sequence comes of it.
    """
    from tqdm.auto import tqdm

    if sequence_length < 8:
        raise ValueError(f"sequence_length must be at least 8 tokens, got {sequence_length}.")
    progress = tqdm(documents, desc=label, total=num_documents, unit=" docs")
    if layout == "first":
        sequences = _first(progress, tokenizer, sequence_length)
    else:
        sequences = _packed(progress, tokenizer, sequence_length)
    vocab_size = len(vocabulary(tokenizer))
    lengths: list[int] = []
    folder = Path(folder)
    with writing_folder(folder) as partial:
        with (partial / "ids.bin").open("wb") as file:
            for sequence in sequences:
                file.write(np.asarray(sequence, _dtype(vocab_size)).tobytes())
                lengths.append(len(sequence))
        if not lengths:
            raise ValueError(
                f"no sequence of {sequence_length} tokens came of the documents: too little text."
            )
        np.save(partial / "starts.npy", np.r_[0, np.cumsum(lengths, dtype=np.int64)])
        description = TokensDescription(
            vocab_size=vocab_size,
            sequence_length=sequence_length,
            layout=layout,
            num_sequences=len(lengths),
            num_tokens=sum(lengths),
            pad_id=tokenizer.pad_token_id,
            mask_id=tokenizer.mask_token_id,
            special_ids=tuple(sorted(tokenizer.all_special_ids)),
            tokenizer=fingerprint(tokenizer),
        )
        (partial / "description.json").write_text(json.dumps(asdict(description), indent=1))
    return Tokens(folder)


def _first(documents: Iterable[str], tokenizer: Any, length: int) -> Iterator[list[int]]:
    empty = len(tokenizer("")["input_ids"])
    for texts in _batches(documents):
        for ids in tokenizer(texts, truncation=True, max_length=length)["input_ids"]:
            if len(ids) > empty:
                yield ids


def _packed(documents: Iterable[str], tokenizer: Any, length: int) -> Iterator[list[int]]:
    before, after = _surroundings(tokenizer)
    room = length - len(before) - len(after)
    waiting: list[int] = []
    for texts in _batches(documents):
        for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]:
            if ids:
                waiting += ids + after[:1]
        full = len(waiting) // room * room
        for start in range(0, full, room):
            yield before + waiting[start : start + room] + after
        del waiting[:full]


def _batches(documents: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(documents)
    while texts := list(islice(remaining, _BATCH)):
        yield texts


def _surroundings(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The ids that the tokenizer puts before and after a text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a")["input_ids"]
    start = next(place for place in range(len(whole)) if whole[place : place + len(bare)] == bare)
    return whole[:start], whole[start + len(bare) :]


def _dtype(vocab_size: int) -> np.dtype:
    return np.dtype(np.uint16 if vocab_size <= 2**16 else np.uint32)
