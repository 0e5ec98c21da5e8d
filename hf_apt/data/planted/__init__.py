"""A planted language: English-looking text with known paradigms and exact best predictions."""

from hf_apt.data.planted.bayes import (
    BayesPredictions,
    bayes_predictions,
    exact_log_probabilities,
)
from hf_apt.data.planted.generate import (
    PlantedDocuments,
    document_text,
    sample_documents,
)
from hf_apt.data.planted.grammar import DEFAULT_FRAMES, DEFAULT_PARADIGMS, Paradigm
from hf_apt.data.planted.language import PlantedLanguage, planted_language
from hf_apt.data.planted.posteriors import masked_posteriors
from hf_apt.data.planted.states import expected_word_frequencies

__all__ = [
    "DEFAULT_FRAMES",
    "DEFAULT_PARADIGMS",
    "BayesPredictions",
    "Paradigm",
    "PlantedDocuments",
    "PlantedLanguage",
    "bayes_predictions",
    "document_text",
    "exact_log_probabilities",
    "expected_word_frequencies",
    "masked_posteriors",
    "planted_language",
    "sample_documents",
]
