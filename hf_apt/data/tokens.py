"""Tokenised sequences as flat integers on disk, memory-mapped when read.

Text is tokenised once. What is left is two plain files and a description: training and measuring
from them need neither the tokenizer nor `datasets`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Integer

from hf_apt.atomic import writing_folder
from hf_apt.data.masking import Masking
from hf_apt.data.sequence_files import Mark, SequenceFiles
from hf_apt.data.sequences import Cutter, Layout
from hf_apt.data.stored_tokens import (
    open_ids,
    read_description,
    read_starts,
    read_text_counts,
    require_in_vocabulary,
    require_unchanged,
    write_description,
    write_text_counts,
)
from hf_apt.data.token_sources.place_files import PlaceFiles
from hf_apt.data.token_sources.placed_ids import PlacedIds
from hf_apt.data.tokenizer import fingerprint, vocabulary

_BATCH = 1000
_COUNTED_AT_ONCE = 1 << 18  # as int64, which they become, 2 MB: they stay in the cache


@dataclass(frozen=True, kw_only=True)
class TokensDescription:
    """What the integers on disk are."""

    vocab_size: int
    """Number of token ids."""

    sequence_length: int
    """Length of the longest sequence, special tokens included."""

    layout: Layout
    """How documents became sequences."""

    num_sequences: int
    """Number of sequences."""

    num_tokens: int
    """Number of tokens, special ones included."""

    pad_id: int
    """Id that fills short sequences when they are batched; it is never stored."""

    mask_id: int | None
    """Id that masking shows; None for a tokenizer without one, a causal model's."""

    special_ids: tuple[int, ...]
    """Ids that are never asked for."""

    tokenizer: str
    """Fingerprint of the tokenizer."""


class Tokens:
    """Sequences of token ids in a folder, memory-mapped."""

    def __init__(self, folder: Path | str):
        """Open a folder that `write_tokens` has written.

        Args:
            folder: path of the folder.

        Raises:
            ValueError: with the file's name, if a file is missing or broken, or if the files do not
                fit each other or were changed since they were written
                (`hf_apt.data.stored_tokens`).
        """
        self.folder = Path(folder)
        """Path of the folder."""
        names = [field.name for field in fields(TokensDescription)]
        content, prints = read_description(self.folder, names)
        written = dict(content)
        content["special_ids"] = tuple(content["special_ids"])
        self.description = TokensDescription(**content)
        """What the integers on disk are."""
        self.starts = read_starts(self.folder, self.description)
        """Index in `ids` at which each sequence starts, and at which the last one ends, int64."""
        self.ids = open_ids(self.folder, self.description, _dtype(self.description.vocab_size))
        """All ids, one sequence after the other."""
        self.text = read_text_counts(self.folder, prints)
        """What was read of the text; None where that was not recorded."""
        require_unchanged(self.folder, written, prints)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self) -> str:
        described = self.description
        return (
            f"Tokens({str(self.folder)!r}, {len(self):,} sequences of at most "
            f"{described.sequence_length} tokens, layout {described.layout!r})"
        )

    def padded(
        self, indices_B: Integer[np.ndarray, " batch"], *, to_longest: bool = False
    ) -> Integer[np.ndarray, "batch seq"]:
        """Chosen sequences as a batch, filled up with the padding id.

        Args:
            indices_B: index of each chosen sequence, integers of shape (B,).
            to_longest: fill up to the longest of them; to `sequence_length` if False.

        Returns:
            Token ids of shape (B, T).

        Raises:
            ValueError: for an id on disk outside the vocabulary.
        """
        description = self.description
        starts_B = self.starts[indices_B]
        lengths_B = self.starts[indices_B + 1] - starts_B
        length = lengths_B.max(initial=1) if to_longest else description.sequence_length
        places_BT = starts_B[:, None] + np.arange(length)
        # Positions past the end of a sequence read some other token, which is then overwritten.
        tokens_BT = np.asarray(self.ids.take(places_BT, mode="clip"))
        require_in_vocabulary(tokens_BT, description.vocab_size, self.folder)
        if lengths_B.min(initial=length) < length:
            outside_BT = np.arange(length) >= lengths_B[:, None]
            tokens_BT[outside_BT] = description.pad_id
        return tokens_BT

    def shares(self) -> dict[str, float] | None:
        """What became of the text when it was cut into sequences.

        Returns:
            Shares in [0, 1] by name, or None where they were not recorded. Those of the text's
            tokens are `cut`, beyond the sequence length of their document, and `unknown`. `dropped`
            is the share of all ids that filled no last sequence, and `padded` that of the
            positions, if all sequences were as long as they may be, that no token fills.
        """
        if self.text is None:
            return None
        text, described = self.text, self.description
        places = described.num_sequences * described.sequence_length
        return {
            "cut": text.num_cut / text.num_tokens,
            "unknown": text.num_unknown / text.num_tokens,
            "dropped": text.num_dropped / (text.num_dropped + described.num_tokens),
            "padded": 1 - described.num_tokens / places,
        }

    def frequency(self) -> Int[np.ndarray, " vocab"]:
        """Occurrences of each token id in all sequences.

        Returns:
            int64 counts of shape (V,).

        Raises:
            ValueError: for an id on disk outside the vocabulary.
        """
        if isinstance(self.ids, PlacedIds):
            return self.ids.frequency(self.description.vocab_size)
        frequency_V = np.zeros(self.description.vocab_size, np.int64)
        for start in range(0, len(self.ids), _COUNTED_AT_ONCE):
            part = self.ids[start : start + _COUNTED_AT_ONCE]
            require_in_vocabulary(part, len(frequency_V), self.folder)
            frequency_V += np.bincount(part, minlength=len(frequency_V))
        return frequency_V

    def masking(self, *, seed: int, rate: float = 0.15) -> Masking:
        """The masking law for these tokens.

        Args:
            seed: seed of the corruption.
            rate: share of the positions that are modified, above 0 and at most 1.

        Returns:
            The law that `hf_apt.mask` takes.

        Raises:
            ValueError: if the tokens have no mask token, or for a rate that is out of range.
        """
        if self.description.mask_id is None:
            raise ValueError(
                f"the tokens in {self.folder} have no mask token, and nothing can be masked: write "
                "them with a tokenizer that has one."
            )
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
    num_sequences: int | None = None,
    label: str = "Tokenising",
) -> Tokens:
    """Tokenise documents into a folder, on all cores, with a progress bar; whole or not at all.

    Memory: a thousand documents.

    Args:
        folder: the folder to write; it may be empty or hold older tokens, which are replaced.
        documents: texts, in any iterable.
        tokenizer: a tokenizer of transformers.
        sequence_length: largest number of tokens in a sequence, special ones included.
        layout: how documents become sequences: `first`, the first tokens of each; `packed`, all of
            them, one document after the other.
        num_documents: number of documents, for the progress bar; None if it is not known.
        num_sequences: read no further documents once they give as many sequences; those of the last
            thousand documents are kept beyond it. None for all documents.
        label: what the progress bar is called.

    Returns:
        The sequences, opened from the folder.

    Raises:
        ValueError: for one text instead of several, if they give no sequence, if most of their
            tokens are unknown, for what `hf_apt.data.sequences.Cutter` refuses, and for a file, a
            folder with files of somebody else's or one that another process writes.
    """
    from tqdm.auto import tqdm

    if isinstance(documents, str):
        raise ValueError("the documents are one text: give a list, [text].")
    cutter = Cutter(tokenizer, length=sequence_length, layout=layout)
    remaining = iter(tqdm(documents, desc=label, total=num_documents, unit=" docs"))
    folder = Path(folder)
    with writing_folder(folder) as partial, tempfile.TemporaryDirectory() as aside:
        with growing_tokens(partial, Path(aside) / "lengths", tokenizer) as growing:
            while texts := list(islice(remaining, _BATCH)):
                growing.append(cutter.cut(texts, growing.waiting, growing.text))
                if num_sequences is not None and growing.num_sequences >= num_sequences:
                    break
            describe_tokens(partial, growing, cutter)
    return Tokens(folder)


def growing_tokens(
    folder: Path, lengths: Path, tokenizer: Any, mark: Mark | None = None
) -> SequenceFiles:
    """The ids of what is to become `Tokens(folder)`, growing from `mark` on."""
    return SequenceFiles(folder / "ids.bin", lengths, _dtype(len(vocabulary(tokenizer))), mark)


def describe_tokens(folder: Path, growing: SequenceFiles | PlaceFiles, cutter: Cutter) -> None:
    """Write what `Tokens(folder)` needs in addition to the ids that have grown there.

    Raises ValueError if there is no sequence, and if most of the tokens are unknown.
    """
    growing.text.require_known(str(getattr(cutter.tokenizer, "unk_token", None)))
    if not growing.num_sequences:
        raise NoSequenceError(
            f"the documents give no sequence of {cutter.length} tokens: too little text. Give more "
            "of it, a smaller sequence length, or for short documents the layout first."
        )
    growing.text.num_dropped = growing.num_waiting
    growing.mark()
    write_text_counts(folder, growing.text)
    tokenizer = cutter.tokenizer
    np.save(folder / "starts.npy", growing.starts())
    description = TokensDescription(
        vocab_size=len(vocabulary(tokenizer)),
        sequence_length=cutter.length,
        layout=cutter.layout,
        num_sequences=growing.num_sequences,
        num_tokens=growing.num_tokens,
        pad_id=tokenizer.pad_token_id,
        mask_id=tokenizer.mask_token_id,
        special_ids=tuple(sorted(tokenizer.all_special_ids)),
        tokenizer=fingerprint(tokenizer),
    )
    write_description(folder, asdict(description))


class NoSequenceError(ValueError):
    """Too little text for a single sequence."""


def _dtype(vocab_size: int) -> np.dtype:
    return np.dtype(np.uint16 if vocab_size <= 2**16 else np.uint32)
