"""Every tokenizer is asked for the same words, all tokens of each masked."""

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from hf_apt.data.bench.benchmark import Passage, read_benchmark
from hf_apt.data.bench.word_questions import word_batches, word_questions
from hf_apt.hub.resources import resource

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def benchmark():
    return read_benchmark(resource("benchmarks/apt-bench"))


def trained(kind: str, texts: list[str]) -> PreTrainedTokenizerFast:
    if kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(vocab_size=600, special_tokens=SPECIAL)
    elif kind == "byte-level":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=SPECIAL)
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=600, special_tokens=SPECIAL, unk_token="[UNK]", show_progress=False
        )
    tokenizer.train_from_iterator(texts, trainer)
    names = ("pad", "unk", "cls", "sep", "mask")
    tokens = {f"{name}_token": token for name, token in zip(names, SPECIAL, strict=True)}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **tokens)


@pytest.mark.parametrize("kind", ["wordpiece", "byte-level", "unigram"])
def test_the_tokens_of_a_word_are_the_word_whatever_the_tokenizer(benchmark, kind) -> None:
    passages = benchmark.passages[:200]
    tokenizer = trained(kind, [passage.text for passage in passages])
    questions = word_questions(passages, tokenizer)
    words = [word for passage in passages for word in passage.words]
    ids_N = np.concatenate(
        [np.array(each.ids)[list(each.positions)] for each in questions.passages]
    )
    assert len(questions.word_of_N) == len(ids_N) > len(words)
    assert not questions.is_unknown_N.any()
    different = []
    for number, word in enumerate(words):
        said = tokenizer.decode(ids_N[questions.word_of_N == number]).strip(" .,;:?!\"-'")
        if said.replace(" ' ", "'") != (word.lower() if kind == "wordpiece" else word):
            different.append((said, word))
    # Unigram here has no pieces of its own for signs: they stay with the word.
    assert len(different) <= (0 if kind != "unigram" else len(words) // 10), different[:10]


def test_a_batch_masks_the_asked_tokens_and_nothing_else(tokenizer) -> None:
    text = "w1 w2 w3"
    passages = [Passage("a", text, ((0, 2), (6, 8))), Passage("b", "w4 w5", ((0, 5),))]
    questions = word_questions(passages, tokenizer)
    assert questions.word_of_N.tolist() == [0, 1, 2, 2]
    (batch,) = word_batches(questions, 8)
    mask, (cls, sep, pad) = tokenizer.mask_token_id, (2, 3, 0)
    first = tokenizer.convert_tokens_to_ids
    assert batch.inputs["input_ids"].tolist() == [
        [cls, mask, first("w2"), mask, sep],
        [cls, mask, mask, sep, pad],
    ]
    assert batch.inputs["attention_mask"].tolist() == [[1] * 5, [1] * 4 + [0]]
    assert batch.references_N.tolist() == first(["w1", "w3", "w4", "w5"])
    assert batch.sequences_N.tolist() == [0, 0, 1, 1]
    one, two = word_batches(questions, 1)
    assert (*one.sequences_N, *two.sequences_N) == (0, 0, 1, 1)


def test_what_no_tokenizer_can_be_asked_is_refused(tokenizer) -> None:
    passages = [Passage("a", "w1 \u200b w3", ((3, 4),))]
    with pytest.raises(ValueError, match="no token of its own for the word"):
        word_questions(passages, tokenizer)
    with pytest.raises(ValueError, match="knows no word of the benchmark"):
        word_questions([Passage("a", "union", ((0, 5),))], tokenizer)
    with pytest.raises(ValueError, match="take a fast one"):
        word_questions(passages, object())
