"""Words of passages as what a masked language model is asked: all tokens of each word masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int

from hf_apt.data.bench.benchmark import Passage
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.stats.counts import TREATMENTS

_MASKED = TREATMENTS.index("masked")


@dataclass(frozen=True)
class PassageQuestion:
    """A passage as token ids, and the tokens of its asked words."""

    ids: tuple[int, ...]
    """The ids of the whole passage, special ones included, nothing masked."""

    positions: tuple[int, ...]
    """The tokens that belong to an asked word, ascending."""

    words: tuple[int, ...]
    """For each of `positions` the number of its word in the passage, from 0."""


@dataclass(frozen=True)
class WordQuestions:
    """All passages of a benchmark in the tokens of one tokenizer."""

    passages: tuple[PassageQuestion, ...]
    """The passages in their order."""

    word_of_N: Int[np.ndarray, " n"]
    """For each asked token its word, numbered over all passages."""

    is_unknown_N: Bool[np.ndarray, " n"]
    """Whether an asked token is the tokenizer's unknown token."""

    mask_id: int
    """The id that is shown at asked tokens."""

    pad_id: int
    """The id that fills up a batch."""

    @property
    def longest(self) -> int:
        """Tokens of the longest passage."""
        return max(len(passage.ids) for passage in self.passages)


def word_questions(passages: Sequence[Passage], tokenizer: Any) -> WordQuestions:
    """What a tokenizer makes of passages and their asked words.

    A token belongs to a word if any character of it does, blanks aside. Raises ValueError for a
    tokenizer that does not say which characters a token is of, or has no mask or padding token; for
    a word without a token; and if the tokenizer knows no asked word.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise ValueError(
            "the tokenizer does not say which characters a token is of, so that words cannot be "
            "found again: take a fast one (tokenizer.json)."
        )
    if tokenizer.mask_token_id is None or tokenizer.pad_token_id is None:
        raise ValueError("the tokenizer has no mask or no padding token: it is not for masked LMs.")
    questions = tuple(_question(passage, tokenizer) for passage in passages)
    starts = np.cumsum([0, *(len(passage.spans) for passage in passages)])
    word_of_N = np.concatenate(
        [start + np.array(each.words, int) for start, each in zip(starts, questions, strict=False)]
    )
    ids_N = np.concatenate([np.array(each.ids)[list(each.positions)] for each in questions])
    unknown = tokenizer.unk_token_id
    is_unknown_N = np.zeros(len(ids_N), bool) if unknown is None else ids_N == unknown
    if is_unknown_N.all():
        raise ValueError(
            "the tokenizer knows no word of the benchmark: it is for another language."
        )
    return WordQuestions(
        questions, word_of_N, is_unknown_N, tokenizer.mask_token_id, tokenizer.pad_token_id
    )


def word_batches(questions: WordQuestions, batch_size: int) -> Iterator[AskedBatch]:
    """The passages in batches of `batch_size`, each asked token masked; shows a progress bar."""
    from tqdm.auto import tqdm

    starts = range(0, len(questions.passages), batch_size)
    for start in tqdm(starts, desc="Asking for words", unit=" batches"):
        yield _batch(questions, start, questions.passages[start : start + batch_size])


def _batch(questions: WordQuestions, start: int, rows: Sequence[PassageQuestion]) -> AskedBatch:
    size = (len(rows), max(len(row.ids) for row in rows))
    ids_BT = np.full(size, questions.pad_id)
    present_BT, asked_BT = np.zeros(size, np.int64), np.zeros(size, bool)
    for number, row in enumerate(rows):
        ids_BT[number, : len(row.ids)] = row.ids
        present_BT[number, : len(row.ids)] = 1
        asked_BT[number, list(row.positions)] = True
    references_N = ids_BT[asked_BT]
    shown_BT = np.where(asked_BT, questions.mask_id, ids_BT)
    return AskedBatch(
        inputs={
            "input_ids": torch.from_numpy(shown_BT),
            "attention_mask": torch.from_numpy(present_BT),
        },
        asked_BT=torch.from_numpy(asked_BT),
        references_N=references_N,
        sequences_N=start + asked_BT.nonzero()[0],
        treatments_N=np.full(len(references_N), _MASKED, np.uint8),
    )


def _question(passage: Passage, tokenizer: Any) -> PassageQuestion:
    encoded = tokenizer(passage.text, return_offsets_mapping=True, truncation=False, verbose=False)
    word_at = np.full(len(passage.text), -1)
    for number, (start, end) in enumerate(passage.spans):
        word_at[start:end] = number
    positions, words = [], []
    for at, (start, end) in enumerate(encoded["offset_mapping"]):
        inside = word_at[start:end]
        if (inside >= 0).any():
            positions.append(at)
            words.append(int(inside.max()))
    if missing := set(range(len(passage.spans))) - set(words):
        word = passage.words[min(missing)]
        raise ValueError(
            f"the tokenizer has no token of its own for the word {word!r} of passage "
            f"{passage.name}: it cannot be asked for."
        )
    return PassageQuestion(tuple(encoded["input_ids"]), tuple(positions), tuple(words))
