"""The text of a run, out of its tokens."""

from hf_apt.analysis.bound_terms.run_text import decoded_texts


def test_sequences_are_spread_over_all_and_read_without_special_tokens(
    tokens, tokenizer, documents
):
    texts = decoded_texts(tokens, tokenizer, 5)
    places = [0, 25, 50, 75, 100]
    assert texts == [" ".join(documents[place].split()[:22]) for place in places]
    assert len(decoded_texts(tokens, tokenizer, 500)) == len(tokens)
