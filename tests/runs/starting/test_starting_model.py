"""A pre-training that starts with another checkpoint's blocks: record, refusals, whole runs."""

import json
from typing import Any

import pytest
import torch
from small_artificial_runs import small_artificial_run

from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.artificial.zipf import Zipf
from hf_apt.models.fresh import new_model
from hf_apt.runs.pipeline import begun, pretrain_run
from hf_apt.runs.preparation import prepare
from hf_apt.runs.starting.starting_model import starting_model
from hf_apt.training.pretrain_config import PretrainConfig


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first") / "run"
    with begun(small_artificial_run(Dyck(kinds=4)), folder) as run:
        pretrain_run(small_artificial_run(Dyck(kinds=4)), run)
    return folder / "checkpoint"


def test_blocks_are_the_others_and_embeddings_are_fresh(first, tmp_path) -> None:
    from safetensors.torch import load_file

    config = small_artificial_run(Zipf(vocab_size=30), blocks_of=str(first), carried_blocks="2")
    with begun(config, tmp_path / "run") as run:
        train, _ = prepare(config, run)
        model, origin = starting_model(config, train)
        fresh = new_model(config.shape, train, seed=config.pretrain.seed).state_dict()
        theirs = load_file(first / "model.safetensors")
        for key, value in model.state_dict().items():
            is_carried = key.startswith("bert.encoder.layer.1.")
            assert torch.equal(value, theirs[key] if is_carried else fresh[key]), key
        assert origin["carried"]["blocks"] == [2]
        pretrain_run(config, run)
    record = json.loads((tmp_path / "run/training.json").read_text())
    assert record["carried"] == json.loads(json.dumps(origin["carried"]))
    assert record["carried"]["checkpoint"] == str(first)


def test_a_fresh_model_says_nothing_of_blocks(first) -> None:
    assert "carried" not in json.loads((first.parent / "training.json").read_text())


def test_a_missing_checkpoint_is_told_before_work(tmp_path) -> None:
    config = small_artificial_run(Zipf(), blocks_of=str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="nowhere"), begun(config, tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()


def test_blocks_of_nothing_are_refused() -> None:
    refused: list[dict[str, Any]] = [{"carried_blocks": "1"}, {"carried_parts": "attention"}]
    for settings in refused:
        with pytest.raises(ValueError, match="add --blocks-of CHECKPOINT"):
            PretrainConfig(num_steps=1, **settings)
    with pytest.raises(ValueError, match="carried_parts is 'heads': choose one of whole"):
        PretrainConfig(num_steps=1, blocks_of="x", carried_parts="heads")  # pyright: ignore
