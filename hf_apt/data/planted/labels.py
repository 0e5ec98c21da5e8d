"""The exact label posteriors of planted documents: the best accuracy that any classifier can have.

Array suffixes: N documents, T words, S states, C labels.
"""

import re
from collections.abc import Sequence

import numpy as np

from hf_apt.data.planted.language import FloatArray, IntArray, PlantedLanguage
from hf_apt.data.planted.states import emissions, hidden_states, step_forward


def label_posteriors(language: PlantedLanguage, words_NT: IntArray) -> FloatArray:
    """Return (N, C) probabilities of each label given all words of a document."""
    states = hidden_states(language)
    emission_SV = emissions(language, states)
    weights_NS = states.first[None] * emission_SV[:, words_NT[:, 0]].T
    for position in range(1, words_NT.shape[1]):
        weights_NS = weights_NS / weights_NS.sum(axis=1, keepdims=True)  # far from underflow
        weights_NS = step_forward(language, states, weights_NS)
        weights_NS = weights_NS * emission_SV[:, words_NT[:, position]].T
    topic_SK = np.eye(language.num_topics)[states.topics]
    label_NC: FloatArray = weights_NS @ topic_SK @ language.label_probs
    return label_NC / label_NC.sum(axis=1, keepdims=True)


def word_indices(language: PlantedLanguage, texts: Sequence[str]) -> IntArray:
    """Return (N, T) word indices of texts of equal length, as `document_text` wrote them."""
    index_of = {word: index for index, word in enumerate(language.words)}
    return np.array(
        [[index_of[word] for word in re.findall(r"\w+|[^\w\s]", text.lower())] for text in texts]
    )
