"""Prompts and their words: read where the answer stands, texts cut, and what is refused."""

import pytest
import torch
from small_functions import tiny_classifier, tiny_gpt2, tiny_masked_lm

from hf_apt.analysis.kernels.logits_function import classifier_logits, prompted_logits
from hf_apt.analysis.kernels.prompt import Prompt, masked_word_ids, next_word_ids

WORDS = ("w10", "w20", "w30")


def ids(tokenizer, text: str) -> list[int]:
    return tokenizer.convert_tokens_to_ids(text.split())


def test_outputs_are_the_logits_of_the_words_at_the_mask(tokenizer) -> None:
    model = tiny_masked_lm(tokenizer)
    function = prompted_logits(model, tokenizer, Prompt("{text} w9 {mask} w3", WORDS))
    outputs = function.outputs(function.rows(["w1 w2", "w5"]))
    for text, mine in zip(("w1 w2", "w5"), outputs, strict=True):
        asked = torch.tensor([ids(tokenizer, f"[CLS] {text} w9 [MASK] w3 [SEP]")])
        place = asked[0].tolist().index(tokenizer.mask_token_id)
        expected = model(asked).logits[0, place, ids(tokenizer, " ".join(WORDS))]
        torch.testing.assert_close(mine, expected.detach(), rtol=1e-9, atol=1e-12)


def test_outputs_of_a_causal_model_are_those_of_the_next_token(tokenizer) -> None:
    model = tiny_gpt2(tokenizer)
    for template in ("{text} w9 {mask}", "{text} w9"):
        function = prompted_logits(model, tokenizer, Prompt(template, WORDS), causal=True)
        rows = function.rows(["w1 w2 w4", "w5"])
        for row, text, mine in zip(rows, ("w1 w2 w4", "w5"), function.outputs(rows), strict=True):
            asked = list(row.inputs["input_ids"])
            assert asked[-1] == ids(tokenizer, "w9")[0]
            assert tokenizer.decode(asked, skip_special_tokens=True).split() == [
                *text.split(),
                "w9",
            ]
            expected = model(torch.tensor([asked])).logits[0, -1, ids(tokenizer, " ".join(WORDS))]
            torch.testing.assert_close(mine, expected.detach(), rtol=1e-9, atol=1e-12)


def test_a_long_text_is_cut_and_the_prompt_stays_whole(tokenizer) -> None:
    function = prompted_logits(
        tiny_masked_lm(tokenizer),
        tokenizer,
        Prompt("w7 {text} w9 {mask} w3", WORDS),
        sequence_length=10,
    )
    (row,) = function.rows([" ".join(f"w{n}" for n in range(40))])
    tokens = tokenizer.convert_ids_to_tokens(row.inputs["input_ids"])
    assert tokens[:3] == ["[CLS]", "w7", "w0"]
    assert tokens[-4:] == ["w9", "[MASK]", "w3", "[SEP]"]
    assert 8 <= len(tokens) <= 10
    assert tokens[row.position] == "[MASK]"
    tight = prompted_logits(function.model, tokenizer, function.prompt, sequence_length=5)
    with pytest.raises(ValueError, match="has 6 tokens without a text"):
        tight.rows(["w1"])


def test_a_text_with_a_mask_of_its_own_is_read_at_the_prompts(tokenizer) -> None:
    function = prompted_logits(tiny_masked_lm(tokenizer), tokenizer, Prompt("{text} {mask}", WORDS))
    (row,) = function.rows(["w1 [MASK] w2 {mask} {text}"])
    assert row.position == len(row.inputs["input_ids"]) - 2


@pytest.mark.parametrize(
    ("template", "words", "said"),
    [
        ("It was {mask}.", ("a", "b"), r"needs \{text\} once"),
        ("{text} {mask} {mask}", ("a", "b"), "needs"),
        ("{text} {other} {mask}", ("a", "b"), "no other braces"),
        ("{text} {mask", ("a", "b"), "is no template"),
        ("{text} {mask}", ("a",), "two or more"),
        ("{text} {mask}", ("a", "a"), "two or more"),
        ("{text} {mask}", ("a", ""), "two or more"),
    ],
)
def test_templates_and_words_that_ask_nothing_are_refused(template, words, said) -> None:
    with pytest.raises(ValueError, match=said):
        Prompt(template, words)


def test_what_does_not_fit_the_tokenizer_is_refused(tokenizer) -> None:
    with pytest.raises(ValueError, match=r"has no \{mask\}"):
        masked_word_ids(Prompt("{text} w1", WORDS), tokenizer)
    with pytest.raises(ValueError, match="'w1 w2' is w1 w2 to this tokenizer"):
        masked_word_ids(Prompt("{text} {mask}", ("w1 w2", "w3")), tokenizer)
    with pytest.raises(ValueError, match=r"'unheard' is \[UNK\]"):
        masked_word_ids(Prompt("{text} {mask}", ("unheard", "w3")), tokenizer)
    with pytest.raises(ValueError, match=r"goes on after \{mask\}"):
        next_word_ids(Prompt("{text} {mask} w1", WORDS), tokenizer)
    with pytest.raises(ValueError, match="'w1 w2' is w1 w2"):
        next_word_ids(Prompt("{text} {mask}", ("w1 w2", "w3")), tokenizer)
    with pytest.raises(ValueError, match="3 words .* for 2 labels"):
        Prompt("{text} {mask}", WORDS).require_classes(("good", "bad"))


def test_a_classifier_of_one_class_has_nothing_to_tell_apart(tokenizer) -> None:
    model = tiny_classifier(tokenizer).model
    model.config.num_labels = 1
    with pytest.raises(ValueError, match="1 classes"):
        classifier_logits(model, tokenizer)
