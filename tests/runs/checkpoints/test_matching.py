"""Laws of patterns of checkpoints: what they name, in which order, and what is refused."""

import pytest
from hub_double import HubDouble

from hf_apt.runs.checkpoints.matching import fetched, matching_checkpoints
from hf_apt.runs.checkpoints.named import NamedCheckpoint

NAME = "owner/steps"


@pytest.fixture
def folders(tmp_path):
    for step in (1000, 200, 30):
        (tmp_path / f"training/checkpoint-{step}").mkdir(parents=True)
    (tmp_path / "training/apt").mkdir()
    (tmp_path / "training/.hidden-1").mkdir()
    (tmp_path / "training/checkpoint-7").write_text("a file")
    return tmp_path / "training"


@pytest.fixture
def steps(hub: HubDouble, monkeypatch, tmp_path, checkpoint):
    """A repository with main, two branches and a tag, each at a commit of its own."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", hub.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    files = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    repo = hub.add("model", NAME, files)
    repo.branches = {"step10": repo.commit(files), "step9": repo.commit(files)}
    repo.tags = {"step100": repo.commit({"config.json": files["config.json"]})}
    repo.commit(files)
    return repo


def test_subfolders_come_by_the_number_in_their_names(folders):
    found = matching_checkpoints(str(folders), "checkpoint-*")
    assert [each.revision for each in found] == [
        "checkpoint-30",
        "checkpoint-200",
        "checkpoint-1000",
    ]
    assert found[0].name == str(folders / "checkpoint-30")


def test_branches_and_tags_come_with_their_commits(steps):
    found = matching_checkpoints(NAME, "step*")
    assert [each.revision for each in found] == ["step9", "step10", "step100"]
    commits = {**steps.branches, **steps.tags}
    assert [each.name for each in found] == [f"{NAME}@{commits[each.revision]}" for each in found]
    assert len(matching_checkpoints(NAME, "*")) == 4


def test_what_matches_nothing_says_what_there_is(folders, steps, tmp_path):
    with pytest.raises(
        ValueError, match=r"no subfolder of '.*' matches 'step\*': there is apt, ch"
    ):
        matching_checkpoints(str(folders), "step*")
    with pytest.raises(ValueError, match="no branch or tag .* matches 'x': there is main, step9"):
        matching_checkpoints(NAME, "x")
    for number in range(8):
        (tmp_path / f"many/s{number}").mkdir(parents=True)
    with pytest.raises(ValueError, match="there is s0, s1, s2, s3, s4 and 3 more"):
        matching_checkpoints(str(tmp_path / "many"), "t*")
    with pytest.raises(ValueError, match="no subfolder .* there is none"):
        matching_checkpoints(str(tmp_path / "many/s0"), "*")


def test_what_the_hub_does_not_have_is_told(steps, monkeypatch):
    with pytest.raises(ValueError, match="there are no checkpoints of 'owner/none'.*Hub answers"):
        matching_checkpoints("owner/none", "*")
    with pytest.raises(ValueError, match="no name of the Hub"):
        matching_checkpoints("owner/odd name", "*")
    with pytest.raises(ValueError, match="there is no checkpoint folder"):
        matching_checkpoints("./none", "*")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match="are not known: the Hub cannot be asked"):
        matching_checkpoints(NAME, "*")


def test_two_that_would_share_a_folder_are_refused(steps):
    steps.branches["a/step9"] = steps.tags["a-step9"] = steps.commits[0][0]
    with pytest.raises(ValueError, match="would be measured into one folder, a-step9"):
        matching_checkpoints(NAME, "a*")


def test_what_lacks_its_files_is_told(steps, checkpoint, tmp_path):
    first, _, last = matching_checkpoints(NAME, "step*")
    assert fetched(first) == first.name
    with pytest.raises(ValueError, match=r"@.* holds no weights"):
        fetched(last)
    assert fetched(NamedCheckpoint("x", str(checkpoint))) == str(checkpoint)
    weights = checkpoint / "model.safetensors"
    whole = weights.read_bytes()
    for content, words in ((whole[:-8], "is no whole file of weights"), (None, "no weights")):
        weights.unlink()
        if content:
            weights.write_bytes(content)
        with pytest.raises(ValueError, match=words):
            fetched(NamedCheckpoint("x", str(checkpoint)))
        weights.touch()
    (checkpoint / "config.json").unlink()
    with pytest.raises(ValueError, match=r"no config.json"):
        fetched(NamedCheckpoint("x", str(checkpoint)))


def test_a_hub_that_is_not_reached_is_told(steps, monkeypatch):
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", "http://127.0.0.1:9")
    with pytest.raises(
        ValueError, match="branches and tags of 'owner/other' are not known: the Hub"
    ):
        matching_checkpoints("owner/other", "*")
