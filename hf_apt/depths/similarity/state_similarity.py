"""How alike the states of depths are on the same texts, within a model or between two."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import psutil

from hf_apt.data.whole_texts.encoded_texts import EncodedTexts, require_texts
from hf_apt.depths.trunk import Trunk
from hf_apt.models.loading import num_positions, require_room
from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.measures.text_groups import NUM_GROUPS, groups_of_neighbours
from hf_apt.stats.similarity.depth_similarity import DepthSimilarity, SimilaritySums, sums_bytes
from hf_apt.stats.similarity.things import Things

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def state_similarity(
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    other: PreTrainedModel | None = None,
    other_tokenizer: Any = None,
    *,
    things: Things = "tokens",
    debiased: bool = True,
    sequence_length: int = 128,
    batch_size: int = 32,
) -> DepthSimilarity:
    """Linear CKA of every depth of a model with every depth of another, or with its own.

    Compared are the states that the head would be given (in pre-norm models after the final
    normalisation), none masked. One pass. The models stay on their devices. Tokens of one text are
    no independent draws, on which the debiased form relies: the more texts, the less that matters.
    Standard errors are those over texts (`hf_apt.linear_cka_estimate`).

    Memory: 8 bytes for each pair of depths and of columns, 430 MB for a BERT-base with itself, in
    each of the 20 groups of texts that the errors take; where that is more than is free, there is a
    warning and no error.

    Args:
        model: a loaded language model.
        tokenizer: its tokenizer.
        texts: the texts, none empty.
        other: another loaded model; `model` itself if None.
        other_tokenizer: the tokenizer of `other`; that of `model` if None.
        things: `tokens`, the states of every token, special ones left out; or `texts`, the mean
            over each text's tokens.
        debiased: the debiased form, from -1 to 1; the plain one, from 0 to 1, if False.
        sequence_length: tokens that a text is cut to, special ones included.
        batch_size: texts in a forward pass.

    Returns:
        The similarities of shape (D, E), for D depths of `model` and E of `other`, with errors.

    Raises:
        ValueError: before any pass, for texts that are empty or no strings, fewer than 4 texts or
            tokens, a tokenizer of another model, two that differ where tokens are compared, and
            where memory does not suffice; later for states that are not finite.
    """
    require_whole_number("batch_size", batch_size)
    require_whole_number("sequence_length", sequence_length, least=3)
    if things not in get_args(Things):
        raise ValueError(f"things is {things!r}: choose one of {', '.join(get_args(Things))}.")
    require_texts(texts, to="compare states on")
    sides = [_Side(model, tokenizer, texts, sequence_length)]
    if other is not None:
        sides.append(_Side(other, other_tokenizer or tokenizer, texts, sequence_length))
        if things == "tokens" and sides[0].encoded.rows != sides[1].encoded.rows:
            raise ValueError(
                "the two models read the texts as different tokens, which cannot be compared one "
                "by one: compare texts (things='texts')."
            )
    num = len(texts) if things == "texts" else sides[0].encoded.num_own
    if num < 4:
        raise ValueError(f"there are {num} {things}, and CKA needs 4 at least: give more text.")
    num_groups = _num_groups(sides, len(texts))
    return _summed(sides, things, batch_size, num_groups).result(things, debiased=debiased)


class _Side:
    """One of the models, and the texts as it reads them."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: Any, texts: Sequence[str], sequence_length: int
    ):
        most = num_positions(model.config)
        length = sequence_length if most is None else min(sequence_length, most)
        self.encoded = EncodedTexts(tokenizer, texts, length)
        require_room(model, len(tokenizer), self.encoded.longest)
        self.trunk = Trunk(model)

    def states(self, numbers: Sequence[int], things: Things) -> np.ndarray:
        """The states (D, N, H) of the texts of these numbers, float64."""
        batch = self.encoded.batch(numbers)
        inputs = batch.inputs(self.trunk.model.device)
        states_DNH = self.trunk.at(inputs, batch.own_BT).double().cpu().numpy()
        if things == "tokens":
            return states_DNH
        ends = np.cumsum([sum(self.encoded.own[number]) for number in numbers])
        parts = np.split(states_DNH, ends[:-1], axis=1)
        return np.stack([part_DNH.mean(axis=1) for part_DNH in parts], axis=1)


def _summed(
    sides: Sequence[_Side], things: Things, batch_size: int, num_groups: int
) -> SimilaritySums:
    from tqdm.auto import tqdm

    sums = SimilaritySums(*(side.trunk.num_depths for side in sides), num_groups=num_groups)
    for group, numbers in tqdm(
        list(_batches(sides[0].encoded.rows, batch_size, num_groups)),
        desc="Comparing",
        unit=" batches",
    ):
        sums.update(*(side.states(numbers, things) for side in sides), group=group)
    return sums


def _batches(
    rows: Sequence[Sequence[int]], batch_size: int, num_groups: int
) -> Iterator[tuple[int, list[int]]]:
    """Groups and the numbers of the texts in them, neighbours together.

    Longest first: the texts of a batch are about equally long.
    """
    groups_N = groups_of_neighbours(np.arange(len(rows)), len(rows), num_groups)
    for group in range(num_groups):
        numbers = np.flatnonzero(groups_N == group).tolist()
        order = sorted(numbers, key=lambda number: -len(rows[number]))
        for start in range(0, len(order), batch_size):
            yield group, order[start : start + batch_size]


def _num_groups(sides: Sequence[_Side], num_texts: int) -> int:
    """Groups of texts that memory has room for: those of the errors, or one.

    Raises ValueError where there is no room for one.
    """
    sizes = [size for side in sides for size in (side.trunk.hidden_size, side.trunk.num_depths)]
    needed, free = sums_bytes(*sizes), psutil.virtual_memory().available
    if needed > free:
        raise ValueError(
            f"to compare these depths takes {needed / 1e9:.3g} GB of memory, and "
            f"{free / 1e9:.3g} GB are free: take a smaller model, or a larger machine."
        )
    num_groups = min(NUM_GROUPS, num_texts)
    if needed * num_groups > free:
        warnings.warn(
            f"standard errors are left out: they take {needed * num_groups / 1e9:.3g} GB of "
            f"memory, and {free / 1e9:.3g} GB are free.",
            stacklevel=3,
        )
        return 1
    return num_groups
