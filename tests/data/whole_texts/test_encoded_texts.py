"""Laws of encoded texts: every text once, its own tokens told apart, padding told."""

import numpy as np
import pytest

from hf_apt.data.whole_texts.encoded_texts import EncodedTexts


def test_every_text_is_served_once_with_its_own_tokens(tokenizer, documents) -> None:
    encoded = EncodedTexts(tokenizer, documents, 16)
    numbers = []
    for batch in encoded.batches(7):
        for row, number in enumerate(batch.numbers_B):
            ids = batch.ids_BT[row][batch.present_BT[row] == 1].tolist()
            assert ids == tokenizer(documents[number], truncation=True, max_length=16)["input_ids"]
            own = batch.ids_BT[row][batch.own_BT[row]].tolist()
            assert own == [each for each in ids if each >= 5]
        numbers += batch.numbers_B.tolist()
    assert sorted(numbers) == list(range(len(documents)))
    assert encoded.longest == 16
    assert encoded.num_own == sum(min(len(text.split()), 14) for text in documents)
    few = [batch.numbers_B for batch in encoded.batches(2, [4, 9, 2])]
    assert sorted(np.concatenate(few).tolist()) == [2, 4, 9]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "there is no text"),
        ("w1", "a list of texts"),
        (["w1", ""], "text 2 is empty or no text"),
        (["w1", 5], "text 2 is empty or no text"),
        (["\u200b"], "text 1 has no token of its own"),
    ],
)
def test_bad_texts_are_named(texts, said, tokenizer) -> None:
    with pytest.raises(ValueError, match=said):
        EncodedTexts(tokenizer, texts, 16)
