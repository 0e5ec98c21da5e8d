"""What a model answers about a text, as a function of its weights: the f of a kernel."""
# O: outputs: a logit for each class, or the difference of two.

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from hf_apt.analysis.kernels.prompt import (
    MASK,
    Prompt,
    before_answer,
    masked_word_ids,
    next_word_ids,
)

Place = Literal["label", "mask", "next"]
"""Where an answer is read: the classifier's logits, a mask, or after the last token."""


@dataclass(frozen=True)
class Row:
    """A text as the model reads it."""

    inputs: Mapping[str, Sequence[int]]
    """Token ids and what goes with them, by the names of the model's arguments."""

    position: int
    """Where the answer of a prompt is read; -1 for a classifier, whose head knows where."""


@dataclass(frozen=True)
class Batch:
    """Rows as tensors on the model's device, padded."""

    inputs: dict[str, Tensor]
    """Arguments of the model, each of shape (texts, tokens)."""

    positions_B: Tensor
    """Where each answer is read."""


@dataclass(frozen=True)
class LogitsFunction:
    """The logits of the classes of a text, as a function of a model's weights.

    Two classes have a single output, the logit of the second minus that of the first, as in
    arXiv 2210.05643.
    """

    model: Any
    """The model, in evaluation mode."""

    tokenizer: Any
    """The tokenizer of the model."""

    place: Place
    """Where an answer is read."""

    num_classes: int
    """Number of classes."""

    sequence_length: int
    """Tokens of a row at most, those of the prompt included."""

    prompt: Prompt | None = None
    """The question; None for a classifier."""

    word_ids: tuple[int, ...] = ()
    """The ids of the prompt's words; empty for a classifier."""

    @property
    def num_outputs(self) -> int:
        """Number of outputs: 1 for two classes."""
        return 1 if self.num_classes == 2 else self.num_classes

    def with_model(self, model: Any) -> LogitsFunction:
        """The same function of another model of the same kind.

        Args:
            model: the other model.

        Returns:
            The function.
        """
        return replace(self, model=model)

    def rows(self, texts: Sequence[str]) -> list[Row]:
        """The texts as the model reads them, cut so that the prompt stays whole.

        Args:
            texts: the texts.

        Returns:
            A row for each.

        Raises:
            ValueError: if the prompt alone is longer than the sequence.
        """
        return [self._row(text) for text in texts]

    def _row(self, text: str) -> Row:
        if self.prompt is None:
            options = {"truncation": True, "max_length": self.sequence_length}
            return Row(dict(self.tokenizer(text, **options)), -1)
        while True:
            encoded = self._asked(text)
            excess = len(encoded["input_ids"]) - self.sequence_length
            if excess <= 0:
                break
            if not text:
                raise ValueError(
                    f"the prompt {self.prompt.template!r} has {len(encoded['input_ids'])} tokens "
                    f"without a text: take more than the {self.sequence_length} of a sequence."
                )
            text = self._shortened(text, excess)
        ids = encoded["input_ids"]
        if self.place == "next":
            return Row(encoded, len(ids) - 1)
        # A text may hold the mask's own letters: the prompt's is the one on its side of the text.
        places = [index for index, each in enumerate(ids) if each == self.tokenizer.mask_token_id]
        is_last = self.prompt.template.index("{text}") < self.prompt.template.index(MASK)
        return Row(encoded, places[-1 if is_last else 0])

    def _asked(self, text: str) -> dict[str, list[int]]:
        assert self.prompt is not None
        if self.place == "mask":
            return dict(self.tokenizer(self.prompt.filled(text, self.tokenizer.mask_token)))
        ids = before_answer(self.prompt, text, self.tokenizer)
        return {"input_ids": ids, "attention_mask": [1] * len(ids)}

    def _shortened(self, text: str, excess: int) -> str:
        """A text with about `excess` tokens less."""
        num = len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        kept = text[: max(int(len(text) * (num - excess) / max(num, 1)), 0)].rstrip()
        return kept if len(kept) < len(text) else text[:-1]

    def batch(self, rows: Sequence[Row]) -> Batch:
        """Rows as tensors, the shorter ones padded and masked there.

        They are padded on the right; those of a classifier on the side of the tokenizer, since a
        head such as XLNet's reads the last token whatever it is.

        Args:
            rows: texts as the model reads them.

        Returns:
            Tensors on the model's device.
        """
        longest = max(len(row.inputs["input_ids"]) for row in rows)
        filling = {"input_ids": self.tokenizer.pad_token_id or 0}
        on_left = self.place == "label" and self.tokenizer.padding_side == "left"

        def padded(row: Row, name: str) -> list[int]:
            ids = list(row.inputs[name])
            empty = [filling.get(name, 0)] * (longest - len(ids))
            return [*empty, *ids] if on_left else [*ids, *empty]

        inputs = {
            name: torch.tensor([padded(row, name) for row in rows], device=self.model.device)
            for name in rows[0].inputs
        }
        positions_B = torch.tensor([row.position for row in rows], device=self.model.device)
        return Batch(inputs, positions_B)

    def __call__(
        self, batch: Batch, weights: dict[str, Tensor] | None = None
    ) -> Float[Tensor, "B O"]:
        """The outputs for a batch, with the model's own weights, or with others.

        Args:
            batch: texts as tensors.
            weights: parameters by name; the model's own if None.

        Returns:
            A row of outputs for each text.
        """
        if weights is None:
            answer = self.model(**batch.inputs)
        else:
            answer = functional_call(self.model, weights, (), batch.inputs)
        logits = answer.logits
        if self.place != "label":
            texts_B = torch.arange(len(logits), device=logits.device)
            logits = logits[texts_B, batch.positions_B][:, list(self.word_ids)]
        return logits[:, 1:] - logits[:, :1] if self.num_outputs == 1 else logits

    def batches(self, rows: Sequence[Row], size: int = 32) -> Iterator[Batch]:
        """The rows in their order, so many at a time.

        Args:
            rows: texts as the model reads them.
            size: how many in a batch.

        Returns:
            An iterator of batches.
        """
        for start in range(0, len(rows), size):
            yield self.batch(rows[start : start + size])

    def outputs(self, rows: Sequence[Row]) -> Float[Tensor, "I O"]:
        """The outputs for all rows, without gradients.

        Args:
            rows: texts as the model reads them.

        Returns:
            A row of outputs for each, float64 on the processor.
        """
        with torch.no_grad():
            return torch.cat([self(batch).double().cpu() for batch in self.batches(rows)])


def classifier_logits(model: Any, tokenizer: Any, *, sequence_length: int = 128) -> LogitsFunction:
    """The logits of a classifier with its head.

    Args:
        model: an `AutoModelForSequenceClassification` of single labels; put in evaluation mode.
        tokenizer: its tokenizer.
        sequence_length: tokens of a text at most.

    Returns:
        The function.

    Raises:
        ValueError: for a model without two classes at least.
    """
    num = int(getattr(model.config, "num_labels", 0) or 0)
    if num < 2:
        raise ValueError(f"{type(model).__name__} has {num} classes: two or more are told apart.")
    return LogitsFunction(model.eval(), tokenizer, "label", num, sequence_length)


def prompted_logits(
    model: Any, tokenizer: Any, prompt: Prompt, *, sequence_length: int = 128, causal: bool = False
) -> LogitsFunction:
    """The logits of a prompt's words in a language model, at the mask or as the next token.

    Args:
        model: a masked or causal language model; put in evaluation mode.
        tokenizer: its tokenizer.
        prompt: the template and the word of each class.
        sequence_length: tokens of a text with its prompt at most; the text is cut, not the prompt.
        causal: whether the answer is the next token after the prompt.

    Returns:
        The function.

    Raises:
        ValueError: for a prompt without a mask, words of several tokens, or a tokenizer without a
            mask token.
    """
    ids = (next_word_ids if causal else masked_word_ids)(prompt, tokenizer)
    place: Place = "next" if causal else "mask"
    return LogitsFunction(
        *(model.eval(), tokenizer, place, len(ids), sequence_length),
        prompt=prompt,
        word_ids=tuple(ids),
    )
