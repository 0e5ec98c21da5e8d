"""Laws of `hf-apt lens`: the answers of `hf_apt.lens` in 80 columns, one sentence for a mistake."""

import pytest

from hf_apt.report.lens_answers import LensAnswers
from hf_apt.runs.sentence_lens import lens

TEXT = "w1 w2 [MASK] w4"


def test_the_table_says_what_the_function_says(call, checkpoint, tmp_path) -> None:
    page = tmp_path / "page.html"
    code, out, error = call(
        "lens", TEXT, "--model", checkpoint, "--true", "w9", "--top", 2, "-o", page
    )
    assert code == 0, error
    answers: LensAnswers = lens(TEXT, str(checkpoint), true="w9", top=2)
    for at in answers.asked[0].depths:
        assert f"{at.tokens[0]} {at.probabilities[0]:.3f}, {at.tokens[1]}" in out
        assert f" {at.true_rank} " in out
    lines = out.splitlines()
    assert "w1 w2 [MASK] w4" in lines[0]
    assert "true token: w9" in lines[1]
    assert max(len(line) for line in lines if not line.startswith("page:")) <= 80
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_tokens_that_look_like_styles_are_printed(call, tiny_model, tmp_path) -> None:
    from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer

    words = [f"[unused{number}]" for number in range(60)]
    tiny_model.save_pretrained(tmp_path / "checkpoint")
    vocabulary_tokenizer([*SPECIAL_TOKENS, *words]).save_pretrained(tmp_path / "checkpoint")
    code, out, error = call("lens", "[MASK]", "--model", tmp_path / "checkpoint", "--top", 65)
    assert code == 0, error
    assert "[unused7]" in out


def test_each_token_has_a_table_of_its_own(call, checkpoint) -> None:
    code, out, error = call("lens", "w1 w2 w3", "--each", "--model", checkpoint)
    assert code == 0, error
    assert [f"true token: w{number}" in out for number in (1, 2, 3)] == [True] * 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["w1 w2"], "there is no [MASK] in 'w1 w2'"),
        (["w1 [MASK]", "-o", "picture.png"], "no .html file"),
        (["w1 [MASK]", "--lens", "missing"], "there is no lens 'missing'"),
        (["[MASK] " * 300], "give a shorter text"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, arguments, words) -> None:
    code, _, error = call("lens", *arguments, "--model", checkpoint)
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last
    assert "Traceback" not in error
