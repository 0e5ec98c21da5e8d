"""A task as a question to a language model: a template, and a word for each class."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MASK, TEXT = "{mask}", "{text}"


@dataclass(frozen=True)
class Prompt:
    """A template with the words that stand for the classes.

    Raises:
        ValueError: for a template without a place for the text, with two places of a kind or with
            other ones, and for words that are too few, empty or twice the same.
    """

    template: str
    """As `{text} It was {mask}.`, with the places of the text and of the answer."""

    words: tuple[str, ...]
    """A word for each class, in the order of the classes, each a single token."""

    def __post_init__(self) -> None:
        try:
            places = [name for _, name, _, _ in string.Formatter().parse(self.template) if name]
        except ValueError as error:
            raise ValueError(f"the prompt {self.template!r} is no template: {error}.") from error
        if places.count("text") != 1 or places.count("mask") > 1 or len(set(places)) > 2:
            raise ValueError(
                f"the prompt {self.template!r} needs {TEXT} once, where the text goes, and {MASK} "
                "once, where the answer goes, and no other braces."
            )
        if len(self.words) < 2 or len(set(self.words)) < len(self.words) or "" in self.words:
            raise ValueError(
                f"the words {', '.join(self.words) or '(none)'} are no classes: give two or more "
                "different ones, in the order of the labels."
            )

    def filled(self, text: str, answer: str) -> str:
        """The template with a text and an answer in their places.

        Args:
            text: what stands for `{text}`.
            answer: what stands for `{mask}`.

        Returns:
            The question as text.
        """
        # Not by str.format: a text can hold braces.
        before, after = self.template.split(TEXT)
        return before.replace(MASK, answer) + text + after.replace(MASK, answer)

    def require_classes(self, label_names: Sequence[str]) -> None:
        """See that there is a word for each class.

        Args:
            label_names: names of the classes.

        Raises:
            ValueError: for another number of words.
        """
        if len(label_names) != len(self.words):
            raise ValueError(
                f"{len(self.words)} words ({', '.join(self.words)}) for {len(label_names)} labels "
                f"({', '.join(label_names)}): give one for each, in this order."
            )


def masked_word_ids(prompt: Prompt, tokenizer: Any) -> list[int]:
    """The id that each word has at the place of the mask.

    Raises:
        ValueError: without a mask in the template or the tokenizer, and for a word that is not a
            single token there.
    """
    if MASK not in prompt.template:
        raise ValueError(
            f"the prompt {prompt.template!r} has no {MASK}: a masked language model answers there."
        )
    if tokenizer.mask_token is None:
        raise ValueError(
            "the tokenizer has no mask token: give a causal or a masked-LM checkpoint."
        )
    asked = tokenizer(prompt.filled("a", tokenizer.mask_token))["input_ids"]
    if asked.count(tokenizer.mask_token_id) != 1:
        raise ValueError(f"the tokenizer reads no single mask in {prompt.template!r}.")
    place = asked.index(tokenizer.mask_token_id)
    ids = []
    for word in prompt.words:
        answered = tokenizer(prompt.filled("a", word))["input_ids"]
        pieces = answered[place : len(answered) - (len(asked) - place - 1)]
        ids.append(_single(word, pieces, tokenizer))
        if answered != [*asked[:place], ids[-1], *asked[place + 1 :]]:
            raise ValueError(f"the word {word!r} runs into its neighbours in {prompt.template!r}.")
    return _different(ids, prompt)


def next_word_ids(prompt: Prompt, tokenizer: Any) -> list[int]:
    """The id that each word has after the prompt.

    Raises:
        ValueError: for a template that goes on after the mask, and for a word that is not a single
            token there.
    """
    if MASK in prompt.template and not prompt.template.endswith(MASK):
        raise ValueError(
            f"the prompt {prompt.template!r} goes on after {MASK}: a causal model answers with the "
            f"next token, so {MASK} has to be its end."
        )
    asked = before_answer(prompt, "a", tokenizer)
    ids = []
    for word in prompt.words:
        whole = prompt.filled("a", word) if MASK in prompt.template else f"{_open(prompt)} {word}"
        answered = _without_end(tokenizer(whole)["input_ids"], tokenizer)
        if answered[: len(asked)] != asked:
            raise ValueError(f"the word {word!r} runs into its neighbours in {prompt.template!r}.")
        ids.append(_single(word, answered[len(asked) :], tokenizer))
    return _different(ids, prompt)


def _open(prompt: Prompt) -> str:
    return prompt.filled("a", "").rstrip()


def before_answer(prompt: Prompt, text: str, tokenizer: Any) -> list[int]:
    """The ids of the prompt up to the answer of a causal model."""
    filled = prompt.filled(text, "").rstrip()
    return _without_end(tokenizer(filled)["input_ids"], tokenizer)


def _without_end(ids: list[int], tokenizer: Any) -> list[int]:
    """Ids without a closing token that the tokenizer adds."""
    endings = {tokenizer.eos_token_id, tokenizer.sep_token_id} - {None}
    return ids[:-1] if len(ids) > 1 and ids[-1] in endings else list(ids)


def _single(word: str, ids: list[int], tokenizer: Any) -> int:
    if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
        pieces = tokenizer.convert_ids_to_tokens(ids)
        raise ValueError(
            f"the word {word!r} is {' '.join(map(str, pieces))} to this tokenizer: choose a word "
            "that is a single token."
        )
    return ids[0]


def _different(ids: list[int], prompt: Prompt) -> list[int]:
    if len(set(ids)) < len(ids):
        raise ValueError(
            f"two of the words {', '.join(prompt.words)} are the same token to this tokenizer."
        )
    return ids
