"""`hf-apt pretrain` of a generator with its discriminator: three checkpoints, one of both."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining

from hf_apt.models.encoders import load_encoder, load_trunk
from hf_apt.records.run import Run
from hf_apt.runs.trained_models import PARTS, save_pair_head
from hf_apt.training.pairs.head_file import HEAD_FILE

TINY = (
    "--steps=4 --save-every=2 --batch-size=8 --hidden-size=16 --num-heads=2 --num-blocks=2 "
    "--sequence-length=16 --vocab-size=100 --objective=replaced_tokens:weight=5 "
    "--objective=word_selection:weight=2 --generator=width=0.5,depth=0.5"
).split()


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> Path:
    generator = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    words = [f"w{number}" for number in range(60)]
    lines = [" ".join(generator.choice(words, 20)) for _ in range(300)]
    path.write_text("\n".join(json.dumps({"text": line}) for line in lines))
    return path


@pytest.fixture(scope="module")
def trained(texts, tmp_path_factory) -> Run:
    from hf_apt.cli.app import app

    folder = tmp_path_factory.mktemp("trained") / "run"
    app(["pretrain", str(texts), *TINY, "-o", str(folder)], standalone_mode=False)
    return Run(folder)


def test_both_and_each_are_checkpoints(trained):
    folders = {name: trained.path(name) for name in ("checkpoint", *PARTS)}
    both = AutoModelForPreTraining.from_pretrained(folders["checkpoint"]).eval()
    assert both.config.heads == ("replaced_tokens", "word_selection")
    assert both.config.embedding_sharing == "disentangled"
    assert both.generator.config.num_hidden_layers == 1
    ids = torch.arange(5, 15)[None]
    generator = AutoModelForMaskedLM.from_pretrained(folders["generator"]).eval()
    assert torch.equal(generator(ids).logits, both(ids).logits)
    encoder = load_encoder(str(folders["discriminator"]), label_names=("a", "b"))
    states = encoder.model.base_model(ids).last_hidden_state
    expected = both.discriminator(ids).last_hidden_state
    assert torch.allclose(states, expected, atol=1e-6)
    assert encoder.encode(["w1 w2"], 8)[0][0] == 2
    assert trained.read_json("config.json")["shape"]["generator"]["heads"] == [*both.config.heads]


def test_it_is_not_trained_again(trained, texts, call):
    before = trained.path("checkpoint/model.safetensors").stat().st_mtime_ns
    code, _, error = call("pretrain", texts, *TINY, "-o", trained.folder)
    assert code == 0, error
    assert trained.path("checkpoint/model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("run", TINY, "are two models, which `hf-apt pretrain` trains"),
        ("pretrain", [*TINY[:-3], TINY[-1]], "a generator alone is a masked LM"),
        ("pretrain", [*TINY, "--compile"], "take no --compile"),
        ("pretrain", [*TINY[:-1], "--generator=width=2"], "the generator's width is 2.0"),
        ("pretrain", [*TINY, "--model=bert-1-conv2"], "no convolutional front-end"),
    ],
)
def test_a_mistake_is_one_sentence(command, options, said, texts, call, tmp_path):
    code, _, error = call(command, texts, *options, "-o", tmp_path / "run")
    assert code == 2
    assert said in error.strip().splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_the_checkpoint_of_both_is_told_from_each(trained, texts, call, tmp_path):
    both = trained.path("checkpoint")
    said = "a generator with its discriminator; name the folder of one of them"
    code, _, error = call("measure", both, texts, "-o", tmp_path / "run")
    assert code == 2
    assert said in error.strip().splitlines()[-1]
    for load in (load_trunk, load_encoder):
        with pytest.raises(ValueError, match=said):
            load(str(both))


def test_a_head_over_pairs_is_kept_beside_the_checkpoint_and_one_of_another_goes(tmp_path):
    run = Run(tmp_path)
    run.path("training").mkdir()
    (run.path("training") / HEAD_FILE).write_bytes(b"new")
    run.path(HEAD_FILE).write_bytes(b"old")
    save_pair_head(run)
    assert run.path(HEAD_FILE).read_bytes() == b"new"
    (run.path("training") / HEAD_FILE).unlink()
    save_pair_head(run)
    assert not run.path(HEAD_FILE).exists()
