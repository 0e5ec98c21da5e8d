"""Laws of `hf-apt diff --text`: two checkpoints at the same positions, as two runs of `measure`."""

from typing import Any

import pytest
import torch
from hub_double import HubDouble

import hf_apt
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.runs.checkpoints import series
from hf_apt.runs.checkpoints.on_text import TextOptions
from hf_apt.runs.diff import diff

OPTIONS = TextOptions(sequence_length=24)


@pytest.fixture
def other(checkpoint, tiny_model, tokenizer, tmp_path):
    """A checkpoint whose output bias makes it answer w0 always."""
    with torch.no_grad():
        tiny_model.get_output_embeddings().bias[5] += 100
    tiny_model.save_pretrained(tmp_path / "other")
    tokenizer.save_pretrained(tmp_path / "other")
    return tmp_path / "other"


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents))
    return path


@pytest.fixture
def no_measurement(monkeypatch):
    monkeypatch.setattr(series, "_measure", None)


def test_checkpoints_differ_as_their_runs_do(checkpoint, other, text, call, tmp_path):
    for name in (checkpoint, other):
        folder = tmp_path / f"run-{name.name}"
        assert call("measure", name, text, "--sequence-length=24", "-o", folder)[0] == 0
    of_runs = diff(tmp_path / "run-checkpoint", tmp_path / "run-other")
    made = hf_apt.diff(checkpoint, other, text=text, options=OPTIONS)
    expected = of_runs.record | {"a": str(checkpoint), "b": str(other)}
    assert made.record == expected
    assert made.comparison.mean_apt[-1].value != 0
    code, out, error = call("diff", checkpoint, other, "--text", text, "--sequence-length=24")
    assert code == 0, error
    assert out.startswith(made.sentence[:60])
    assert f"A: {checkpoint}" in "".join(out.split("\n"))


def test_a_text_of_two_lines_is_read_whole(checkpoint, other, documents, tmp_path):
    """As `hf-apt measure` reads it: of two lines a held-out share would be nothing."""
    short = tmp_path / "short.txt"
    short.write_text("\n".join(documents[:2]))
    assert hf_apt.diff(checkpoint, other, text=short, options=OPTIONS).depths


def test_a_folder_keeps_what_was_measured(checkpoint, other, text, call, tmp_path, monkeypatch):
    given = ("diff", checkpoint, other, "--text", text, "--sequence-length=24")
    code, first, error = call(*given, "--keep", tmp_path / "kept")
    assert code == 0, error
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["a", "b"]
    monkeypatch.setattr(series, "_measure", None)
    assert call(*given, "--keep", tmp_path / "kept")[:2] == (0, first)


def test_other_tokenizers_are_refused_before_any_pass(checkpoint, other, text, no_measurement):
    words = [*SPECIAL_TOKENS, *(f"w{number}" for number in reversed(range(60)))]
    vocabulary_tokenizer(words).save_pretrained(other)
    with pytest.raises(ValueError, match="token 5 is 'w0' in .*checkpoint and 'w59' in .*other: m"):
        diff(checkpoint, other, text=text, options=OPTIONS)


def test_other_rules_are_refused_and_one_tokenizer_for_both_is_taken(checkpoint, other, text):
    from transformers import BertTokenizer

    words = [*SPECIAL_TOKENS, *(f"w{number}" for number in range(60))]
    ids = {word: index for index, word in enumerate(words)}
    BertTokenizer(vocab=ids, do_lower_case=False).save_pretrained(other)
    with pytest.raises(ValueError, match="have other rules, or one has more tokens: name one"):
        diff(checkpoint, other, text=text, options=OPTIONS)
    options = TextOptions(sequence_length=24, tokenizer=str(checkpoint))
    assert diff(checkpoint, other, text=text, options=options).comparison.mean_apt


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text": "planted"}, "measured on natural text"),
        ({"text": "no.txt"}, "no.txt does not exist"),
        ({"text": None, "options": OPTIONS}, "say how a text is measured: give a text"),
        ({"readout": "mlm_head"}, "by their own heads"),
        ({"against": "mlm_head"}, "by their own heads"),
        ({"rate": 2}, "rate must lie"),
        ({"tokens": ["none"]}, "'none' is no token of"),
    ],
)
def test_mistakes_are_told_before_any_pass(
    checkpoint, other, text, no_measurement, options: dict[str, Any], words
):
    given = {"text": text, "options": OPTIONS} | options
    if given["text"] is None:
        del given["text"]
    with pytest.raises(ValueError, match=words):
        diff(checkpoint, other, **given)


def test_what_is_no_checkpoint_is_told(checkpoint, text, call, tmp_path, no_measurement):
    (tmp_path / "empty").mkdir()
    for name, words in (
        ("./none", "there is no checkpoint folder"),
        (tmp_path / "empty", "has no config.json"),
    ):
        code, _, error = call("diff", checkpoint, name, "--text", text)
        assert code == 2
        assert words in error.strip().splitlines()[-1]
    code, _, error = call("diff", checkpoint, checkpoint, "--layout", "packed")
    assert code == 2
    assert "options of the text come without a text" in error


def test_a_masked_and_a_causal_model_are_not_compared(
    checkpoint, text, tokenizer, tmp_path, no_measurement
):
    import transformers as hf

    config = hf.GPT2Config(vocab_size=65, n_embd=16, n_layer=1, n_head=2, n_positions=24)
    hf.GPT2LMHeadModel(config).save_pretrained(tmp_path / "causal")
    tokenizer.save_pretrained(tmp_path / "causal")
    with pytest.raises(ValueError, match="one is a masked and one a causal model"):
        diff(checkpoint, tmp_path / "causal", text=text, options=OPTIONS)


def test_a_hub_id_is_taken_at_the_commit_of_main(
    checkpoint, other, text, hub: HubDouble, tmp_path, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    repo = hub.add("model", "owner/tiny", {p.name: p.read_bytes() for p in other.iterdir()})
    kept = tmp_path / "kept"
    made = diff(checkpoint, "owner/tiny", text=text, options=OPTIONS, folder=kept)
    assert made.comparison == diff(kept / "a", kept / "b").comparison
    assert hf_apt.Run(kept / "b").read_json("model.json")["revision"] == repo.commits[0][0]
