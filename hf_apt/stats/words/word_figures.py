"""What a model says of whole words, each in one or several tokens that are masked together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.stats.apt import masked_accuracy, mean_apt
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.floors.floors import UNIFORM, Floor, floors
from hf_apt.stats.measures.cross_entropy import CrossEntropy


@dataclass(frozen=True)
class AskedWords:
    """The words that were asked for, and the tokens that they consist of."""

    types_W: Int[np.ndarray, " words"]
    """The type of each word, from 0: words that are the same but for capitals share one."""

    passages_W: Int[np.ndarray, " words"]
    """The passage that each word is in, ascending from 0."""

    word_of_N: Int[np.ndarray, " n"]
    """The word of each asked token."""

    is_unknown_N: Bool[np.ndarray, " n"]
    """Whether an asked token is the tokenizer's unknown token."""

    @property
    def is_unknown_W(self) -> Bool[np.ndarray, " words"]:
        """Whether a token of the word is unknown: a model has no way to say the word."""
        return self._count(self.is_unknown_N) > 0

    def support(self) -> Int[np.ndarray, " types"]:
        """How often each type was asked for."""
        return np.bincount(self.types_W)

    def right(self, is_right_N: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " words"]:
        """Whether all tokens of a word are right, and none is unknown."""
        return (self._count(~is_right_N) == 0) & ~self.is_unknown_W

    def _count(self, is_N: np.ndarray) -> np.ndarray:
        return np.bincount(self.word_of_N[is_N], minlength=len(self.types_W))


def word_types(words: Sequence[str]) -> Int[np.ndarray, " words"]:
    """The type of each word, numbered in alphabetical order.

    >>> word_types(["The", "union", "the"]).tolist()
    [0, 1, 0]
    """
    _, types_W = np.unique([word.lower() for word in words], return_inverse=True)
    return types_W


def word_figures(
    asked: AskedWords,
    is_right_DN: Bool[np.ndarray, "depth n"],
    cross_entropy_DN: Float[np.ndarray, "depth n"],
) -> list[dict[str, Estimate]]:
    """Figures of words at each depth, comparable across tokenizers (ours).

    - `accuracy`: share of words all of whose tokens are right; words with an unknown token are
      wrong. `num` is words.
    - `mean_apt`: that share for each type of word, averaged over types. `num` is types.
    - `cross_entropy`: -log p(word) in nats, the sum over its tokens, which are predicted apart;
      words with an unknown token are left out. Its error is over stretches of the text.
    """
    support_V = asked.support()
    known_N = ~asked.is_unknown_W[asked.word_of_N]
    known_W = ~asked.is_unknown_W
    num_passages = int(asked.passages_W.max()) + 1
    passages_N = asked.passages_W[asked.word_of_N]
    losses = CrossEntropy(
        np.stack(
            [
                np.bincount(passages_N[known_N], losses_N[known_N], num_passages)
                for losses_N in cross_entropy_DN
            ]
        ),
        np.bincount(asked.passages_W[known_W], minlength=num_passages),
    ).figures()
    depths = []
    for is_right_N, loss in zip(is_right_DN, losses, strict=True):
        hits_V = np.bincount(asked.types_W[asked.right(is_right_N)], minlength=len(support_V))
        depths.append(
            {
                "accuracy": masked_accuracy(hits_V, support_V),
                "mean_apt": mean_apt(hits_V, support_V),
                **loss,
            }
        )
    return depths


def word_floors(asked: AskedWords) -> list[Floor]:
    """What guessers of words reach that know no context: the commonest, and that of its band."""
    support_V = asked.support()
    nothing_V = np.zeros_like(support_V)
    made = floors(np.stack([support_V, nothing_V, nothing_V]))
    return [floor for floor in made if floor.name != UNIFORM]  # of what vocabulary?
