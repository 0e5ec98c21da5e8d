"""Laws of checkpoints at a revision: what is read is that commit's, and records name the commit."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers as hf

from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.models.checkpoint_config import encoder_config
from hf_apt.models.encoders import load_encoder
from hf_apt.models.loading import load_masked_lm
from hf_apt.records.checkpoints import checkpoint_path, commit_of, name_and_commit, pinned
from hf_apt.records.fingerprints import checkpoint_identity, file_fingerprint
from hf_apt.runs.option_checks import require_checkpoint

NAME = "owner/tiny"


@pytest.fixture
def repo(hub, checkpoint, tiny_model, tokenizer, tmp_path, monkeypatch):
    """Two commits of a checkpoint, whose weights differ by a constant, and the double's repository.

    The first has its weights in a pickle, too.
    """
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    first = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    first |= {"pytorch_model.bin": b"a pickle", "onnx/model.json": b"{}"}
    repo = hub.add("model", NAME, first)
    with torch.no_grad():
        tiny_model.base_model.embeddings.word_embeddings.weight += 1
    tiny_model.save_pretrained(tmp_path / "second")
    tokenizer.save_pretrained(tmp_path / "second")
    repo.commit({path.name: path.read_bytes() for path in (tmp_path / "second").iterdir()})
    return repo


def embedding(model) -> float:
    return float(model.base_model.embeddings.word_embeddings.weight.detach().double().sum())


def test_a_revision_is_that_commit_for_whoever_opens_it(repo, checkpoint) -> None:
    (first, _), (second, _) = repo.commits
    assert pinned(NAME, first) == f"{NAME}@{first}" == pinned(f"{NAME}@{first}")
    assert pinned(NAME, "main") == f"{NAME}@{second}"
    assert pinned(NAME) == NAME
    models = [load_masked_lm(NAME, revision=revision) for revision in (first, "main")]
    before = load_masked_lm(str(checkpoint))
    assert embedding(models[0]) == embedding(before)
    assert embedding(models[1]) == pytest.approx(embedding(before) + 65 * 16, rel=1e-4)
    name = f"{NAME}@{first}"
    assert load_tokenizer(name).get_vocab() == load_tokenizer(str(checkpoint)).get_vocab()
    assert checkpoint_identity(name)["weights"] == file_fingerprint(
        checkpoint / "model.safetensors"
    )
    encoder = load_encoder(NAME, revision=first, label_names=("a", "b"))
    assert embedding(encoder.model) == embedding(before)


def test_of_a_commit_only_what_is_read_is_downloaded(repo) -> None:
    folder = Path(checkpoint_path(pinned(NAME, repo.commits[0][0])))
    files = {path.name for path in folder.rglob("*")}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= files
    assert not {"pytorch_model.bin", "onnx"} & files
    repo.commit({name: data for name, data in repo.commits[0][1].items() if "safe" not in name})
    assert (Path(checkpoint_path(pinned(NAME, "main"))) / "pytorch_model.bin").exists()


def test_a_folder_or_a_shipped_checkpoint_has_no_revision(checkpoint) -> None:
    for name in (str(checkpoint), "bert6-narrow-wikipedia"):
        with pytest.raises(ValueError, match="is on this machine, and has no revision 'main'"):
            pinned(name, "main")
        assert pinned(name) == name
    with pytest.raises(ValueError, match="there is no checkpoint folder"):
        pinned("./nothing", "main")


def test_what_the_hub_does_not_have_is_told(repo, hub, monkeypatch) -> None:
    with pytest.raises(ValueError, match="no revision 'v9' of 'owner/tiny': the Hub answers"):
        pinned(NAME, "v9")
    with pytest.raises(ValueError, match="no revision 'main' of 'owner/nothing'"):
        pinned("owner/nothing", "main")
    with pytest.raises(ValueError, match="it is no name of the Hub"):
        pinned("owner/odd name", "main")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match="has not been downloaded before, and the Hub cannot be"):
        pinned(NAME, "main")


def test_a_commit_that_left_the_cache_is_asked_for_again(repo, tmp_path) -> None:
    name = pinned(NAME, "main")
    shutil.rmtree(tmp_path / "cache")
    for looks in (require_checkpoint, encoder_config):
        with pytest.raises(ValueError, match="not in the cache of the Hub's files: download it"):
            looks(name)
    assert pinned(name) == name
    assert load_masked_lm(name).config.model_type == "bert6"


def test_a_measurement_records_the_commit(repo, call, documents, tmp_path) -> None:
    (first, _), (second, _) = repo.commits
    text = tmp_path / "text.txt"
    text.write_text("\n".join(documents))
    options = [text, "--sequence-length=24", "--no-untrained"]
    measured = {}
    for revision, commit in ((first, first), ("main", second)):
        folder = tmp_path / f"run-{commit}"
        code, _, error = call("measure", NAME, *options, f"--revision={revision}", "-o", folder)
        assert code == 0, error
        model = json.loads((folder / "model.json").read_text())
        assert model["revision"] == commit
        config = json.loads((folder / "config.json").read_text())
        assert name_and_commit(config["tokenizer"]) == (NAME, commit)
        assert commit in (folder / "report.html").read_text()
        measured[commit] = model["weights"]
    assert measured[first] != measured[second]
    newest = tmp_path / "newest"
    code, _, error = call("measure", NAME, *options, "-o", newest)
    assert code == 0, error
    model = json.loads((newest / "model.json").read_text())
    assert (model["revision"], model["weights"]) == (second, measured[second])
    code, _, error = call("measure", NAME, *options, "-o", tmp_path / f"run-{first}")
    assert code == 2
    assert "other options" in error or "another checkpoint" in error


def test_a_folder_with_a_revision_is_refused_by_every_command(call, checkpoint, tmp_path) -> None:
    for command in (
        ["measure", checkpoint, "sotu"],
        ["finetune", checkpoint],
        ["committee", checkpoint],
    ):
        code, _, error = call(*command, "--revision=main", "-o", tmp_path / "run")
        assert code == 2
        assert "is on this machine, and has no revision 'main': leave it out" in error
        assert not (tmp_path / "run").exists()


def test_the_commit_of_a_name_is_the_one_last_read(repo, checkpoint) -> None:
    (first, _), (second, _) = repo.commits
    assert commit_of(NAME) is None  # nothing was read yet
    load_masked_lm(NAME)
    assert commit_of(NAME) == second
    assert commit_of(f"{NAME}@{first}") == first
    for local in (str(checkpoint), "bert6-narrow-wikipedia", "no name of the Hub"):
        assert commit_of(local) is None


@pytest.mark.parametrize("command", ["finetune", "committee"])
def test_fine_tuning_records_the_commit(command, repo, call, tmp_path) -> None:
    first = repo.commits[0][0]
    rows = "\n".join(f'"w{number % 60} w{number % 7}",{"ab"[number % 2]}' for number in range(200))
    (tmp_path / "texts.csv").write_text(f"text,label\n{rows}\n")
    options = [f"--task={tmp_path / 'texts.csv'}", "--train-per-class=4"]
    options += ["--test-per-class=4", "--epochs=1", "--sequence-length=16", "--batch-size=4"]
    folder = tmp_path / "run"
    code, _, error = call(command, NAME, f"--revision={first}", *options, "-o", folder)
    assert code == 0, error
    (path,) = (path for path in (folder / "finetune").glob("*.json") if "-seed-" not in path.name)
    assert f"{NAME}@{first}" in path.read_text()
    assert f'"revision": "{first}"' in path.read_text()
    assert hf.AutoConfig.from_pretrained(next((folder / "finetune").glob("*/config.json")).parent)
