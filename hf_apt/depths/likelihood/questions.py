"""Sentences as what a language model is asked: each token masked in turn, or each next token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hf_apt.data.text_files import is_unicode
from hf_apt.stats.likelihood.score_kinds import ScoreKind


@dataclass(frozen=True)
class EncodedSentence:
    """A sentence as token ids, and which of them are scored."""

    text: str
    """The sentence."""

    ids: tuple[int, ...]
    """All ids, special ones included."""

    scored: tuple[int, ...]
    """The indices in `ids` of the tokens that are scored."""

    words: tuple[str, ...] | None
    """The words that the scored tokens belong to; None where the tokenizer knows none."""

    word_of: tuple[int, ...] | None
    """For each scored token the index of its word in `words`."""


@dataclass(frozen=True)
class Question:
    """One sequence that the model is shown, and the tokens that are asked for."""

    ids: tuple[int, ...]
    """What the model is shown."""

    positions: tuple[int, ...]
    """The positions whose logits are read, in ascending order."""

    targets: tuple[int, ...]
    """The true id at each of `positions`."""

    first: int
    """The number of the first of these tokens, counted over the scored tokens of all sentences."""


def encoded_sentences(
    tokenizer: Any, sentences: Sequence[str], kind: ScoreKind
) -> list[EncodedSentence]:
    """The sentences as token ids.

    Of a `causal` kind the first token is scored only if a special one stands before it. Raises
    ValueError, with the number of the sentence, for one that is no text, is empty, has no token to
    score, or holds a mask; and for `within_word_l2r` where the tokenizer knows no words.
    """
    if isinstance(sentences, str):
        raise ValueError("sentences must be a list of sentences, not one string: put it in a list.")
    if not len(sentences):
        raise ValueError("there is no sentence to score: give one at least.")
    if kind == "within_word_l2r" and not getattr(tokenizer, "is_fast", False):
        raise ValueError(
            "this tokenizer does not say which tokens make a word: take kind='original'."
        )
    return [_encoded(tokenizer, text, number, kind) for number, text in enumerate(sentences, 1)]


def _encoded(tokenizer: Any, text: Any, number: int, kind: ScoreKind) -> EncodedSentence:
    if not isinstance(text, str):
        raise ValueError(f"sentence {number} is {type(text).__name__}, not text.")
    if not text.strip():
        raise ValueError(f"sentence {number} is empty: leave it out.")
    if not is_unicode(text):
        raise ValueError(
            f"sentence {number} holds half of a surrogate pair, which is no character."
        )
    encoded = tokenizer(text, return_special_tokens_mask=True, truncation=False, verbose=False)
    ids = list(encoded["input_ids"])
    scored = [
        at
        for at, is_special in enumerate(encoded["special_tokens_mask"])
        if not is_special and (at or kind != "causal")
    ]
    if not scored:
        raise ValueError(
            f"sentence {number} ({shortened(text)}) has no token that can be scored: leave it out."
        )
    if tokenizer.mask_token_id is not None and tokenizer.mask_token_id in ids:
        raise ValueError(
            f"sentence {number} ({shortened(text)}) holds {tokenizer.mask_token}, which is no text "
            "to be scored: give the sentence whole."
        )
    words, word_of = _words(encoded, text, scored) if encoded.is_fast else (None, None)
    return EncodedSentence(text, tuple(ids), tuple(scored), words, word_of)


def _words(
    encoded: Any, text: str, scored: Sequence[int]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The words of the scored tokens; a token outside of all words is one of its own."""
    by_token = encoded.word_ids()
    words: list[str] = []
    number_of: dict[Any, int] = {}
    word_of = []
    for at in scored:
        key = by_token[at] if by_token[at] is not None else ("token", at)
        if key not in number_of:
            number_of[key] = len(words)
            span = encoded.token_to_chars(at) if isinstance(key, tuple) else None
            span = encoded.word_to_chars(key) if isinstance(key, int) else span
            words.append("" if span is None else text[span.start : span.end].strip())
        word_of.append(number_of[key])
    return tuple(words), tuple(word_of)


def questions(
    sentences: Sequence[EncodedSentence], kind: ScoreKind, mask_id: int | None
) -> list[Question]:
    """What the model is asked: a sequence for each token, or of a causal kind for each sentence."""
    asked: list[Question] = []
    first = 0
    for sentence in sentences:
        if kind == "causal":
            asked.append(_next_tokens(sentence, first))
        else:
            assert mask_id is not None
            asked += _masked(sentence, kind, mask_id, first)
        first += len(sentence.scored)
    return asked


def _next_tokens(sentence: EncodedSentence, first: int) -> Question:
    before = tuple(at - 1 for at in sentence.scored)
    return Question(sentence.ids, before, tuple(sentence.ids[at] for at in sentence.scored), first)


def _masked(
    sentence: EncodedSentence, kind: ScoreKind, mask_id: int, first: int
) -> Iterator[Question]:
    for number, at in enumerate(sentence.scored):
        masked = {at}
        if kind == "within_word_l2r":
            assert sentence.word_of is not None
            own = sentence.word_of[number]
            masked |= {
                later
                for later, word in zip(sentence.scored, sentence.word_of, strict=True)
                if later > at and word == own
            }
        ids = tuple(mask_id if place in masked else one for place, one in enumerate(sentence.ids))
        yield Question(ids, (at,), (sentence.ids[at],), first + number)


def shortened(text: str) -> str:
    """A text in quotes, of 60 characters at most.

    >>> shortened("a b")
    "'a b'"
    """
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
