"""A corpus tokenised in one pass, both sides at once, which continues where it was killed.

Next to the folder to be made, a hidden one holds growing files and `position.json`, which says how
far they are valid and where to continue reading the text. The folder made holds `source.json`: of
which text, by which tokenizer and in which form its tokens are.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing
from hf_apt.data.corpora import Corpus
from hf_apt.data.held_out import EmptySplitError, SplitBlock
from hf_apt.data.sequence_files import Mark, SequenceFiles
from hf_apt.data.sequences import Cutter
from hf_apt.data.text_counts import UnknownTextError
from hf_apt.data.token_sources.id_cutter import PlaceCutter
from hf_apt.data.token_sources.place_files import PlaceFiles
from hf_apt.data.token_sources.token_corpus import TokenCorpus
from hf_apt.data.tokenizer import fingerprint
from hf_apt.data.tokens import NoSequenceError, Tokens, describe_tokens, growing_tokens
from hf_apt.ownership import mark_files, require_replaceable

RECORD_EVERY = 10_000
"""Documents between two records of the position: a kill loses that many at most, and a block."""

_SIDES = ("train", "validation")
_SOURCE = "source.json"


def tokenise(
    folder: Path, corpus: Corpus, cutter: Cutter, *, record_every: int = RECORD_EVERY
) -> None:
    """Make `folder/train` and `folder/validation` of a corpus, with a progress bar.

    They appear together and whole. Called again after an interruption, it continues from the last
    record, and the bytes are those of a run that was never interrupted; if the text or the
    tokenizer has changed since, it starts again, with a warning. What is made of the same text is
    left as it is; where another text is recorded, it is made again, with a warning. A folder made
    before there was a record counts as made of this text. Memory: a block of the corpus, its
    ids, and 12 bytes a sequence at the end.

    Raises ValueError if a side gives no sequence or mostly unknown tokens, and if `folder` is to be
    replaced and holds a file that was not written there by this function.
    """
    work = _work(folder)
    if not _is_made(folder, corpus, cutter):
        require_replaceable(folder)
        try:
            _grow(work, corpus, cutter, record_every)
        except (NoSequenceError, EmptySplitError, UnknownTextError):
            shutil.rmtree(work)
            raise
        shutil.rmtree(folder, ignore_errors=True)  # made by another tokenizer, or incomplete
        mark_files(work / "tokens")
        os.replace(work / "tokens", folder)
    shutil.rmtree(work, ignore_errors=True)


def is_begun(folder: Path, corpus: Corpus) -> bool:
    """Whether `tokenise` was interrupted in `folder`, on the same text."""
    position = _read_position(_work(folder))
    return position is not None and position["corpus"] == _key(corpus)


def _grow(work: Path, corpus: Corpus, cutter: Cutter, record_every: int) -> None:
    from tqdm.auto import tqdm

    inputs = _inputs(corpus, cutter)
    begun = _position(work, inputs)
    num_documents, place = begun["num_documents"], begun["place"]
    progress = tqdm(
        desc="Tokenising",
        total=corpus.stream.num_documents,
        initial=num_documents,
        unit=" docs",
    )
    with progress, _growing(work, begun, corpus, cutter) as growing:

        def record() -> None:
            marks = {side: asdict(growing[side].mark()) for side in _SIDES}
            position = {"num_documents": num_documents, "place": place, "marks": marks}
            with writing(work / "position.json") as file:
                json.dump(inputs | position, file)

        record()  # from here on the tokenizer is that of this folder
        recorded = num_documents
        for block in corpus.stream.blocks(place):
            for texts in _append(block, growing, cutter):
                num_documents += len(texts)
                progress.update(len(texts))
            place = block.place
            if num_documents - recorded >= record_every:
                record()
                recorded = num_documents
        for side in _SIDES:
            describe_tokens(work / "tokens" / side, growing[side], cutter)
        (work / "tokens" / _SOURCE).write_text(json.dumps(inputs, indent=1), encoding="utf-8")


def _append(
    block: SplitBlock, growing: dict[str, SequenceFiles | PlaceFiles], cutter: Cutter
) -> Iterator[list[Any]]:
    """Append a block to both sides, and give the texts that were tokenised.

    Where both sides are the same texts, they are tokenised once.
    """
    train, validation = (growing[side] for side in _SIDES)
    if block.train is block.validation:
        for sequence in cutter.cut(block.train, train.waiting, train.text):
            train.append([sequence])
            validation.append([sequence])
        validation.waiting[:] = train.waiting
        validation.text = replace(train.text)
        yield from (block.train, block.validation)
        return
    for part, texts in ((train, block.train), (validation, block.validation)):
        part.append(cutter.cut(texts, part.waiting, part.text))
        yield texts


@contextmanager
def _growing(
    work: Path, begun: dict[str, Any], corpus: Corpus, cutter: Cutter
) -> Iterator[dict[str, SequenceFiles | PlaceFiles]]:
    """The growing files of both sides, cut back to where they were recorded."""

    def growing(side: str) -> SequenceFiles | PlaceFiles:
        folder, mark = work / "tokens" / side, Mark(**begun["marks"][side])
        if isinstance(corpus, TokenCorpus) and isinstance(cutter, PlaceCutter):
            return PlaceFiles(folder, corpus.files, cutter, mark)
        return growing_tokens(folder, work / f"lengths-{side}", cutter.tokenizer, mark)

    train, validation = map(growing, _SIDES)
    with train, validation:
        yield {"train": train, "validation": validation}


def _position(work: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    """Where to continue: the record for the same text and tokenizer, else the beginning."""
    position = _read_position(work)
    if position is not None:
        counted = all(mark.get("text") for mark in position["marks"].values())
        if counted and all(position[name] == value for name, value in inputs.items()):
            return position
        warnings.warn(
            f"the text or the tokenizer has changed since {work} was begun: tokenising starts "
            "again.",
            stacklevel=4,
        )
    shutil.rmtree(work, ignore_errors=True)
    return {"num_documents": 0, "place": None, "marks": {side: asdict(Mark()) for side in _SIDES}}


def _read_position(work: Path) -> dict[str, Any] | None:
    try:
        return json.loads((work / "position.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def recorded_text(folder: Path) -> str:
    """The `Corpus.key` of the text that the tokens in `folder` were made of; empty if unknown.

    It is unknown where there are no tokens, for those made before it was recorded, and for a corpus
    that has no key. Raises ValueError for a record that cannot be read.
    """
    path = folder / _SOURCE
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["corpus"][1])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(
            f"{path} does not say of which text the tokens were made ({error}): delete {folder}, "
            "and they are made again."
        ) from error


def _is_made(folder: Path, corpus: Corpus, cutter: Cutter) -> bool:
    """Whether both sides exist, of this text, by this tokenizer in this layout and length."""
    try:
        made = [Tokens(folder / side).description for side in _SIDES]
    except ValueError:
        return False
    wanted = (fingerprint(cutter.tokenizer), cutter.length, cutter.layout)
    if any((it.tokenizer, it.sequence_length, it.layout) != wanted for it in made):
        return False
    before = recorded_text(folder)
    if before and corpus.key and before != corpus.key:
        warnings.warn(
            f"the text of {corpus.name} has changed since {folder} was made: it is made again.",
            stacklevel=3,
        )
        return False
    return True


def _inputs(corpus: Corpus, cutter: Cutter) -> dict[str, Any]:
    return {
        "corpus": _key(corpus),
        "tokenizer": fingerprint(cutter.tokenizer),
        "sequence_length": cutter.length,
        "layout": cutter.layout,
    }


def _key(corpus: Corpus) -> list[Any]:
    return [corpus.name, corpus.key, corpus.stream.num_documents]


def _work(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.partial")
