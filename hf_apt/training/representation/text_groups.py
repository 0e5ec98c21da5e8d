"""Which texts an objective reads in which step: groups of distinct texts, drawn anew in each epoch.

Group number g of a training is a pure function of (seed, g), and a step reads the next groups
whatever the accumulation and the number of processes, which share them out. So a training resumes
with the groups that it would have read, and nothing has to be kept.
"""
# M texts of a group, T tokens.

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Int

from hf_apt.data.whole_texts.encoded_texts import EncodedTexts, TextBatch
from hf_apt.training.objective import Step


class GroupOrder:
    """Groups of `size` of the numbers from 0 to `num` - 1; an epoch holds each once at most.

    What is left over after whole groups is left out of an epoch: other numbers in each.

    Args:
        num: how many numbers there are, at least `size`.
        size: numbers of a group, all different.
        seed: the training's seed.
    """

    def __init__(self, num: int, size: int, seed: int):
        self.num, self.size, self.seed = num, size, seed
        self._permutation = lru_cache(maxsize=2)(self._permuted)

    def numbers(self, group: int) -> Int[np.ndarray, " m"]:
        """The numbers of a group."""
        epoch, place = divmod(group, self.num // self.size)
        return self._permutation(epoch)[place * self.size : (place + 1) * self.size]

    def _permuted(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(self.num)


class TextGroups:
    """Texts in groups of `group_size` distinct ones; an epoch holds each text once at most.

    Args:
        texts: all texts, as token ids.
        group_size: texts in a group.
        seed: the training's seed.

    Raises:
        ValueError: for fewer texts than a group needs.
    """

    def __init__(self, texts: EncodedTexts, *, group_size: int, seed: int):
        if len(texts) < group_size:
            raise ValueError(
                f"there are {len(texts)} texts, fewer than the {group_size} that are read "
                "together: name more texts, or read fewer together (num_texts)."
            )
        self.texts = texts
        """All texts, as token ids."""
        self.seed = seed
        """Seed of the order."""
        self._order = GroupOrder(len(texts), group_size, seed)

    def numbers(self, group: int) -> Int[np.ndarray, " m"]:
        """The numbers of the texts of a group, from 0."""
        return self._order.numbers(group)

    def batch(self, group: int) -> TextBatch:
        """The texts of a group as token ids, padded to the longest of them."""
        return self.texts.batch(self.numbers(group).tolist())


def groups_of(step: Step, num_groups: int) -> range:
    """The numbers of the groups that one batch of a step reads, of `num_groups` of the whole step.

    Those of all batches of a step, over accumulation steps and processes, are all groups of the
    step, each once.

    >>> parts = [Step(**dict.fromkeys(("model", "inputs", "outputs", "loss", "num_items",
    ...     "loss_and_outputs")), num_steps_before=7, part=part, num_parts=2) for part in (0, 1)]
    >>> [list(groups_of(step, 3)) for step in parts]
    [[21], [22, 23]]
    """
    first = step.num_steps_before * num_groups
    start, end = (
        first + part * num_groups // step.num_parts for part in (step.part, step.part + 1)
    )
    return range(start, end)
