"""Laws of tokenised sequences on disk: nothing is lost, nothing depends on how it is read."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hf_apt.data import tokens as tokens_module
from hf_apt.data.tokens import Tokens, write_tokens

LENGTH = 24
PAD, UNK, CLS, SEP, MASK = range(5)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def bare(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def rows(tokens: Tokens) -> list[list[int]]:
    """The stored sequences, one by one."""
    return [
        tokens.ids[start:end].tolist()
        for start, end in zip(tokens.starts[:-1], tokens.starts[1:], strict=True)
    ]


def unpacked(tokens: Tokens, before: int, after: int) -> list[int]:
    """All packed sequences without what surrounds them, joined."""
    return [token for row in rows(tokens) for token in row[before : len(row) - after]]


# Packing.


def test_packing_loses_only_the_last_partial_sequence(packed_tokens, documents, tokenizer) -> None:
    joined = [token for text in documents for token in [*bare(tokenizer, text), SEP]]
    room = LENGTH - 2
    stored = unpacked(packed_tokens, 1, 1)
    assert len(documents) == 101
    assert len(stored) == len(joined) // room * room
    assert stored == joined[: len(stored)]
    assert 0 <= len(joined) - len(stored) < room


def test_unpacking_gives_the_documents_back(packed_tokens, documents, tokenizer) -> None:
    texts, document = [], []
    for token in unpacked(packed_tokens, 1, 1):
        if token == SEP:
            texts.append(tokenizer.decode(document))
            document = []
        else:
            document.append(token)
    assert len(texts) >= 99
    assert texts == documents[: len(texts)]
    assert documents[len(texts)].startswith(tokenizer.decode(document))


def test_packed_sequences_are_full_and_surrounded(packed_tokens) -> None:
    sequences = rows(packed_tokens)
    assert {len(row) for row in sequences} == {LENGTH}
    assert {(row[0], row[-1]) for row in sequences} == {(CLS, SEP)}
    assert len(sequences) == len(packed_tokens) == packed_tokens.description.num_sequences > 50
    shown = f"{len(packed_tokens)} sequences of at most {LENGTH} tokens, layout 'packed')"
    assert repr(packed_tokens) == f"Tokens({str(packed_tokens.folder)!r}, {shown}"


def test_documents_of_a_packed_corpus_meet_only_at_a_separator(tmp_path, tokenizer) -> None:
    """Each document repeats a word of its own: two words in a row need a separator between."""
    texts = [" ".join([f"w{number % 60}"] * (number % 13 + 1)) for number in range(150)]
    tokens = write_tokens(tmp_path / "t", texts, tokenizer, sequence_length=16, layout="packed")
    stream = unpacked(tokens, 1, 1)
    borders = 0
    for token, following in zip(stream, stream[1:], strict=False):
        borders += SEP in (token, following)
        assert token == following or SEP in (token, following)
    assert borders > 250


@pytest.mark.parametrize("layout", ["packed", "first"])
def test_documents_without_a_token_leave_no_trace(tmp_path, tokenizer, documents, layout) -> None:
    gappy = [part for text in documents for part in ("", text, "  \n\t ")]
    both = [
        write_tokens(tmp_path / name, texts, tokenizer, sequence_length=LENGTH, layout=layout)
        for name, texts in (("without", documents), ("with", gappy))
    ]
    assert rows(both[0]) == rows(both[1])


def test_the_number_of_documents_in_a_batch_is_of_no_matter(tmp_path, tokenizer, documents) -> None:
    many = documents * 21  # 2,121: three of the batches in which text is tokenised
    for layout in ("packed", "first"):
        tokens = write_tokens(
            tmp_path / layout, iter(many), tokenizer, sequence_length=LENGTH, layout=layout
        )
        if layout == "first":
            assert (
                rows(tokens)
                == rows(
                    write_tokens(
                        tmp_path / "one",
                        documents,
                        tokenizer,
                        sequence_length=LENGTH,
                        layout=layout,
                    )
                )
                * 21
            )
        else:
            joined = [token for text in many for token in [*bare(tokenizer, text), SEP]]
            stored = unpacked(tokens, 1, 1)
            assert stored == joined[: len(stored)]
            assert len(joined) - len(stored) < LENGTH


# First tokens of each document.


def test_first_holds_the_beginning_of_every_document(tokens, documents, tokenizer) -> None:
    sequences = rows(tokens)
    assert len(sequences) == len(documents) == 101
    for row, text in zip(sequences, documents, strict=True):
        assert row == [CLS, *bare(tokenizer, text)[: LENGTH - 2], SEP]
    lengths = [len(row) for row in sequences]
    assert min(lengths) < LENGTH == max(lengths), "the fixture should have both kinds"


# Reading.


@pytest.mark.parametrize("name", ["tokens", "packed_tokens"])
def test_padding_fills_the_end_and_nothing_else(name, request) -> None:
    tokens = request.getfixturevalue(name)
    padded_BT = tokens.padded(np.arange(len(tokens)))
    assert padded_BT.shape == (len(tokens), LENGTH)
    assert padded_BT.dtype == np.uint16
    for padded, row in zip(padded_BT.tolist(), rows(tokens), strict=True):
        assert padded == row + [PAD] * (LENGTH - len(row))


def test_batches_do_not_depend_on_how_they_are_formed(tokens) -> None:
    whole_BT = tokens.padded(np.arange(len(tokens)))
    order = np.random.default_rng(0).permutation(len(tokens))
    for size in (1, 7, 101):
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            assert np.array_equal(tokens.padded(chosen), whole_BT[chosen])
    assert np.array_equal(tokens.padded(np.array([3, 3, 3])), whole_BT[[3, 3, 3]])
    assert tokens.padded(np.arange(0)).shape == (0, LENGTH)


def test_a_batch_may_end_with_its_longest_sequence(tokens, packed_tokens) -> None:
    lengths = np.diff(tokens.starts)
    for chosen in (lengths.argsort()[:7], np.arange(20), np.array([lengths.argmin()])):
        padded_BT = tokens.padded(chosen, to_longest=True)
        assert padded_BT.shape == (len(chosen), lengths[chosen].max())
        assert np.array_equal(padded_BT, tokens.padded(chosen)[:, : padded_BT.shape[1]])
    assert packed_tokens.padded(np.arange(5), to_longest=True).shape == (5, LENGTH)


@pytest.mark.parametrize("name", ["tokens", "packed_tokens"])
def test_frequency_equals_counting(name, request, monkeypatch) -> None:
    tokens = request.getfixturevalue(name)
    counted = [0] * tokens.description.vocab_size
    for row in rows(tokens):
        for token in row:
            counted[token] += 1
    for at_once in (1 << 18, 100, 1):
        monkeypatch.setattr(tokens_module, "_COUNTED_AT_ONCE", at_once)
        assert tokens.frequency().tolist() == counted
    assert sum(counted) == tokens.description.num_tokens > 1000
    assert tokens.frequency().dtype == np.int64


def test_the_description_says_what_is_there(tokens, tokenizer) -> None:
    from hf_apt.data.tokenizer import fingerprint

    description = tokens.description
    assert (description.vocab_size, description.sequence_length) == (65, LENGTH)
    assert (description.pad_id, description.mask_id) == (PAD, MASK)
    assert description.special_ids == (PAD, UNK, CLS, SEP, MASK)
    assert description.layout == "first"
    assert description.tokenizer == fingerprint(tokenizer)
    assert Tokens(tokens.ids.filename.parent).description == description


def test_masking_takes_its_law_from_the_description(tokens) -> None:
    law = tokens.masking(seed=5, rate=0.3)
    assert (law.vocab_size, law.mask_id, law.seed, law.rate) == (65, MASK, 5, 0.3)
    assert set(law.special_ids) == {PAD, UNK, CLS, SEP, MASK}


@pytest.mark.parametrize(("vocab_size", "bytes_each"), [(65_536, 2), (65_537, 4)])
def test_the_highest_id_of_either_width_survives(tmp_path, vocab_size, bytes_each) -> None:
    """A stand-in for a tokenizer, whose document `d n` is the ids n, highest, n."""
    highest = vocab_size - 1

    def tokenise(texts, add_special_tokens=True, **_):
        single = isinstance(texts, str)
        ids = [[int(text[1:] or 5), highest, 5] for text in ([texts] if single else texts) if text]
        if single and texts in ("", "a"):
            ids = [[]] if texts == "" else [[9]]
        ids = [[2, *row, 3] if add_special_tokens else row for row in ids]
        return {"input_ids": ids[0] if single else ids}

    class Tokenizer(SimpleNamespace):
        def __call__(self, texts, **options):
            return tokenise(texts, **options)

        def get_vocab(self):
            return {f"t{index}": index for index in range(vocab_size)}

    stand_in = Tokenizer(pad_token_id=0, mask_token_id=4, all_special_ids=[0, 1, 2, 3, 4])
    texts = [f"d{number}" for number in range(100, 160)]
    for layout in ("first", "packed"):
        tokens = write_tokens(tmp_path / layout, texts, stand_in, sequence_length=10, layout=layout)
        assert tokens.ids.dtype.itemsize == bytes_each
        assert (tmp_path / layout / "ids.bin").stat().st_size == bytes_each * len(tokens.ids)
        assert tokens.frequency()[highest] >= 50
        assert tokens.frequency()[0] == 0, "an id has wrapped around"
        assert tokens.padded(np.arange(len(tokens))).max() == highest


# Writing, whole or not at all.


def test_the_same_text_gives_the_same_bytes(tmp_path, documents, tokenizer) -> None:
    for name in ("one", "two"):
        write_tokens(tmp_path / name, documents, tokenizer, sequence_length=LENGTH, layout="packed")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    names = sorted(contents(tmp_path / "one"))
    assert names == [".hf_apt.json", "description.json", "ids.bin", "starts.npy", "text.json"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_in_the_middle_leaves_the_earlier_folder_or_none(
    tmp_path, documents, tokenizer, error
) -> None:
    def failing():
        yield from documents * 15  # more than one batch: sequences have been written by then
        raise error("in the middle")

    options = {"sequence_length": LENGTH, "layout": "packed"}
    with pytest.raises(error):
        write_tokens(tmp_path / "new", failing(), tokenizer, **options)
    assert list(tmp_path.iterdir()) == []
    write_tokens(tmp_path / "old", documents, tokenizer, **options)
    before = contents(tmp_path)
    with pytest.raises(error):
        write_tokens(tmp_path / "old", failing(), tokenizer, **options)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("layout", ["first", "packed"])
@pytest.mark.parametrize("texts", [[], [""], [" \n"] * 5], ids=["none", "empty", "blank"])
def test_too_little_text_is_refused(tmp_path, tokenizer, layout, texts) -> None:
    with pytest.raises(ValueError, match="too little text"):
        write_tokens(tmp_path / "t", texts, tokenizer, sequence_length=LENGTH, layout=layout)
    assert list(tmp_path.iterdir()) == []


def test_one_token_short_of_a_packed_sequence_is_too_little(tmp_path, tokenizer) -> None:
    options = {"sequence_length": 16, "layout": "packed"}
    with pytest.raises(ValueError, match="no sequence of 16 tokens"):
        write_tokens(tmp_path / "t", ["w1 " * 12], tokenizer, **options)
    assert len(write_tokens(tmp_path / "t", ["w1 " * 13], tokenizer, **options)) == 1


def test_too_short_sequences_are_refused_by_value(tmp_path, tokenizer) -> None:
    with pytest.raises(ValueError, match="got 7"):
        write_tokens(tmp_path / "t", ["w1"], tokenizer, sequence_length=7, layout="first")


def test_a_folder_without_tokens_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match=f"{tmp_path.name} holds no tokenised sequences"):
        Tokens(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"layout": "foo"}, "layout is 'foo': choose one of first, packed"),
        ({"tokenizer": None}, "the tokenizer is None: give one of transformers"),
        ({"documents": ["w1", None]}, "a document is None, no text: leave it out"),
        ({"documents": [["w1"]]}, "a document is .*, no text"),
        ({"documents": "w1 w2"}, r"the documents are one text: give a list, \[text\]"),
    ],
)
@pytest.mark.parametrize("layout", ["first", "packed"])
def test_what_makes_no_tokens_is_refused_at_the_call(
    tmp_path, tokenizer, layout, changed, message
) -> None:
    given = {"documents": ["w1"] * 50, "tokenizer": tokenizer, "layout": layout} | changed
    with pytest.raises(ValueError, match=message):
        write_tokens(tmp_path / "t", sequence_length=LENGTH, **given)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("role", "message"),
    [("pad", "no padding token: give it one")],
)
def test_a_tokenizer_without_a_token_that_is_needed_is_refused(tmp_path, role, message) -> None:
    from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer

    tokenizer = vocabulary_tokenizer([*SPECIAL_TOKENS, "w1"])
    setattr(tokenizer, f"{role}_token", None)
    with pytest.raises(ValueError, match=message):
        write_tokens(str(tmp_path / "t"), ["w1"], tokenizer, sequence_length=8, layout="first")


def test_a_tokenizer_that_cuts_on_the_left_keeps_the_end(tmp_path, documents, tokenizer) -> None:
    left = type(tokenizer)(vocab=tokenizer.get_vocab(), truncation_side="left")
    options = {"sequence_length": LENGTH, "layout": "first"}
    tokens = write_tokens(tmp_path / "t", documents, left, **options)
    for row, text in zip(rows(tokens), documents, strict=True):
        assert row == left(text, truncation=True, max_length=LENGTH)["input_ids"]
        assert row == [CLS, *bare(tokenizer, text)[-(LENGTH - 2) :], SEP]


# Other families of tokenizers.


def roberta_like(documents):
    """A byte-level BPE with RoBERTa's special tokens, in another order than BERT's."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaTokenizerFast

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        documents, vocab_size=320, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    )
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    return RobertaTokenizerFast(vocab=model["vocab"], merges=merges)


def sentencepiece_like(documents):
    """A Unigram model with Metaspace, as sentencepiece makes them, special tokens at the end."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.decoder = decoders.Metaspace()
    trained.train_from_iterator(
        documents,
        trainers.UnigramTrainer(
            vocab_size=80, unk_token="<unk>", show_progress=False, special_tokens=["<unk>"]
        ),
    )
    trained.add_special_tokens(["<pad>", "<cls>", "<sep>", "<mask>"])
    ids = [(token, trained.token_to_id(token)) for token in ("<cls>", "<sep>")]
    trained.post_processor = processors.TemplateProcessing(
        single="<cls> $A <sep>", special_tokens=ids
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=trained,
        unk_token="<unk>",
        pad_token="<pad>",
        cls_token="<cls>",
        sep_token="<sep>",
        mask_token="<mask>",
    )


@pytest.mark.parametrize("family", [roberta_like, sentencepiece_like])
def test_other_families_keep_the_same_laws(tmp_path, documents, family) -> None:
    other = family(documents)
    first = write_tokens(tmp_path / "f", documents, other, sequence_length=32, layout="first")
    assert len(first) == 101
    for row, text in zip(rows(first), documents, strict=True):
        assert row == [other.cls_token_id, *bare(other, text)[:30], other.sep_token_id]
    packed = write_tokens(tmp_path / "p", documents, other, sequence_length=32, layout="packed")
    assert {(len(row), row[0], row[-1]) for row in rows(packed)} == {
        (32, other.cls_token_id, other.sep_token_id)
    }
    joined = [t for text in documents for t in [*bare(other, text), other.sep_token_id]]
    stored = unpacked(packed, 1, 1)
    assert len(stored) > 1000
    assert stored == joined[: len(stored)]
    padded_BT = first.padded(np.arange(len(first)))
    assert (padded_BT == other.pad_token_id).any()
    from hf_apt.data.masking import mask

    batch = mask(padded_BT, np.arange(101), first.masking(seed=0))
    assert not np.isin(padded_BT[batch.modified_BT], other.all_special_ids).any()
    assert (batch.input_ids_BT[batch.treatments_BT == 0] == other.mask_token_id).all()


# After tokenising, neither datasets nor pyarrow.

_WITHOUT_DATASETS = """
import sys
from pathlib import Path

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("datasets", "pyarrow"):
            raise ModuleNotFoundError(f"blocked: {name}", name=name)

sys.meta_path.insert(0, Blocker())

from hf_apt.data.training_draws import TrainingDraws
from hf_apt.data.measurement_batches import MeasureConfig
from hf_apt.depths.measurement import measure
from hf_apt.data.tokens import Tokens
from hf_apt.models.loading import load_masked_lm
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk

tokens = Tokens(Path(sys.argv[1]))
draws = TrainingDraws(tokens, tokens.masking(seed=0), num_draws=200)
assert draws.__getitems__(list(range(8)))["input_ids"].shape == (8, 24)
trunk = Trunk(load_masked_lm(sys.argv[2]))
counts = measure(trunk, tokens, {"own_head": OwnHead(trunk)}, MeasureConfig(num_sequences=20))
print(counts["own_head"].counts.at(0).total)
assert not {"datasets", "pyarrow"} & set(sys.modules)
"""


def test_drawing_and_measuring_need_no_datasets_library(tokens, checkpoint) -> None:
    folder = Path(tokens.ids.filename).parent
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_DATASETS, str(folder), str(checkpoint)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 20
