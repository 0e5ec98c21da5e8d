"""The exact best answer beside the sum over all words, one document at a time."""

import numpy as np
import pytest

from hf_apt.data.planted.bayes import exact_log_probabilities
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.planted.generate import sample_documents
from hf_apt.data.tokenizer import SPECIAL_TOKENS
from hf_apt.runs.lens_text import AskedSequence
from hf_apt.runs.sentences.exact_answer import exact_answer

FIRST = len(SPECIAL_TOKENS)


# Documents in which it matters that all other words are what they seem.
@pytest.mark.parametrize(("document", "position"), [(165, 0), (113, 7), (28, 19)])
def test_it_is_the_law_of_the_language_given_all_other_words(document, position) -> None:
    planted = PlantedCorpus()
    language, tokenizer = planted.language(), planted.tokenizer()
    words_T = sample_documents(language, 300, 20, 5).words[document]
    true = int(words_T[position])
    ids = [tokenizer.cls_token_id, *(words_T + FIRST).tolist(), tokenizer.sep_token_id]
    ids[position + 1] = tokenizer.mask_token_id
    asked = AskedSequence(tuple(ids), (position + 1,), (true + FIRST,))
    found = exact_answer(planted, tokenizer, asked)

    # Independently: p(word | others) of every word that may stand there.
    log_V = np.full(language.num_words, -np.inf)
    for word in range(language.num_words):
        other_T = words_T.copy()
        other_T[position] = word
        try:
            log_V[word] = exact_log_probabilities(language, other_T[None])[0, position]
        except ValueError:  # what the language cannot say
            continue
    law_V = np.exp(log_V)
    assert law_V.sum() == pytest.approx(1)
    assert found["token"] == language.words[int(law_V.argmax())]
    assert found["probability"] == pytest.approx(law_V.max(), abs=2e-6)
    assert found["true_probability"] == pytest.approx(law_V[true], abs=2e-6)
    assert found["true_rank"] == 1 + int((law_V > law_V[true] + 1e-9).sum())
