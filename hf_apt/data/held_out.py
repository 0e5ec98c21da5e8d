"""Documents to learn from and documents held out, told apart while they are read."""

from __future__ import annotations

import hashlib
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from hf_apt.data.document_blocks import Documents


@dataclass(frozen=True)
class SplitBlock:
    """Consecutive documents of both sides, and where the next block begins."""

    train: list[Any]
    """Documents to learn from: texts, or token ids."""

    validation: list[Any]
    """Documents held out, of the same kind."""

    place: Any
    """Position at which the next block begins, in plain JSON, as `blocks` takes it."""


class SplitStream(Protocol):
    """Both sides of a corpus, read in one pass."""

    @property
    def num_documents(self) -> int | None:
        """Largest possible number of documents on both sides, where known."""
        ...

    def blocks(self, after: Any = None) -> Iterator[SplitBlock]:
        """All blocks from the position `after` on, in the same order every time."""
        ...


class EmptySplitError(ValueError):
    """A corpus without training documents, or without held-out ones."""


def is_held_out(text: Any, share: float) -> bool:
    """Whether `text` falls in the held-out share: a function of its letters and digits alone.

    Of a document that is token ids it is a function of these.
    """
    is_text = isinstance(text, str)
    content = re.sub(r"\W+", "", text.lower()).encode() if is_text else bytes(text)
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


@dataclass(frozen=True, kw_only=True)
class SplitByHash:
    """One source of documents, of which each is held out or not by what it says."""

    name: str
    """Name of the corpus in errors."""

    documents: Documents
    """Documents of both sides."""

    share: float
    """Share that is held out."""

    max_train: int | None = None
    """Largest number of training documents; None for all."""

    max_validation: int | None = None
    """Largest number of held-out documents; None for the same share of `max_train`."""

    @property
    def num_documents(self) -> int | None:
        """Largest possible number of documents on both sides, where known."""
        available = self.documents.num_documents
        if sum(self._limits) == math.inf:
            return available
        most = sum(map(math.ceil, self._limits))
        return most if available is None else min(available, most)

    @property
    def _limits(self) -> tuple[float, float]:
        train = math.inf if self.max_train is None else self.max_train
        validation = self.max_validation
        return train, max(1, train * self.share) if validation is None else validation

    def blocks(self, after: dict[str, Any] | None = None) -> Iterator[SplitBlock]:
        """The blocks from a position on, until there are enough documents of both kinds.

        Raises EmptySplitError at the end if there was no document of one kind.
        """
        after = after or {"documents": None, "train": 0, "validation": 0}
        numbers = [after["train"], after["validation"]]
        limits = self._limits

        def enough() -> bool:
            return all(num >= limit for num, limit in zip(numbers, limits, strict=True))

        source = iter(()) if enough() else self.documents.blocks(after["documents"])
        for block in source:
            sides: tuple[list[Any], list[Any]] = ([], [])
            for text in block.texts:
                side = int(is_held_out(text, self.share))
                if numbers[side] < limits[side]:
                    sides[side].append(text)
                    numbers[side] += 1
                if enough():
                    break
            place = {"documents": block.place, "train": numbers[0], "validation": numbers[1]}
            yield SplitBlock(*sides, place)
            if enough():
                break
        if not all(numbers):
            raise EmptySplitError(
                f"{self.name} has {numbers[0]} training and {numbers[1]} held-out documents "
                f"(validation share {self.share}): both are needed. Give more documents, another "
                "--validation-share, or a folder with files for training and for validation."
            )


@dataclass(frozen=True)
class WholeText:
    """One source of documents with nothing held back: all of them are on both sides.

    For a measurement that trains nothing. What is counted on the training side, as how often a
    token occurs, is then counted on the text measured.
    """

    name: str
    """Name of the corpus in errors."""

    documents: Documents
    """The documents."""

    limit: int | None = None
    """Largest number of documents; None for all."""

    @property
    def num_documents(self) -> int | None:
        """Largest possible number of documents on both sides together, where known."""
        numbers = [each for each in (self.documents.num_documents, self.limit) if each is not None]
        return 2 * min(numbers) if numbers else None

    def blocks(self, after: dict[str, Any] | None = None) -> Iterator[SplitBlock]:
        """The blocks from a position on, each with the same documents on both sides.

        Raises EmptySplitError at the end if there was no document.
        """
        after = after or {"documents": None, "read": 0}
        num_read = after["read"]
        limit = sys.maxsize if self.limit is None else self.limit
        source = iter(()) if num_read >= limit else self.documents.blocks(after["documents"])
        for block in source:
            texts = block.texts[: limit - num_read]
            num_read += len(texts)
            yield SplitBlock(texts, texts, {"documents": block.place, "read": num_read})
            if num_read >= limit:
                break
        if not num_read:
            raise EmptySplitError(f"{self.name} has no document: there is no text in it.")


@dataclass(frozen=True)
class TwoSources:
    """A source for each side: all training documents, then all held-out ones."""

    train: Documents
    """Documents to learn from."""

    validation: Documents
    """Documents held out."""

    @property
    def num_documents(self) -> int | None:
        """Number of documents on both sides, where known."""
        numbers = (self.train.num_documents, self.validation.num_documents)
        return None if None in numbers else sum(num for num in numbers if num is not None)

    def blocks(self, after: list[Any] | None = None) -> Iterator[SplitBlock]:
        """The blocks from a position on; each has documents of one side alone."""
        side, within = after or ["train", None]
        if side == "train":
            for block in self.train.blocks(within):
                yield SplitBlock(block.texts, [], ["train", block.place])
            within = None
        for block in self.validation.blocks(within):
            yield SplitBlock([], block.texts, ["validation", block.place])
