"""Laws of special tokens: they stand around a text, whatever the vocabulary can spell."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from hf_apt.data.sequences import Cutter
from hf_apt.data.special_tokens import surroundings
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.data.tokens import write_tokens

PAD, CLS, SEP, MASK = range(4)
NAMES = ("[PAD]", "[CLS]", "[SEP]", "[MASK]")


def letters(text: str, template: str = "[CLS] $A [SEP]") -> PreTrainedTokenizerFast:
    """A BPE without merges over the letters of `text`, that has no unknown token."""
    vocabulary = {token: index for index, token in enumerate((*NAMES, *text))}
    whole = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    whole.add_special_tokens(list(NAMES))
    whole.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    roles = {f"{name.strip('[]').lower()}_token": name for name in NAMES}
    return PreTrainedTokenizerFast(tokenizer_object=whole, **roles)


def test_a_vocabulary_that_cannot_spell_a_is_asked_for_what_it_can(tmp_path) -> None:
    """A C G T: "a" has no token, so that its special tokens stand next to each other."""
    tokenizer = letters("ACGT")
    assert tokenizer("a")["input_ids"] == [CLS, SEP]
    assert surroundings(tokenizer) == ([CLS], [SEP])
    waiting: list[int] = []
    cutter = Cutter(tokenizer, length=8, layout="packed")
    a, c, g, t = range(4, 8)
    assert list(cutter.cut(["ACGTAC", "GT", "GTACG"], waiting)) == [
        [CLS, a, c, g, t, a, c, SEP],
        [CLS, SEP, g, t, SEP, g, t, SEP],
    ]
    assert waiting == [a, c, g, SEP]
    first = write_tokens(tmp_path / "t", ["ACG"], tokenizer, sequence_length=8, layout="first")
    assert first.ids.tolist() == [CLS, a, c, g, SEP]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$A", ([], [])),
        ("[CLS] $A", ([CLS], [])),
        ("[CLS] [CLS] $A [SEP] [SEP] [CLS]", ([CLS, CLS], [SEP, SEP, CLS])),
    ],
)
def test_any_template_is_read(template, expected) -> None:
    assert surroundings(letters("ACGT", template)) == expected
    assert surroundings(letters("abc", template)) == expected


def test_an_unknown_token_is_not_taken_for_text() -> None:
    upper = vocabulary_tokenizer([*SPECIAL_TOKENS, "b"])
    assert upper("a")["input_ids"] == [2, 1, 3]
    assert surroundings(upper) == ([2], [3])


def test_a_tokenizer_that_makes_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no token that is not special .* cannot tokenise text"):
        surroundings(letters(""))


def test_a_tokenizer_that_splits_the_text_is_refused() -> None:
    """Pieces that depend on the special tokens leave no place where the text begins."""
    tokenizer = letters("abc")
    whole = tokenizer.__class__.__call__

    class Odd(type(tokenizer)):
        def __call__(self, text, add_special_tokens=True, **options):
            made = whole(self, text, add_special_tokens=add_special_tokens, **options)
            if isinstance(text, str) and add_special_tokens:
                made["input_ids"] = [CLS, 5, SEP]
            return made

    tokenizer.__class__ = Odd
    with pytest.raises(ValueError, match="where a text begins and ends cannot be told"):
        surroundings(tokenizer)


def test_pieces_within_words_are_tried_as_text() -> None:
    pieces = letters("")
    pieces.backend_tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    pieces.add_tokens(["xyz"])
    assert surroundings(pieces) == ([CLS], [SEP])
