"""A guess that knows no chemistry: what most other chains have at the same position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from blosum import RESIDUES, blosum_agreement, similar_answers


def position_confusion(chains: Sequence[str]) -> np.ndarray:
    """How often each residue of some chains is guessed as each other one.

    Positions are counted from the beginning of a chain. The guess is the commonest residue there in
    all chains but this one, of equally common ones the first letter; where there is no other chain,
    and for letters that are none of `RESIDUES`, nothing is guessed.

    Args:
        chains: amino acids as letters.

    Returns:
        Integers of shape (20, 20): rows the true residues, columns the guesses.
    """
    index = {letter: number for number, letter in enumerate(RESIDUES)}
    at_position: list[Counter[str]] = [Counter() for _ in range(max(map(len, chains), default=0))]
    for chain in chains:
        for position, letter in enumerate(chain):
            at_position[position][letter] += letter in index
    confusion_RR = np.zeros((len(RESIDUES), len(RESIDUES)), np.int64)
    for chain in chains:
        for position, letter in enumerate(chain):
            others = Counter(at_position[position])
            others[letter] -= 1
            guess = min(others, key=lambda each: (-others[each], each))
            if letter in index and others[guess] > 0:
                confusion_RR[index[letter], index[guess]] += 1
    return confusion_RR


def position_figures(chains: Sequence[str]) -> dict[str, Any]:
    """Accuracy of the guess, and how far its errors are those of BLOSUM62."""
    confusion_RR = position_confusion(chains)
    rho, chance = blosum_agreement(confusion_RR)
    num = int(confusion_RR.sum())
    return {
        "accuracy": round(float(confusion_RR.trace()) / num, 5) if num else None,
        "rho": None if np.isnan(rho) else round(rho, 4),
        "p": round(chance, 5),
        "num_errors": num - int(confusion_RR.trace()),
        "num_similar": similar_answers(confusion_RR),
    }
