"""Features: those of each text read alone, whatever it is batched with; in memory or on disk."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hf_apt.depths.feature_config import POOLINGS, FeatureConfig
from hf_apt.depths.text_features import features, pooled
from hf_apt.models.encoders import load_encoder


@pytest.fixture
def encoder(checkpoint):
    return load_encoder(str(checkpoint))


CONFIG = FeatureConfig(sequence_length=24, batch_size=7, poolings=POOLINGS)


@pytest.fixture
def found(encoder, documents):
    return features(encoder, documents, CONFIG)


def alone(encoder, text):
    """The states (D, T, H) of one text without any padding."""
    inputs = encoder.tokenizer(text, truncation=True, max_length=24, return_tensors="pt")
    with torch.no_grad():
        outputs = encoder.model(**inputs, output_hidden_states=True)
    return torch.stack(outputs.hidden_states)[:, 0].numpy()


def test_each_text_has_the_features_it_has_alone(encoder, documents, found):
    assert {len(text.split()) for text in documents} >= {5, 20, 30}
    for place, text in enumerate(documents[:40]):
        states = alone(encoder, text)
        for pooling, expected in {
            "cls": states[:, 0],
            "mean": states.mean(axis=1),
            "max": states.max(axis=1),
            "flatten": np.pad(states.reshape(3, -1), ((0, 0), (0, (24 - states.shape[1]) * 16))),
        }.items():
            np.testing.assert_allclose(found[pooling][:, place], expected, atol=2e-6)


@pytest.mark.parametrize("batch_size", [1, 101])
def test_batches_change_nothing(encoder, documents, found, batch_size):
    config = replace(CONFIG, batch_size=batch_size)
    for pooling, values in features(encoder, documents, config).items():
        np.testing.assert_allclose(values, found[pooling], atol=2e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_counts_for_nothing_on_either_side(pooling, side):
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(3, 2, 5, 4, generator=generator) - 5  # below the zeros of padding
    present = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]).bool()
    if side == "left":
        present = present.flip(1)
    one = states[:, :1, 2:] if side == "left" else states[:, :1, :3]
    expected = pooled(one, torch.ones(1, 3).bool(), pooling)
    if pooling == "flatten":  # whose padding is zero, and behind the text
        expected = torch.nn.functional.pad(expected, (0, 2 * 4))
    torch.testing.assert_close(pooled(states, present, pooling)[:, :1], expected)
    for filling in (0.0, 1e6, torch.nan):
        filled = torch.where(present[None, ..., None], states, filling)
        torch.testing.assert_close(pooled(filled, present, pooling)[:, :1], expected)


def test_the_first_state_at_depth_0_knows_nothing_of_the_text(found):
    cls = found["cls"]
    assert np.ptp(cls[0], axis=0).max() == 0
    assert np.ptp(cls[1:], axis=1).min() > 1e-4
    assert np.ptp(found["mean"][0], axis=0).max() > 0.001


def test_on_disk_they_are_the_same(encoder, documents, found, tmp_path):
    on_disk = features(encoder, documents, CONFIG, tmp_path / "f")
    for pooling in POOLINGS:
        assert isinstance(on_disk[pooling], np.memmap)
        np.testing.assert_array_equal(on_disk[pooling], found[pooling])
        on_disk[pooling].flush()
        np.testing.assert_array_equal(np.load(tmp_path / "f" / f"{pooling}.npy"), found[pooling])


def test_of_one_token_all_poolings_are_its_state():
    states = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(0))
    present = torch.eye(5)[[0, 3]].bool()
    for pooling in POOLINGS:
        found = pooled(states, present, pooling)
        expected = torch.stack([states[:, 0, 0], states[:, 1, 3]], dim=1)
        torch.testing.assert_close(found[..., :4], expected)
        assert found[..., 4:].abs().sum() == 0


def test_the_order_of_places_matters_to_flatten_alone():
    states = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(0))
    present = torch.ones(2, 5).bool()
    changed = states[:, :, [0, 2, 1, 4, 3]]
    for pooling in POOLINGS:
        one, other = (pooled(given, present, pooling) for given in (states, changed))
        assert torch.allclose(one, other, atol=1e-6) == (pooling != "flatten")


def test_a_disk_without_room_is_told_before_anything_is_read(
    encoder, documents, tmp_path, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=3 * 101 * 16 * 4)
    monkeypatch.setattr("hf_apt.depths.text_features.shutil.disk_usage", lambda _: usage)
    features(encoder, documents, replace(CONFIG, poolings=("mean",)), tmp_path)
    monkeypatch.setattr("hf_apt.depths.text_features._states", None)
    needed = r"flatten needs 0.000465 GB in .* 1.94e-05 GB are free: name a larger disk by TMPDIR"
    with pytest.raises(ValueError, match=needed):
        features(encoder, documents, CONFIG, tmp_path)


def test_only_what_is_asked_for_is_kept(encoder, documents):
    found = features(encoder, documents[:3], FeatureConfig(sequence_length=24, poolings=("max",)))
    assert list(found) == ["max"]
    assert found["max"].shape == (3, 3, 16)
    assert found["max"].dtype == np.float32


def test_what_does_not_fit_is_told_in_a_sentence(encoder, documents):
    with pytest.raises(ValueError, match="no pooling is called 'sum'"):
        features(encoder, documents, FeatureConfig(poolings=("sum",)))  # pyright: ignore
    with pytest.raises(ValueError, match="longer than the model's"):
        features(encoder, documents, FeatureConfig(sequence_length=4096))
    encoder.tokenizer.add_tokens(["another"])
    with pytest.raises(ValueError, match="they do not belong together"):
        features(encoder, documents, CONFIG)


def test_a_classifier_has_the_trunk_of_its_checkpoint_and_a_head_of_its_seed(checkpoint, tmp_path):
    heads = [
        load_encoder(str(checkpoint), label_names=("a", "b", "c"), seed=seed).model
        for seed in (1, 1, 2)
    ]
    weights = [head.classifier.weight for head in heads]
    assert weights[0].shape == (3, 16)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    stored = load_file(checkpoint / "model.safetensors")
    for key, value in heads[2].bert.state_dict().items():
        assert "pooler" in key or torch.equal(value, stored[f"bert.{key}"])


def test_a_classifier_of_other_labels_is_refused(checkpoint, tmp_path):
    saved = load_encoder(str(checkpoint), label_names=("a", "b"))
    saved.model.save_pretrained(tmp_path / "tuned")
    saved.tokenizer.save_pretrained(tmp_path / "tuned")
    assert load_encoder(str(tmp_path / "tuned"), label_names=("a", "b")).model.num_labels == 2
    with pytest.raises(ValueError, match=r"classifies 2 labels \(a, b, ...\), the task has 3"):
        load_encoder(str(tmp_path / "tuned"), label_names=("a", "b", "c"))


def test_a_checkpoint_without_its_trunk_is_refused(checkpoint):
    weights = load_file(checkpoint / "model.safetensors")
    key = "bert.encoder.layer.1.output.dense.weight"
    rest = {name: value for name, value in weights.items() if name != key}
    save_file(rest, checkpoint / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=f"lacks weights of its trunk: {key}"):
        load_encoder(str(checkpoint))
    save_file(rest | {key: weights[key] * torch.nan}, checkpoint / "model.safetensors")
    with pytest.raises(ValueError, match="holds NaN or infinite"):
        load_encoder(str(checkpoint))


def test_what_is_no_checkpoint_is_told_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="there is no checkpoint folder"):
        load_encoder(str(tmp_path / "nothing"))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert6"}))
    with pytest.raises(ValueError, match="is no whole encoder checkpoint"):
        load_encoder(str(tmp_path))
