"""A configuration that says a larger model than its weights hold is refused before one is built."""

import json
import time

import pytest
import torch
from small_classifiers import CLASSIFIERS, classifier

from hf_apt.models.encoders import is_classifier, load_encoder
from hf_apt.models.loading import load_masked_lm
from hf_apt.models.weights_files import WeightsFiles, require_weights_of_size, weights_files

BOMBS = {
    "num_hidden_layers": 10**7,
    "hidden_size": 10**8,
    "vocab_size": 10**10,
    "intermediate_size": 10**9,
    "max_position_embeddings": 10**10,
    "type_vocab_size": 10**10,
    "num_labels": 10**9,
    "num_attention_heads": 10**8,
}
DISTIL = {"num_hidden_layers": "n_layers", "hidden_size": "dim", "intermediate_size": "hidden_dim"}


def changed(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_what_belongs_together_is_taken(family, tmp_path):
    classifier(family).save_pretrained(tmp_path)
    require_weights_of_size(str(tmp_path))
    held = weights_files(tmp_path)
    assert held is not None
    assert held.num_weights >= sum(weight.numel() for weight in classifier(family).parameters())


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("family", ["bert", "distilbert", "albert", "bert_conv"])
def test_a_size_beyond_the_weights_is_named(family, name, tmp_path):
    classifier(family).save_pretrained(tmp_path)
    own_name = DISTIL.get(name, name) if family == "distilbert" else name
    changed(tmp_path, **{own_name: BOMBS[name]})
    with pytest.raises(ValueError, match=f"config.json says {own_name} {BOMBS[name]}, and the"):
        require_weights_of_size(str(tmp_path))


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize(
    "load", [load_masked_lm, load_encoder, lambda folder: is_classifier(folder, ())]
)
def test_every_reader_refuses_it_at_once(load, name, tmp_path):
    classifier("bert").save_pretrained(tmp_path)
    changed(tmp_path, **{name: BOMBS[name]})
    before = time.monotonic()
    with pytest.raises(ValueError, match=f"config.json says {name}"):
        load(str(tmp_path))
    assert time.monotonic() - before < 5


def test_sizes_that_are_there_each_but_not_together(tmp_path):
    """As wide as the vocabulary is large: every size is a side of some tensor."""
    classifier("bert").save_pretrained(tmp_path)
    changed(tmp_path, hidden_size=65, intermediate_size=65, num_hidden_layers=4)
    with pytest.raises(ValueError, match="says a model of 16900 weights at least"):
        require_weights_of_size(str(tmp_path))


def test_a_member_of_a_committee_is_looked_at(tmp_path):
    classifier("bert").save_pretrained(tmp_path)
    changed(tmp_path, members=[{"model_type": "bert", "vocab_size": 10**10}])
    with pytest.raises(ValueError, match="config.json says vocab_size 10000000000"):
        require_weights_of_size(str(tmp_path))


def test_heads_of_several_files_are_read(tmp_path):
    classifier("bert").save_pretrained(tmp_path / "one")
    classifier("bert").save_pretrained(tmp_path / "several", max_shard_size="4KB")
    assert len(list((tmp_path / "several").glob("*.safetensors"))) > 2
    one, several = (weights_files(tmp_path / name) for name in ("one", "several"))
    assert one == several


def test_a_pickle_holds_no_more_than_its_bytes(tmp_path):
    classifier("bert").save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(classifier("bert").state_dict(), tmp_path / "pytorch_model.bin")
    require_weights_of_size(str(tmp_path))
    size = (tmp_path / "pytorch_model.bin").stat().st_size
    assert weights_files(tmp_path) == WeightsFiles(size, size // 1000, size, None)
    changed(tmp_path, num_hidden_layers=10**7)
    with pytest.raises(ValueError, match="says num_hidden_layers 10000000"):
        require_weights_of_size(str(tmp_path))


def test_what_is_broken_otherwise_is_left_to_its_reader(tmp_path):
    require_weights_of_size(str(tmp_path / "nosuch"))
    classifier("bert").save_pretrained(tmp_path)
    for content in (b"", b"junk", b"\xff" * 8, (10).to_bytes(8, "little") + b'{"a": [1]}'):
        (tmp_path / "model.safetensors").write_bytes(content)
        require_weights_of_size(str(tmp_path))
    (tmp_path / "config.json").write_text("[]")
    require_weights_of_size(str(tmp_path))


def test_sizes_that_the_family_does_not_read_are_passed_over(tmp_path):
    classifier("bert").save_pretrained(tmp_path)
    changed(tmp_path, n_positions=10**6, n_inner=10**6, d_ff=10**6)
    require_weights_of_size(str(tmp_path))
