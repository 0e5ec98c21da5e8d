"""The exact joint law of two hidden words of a planted document, all other words being shown."""
# B documents, T positions, V words, Y hidden states.

from __future__ import annotations

import numpy as np

from hf_apt.data.planted.language import FloatArray, IntArray, PlantedLanguage
from hf_apt.data.planted.states import emissions, hidden_states, step_backward, step_forward


def exact_pair_posteriors(
    language: PlantedLanguage, words: IntArray, first: IntArray, second: IntArray
) -> FloatArray:
    """The probability of every pair of words at two positions given all other words.

    Words before the first position are summed over from the left, those after the second from the
    right, and those between are passed once for each word of the first. Source: ours.

    Args:
        language: The language of the documents.
        words: (B, T) numbers of the words, as `sample_documents` gives them.
        first: (B,) the earlier position of each document.
        second: (B,) the later one.

    Returns:
        (B, V, V) joint probabilities: row the word at the first position, column at the second.

    Raises:
        ValueError: For positions that are not two of the document in their order, and for other
            words that the language cannot say.
    """
    if not ((first >= 0) & (first < second) & (second < words.shape[1])).all():
        raise ValueError(
            f"positions must be two of the {words.shape[1]} of a document, the earlier one first."
        )
    states = hidden_states(language)
    evidence_VY = emissions(language, states).T
    joint_BVV = np.empty((len(words), language.num_words, language.num_words))
    for row, (row_T, left, right) in enumerate(zip(words, first, second, strict=True)):
        before_1Y = states.first[None, :]
        for word in row_T[:left]:
            before_1Y = step_forward(language, states, _scaled(before_1Y * evidence_VY[word]))
        after_1Y = np.ones((1, states.num_states))
        for word in row_T[:right:-1]:
            after_1Y = step_backward(language, states, _scaled(after_1Y * evidence_VY[word]))
        between_VY = step_forward(language, states, before_1Y * evidence_VY)
        for word in row_T[left + 1 : right]:
            between_VY = step_forward(language, states, _scaled(between_VY * evidence_VY[word]))
        joint_VV = (between_VY * after_1Y) @ evidence_VY.T
        total = joint_VV.sum()
        if not total > 0:
            raise ValueError(
                f"document {row} is no text of the planted language: take documents of "
                "sample_documents."
            )
        joint_BVV[row] = joint_VV / total
    return joint_BVV


def _scaled(weights: FloatArray) -> FloatArray:
    """Weights of which the largest is 1, so that long documents do not underflow."""
    largest = weights.max()
    return weights / largest if largest > 0 else weights
