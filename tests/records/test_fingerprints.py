"""Laws of fingerprints: they change with what changes a model's answers, and with nothing else."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hf_apt.records.fingerprints import (
    checkpoint_identity,
    config_fingerprint,
    file_fingerprint,
    is_same_checkpoint,
    require_still_the_same,
    weights_fingerprint,
)

CONFIG = {"model_type": "bert", "num_attention_heads": 2, "layer_norm_eps": 1e-12}


def write_config(folder: Path, name: str = "config.json", **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(CONFIG | changes))
    return folder


def write_weights(folder: Path, name: str, value: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"w": torch.full((3,), value)}, folder / name)


def test_a_file_has_the_first_digits_of_its_sha_256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_fingerprint(tmp_path / "abc") == "ba7816bf8f01cfea"  # FIPS 180-2, B.1


@pytest.mark.parametrize("change", [{"num_attention_heads": 4}, {"layer_norm_eps": 0.5}])
def test_a_configuration_that_answers_otherwise_is_another_one(tmp_path, change):
    before = config_fingerprint(str(write_config(tmp_path)))
    assert None is not before != config_fingerprint(str(write_config(tmp_path, **change)))


def test_a_configuration_written_otherwise_is_the_same(tmp_path):
    before = config_fingerprint(str(write_config(tmp_path)))
    content = {"transformers_version": "6.0", "dtype": "float16", "_name_or_path": "x"}
    text = json.dumps(content | dict(reversed(CONFIG.items())), indent=3)
    (tmp_path / "config.json").write_text(text)
    assert before == config_fingerprint(str(tmp_path))


def test_shards_are_those_that_the_index_names(tmp_path):
    for number, value in enumerate((1.0, 2.0, 3.0)):
        write_weights(tmp_path, f"model-{number}.safetensors", value)
    index = {"weight_map": {"a": "model-0.safetensors", "b": "model-1.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    before = weights_fingerprint(str(tmp_path))
    write_weights(tmp_path, "model-2.safetensors", 4.0)  # left over, of another model
    assert None is not before == weights_fingerprint(str(tmp_path))
    write_weights(tmp_path, "model-1.safetensors", 4.0)
    assert before != weights_fingerprint(str(tmp_path))
    (tmp_path / "model-0.safetensors").unlink()
    with pytest.raises(ValueError, match=r"index\.json names model-0\.safetensors, which is miss"):
        weights_fingerprint(str(tmp_path))


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": {}}'])
def test_an_index_that_names_nothing_is_refused_by_name(tmp_path, content):
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ValueError, match=r"model\.safetensors\.index\.json is no index"):
        weights_fingerprint(str(tmp_path))


@pytest.mark.parametrize("changed", ["weights", "config", "adapter", "rank"])
def test_an_adapter_is_of_the_model_that_it_was_made_for(tmp_path, changed):
    base, adapter = write_config(tmp_path / "base"), tmp_path / "adapter"
    write_weights(base, "model.safetensors", 1.0)
    write_weights(adapter, "adapter_model.safetensors", 2.0)
    settings = {"base_model_name_or_path": str(base), "r": 8}
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    before = checkpoint_identity(str(adapter))
    assert None not in before.values()
    if changed == "weights":
        write_weights(base, "model.safetensors", 3.0)
    elif changed == "config":
        write_config(base, num_attention_heads=1)
    elif changed == "adapter":
        write_weights(adapter, "adapter_model.safetensors", 3.0)
    else:
        (adapter / "adapter_config.json").write_text(json.dumps(settings | {"r": 4}))
    after = checkpoint_identity(str(adapter))
    same = "model_config" if changed in ("weights", "adapter") else "weights"
    assert {key for key in before if before[key] == after[key]} == {same}
    assert not is_same_checkpoint(before, after)


def test_what_was_read_from_the_hub_is_what_its_cache_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert checkpoint_identity("owner/name") == {"weights": None, "model_config": None}
    local = write_config(tmp_path / "local")
    write_weights(local, "model.safetensors", 1.0)
    kept = tmp_path / "hub" / "models--owner--name"
    for commit in ("a" * 40, "b" * 40):
        shutil.copytree(local, kept / "snapshots" / commit)
        (kept / "refs").mkdir(exist_ok=True)
        (kept / "refs" / "main").write_text(commit)
        assert checkpoint_identity("owner/name") == checkpoint_identity(str(local))
        write_weights(local, "model.safetensors", 2.0)  # the repository is updated
    (kept / "refs" / "main").write_text("a" * 40)
    assert not is_same_checkpoint(
        checkpoint_identity("owner/name"), checkpoint_identity(str(local))
    )


def test_no_name_of_a_checkpoint_has_no_fingerprint():
    for name in ("owner/name/more", "\0", "no such", "-.-"):
        assert weights_fingerprint(name) is None


def test_records_are_of_the_same_checkpoint_if_all_that_both_know_is():
    whole = {"weights": "1", "model_config": "2"}
    assert is_same_checkpoint(whole, whole)
    assert is_same_checkpoint({"weights": "1"}, whole)  # written before configurations were
    assert not is_same_checkpoint(whole, whole | {"model_config": "3"})
    assert not is_same_checkpoint(whole, whole | {"weights": "3"})
    assert not is_same_checkpoint({"weights": None}, {"weights": None})  # nobody knows


def adapter_of(folder: Path, base: object, **settings: object) -> dict:
    write_weights(folder, "adapter_model.safetensors", 2.0)
    content = {"base_model_name_or_path": base, "r": 8, "target_modules": ["query", "value"]}
    (folder / "adapter_config.json").write_text(json.dumps(content | settings))
    return checkpoint_identity(str(folder))


def test_an_adapter_whose_base_was_moved_is_the_same(tmp_path):
    for name in ("old", "new"):
        write_weights(write_config(tmp_path / name), "model.safetensors", 1.0)
    before = adapter_of(tmp_path / "adapter", str(tmp_path / "old"), peft_version="0.1")
    assert before == adapter_of(
        tmp_path / "adapter",
        str(tmp_path / "new"),
        peft_version="0.2",
        target_modules=["value", "query"],
    )
    # Of bases that are not here the names tell.
    one, other = (adapter_of(tmp_path / "adapter", name) for name in ("owner/one", "owner/two"))
    assert one["model_config"] != other["model_config"]


@pytest.mark.parametrize("base", [None, "", 7, "adapter"])
def test_an_adapter_of_no_other_model_is_refused(tmp_path, monkeypatch, base):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"adapter_config\.json names no other model"):
        adapter_of(tmp_path / "adapter", base)


def test_what_is_half_downloaded_is_not_here(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    kept = tmp_path / "hub" / "models--owner--name"
    folder = write_config(kept / "snapshots" / ("a" * 40))
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("a" * 40)
    index = {"weight_map": {"a": "model-0.safetensors", "b": "model-1.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    write_weights(folder, "model-0.safetensors", 1.0)
    assert weights_fingerprint("owner/name") is None
    write_weights(folder, "model-1.safetensors", 1.0)
    assert weights_fingerprint("owner/name") == weights_fingerprint(str(folder)) is not None


def test_a_checkpoint_that_changes_while_it_is_measured_is_told(tmp_path):
    write_weights(write_config(tmp_path), "model.safetensors", 1.0)
    identity = checkpoint_identity(str(tmp_path))
    require_still_the_same(str(tmp_path), identity)
    write_weights(tmp_path, "model.safetensors", 2.0)
    with pytest.raises(ValueError, match="was changed while it was measured"):
        require_still_the_same(str(tmp_path), identity)
