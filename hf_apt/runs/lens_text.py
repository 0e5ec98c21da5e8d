"""One text as sequences for a lens: which positions are asked about, and what is true there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MASK = "[MASK]"
"""How a masked token can be written for any tokenizer."""

_AROUND = 12
"""Tokens that are shown on each side of the one that is asked for."""


@dataclass(frozen=True)
class AskedSequence:
    """A sequence of token ids of which some are asked for."""

    ids: tuple[int, ...]
    """What the model is shown, special tokens included."""

    positions: tuple[int, ...]
    """The positions that are asked; of a causal model those before the tokens in question."""

    true: tuple[int | None, ...]
    """The true id at each of `positions`; None where it is not known."""


def masked_sequences(
    tokenizer: Any, text: str, *, true: Sequence[str] = (), mask: str | None = None, each: bool
) -> list[AskedSequence]:
    """The sequences of `text` that a masked LM is asked about, as `hf_apt.lens` takes it.

    Raises ValueError where nothing, or not one thing, is asked for.
    """
    if tokenizer.mask_token is None:
        raise ValueError("the tokenizer has no mask token: give the one of the model.")
    masked = text.replace(MASK, tokenizer.mask_token)
    has_masks = tokenizer.mask_token in masked
    if (mask is not None) + each + has_masks > 1:
        raise ValueError(
            "say in one way what is asked for: by [MASK] in the text, by one of its words (mask), "
            "or by each of its tokens (each)."
        )
    if true and not has_masks:
        raise ValueError("the true token is given and the text has no [MASK]: leave one of it out.")
    if mask is not None:
        return [_word_masked(tokenizer, text, mask)]
    if each:
        return _each_masked(tokenizer, text)
    if not has_masks:
        raise ValueError(
            f"there is no [MASK] in {_short(text)}: write one in place of a word, name a word that "
            "is to be masked (mask), or ask for each token in turn (each)."
        )
    return [_filled(tokenizer, masked, true)]


def _filled(tokenizer: Any, masked: str, true: Sequence[str]) -> AskedSequence:
    ids = _ids(tokenizer, masked)
    positions = tuple(at for at, one in enumerate(ids) if one == tokenizer.mask_token_id)
    if not true:
        return AskedSequence(tuple(ids), positions, (None,) * len(positions))
    if len(true) != len(positions):
        raise ValueError(
            f"{len(true)} true tokens are given for {len(positions)} masks: give one for each, in "
            "their order."
        )
    parts = masked.split(tokenizer.mask_token)
    full = _ids(
        tokenizer,
        parts[0] + "".join(word + part for word, part in zip(true, parts[1:], strict=True)),
    )
    is_same = len(full) == len(ids) and all(
        one == other
        for at, (one, other) in enumerate(zip(full, ids, strict=True))
        if at not in positions
    )
    if not is_same:
        words = ", ".join(repr(word) for word in true)
        raise ValueError(
            f"{words} is not one token of this tokenizer a mask, and one [MASK] stands for one "
            f"token: the text with it filled in has {len(full)} tokens instead of {len(ids)}; give "
            "a word of one token, or more masks."
        )
    _require_known(tokenizer, full, positions)
    return AskedSequence(tuple(ids), positions, tuple(full[at] for at in positions))


def _word_masked(tokenizer: Any, text: str, word: str) -> AskedSequence:
    places = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
    if not word.strip() or len(places) != 1:
        raise ValueError(
            f"{word!r} stands {len(places)} times in {_short(text)}: name a word that stands there "
            "once, or write [MASK] in its place."
        )
    if not getattr(tokenizer, "is_fast", False):
        raise ValueError(
            "this tokenizer does not say where its tokens stand in the text: write [MASK] in place "
            f"of {word!r}."
        )
    encoded = tokenizer(text, return_offsets_mapping=True, verbose=False)
    first, end = places[0]
    positions = tuple(
        at
        for at, (start, stop) in enumerate(encoded["offset_mapping"])
        if start < end and stop > first and stop > start
    )
    _require_known(tokenizer, encoded["input_ids"], positions)
    return _masked_at(tokenizer, encoded["input_ids"], positions)


def _require_known(tokenizer: Any, ids: Sequence[int], positions: tuple[int, ...]) -> None:
    """Raise ValueError if a true token is [UNK] or another special one, which no text is."""
    special = set(tokenizer.all_special_ids)
    for at in positions:
        if ids[at] in special:
            raise ValueError(
                "the tokenizer has no token of its own for what is true, only "
                f"{tokenizer.convert_ids_to_tokens(ids[at])}: choose another word."
            )


def _each_masked(tokenizer: Any, text: str) -> list[AskedSequence]:
    ids = _ids(tokenizer, text)
    special = set(tokenizer.all_special_ids)
    positions = [at for at, one in enumerate(ids) if one not in special]
    if not positions:
        raise ValueError(f"there is no token to ask for in {_short(text)}: give a text.")
    return [_masked_at(tokenizer, ids, (at,)) for at in positions]


def _masked_at(tokenizer: Any, ids: Sequence[int], positions: tuple[int, ...]) -> AskedSequence:
    shown = list(ids)
    for at in positions:
        shown[at] = tokenizer.mask_token_id
    return AskedSequence(tuple(shown), positions, tuple(ids[at] for at in positions))


def next_token(tokenizer: Any, text: str) -> AskedSequence:
    """The sequence of `text` whose next token a causal LM is asked for.

    Raises ValueError for an empty text.
    """
    ids = _ids(tokenizer, text)
    if not ids:
        raise ValueError("the text has no token: give one whose next token is asked for.")
    return AskedSequence(tuple(ids), (len(ids) - 1,), (None,))


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, verbose=False)["input_ids"])


def shown_token(tokenizer: Any, index: int) -> str:
    """A token as a reader knows it; a leading space reads ␣, and an id without a token `<id>`."""
    raw = tokenizer.convert_ids_to_tokens(index) if index < len(tokenizer) else None
    if raw is None:
        return f"<{index}>"
    text = tokenizer.decode([index], clean_up_tokenization_spaces=False).strip()
    if not text or "\N{REPLACEMENT CHARACTER}" in text:
        return str(raw)
    return f"␣{text}" if raw[0] in "Ġ▁" else text


def shown_around(tokenizer: Any, ids: Sequence[int], position: int) -> str:
    """The text around a masked position, which reads [MASK]; other masks read […]."""

    def text(part: Sequence[int]) -> str:
        kept = [one for one in part if one == mask_id or one not in special]
        words = tokenizer.decode(kept, clean_up_tokenization_spaces=True).strip()
        return words.replace(tokenizer.mask_token, "[…]") if tokenizer.mask_token else words

    mask_id, special = tokenizer.mask_token_id, set(tokenizer.all_special_ids)
    first, end = max(position - _AROUND, 0), position + 1 + _AROUND
    before, after = text(ids[first:position]), text(ids[position + 1 : end])
    before = f"… {before}" if first > 1 else before
    after = f"{after} …" if end < len(ids) - 1 else after
    return " ".join(part for part in (before, MASK, after) if part)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
