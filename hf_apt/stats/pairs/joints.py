"""Joint laws of two masked tokens, made of the conditionals of a masked language model.

The conditionals p(a | b) and p(b | a) of such a model need not be those of any joint law. The ways
to make one all the same, but for the chains and sampling in turn, are those of Torroba Hennigen and
Kim 2023, arXiv 2305.15501, sections 2 and 3. All laws are over the given tokens alone.
"""
# A: tokens of the first position. B: tokens of the second.

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from scipy.special import log_softmax, logsumexp

from hf_apt.stats.pairs.nearest_joint import nearest_joint, stationary

JointName = Literal[
    "product",
    "first_chained",
    "second_chained",
    "mrf_logits",
    "mrf",
    "hcb",
    "arnold_gokhale",
    "sampler",
]
"""Ways to make a joint law of two tokens, in the order of tables."""

JOINT_NAMES: tuple[JointName, ...] = get_args(JointName)
"""All of them."""


@dataclass(frozen=True)
class PairLogits:
    """What a masked language model answers about two positions, over chosen tokens of each."""

    first_A: Float[np.ndarray, " first"]
    """Logits of the first token, both hidden."""

    second_B: Float[np.ndarray, " second"]
    """Logits of the second token, both hidden."""

    first_given_second_AB: Float[np.ndarray, "first second"]
    """Logits of the first token where the second one is shown; a column for each second token."""

    second_given_first_AB: Float[np.ndarray, "first second"]
    """Logits of the second token where the first one is shown; a row for each first token."""

    first_total_B: Float[np.ndarray, " second"] | None = None
    """The log of the sum of exp(logit of the first token) over the whole vocabulary, for each
    second token that is shown; None where the chosen tokens are all that there are."""

    second_total_A: Float[np.ndarray, " first"] | None = None
    """The same of the second token, for each first token that is shown."""

    @property
    def log_first_given_second_AB(self) -> Float[np.ndarray, "first second"]:
        """Log p(a | b), columns normalised over the chosen tokens."""
        return log_softmax(self.first_given_second_AB, axis=0)

    @property
    def log_second_given_first_AB(self) -> Float[np.ndarray, "first second"]:
        """Log p(b | a), rows normalised over the chosen tokens."""
        return log_softmax(self.second_given_first_AB, axis=1)

    def first_chained_AB(self) -> Float[np.ndarray, "first second"]:
        """Log of p(a) p(b | a) within the chosen tokens, where both are over the vocabulary.

        Returns:
            (A, B) in nats, normalised once over the table, whose exponentials add up to 1.
        """
        if self.second_total_A is None:
            total_A = logsumexp(self.second_given_first_AB, axis=1)
        else:
            total_A = self.second_total_A
        return _normalised((self.first_A - total_A)[:, None] + self.second_given_first_AB)

    def second_chained_AB(self) -> Float[np.ndarray, "first second"]:
        """Log of p(b) p(a | b) within the chosen tokens, where both are over the vocabulary.

        Returns:
            (A, B) in nats, normalised once over the table, whose exponentials add up to 1.
        """
        if self.first_total_B is None:
            total_B = logsumexp(self.first_given_second_AB, axis=0)
        else:
            total_B = self.first_total_B
        return _normalised(self.first_given_second_AB + (self.second_B - total_B))


def pair_joint(logits: PairLogits, name: JointName) -> Float[np.ndarray, "first second"]:
    """The logarithm of a joint law of two tokens.

    - `product`: p(a) p(b), as if the tokens were independent
    - `first_chained`: p(a) p(b | a); `second_chained`: p(b) p(a | b); of the whole vocabulary, and
      normalised once over the chosen tokens
    - `mrf_logits`: proportional to the exponential of the sum of both logits; `mrf`: to
      p(a | b) p(b | a)
    - `hcb`: p(a | b) / p(a* | b) p(b | a*), normalised, a* the most probable first token where both
      are hidden (Hammersley, Clifford and Besag)
    - `arnold_gokhale`: among all joint laws the one whose conditionals are next to the model's
      (Arnold and Gokhale 1998), the fixed point of
      q <- (p(a | b) + p(b | a)) / (1 / q(a) + 1 / q(b)), normalised, which is solved for
    - `sampler`: where sampling in turn, one token given the other, ends: the mean of the laws after
      either step

    Where the conditionals are those of a joint law, `hcb`, `arnold_gokhale` and `sampler` give it
    back, within the chosen tokens; so do the chains if p(a), p(b) are its own too. The `mrf` do
    not.

    Args:
        logits: what the model answers.
        name: the way.

    Returns:
        log q(a, b) in nats; the law adds up to 1.

    Raises:
        JointNotFoundError: for `arnold_gokhale`, where its equations were not solved.
    """
    if name == "product":
        return log_softmax(logits.first_A)[:, None] + log_softmax(logits.second_B)
    if name == "first_chained":
        return logits.first_chained_AB()
    if name == "second_chained":
        return logits.second_chained_AB()
    if name == "mrf_logits":
        return _normalised(logits.first_given_second_AB + logits.second_given_first_AB)
    first_AB, second_AB = logits.log_first_given_second_AB, logits.log_second_given_first_AB
    if name == "mrf":
        return _normalised(first_AB + second_AB)
    if name == "hcb":
        pivot = int(logits.first_A.argmax())
        return _normalised(first_AB - first_AB[pivot] + second_AB[pivot])
    if name == "sampler":
        return _sampler(np.exp(first_AB), np.exp(second_AB))
    return nearest_joint(first_AB, second_AB)


def _sampler(first_AB: np.ndarray, second_AB: np.ndarray) -> np.ndarray:
    law_A = stationary(second_AB @ first_AB.T)
    after_second_AB = law_A[:, None] * second_AB
    after_first_AB = first_AB * (law_A @ second_AB)
    with np.errstate(divide="ignore"):  # of what underflows
        return np.log((after_first_AB + after_second_AB) / 2)


def _normalised(log_AB: np.ndarray) -> np.ndarray:
    return log_AB - logsumexp(log_AB)
