"""The order of training: which example is seen when, and how it is corrupted.

Draw number v of a run is a pure function of (seed, v): epoch v // n, and within the epoch the
example that the epoch's permutation gives. A Trainer that reads draws one after the other therefore
sees the same sequence whatever the batch size, accumulation, workers or processes, and resumes
exactly by starting from a later v.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor
from torch.utils.data import Dataset

from hf_apt.data.fixed_shapes import fixed_places, usual_capacity
from hf_apt.data.masking import Masking, TokenRates, mask, sampling_keys
from hf_apt.data.measurement_batches import model_inputs
from hf_apt.data.tokens import Tokens
from hf_apt.stats.counts import NOT_ASKED


class TrainingDraws(Dataset):
    """The first `num_draws` draws of a run, freshly shuffled and masked in every epoch.

    `windows` holds widths, each with the draw before which it ends: until then a batch is cut
    into windows of that width, each a row of its own that keeps its `position_ids`.

    With `fixed_shapes` a batch names its `asked_positions`, in nearly every batch the same number
    of them (`hf_apt.data.fixed_shapes`), for a `Bert6ForMaskedLM` that is compiled. With
    `with_keys` it has `sampling_keys`, one for each position, of which a generator's samples are
    made (`hf_apt.models.selection`).

    Draws before `causal_until` are not masked (`next_tokens`): a batch asks each token
    of those before it in its row.
    """

    def __init__(
        self,
        tokens: Tokens,
        masking: Masking,
        *,
        num_draws: int,
        windows: tuple[tuple[int, int], ...] = (),
        fixed_shapes: bool = False,
        with_keys: bool = False,
        causal_until: int = 0,
    ):
        for width, _ in windows:
            if tokens.description.layout != "packed" or tokens.description.sequence_length % width:
                raise ValueError(
                    f"windows of {width} tokens need packed sequences of a multiple of that "
                    f"length, not {tokens.description.layout!r} ones of "
                    f"{tokens.description.sequence_length}."
                )
        self.tokens = tokens
        self.masking = masking
        self.num_draws = num_draws
        self.windows = windows
        self.fixed_shapes = fixed_shapes
        self.with_keys = with_keys
        self.causal_until = causal_until
        self.num_sequences = len(tokens)
        self._permutation = lru_cache(maxsize=2)(self._permuted)

    def __len__(self) -> int:
        return self.num_draws

    def __getitem__(self, draw: int) -> dict[str, torch.Tensor]:
        """One draw, whole, as tensors of shape (sequence,)."""
        return {name: values[0] for name, values in self._whole([draw]).items()}

    def __getitems__(self, draws: list[int]) -> dict[str, torch.Tensor]:
        """A batch at once, as tensors of shape (batch, sequence) or (windows, width)."""
        if draws[0] < self.causal_until:
            return with_causal_mask(
                self._in_windows(next_tokens(self.tokens, self._at(draws)[0]), draws)
            )
        return self.batch(draws)

    def batch(self, draws: list[int], rates: TokenRates | None = None) -> dict[str, torch.Tensor]:
        """A masked batch at once, with `rates` of each token in place of the law's rate."""
        batch = self._whole(draws, rates)
        if self.fixed_shapes:
            labels_BT = batch["labels"].numpy()
            capacity = usual_capacity(labels_BT.size, self.masking.rate)
            batch["asked_positions"] = torch.from_numpy(fixed_places(labels_BT, capacity))
        return self._in_windows(batch, draws)

    def _in_windows(
        self, batch: dict[str, torch.Tensor], draws: list[int]
    ) -> dict[str, torch.Tensor]:
        for width, end in self.windows:
            if draws[0] < end:
                return _in_windows(batch, width)
        return batch

    def _at(self, draws: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """The examples of the draws, and their epochs."""
        epochs_B, places_B = np.divmod(np.asarray(draws), self.num_sequences)
        indices_B = np.empty_like(places_B)
        for epoch in range(epochs_B.min(), epochs_B.max() + 1):
            here_B = epochs_B == epoch
            indices_B[here_B] = self._permutation(epoch)[places_B[here_B]]
        return indices_B, epochs_B

    def _whole(self, draws: list[int], rates: TokenRates | None = None) -> dict[str, torch.Tensor]:
        indices_B, epochs_B = self._at(draws)
        batch = _masked(self.tokens, indices_B, self.masking, epoch=epochs_B, rates=rates)
        if self.with_keys:
            length = batch["input_ids"].shape[1]
            keys_BT = sampling_keys(self.masking.seed, indices_B, length, epoch=epochs_B)
            batch["sampling_keys"] = torch.from_numpy(keys_BT)
        return batch

    def _permuted(self, epoch: int) -> np.ndarray:
        generator = np.random.default_rng([self.masking.seed, int(epoch)])
        return generator.permutation(self.num_sequences)


def _in_windows(batch: dict[str, torch.Tensor], width: int) -> dict[str, torch.Tensor]:
    """The same positions as rows of `width`: (B, T) becomes (B * T / width, width)."""
    positions_BT = torch.arange(batch["input_ids"].shape[1]).expand_as(batch["input_ids"])
    batch = batch | {"position_ids": positions_BT}
    # Indices in the flattened batch stay what they were.
    return {
        name: values if name == "asked_positions" else values.reshape(-1, width)
        for name, values in batch.items()
    }


def next_tokens(
    tokens: Tokens, indices_B: Integer[np.ndarray, " batch"]
) -> dict[str, torch.Tensor]:
    """Sequences with the next token as the label of each position, special ones never asked for.

    Returns:
        `input_ids`, `labels` (-100 where nothing is asked) and `attention_mask`, 1 where a token
        stands: int64 of shape (B, T).
    """
    described = tokens.description
    tokens_BT = tokens.padded(indices_B).astype(np.int64)
    labels_BT = np.full_like(tokens_BT, NOT_ASKED)
    after_BT = tokens_BT[:, 1:]
    labels_BT[:, :-1] = np.where(np.isin(after_BT, described.special_ids), NOT_ASKED, after_BT)
    present_BT = tokens_BT != described.pad_id if described.layout == "first" else tokens_BT >= 0
    return {
        "input_ids": torch.from_numpy(tokens_BT),
        "labels": torch.from_numpy(labels_BT),
        "attention_mask": torch.from_numpy(present_BT.astype(np.int64)),
    }


def with_causal_mask(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`batch` with an `attention_mask` (B, 1, T, T), true where a row may see a column.

    A position sees itself and those before it in its row that are no padding.
    """
    present_BT = batch["attention_mask"].bool()
    earlier_TT = torch.ones(present_BT.shape[1], present_BT.shape[1], dtype=torch.bool).tril()
    seen_BTT = earlier_TT & present_BT[:, None, :]
    # What is padding sees itself: a row of nothing has no softmax.
    seen_BTT = seen_BTT | torch.eye(len(earlier_TT), dtype=torch.bool)
    return batch | {"attention_mask": seen_BTT[:, None]}


class FixedDraws(Dataset):
    """Every sequence once, in order, always corrupted alike: for losses that can be compared."""

    def __init__(self, tokens: Tokens, masking: Masking, *, num_sequences: int):
        self.tokens = tokens
        self.masking = masking
        self.num_sequences = min(num_sequences, len(tokens))

    def __len__(self) -> int:
        return self.num_sequences

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """One sequence, as tensors of shape (sequence,)."""
        return {name: values[0] for name, values in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        """A whole batch at once, as tensors of shape (batch, sequence)."""
        return _masked(self.tokens, np.asarray(indices), self.masking, epoch=0)


def _masked(
    tokens: Tokens,
    indices_B: np.ndarray,
    masking: Masking,
    *,
    epoch: int | np.ndarray,
    rates: TokenRates | None = None,
) -> dict[str, torch.Tensor]:
    tokens_BT = tokens.padded(indices_B)
    batch = mask(tokens_BT, indices_B, masking, epoch=epoch, rates=rates)
    labels_BT = torch.from_numpy(batch.labels_BT)
    return model_inputs(tokens, tokens_BT, batch) | {"labels": labels_BT}


def as_batch(batch: Any) -> Any:
    """What `__getitems__` returned: already a batch."""
    return batch


class NumberedDraws(Dataset):
    """The numbers of draws alone, for batches that are made when they are needed.

    A batch is `{"draws": numbers}`, an int64 array that is left where it is. What a worker or a
    loader fetches ahead of the training then says nothing about masks, which may depend on what
    the model has learnt by then. `tokens` are those that the draws are of, for who counts them.
    """

    def __init__(self, num_draws: int, tokens: Tokens | None = None):
        self.num_draws = num_draws
        self.tokens = tokens

    def __len__(self) -> int:
        return self.num_draws

    def __getitems__(self, draws: list[int]) -> dict[str, np.ndarray]:
        """The numbers of a batch, int64 (batch,)."""
        return {"draws": np.array(draws, np.int64)}


class RepeatedDraws(Dataset):
    """The draws of another data set, `num_distinct` of them again and again.

    A batch also holds their numbers: `draws`, int64 (batch,), from 0 to `num_distinct` - 1.
    """

    def __init__(self, draws: Any, *, num_draws: int, num_distinct: int):
        self.draws, self.num_draws, self.num_distinct = draws, num_draws, num_distinct

    def __len__(self) -> int:
        return self.num_draws

    def __getitems__(self, draws: list[int]) -> dict[str, Tensor]:
        """A batch at once."""
        distinct = [draw % self.num_distinct for draw in draws]
        return self.draws.__getitems__(distinct) | {"draws": torch.tensor(distinct)}
