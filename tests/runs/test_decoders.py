"""Laws of a run's decoders: heads and lenses are made once, of what they say, and never stale."""

import hashlib
import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from model_families import made as made_model

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.depths.head_config import DECODER_KINDS, HEAD_KINDS, HeadConfig
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.lenses.carried_head import CarriedHead
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.lenses.jacobian import fit_jacobian
from hf_apt.depths.lenses.jacobian_config import JacobianConfig
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.weights_digest import model_digest
from hf_apt.records.run import Run
from hf_apt.runs import decoders as module
from hf_apt.runs.decoders import decoders
from hf_apt.runs.recipes import RunConfig
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.translator_training import train_translator

CONFIG = RunConfig(
    corpus=CorpusSource(name="text.txt"),
    sequence_length=24,
    pretrain=PretrainConfig(num_steps=0),
    head_kinds=("translator", "linear_head", "jacobian"),
    heads=HeadConfig(num_steps=2, batch_size=8),
    jacobian=JacobianConfig(num_sequences=6),
)


@pytest.fixture
def run(tmp_path) -> Run:
    run = Run(tmp_path / "run")
    run.write_array("frequency.npy", np.arange(65))
    return run


@pytest.fixture
def no_work(monkeypatch):
    """Make every fitting an error."""

    def never(*_, **__):
        raise AssertionError("made again")

    def forbid(*names: str) -> None:
        for name in names or ("fit_jacobian", "train_translator", "train_heads"):
            monkeypatch.setattr(module, name, never)

    return forbid


def test_each_is_what_its_function_makes_in_the_order_asked(tiny_model, tokens, run) -> None:
    trunk = Trunk(tiny_model)
    made = decoders(trunk, tokens, CONFIG, run)
    assert list(made) == ["own_head", *CONFIG.head_kinds]
    expected = {
        "jacobian": fit_jacobian(trunk, tokens, CONFIG.jacobian),
        "translator": train_translator(trunk, tokens, CONFIG.heads),
    }
    for kind, maps in expected.items():
        decoder = made[kind]
        assert isinstance(decoder, CarriedHead)
        assert torch.equal(decoder.maps.weights_DHH, maps.weights_DHH)
        saved = DepthMaps.load(run.path(f"heads/{kind}.safetensors"), tiny_model)
        assert saved.kind == kind
        assert torch.equal(saved.biases_DH, maps.biases_DH)
    assert isinstance(made["linear_head"], DepthHeads)


@pytest.mark.parametrize("norm", ["post-norm", "pre-norm"])
def test_all_are_counted_in_one_pass_and_agree_after_the_last_block(
    norm, tiny_model, tokens, run
) -> None:
    trunk = Trunk(tiny_model if norm == "post-norm" else made_model("modernbert"))
    readouts = measure(trunk, tokens, decoders(trunk, tokens, CONFIG, run), CONFIG.measure)
    own = readouts["own_head"].counts
    for kind in ("jacobian", "translator"):
        lens = readouts[kind].counts
        assert np.array_equal(lens.support(), own.support())
        assert np.array_equal(lens.hits()[-1], own.hits()[-1])
        losses, own_losses = (
            [figures["cross_entropy"].value for figures in readouts[name].figures()]
            for name in (kind, "own_head")
        )
        assert losses[-1] == own_losses[-1]
        assert losses[0] != own_losses[0]


def test_what_is_there_is_used_again(tiny_model, tokens, run, no_work) -> None:
    trunk = Trunk(tiny_model)
    first = decoders(trunk, tokens, CONFIG, run)
    no_work()
    again = decoders(Trunk(tiny_model), tokens, CONFIG, run)
    hidden_DNH = torch.randn(3, 40, 16, generator=torch.Generator().manual_seed(0))
    for kind, decoder in first.items():
        assert torch.equal(decoder(hidden_DNH), again[kind](hidden_DNH))


def test_a_lens_of_other_settings_is_made_again_and_no_other(
    tiny_model, tokens, run, no_work
) -> None:
    decoders(Trunk(tiny_model), tokens, CONFIG, run)
    no_work("train_translator", "train_heads")
    other = replace(CONFIG, jacobian=JacobianConfig(num_sequences=3))
    with pytest.warns(UserWarning, match=r"jacobian.safetensors holds a lens of another text.*It"):
        made = decoders(Trunk(tiny_model), tokens, other, run)
    expected = fit_jacobian(Trunk(tiny_model), tokens, other.jacobian)
    assert torch.equal(made["jacobian"].maps.weights_DHH, expected.weights_DHH)  # pyright: ignore
    no_work()
    decoders(Trunk(tiny_model), tokens, other, run)


def test_lenses_of_other_weights_or_another_text_are_made_again(
    tiny_model, tokens, packed_tokens, run
) -> None:
    config = replace(CONFIG, head_kinds=("jacobian",))
    decoders(Trunk(tiny_model), tokens, config, run)
    with pytest.warns(UserWarning, match="of another text, or fitted in another way. It is fitted"):
        decoders(Trunk(tiny_model), packed_tokens, config, run)
    with torch.no_grad():
        tiny_model.get_input_embeddings().weight.add_(0.1)
    with pytest.warns(UserWarning, match="was made for another model.*It is fitted again"):
        made = decoders(Trunk(tiny_model), packed_tokens, config, run)
    expected = fit_jacobian(Trunk(tiny_model), packed_tokens, config.jacobian)
    assert torch.equal(made["jacobian"].maps.weights_DHH, expected.weights_DHH)  # pyright: ignore


def test_a_lens_in_the_place_of_another_or_broken_is_made_again(tiny_model, tokens, run) -> None:
    decoders(Trunk(tiny_model), tokens, CONFIG, run)
    jacobian, translator = (
        run.path(f"heads/{kind}.safetensors") for kind in ("jacobian", "translator")
    )
    whole = jacobian.read_bytes()
    shutil.copy(translator, jacobian)
    with pytest.warns(UserWarning, match="fitted in another way"):
        decoders(Trunk(tiny_model), tokens, CONFIG, run)
    assert jacobian.read_bytes() == whole
    jacobian.write_bytes(whole[:-40] + bytes(40))
    with pytest.warns(UserWarning, match="it was changed. It is fitted again"):
        decoders(Trunk(tiny_model), tokens, CONFIG, run)
    assert jacobian.read_bytes() == whole


def test_heads_of_before_there_were_lenses_are_still_used(tiny_model, tokens, run, no_work) -> None:
    """What heads were made from is written as it was then."""
    config = replace(CONFIG, head_kinds=("linear_head",))
    decoders(Trunk(tiny_model), tokens, config, run)
    content = {
        "model": model_digest(tiny_model),
        "tokens": asdict(tokens.description),
        "frequency": module.file_fingerprint(run.path("frequency.npy")),
        "settings": asdict(config.heads),
    }
    text = json.dumps(content, sort_keys=True, default=str)
    made_from = hashlib.sha256(text.encode()).hexdigest()[:16]
    DepthHeads.load(run.path("heads/linear_head.safetensors"), "linear_head", made_from)


def test_nothing_but_the_own_head_is_asked_without_kinds(tiny_model, tokens, run, no_work) -> None:
    no_work()
    made = decoders(Trunk(tiny_model), tokens, replace(CONFIG, head_kinds=()), run)
    assert [type(each) for each in made.values()] == [OwnHead]
    assert not run.path("heads").exists()


def test_names_of_options_are_heads_and_lenses() -> None:
    assert DECODER_KINDS["all"] == ("linear_head", "mlm_head", "jacobian", "translator")
    assert all(DECODER_KINDS[name] == kinds for name, kinds in HEAD_KINDS.items())
