"""Fine-tuning: what can be learnt is learnt, twice alike; accuracy per block and its record."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from hf_apt.block_accuracy import BlockAccuracyConfig, measure_blocks
from hf_apt.block_tables import block_tables, legend
from hf_apt.confidence_record import ConfidenceConfig
from hf_apt.counts import DepthCounts
from hf_apt.encoders import load_encoder
from hf_apt.features import FeatureConfig
from hf_apt.finetune import FinetuneConfig, finetune
from hf_apt.probes import PROBES
from hf_apt.records import Run
from hf_apt.tasks import TaskConfig, open_task
from hf_apt.transfer_scores import SCORES

TRAINING = FinetuneConfig(num_epochs=12, batch_size=8, learning_rate=3e-3, sequence_length=16)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Two classes of 30 texts, each of 4 to 12 words out of the class's own six."""
    rng = np.random.default_rng(0)
    lines = [
        {"text": " ".join(f"w{6 * label + word}" for word in words), "label": f"kind {label}"}
        for label in range(2)
        for words in (rng.integers(0, 6, rng.integers(4, 13)) for _ in range(30))
    ]
    file = tmp_path_factory.mktemp("rows") / "kinds.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


@pytest.fixture
def task(rows):
    return open_task(TaskConfig(name=str(rows), test_per_class=10))


@pytest.fixture
def config(rows):
    return BlockAccuracyConfig(
        task=TaskConfig(name=str(rows), test_per_class=10),
        features=FeatureConfig(sequence_length=16, poolings=("cls", "mean")),
        finetune=TRAINING,
        confidence=ConfidenceConfig(num_realisations=2),
    )


def tuned(checkpoint, task, folder, **changes):
    encoder = load_encoder(str(checkpoint), label_names=task.label_names)
    return encoder, finetune(encoder, task, replace(TRAINING, **changes), folder)


def test_what_words_tell_is_learnt_and_training_is_repeatable(checkpoint, task, tmp_path):
    encoder, logits = tuned(checkpoint, task, tmp_path)
    assert logits.shape == (20, 2)
    assert (logits.argmax(axis=1) == task.test.labels).mean() > 0.9
    assert not encoder.model.training
    again = tuned(checkpoint, task, tmp_path)[1]
    np.testing.assert_array_equal(again, logits)
    other = tuned(checkpoint, task, tmp_path, seed=7)[1]
    assert np.abs(other - logits).max() > 1e-3


def test_everything_is_trained_and_no_text_of_the_test(checkpoint, task, tmp_path):
    before = load_encoder(str(checkpoint), label_names=task.label_names).model.state_dict()
    after = tuned(checkpoint, task, tmp_path, num_epochs=1)[0].model.state_dict()
    still = [name for name, value in after.items() if torch.equal(value, before[name])]
    assert all("position_embeddings" in name or "_ids" in name for name in still), still
    shuffled = np.random.default_rng(1).permutation(task.test.labels)
    blind = replace(task, test=replace(task.test, labels=shuffled))
    encoder = tuned(checkpoint, blind, tmp_path, num_epochs=1)[0]
    assert torch.equal(encoder.model.classifier.weight, after["classifier.weight"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"num_epochs": 0}, "one epoch at least"),
        ({"sequence_length": 999}, "longer than the model"),
    ],
)
def test_settings_out_of_range_are_refused(checkpoint, task, tmp_path, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        tuned(checkpoint, task, tmp_path, **changes)


def test_a_head_for_other_classes_is_refused(checkpoint, task, tmp_path):
    encoder = load_encoder(str(checkpoint), label_names=("a", "b", "c"))
    with pytest.raises(ValueError, match="has 3 labels and the task kinds has 2"):
        finetune(encoder, task, TRAINING, tmp_path)


def test_the_record_holds_every_block_of_both_protocols(checkpoint, config, tmp_path):
    run = Run(tmp_path / "run")
    found = measure_blocks(str(checkpoint), config, run)
    assert run.read_json("finetune/kinds.json") == found
    model = found["models"]["pretrained"]
    for protocol in ("frozen", "finetuned"):
        assert list(model[protocol]) == ["cls", "mean"]
        for pooling, figures in model[protocol].items():
            assert list(figures) == [*PROBES, *SCORES]
            for name, depths in figures.items():
                assert len(depths) == 3
                if name in PROBES:
                    assert all(0 <= depth["value"] <= 1 for depth in depths)
                    if pooling == "cls":
                        assert depths[0]["value"] == pytest.approx(found["chance"])
    assert found["chance"] == 0.5
    assert model["frozen"]["mean"]["linear"][0]["value"] > 0.9, "the words tell the class"
    assert model["finetuned"]["cls"]["linear"][2]["value"] > 0.9
    assert set(found["agreement"]["finetuned"]["mean"]) == set(SCORES)
    assert "40 training and 20 test texts of 2 classes; chance 0.500" in legend(found)
    assert [len(table.rows) for table in block_tables(found)] == [3, 3]
    confidence = found["confidence"]
    assert confidence["accuracy"]["value"] == model["own_head"]["value"]
    assert confidence["apt_source"]["source"] == "training texts"
    assert run.path("finetune/kinds-inputs.npz").exists()
    again = measure_blocks(str(checkpoint), replace(config, confidence=None), Run(tmp_path / "no"))
    assert "confidence" not in again
    assert again["models"] == found["models"], "confidence changes nothing else"


def test_the_saved_model_answers_as_it_was_measured(checkpoint, config, task, tmp_path):
    run = Run(tmp_path / "run")
    found = measure_blocks(str(checkpoint), config, run)
    saved = load_encoder(str(run.path("finetune/kinds")), label_names=task.label_names)
    right = 0
    for text, label in zip(task.test.texts, task.test.labels, strict=True):
        inputs = saved.tokenizer(text, truncation=True, max_length=16, return_tensors="pt")
        with torch.no_grad():
            right += int(saved.model(**inputs).logits.argmax()) == label
    assert right / 20 == pytest.approx(found["models"]["pretrained"]["own_head"]["value"])


def test_frozen_alone_trains_nothing_and_seeds_give_errors(checkpoint, config, tmp_path):
    frozen = replace(config, finetune=None, untrained=True, num_seeds=3)
    run = Run(tmp_path / "run")
    found = measure_blocks(str(checkpoint), frozen, run)
    assert list(found["models"]) == ["pretrained", "untrained"]
    assert list(found["models"]["untrained"]) == ["frozen"]
    assert not run.path("finetune/kinds").exists()
    assert "confidence" not in found
    fingerprints = {texts["test_fingerprint"] for texts in found["provenance"]}
    assert len(fingerprints) == 3
    one = found["models"]["pretrained"]["frozen"]["mean"]["prototype"]
    assert {depth["num"] for depth in one} == {3}
    both = [found["models"][name]["frozen"]["mean"]["linear"] for name in found["models"]]
    assert both[0] != both[1]


def test_mean_apt_is_ranked_where_the_run_measured_the_same_weights(checkpoint, config, tmp_path):
    from hf_apt.environment import file_fingerprint

    run = Run(tmp_path / "run")
    counts = DepthCounts.empty(3, 65)
    counts.update(np.array([5, 6]), np.array([[5, 0], [5, 6], [0, 0]]), np.zeros(2, np.uint8))
    counts.save(run.counts_path("own_head"))
    frozen = replace(config, finetune=None)
    weights = file_fingerprint(checkpoint / "model.safetensors")
    for known, expected in ((weights, True), ("other", False)):
        run.write_json("model.json", {"weights": known})
        found = measure_blocks(str(checkpoint), frozen, run)
        assert ("mean_apt" in found["agreement"]["frozen"]["mean"]) == expected


def test_no_seed_is_refused(checkpoint, config, tmp_path):
    with pytest.raises(ValueError, match="at least one seed"):
        measure_blocks(str(checkpoint), replace(config, num_seeds=0), Run(tmp_path))
