"""Laws of what is counted while text is cut: each token is kept, cut off or dropped."""

import pytest

from hf_apt.data.text_counts import TextCounts, UnknownTextError
from hf_apt.data.tokens import Tokens, write_tokens

TEXTS = ["w1 w2 w3", "", "w4 " * 20, "what w5 is w6"]
"""3, 0, 20 and 4 tokens, of which the tokenizer does not know 2."""


def test_what_is_kept_cut_and_unknown_is_counted(tmp_path, tokenizer) -> None:
    first = write_tokens(tmp_path / "f", TEXTS, tokenizer, sequence_length=10, layout="first")
    assert first.text == TextCounts(num_documents=3, num_tokens=27, num_unknown=2, num_cut=12)
    assert first.description.num_tokens == 27 - 12 + 2 * 3
    packed = write_tokens(tmp_path / "p", TEXTS, tokenizer, sequence_length=10, layout="packed")
    # 27 tokens and 3 separators: three sequences of 8, and 6 that are left.
    assert packed.text == TextCounts(num_documents=3, num_tokens=27, num_unknown=2, num_dropped=6)
    assert len(packed) == 3
    assert Tokens(tmp_path / "p").text == packed.text
    shares = {"cut": 12 / 27, "unknown": 2 / 27, "dropped": 0.0, "padded": 1 - 21 / 30}
    assert first.shares() == pytest.approx(shares)
    shares = {"cut": 0.0, "unknown": 2 / 27, "dropped": 6 / 36, "padded": 0.0}
    assert packed.shares() == pytest.approx(shares)


def test_text_that_the_tokenizer_does_not_know_is_refused(tmp_path, tokenizer) -> None:
    """Also where the real cause would pass for too little text."""
    for layout, length in (("first", 10), ("packed", 128)):
        with pytest.raises(UnknownTextError, match=r"^66\.7 % of the 3 tokens are \[UNK\]: is"):
            write_tokens(
                tmp_path / "t",
                ["EVQL ACDE w1"],
                tokenizer,
                sequence_length=length,
                layout=layout,
            )
    assert not list(tmp_path.iterdir())
    half = ["w1 EVQL"]
    write_tokens(tmp_path / "t", half, tokenizer, sequence_length=10, layout="first")


def test_counts_that_were_changed_are_refused(tmp_path, tokenizer) -> None:
    write_tokens(tmp_path / "t", TEXTS, tokenizer, sequence_length=10, layout="first")
    path = tmp_path / "t" / "text.json"
    content = path.read_text()
    for wrong, message in (
        (content.replace("27", "28"), r"text\.json was changed"),
        (content.replace("27", "-1"), r"text\.json holds a value that is no count"),
        (content.replace("27", "0"), r"text\.json is of a text without tokens"),
        ("{}", r"text\.json holds no counts"),
        ("{", r"text\.json is no valid JSON"),
    ):
        path.write_text(wrong)
        with pytest.raises(ValueError, match=message):
            Tokens(tmp_path / "t")
    path.unlink()
    with pytest.raises(ValueError, match=r"text\.json is no valid JSON: No such file"):
        Tokens(tmp_path / "t")


def test_a_folder_made_before_it_was_counted_says_nothing(tmp_path, tokenizer) -> None:
    import json

    write_tokens(tmp_path / "t", TEXTS, tokenizer, sequence_length=10, layout="first")
    description = tmp_path / "t" / "description.json"
    content = json.loads(description.read_text())
    del content["fingerprints"]["text.json"]
    description.write_text(json.dumps(content))
    (tmp_path / "t" / "text.json").unlink()
    tokens = Tokens(tmp_path / "t")
    assert tokens.text is None
    assert tokens.shares() is None
