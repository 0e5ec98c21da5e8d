"""One-dimensional cellular automata: rows of cells, each made of the one before by a fixed rule.

A document draws its rule and its first row; every further row follows from it. Rows are a ring of
cells of two states: the new state of a cell is the bit of the rule's number (Wolfram 1983) at the
place that the states of its left neighbour, itself and its right one spell. Some neighbouring cells
are one word, and the words of all rows one document, cut after its last word.
"""
# B documents, T positions, N asked positions, V words, S documents that there can be.

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.draws import document_draws, drawn, entropy_of
from hf_apt.data.artificial.evidence import Evidence
from hf_apt.stats.config_checks import require_share, require_whole, require_whole_number

_MOST = 1 << 20
"""Documents that can be enumerated."""

_TINY = 1e-300
"""Stands for a likelihood of 0, whose logarithm could not be taken off again."""


@dataclass(frozen=True, kw_only=True)
class Automaton(ArtificialLanguage):
    """Rows of an elementary cellular automaton.

    Raises:
        ValueError: for a rule that is none, a width that is no multiple of the cells of a word,
            words of more than 8 cells, a density outside (0, 1), and rows and rules that make more
            than 2^20 documents.
    """

    rule: int | tuple[int, ...] = 110
    """The rule from 0 to 255, or several, of which each document draws one."""

    width: int = 12
    """Number of cells in a row."""

    cells: int = 4
    """Number of neighbouring cells that are one word; there are 2^cells words."""

    density: float = 0.5
    """Probability of state 1 for each cell of the first row."""

    def __post_init__(self) -> None:
        require_whole(self, "width", "cells")
        require_share(self, "density")
        for rule in self.rules:
            require_whole_number("rule", rule, least=0)
            if rule > 255:
                raise ValueError(f"rule must be a whole number from 0 to 255, got {rule!r}.")
        if self.width % self.cells or self.cells > 8:
            raise ValueError(
                f"a row of {self.width} cells is no whole number of words of {self.cells}: choose "
                "a width that is a multiple of cells, and at most 8 cells."
            )
        if (len(self.rules) << self.width) > _MOST:
            raise ValueError(
                f"{len(self.rules)} rules and rows of {self.width} cells make more than {_MOST:,} "
                "documents, which are too many for exact answers: choose a smaller width."
            )

    @property
    def rules(self) -> tuple[int, ...]:
        """The rules that a document can have."""
        return self.rule if isinstance(self.rule, tuple) else (self.rule,)

    @property
    def words(self) -> tuple[str, ...]:
        """The words p0000, p0001, …: the states of their cells, from left to right."""
        return tuple(f"p{number:0{self.cells}b}" for number in range(1 << self.cells))

    def documents(
        self, numbers: range, length: int, seed: int
    ) -> Int[np.ndarray, "documents length"]:
        """The documents `numbers`; a shorter one is the beginning of a longer one."""
        draws_BC = document_draws(numbers, (1 + self.width,), seed)
        rules_B = drawn(np.ones(len(self.rules)), draws_BC[:, 0])
        cells_BC = (draws_BC[:, 1:] < self.density).astype(np.int64)
        return self._words_of(np.array(self.rules)[rules_B], cells_BC, length)

    def _words_of(self, rules_B: np.ndarray, cells_BC: np.ndarray, length: int) -> np.ndarray:
        """(B, T) the words of the rows from first rows on."""
        value_of = 1 << np.arange(self.cells)[::-1]
        num_rows = max(-(-length * self.cells // self.width), 1)
        rows = []
        for _ in range(num_rows):
            rows.append(cells_BC.reshape(len(cells_BC), -1, self.cells) @ value_of)
            cells_BC = next_row(rules_B, cells_BC)
        return np.concatenate(rows, axis=1)[:, :length]

    def every_document(
        self, length: int
    ) -> tuple[Int[np.ndarray, "documents length"], Float[np.ndarray, " documents"]]:
        """(S, T) the documents of all rules and first rows, and (S,) their probabilities."""
        return _every_document(self, length)

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) by all documents that there can be."""
        words_ST, probs_S = self.every_document(length)
        weights_ST = np.broadcast_to(probs_S[:, None] / length, words_ST.shape)
        return np.bincount(words_ST.ravel(), weights_ST.ravel(), minlength=self.num_words)

    def entropy(self, length: int) -> float:
        """The entropy of a document in nats; rules that give the same document are added up."""
        words_ST, probs_S = self.every_document(length)
        _, which_S = np.unique(words_ST, axis=0, return_inverse=True)
        return entropy_of(np.bincount(which_S.reshape(-1), probs_S))

    def posteriors(
        self, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
    ) -> Float[np.ndarray, "asked words"]:
        """(N, V) by all documents that there can be, each weighed by what is shown."""
        words_ST, probs_S = self.every_document(asked_BT.shape[1])
        parts = [np.zeros((0, self.num_words))]
        for row, asked_T in enumerate(asked_BT):
            if asked_T.any():
                logs_VT = self._log_likelihoods(evidence, row)
                parts.append(_posteriors(logs_VT, words_ST, probs_S, asked_T))
        return np.concatenate(parts)

    def _log_likelihoods(self, evidence: Evidence, row: int) -> np.ndarray:
        """(V, T) of each word at each position of one document."""
        shown_T, other_T = evidence.shown_BT[row], evidence.other_BT[row]
        likelihood_VT = np.repeat(np.maximum(other_T, _TINY)[None], self.num_words, axis=0)
        seen = np.flatnonzero(shown_T >= 0)
        likelihood_VT[shown_T[seen], seen] = 1.0
        return np.log(likelihood_VT)


def next_row(
    rules_B: Int[np.ndarray, " documents"], cells_BC: Int[np.ndarray, "documents cells"]
) -> Int[np.ndarray, "documents cells"]:
    """The rows (B, C) that follow rows of 0 and 1 on a ring by Wolfram's numbers of rules.

    >>> next_row(np.array([110]), np.array([[0, 0, 0, 1, 0]]))
    array([[0, 0, 1, 1, 0]])
    """
    left_BC, right_BC = np.roll(cells_BC, 1, axis=1), np.roll(cells_BC, -1, axis=1)
    return rules_B[:, None] >> (4 * left_BC + 2 * cells_BC + right_BC) & 1


@lru_cache(maxsize=4)
def _every_document(automaton: Automaton, length: int) -> tuple[np.ndarray, np.ndarray]:
    width, rules = automaton.width, np.array(automaton.rules)
    first_SC = np.arange(1 << width)[:, None] >> np.arange(width)[::-1] & 1
    num_ones_S = first_SC.sum(axis=1)
    probs_S = automaton.density**num_ones_S * (1 - automaton.density) ** (width - num_ones_S)
    parts = [
        automaton._words_of(np.full(len(first_SC), rule), first_SC, length).astype(np.uint8)
        for rule in rules
    ]
    return np.concatenate(parts), np.tile(probs_S / len(rules), len(rules))


def _posteriors(
    logs_VT: np.ndarray, words_ST: np.ndarray, probs_S: np.ndarray, asked_T: np.ndarray
) -> np.ndarray:
    """(asked, V) of one document."""
    places = np.arange(words_ST.shape[1])
    total_S = np.log(probs_S) + logs_VT[words_ST, places].sum(axis=1)
    rows = []
    for position in np.flatnonzero(asked_T):
        words_S = words_ST[:, position]
        others_S = total_S - logs_VT[words_S, position]
        weights_S = np.exp(others_S - others_S.max())
        sums_V = np.bincount(words_S, weights_S, minlength=len(logs_VT))
        rows.append(sums_V / sums_V.sum())
    return np.stack(rows)
