"""Exact label posteriors of planted documents: the best accuracy that any classifier can have."""
# U topics, Y hidden states; the vocabulary V is the words of the language.

import re
from collections.abc import Sequence

import numpy as np

from hf_apt.data.planted.language import FloatArray, IntArray, PlantedLanguage
from hf_apt.data.planted.states import emissions, hidden_states, step_forward


def label_posteriors(language: PlantedLanguage, words_BT: IntArray) -> FloatArray:
    """Return (B, C) probabilities of each label given all words of a document."""
    states = hidden_states(language)
    emission_YV = emissions(language, states)
    weights_BY = states.first[None] * emission_YV[:, words_BT[:, 0]].T
    for position in range(1, words_BT.shape[1]):
        weights_BY = weights_BY / weights_BY.sum(axis=1, keepdims=True)  # far from underflow
        weights_BY = step_forward(language, states, weights_BY)
        weights_BY = weights_BY * emission_YV[:, words_BT[:, position]].T
    topic_YU = np.eye(language.num_topics)[states.topics]
    label_BC: FloatArray = weights_BY @ topic_YU @ language.label_probs
    return label_BC / label_BC.sum(axis=1, keepdims=True)


def word_indices(language: PlantedLanguage, texts: Sequence[str]) -> IntArray:
    """Return (B, T) word indices of texts of equal length, as `document_text` wrote them."""
    index_of = {word: index for index, word in enumerate(language.words)}
    return np.array(
        [[index_of[word] for word in re.findall(r"\w+|[^\w\s]", text.lower())] for text in texts]
    )
