"""Checkpoints of strangers: their code is not run, and what does not belong together is refused."""

import ast
import json
from pathlib import Path

import pytest
from small_classifiers import classifier

import hf_apt
from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.models.encoders import is_classifier
from hf_apt.models.loading import from_checkpoint, load_masked_lm
from hf_apt.models.lora import base_of

PACKAGE = Path(hf_apt.__file__).parent


@pytest.fixture
def with_code(tmp_path):
    """A checkpoint whose Python code leaves a file behind where it is run."""
    (tmp_path / "code.py").write_text(f"open({str(tmp_path / 'was_run')!r}, 'w')\n")
    auto_map = {name: "code.C" for name in ("AutoConfig", "AutoModelForMaskedLM")}
    config = {"model_type": "of_its_own", "auto_map": auto_map}
    (tmp_path / "config.json").write_text(json.dumps(config))
    tokenizer = {"tokenizer_class": "C", "auto_map": {"AutoTokenizer": ["code.C", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return tmp_path


@pytest.mark.parametrize("load", [load_masked_lm, load_tokenizer, lambda x: is_classifier(x, ())])
def test_code_of_a_checkpoint_is_neither_run_nor_asked_about(load, with_code, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked"))
    with pytest.raises(ValueError, match="needs Python code of its own, which hf_apt does not run"):
        load(str(with_code))
    assert not (with_code / "was_run").exists()


def test_every_auto_class_is_told_to_run_no_code():
    silent = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                if called.startswith("Auto") and called.endswith(".from_pretrained"):
                    if "trust_remote_code=False" not in ast.unparse(node):
                        silent.append(f"{path}:{node.lineno}")
    assert not silent


def test_weights_of_more_blocks_than_the_configuration_has(tmp_path):
    from transformers import AutoModelForSequenceClassification

    classifier("bert").save_pretrained(tmp_path)
    from_checkpoint(AutoModelForSequenceClassification, str(tmp_path), "checkpoint")
    config = json.loads((tmp_path / "config.json").read_text())
    config["num_hidden_layers"] -= 1
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="weights of blocks that its config.json does not have"):
        from_checkpoint(AutoModelForSequenceClassification, str(tmp_path), "checkpoint")


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_adapter_configuration_is_named(content, tmp_path):
    (tmp_path / "adapter_config.json").write_text(content)
    with pytest.raises(ValueError, match="adapter_config.json"):
        base_of(tmp_path)
