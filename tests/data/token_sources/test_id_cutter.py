"""Laws of cutting ids: special ids around a document are those of its text, or it is refused."""

from copy import copy

import numpy as np
import pytest

from hf_apt.data.sequences import Cutter
from hf_apt.data.text_counts import TextCounts
from hf_apt.data.token_sources.id_cutter import IdCutter, PlaceCutter
from hf_apt.data.token_sources.id_documents import IdDocument

CLS, SEP, PAD = 2, 3, 0
AROUND = {
    "whole": ([CLS], [SEP]),
    "separator": ([], [SEP]),
    "begun": ([CLS], []),
    "bare": ([], []),
}


def documents(rows, before=(), after=()):
    ids = [np.array([*before, *row, *after], np.uint16) for row in rows]
    ends = np.cumsum([0, *map(len, ids)]).tolist()
    return [IdDocument(each, "a.ds", at + 1, ends[at]) for at, each in enumerate(ids)]


@pytest.mark.parametrize("form", AROUND)
@pytest.mark.parametrize("layout", ["packed", "first"])
def test_ids_are_cut_as_their_text(form, layout, documents_of_words, tokenizer):
    texts, rows = documents_of_words
    ours, theirs = TextCounts(), TextCounts()
    waiting: tuple[list[int], list[int]] = ([], [])
    expected = list(Cutter(tokenizer, length=10, layout=layout).cut(texts, waiting[0], ours))
    cutter = IdCutter(tokenizer, length=10, layout=layout)
    assert list(cutter.cut(documents(rows, *AROUND[form]), waiting[1], theirs)) == expected
    assert waiting[0] == waiting[1]
    assert ours == theirs


@pytest.fixture
def documents_of_words(documents, tokenizer):
    texts = documents[:20]
    return texts, tokenizer(texts, add_special_tokens=False)["input_ids"]


def test_a_causal_tokenizer_puts_its_end_of_text_after_each():
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(WordLevel({"a": 0, "b": 1, "<eos>": 2, "<bos>": 3}, unk_token="a"))
    causal = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<eos>", bos_token="<bos>", pad_token="<eos>"
    )
    rows = [[0, 1, 0], [1, 1], [0, 0, 0]]
    for after in ([], [2]):
        cutter = IdCutter(causal, length=8, layout="packed")
        assert list(cutter.cut(documents(rows, after=after), [])) == [[0, 1, 0, 2, 1, 1, 2, 0]]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([[CLS, 7, SEP], [CLS, 65, SEP]], r"document 2 of a\.ds holds the id 65, and the .* to 64"),
        ([[CLS, 7, SEP], [CLS, 7, 8]], r"document 2 of a\.ds has the special ids \[2\] before and"),
        ([[CLS, 7, SEP], [7, 8, SEP]], r"document 2 of a\.ds has the special ids \[\] before and"),
        ([[7, 8], [CLS, 7, SEP]], r"document 2 of a\.ds has the special ids \[2\] before and"),
        ([[CLS, 7, SEP, PAD, PAD]], r"document 1 of a\.ds ends with the padding id 0"),
        ([[PAD, PAD, CLS, 7, SEP]], r"document 1 of a\.ds begins with the padding id 0"),
    ],
)
@pytest.mark.parametrize("kind", [IdCutter, PlaceCutter])
def test_each_fault_is_a_sentence(tokenizer, rows, sentence, kind):
    cutter = kind(tokenizer, length=8, layout="packed")
    with pytest.raises(ValueError, match=sentence):
        list(cutter.cut(documents(rows), []))


def test_padding_that_is_the_first_id_of_every_text_is_no_padding(tokenizer):
    cutter = IdCutter(tokenizer, length=8, layout="first")
    cutter._pad = CLS
    assert list(cutter.cut(documents([[7, 8]], [CLS], [SEP]), [])) == [[CLS, 7, 8, SEP]]


def test_a_negative_id_is_refused(tokenizer):
    cutter = IdCutter(tokenizer, length=8, layout="packed")
    with pytest.raises(ValueError, match=r"a document of rows holds the id -100"):
        list(cutter.cut([IdDocument(np.array([5, -100]), "rows", 0)], []))


def test_places_are_where_the_texts_of_documents_lie(tokenizer):
    rows = documents([[7, 8, 9], [], [10]], [CLS], [SEP])
    cutter = PlaceCutter(tokenizer, length=8, layout="packed")
    assert list(cutter.cut(rows, [])) == [(1, 3), (8, 1)]


def test_a_tokenizer_that_cuts_from_the_left_keeps_the_end(tokenizer):
    left = copy(tokenizer)
    left.truncation_side = "left"
    cutter = PlaceCutter(left, length=8, layout="first")
    counts = TextCounts()
    assert list(cutter.cut(documents([list(range(10, 20))]), [], counts)) == [(4, 6)]
    assert counts.num_cut == 4
