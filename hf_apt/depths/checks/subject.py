"""The model that is checked, and the inputs on which it is."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hf_apt.depths.causality import is_causal
from hf_apt.depths.model_calls import (
    LENGTH,
    answer_of,
    evaluating,
    in_own_precision,
    logits_of,
    named_answers,
)
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.loading import num_positions

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TEXT = (
    "The house stood at the end of the street, and nobody had lived there for many years. In the "
    "spring of that year the government said that the new law would help the people of the country."
)
"""The text that a tokenizer is tried on where none is given."""

_ROWS, _TOKENS, _TEXT_TOKENS = 3, 12, 64
_MOST_UNKNOWN = 0.3


class Subject:
    """A model, with its tokenizer if it is known, and what it is asked."""

    def __init__(self, model: PreTrainedModel, tokenizer: Any = None, text: str | None = None):
        self.model, self.tokenizer, self.text = model, tokenizer, text
        self.config: Any = model.config

    @cached_property
    def trunk(self) -> Trunk:
        """The model's trunk. Raises ValueError where it has none that can be decoded."""
        return Trunk(self.model)

    @cached_property
    def head(self) -> OwnHead:
        """The model's own head. Raises ValueError where it has none."""
        return OwnHead(self.trunk)

    @cached_property
    def is_causal(self) -> bool:
        """Whether it was seen to predict the next token."""
        return is_causal(self.model)

    @property
    def takes_any_length(self) -> bool:
        """Whether it takes sequences of any length, so that they can be padded."""
        try:
            return self.trunk.length == LENGTH
        except ValueError:  # without a trunk its lengths are not known
            return True

    @cached_property
    def special_ids(self) -> set[int]:
        """The special ids that tokenizer and configuration name."""
        named = [getattr(self.config, f"{name}_token_id", None) for name in _SPECIAL]
        ids = {each for each in named if isinstance(each, int)}
        return ids | set(getattr(self.tokenizer, "all_special_ids", ()))

    @cached_property
    def ids_BT(self) -> Tensor:
        """Three sequences of random tokens that are not special, always the same ones."""
        size = self.config.vocab_size
        usual = [id for id in range(size) if id not in self.special_ids] or list(range(size))
        longest = num_positions(self.config) or _TOKENS
        length = min(_TOKENS, longest) if self.takes_any_length else self.trunk.length
        generator = torch.Generator().manual_seed(0)
        chosen = torch.randint(len(usual), (_ROWS, length), generator=generator)
        return torch.tensor(usual)[chosen].to(self.model.device)

    @cached_property
    def text_BT(self) -> Tensor | None:
        """The text as one sequence with its special tokens.

        None without a tokenizer, or where the default text is mostly of unknown tokens.
        """
        if self.tokenizer is None or not self.takes_any_length:
            return None
        ids = list(self.tokenizer(self.text or TEXT)["input_ids"])
        unknown = getattr(self.tokenizer, "unk_token_id", None)
        if not ids or (self.text is None and ids.count(unknown) > _MOST_UNKNOWN * len(ids)):
            return None
        ids = ids[: min(_TEXT_TOKENS, num_positions(self.config) or _TEXT_TOKENS)]
        return torch.tensor([ids], device=self.model.device)

    def answer(self, ids_BT: Tensor, present_BT: Tensor | None = None, **others: Any) -> Any:
        """What the model returns in evaluation mode."""
        present_BT = torch.ones_like(ids_BT) if present_BT is None else present_BT
        inputs = {"input_ids": ids_BT, "attention_mask": present_BT}
        model = self.model
        with evaluating(model), in_own_precision(model), named_answers(model), torch.no_grad():
            return answer_of(model, {**inputs, **others})

    def logits(self, ids_BT: Tensor, present_BT: Tensor | None = None) -> Tensor:
        """The model's logits (B, T, V). Raises ValueError where it gives none of each position."""
        logits_BTV = logits_of(self.model, self.answer(ids_BT, present_BT))
        if logits_BTV is None or logits_BTV.shape[:-1] != ids_BT.shape:
            raise ValueError(f"{type(self.model).__name__} returns no logits of each position.")
        return logits_BTV

    @cached_property
    def logits_BTV(self) -> Tensor:
        """The logits that the model gives for `ids_BT`."""
        return self.logits(self.ids_BT)

    @property
    def tolerance(self) -> float:
        """Share of the largest logit by which equal logits may differ: rounding."""
        eps = torch.finfo(self.model.dtype).eps if self.model.dtype.is_floating_point else 0.0
        return max(1e-3, 8 * eps)

    def difference(self, one: Tensor, other: Tensor) -> float:
        """The largest difference of two tensors, as a share of the largest value; NaN stays NaN."""
        one, other = one.detach().float(), other.detach().float()
        return float((one - other).abs().max()) / (float(one.abs().max()) or 1.0)


_SPECIAL = ("pad", "bos", "eos", "mask", "cls", "sep", "unk", "decoder_start")
