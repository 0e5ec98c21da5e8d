"""Fine-tuning: what can be learnt is learnt, twice alike; accuracy per block and its record."""

import json
import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hf_apt.cli.tables import accuracy
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.data.tokenizer import vocabulary
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.depths.truncation import cut
from hf_apt.models.encoders import load_encoder
from hf_apt.records.fingerprints import file_fingerprint
from hf_apt.records.run import Run
from hf_apt.records.run_folder import writing_run
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.probe_config import PROBES
from hf_apt.stats.transfer_scores import SCORE_NAMES, SCORES
from hf_apt.studies.block_accuracy import measure_blocks
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.studies.block_protocols import Protocols
from hf_apt.studies.confidence_config import ConfidenceConfig
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetune, finetuner
from hf_apt.training.objectives.entropy import ConfidencePenalty

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


@pytest.mark.parametrize("group_by_length", [True, False])
def test_logits_are_in_the_order_of_the_texts(checkpoint, task, tmp_path, group_by_length):
    """Each text read alone: the batches of training and testing are in orders of their own."""
    encoder, logits_IC = tuned(
        checkpoint, task, tmp_path, num_epochs=2, group_by_length=group_by_length
    )
    lengths = [len(row) for row in encoder.encode(task.test.texts, 16)]
    assert lengths != sorted(lengths)
    for text, logits_C in zip(task.test.texts, logits_IC, strict=True):
        inputs = encoder.tokenizer(text, truncation=True, max_length=16, return_tensors="pt")
        with torch.no_grad():
            expected_1C = encoder.model(**inputs).logits
        np.testing.assert_allclose(logits_C, expected_1C[0].numpy(), rtol=1e-4, atol=1e-5)


def padded_share(trainer) -> float:
    masks = [batch["attention_mask"] for batch in trainer.get_train_dataloader()]
    return 1 - sum(int(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks)


def test_grouped_by_length_every_text_is_read_once_with_less_padding(checkpoint, task, tmp_path):
    encoder = load_encoder(str(checkpoint), label_names=task.label_names)
    shares = []
    for group_by_length in (True, False):
        asked = replace(TRAINING, batch_size=4, group_by_length=group_by_length)
        trainer = finetuner(encoder, task, asked, tmp_path)
        assert list(trainer._get_train_sampler()) != list(range(len(task.train)))
        assert sorted(trainer._get_train_sampler()) == list(range(len(task.train)))
        shares.append(padded_share(trainer))
    assert shares[0] < 0.75 * shares[1]


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
    record = measure_blocks(str(checkpoint), config, run)
    assert run.read_json("finetune/kinds.json") == record
    model = record["models"]["pretrained"]
    for protocol in ("frozen", "finetuned"):
        assert list(model[protocol]) == ["cls", "mean"]
        for pooling, figures in model[protocol].items():
            assert list(figures) == [*PROBES, *(SCORE_NAMES if protocol == "frozen" else SCORES)]
            for name, depths in figures.items():
                assert len(depths) == 3
                if name in PROBES:
                    assert all(0 <= depth["value"] <= 1 for depth in depths)
                    if pooling == "cls":
                        assert depths[0]["value"] == pytest.approx(record["chance"])
    assert record["chance"] == 0.5
    assert model["frozen"]["mean"]["linear"][0]["value"] > 0.9, "the words tell the class"
    assert model["finetuned"]["cls"]["linear"][2]["value"] > 0.9
    assert set(record["agreement"]["finetuned"]["mean"]) == set(SCORE_NAMES)
    assert "40 training and 20 test texts of 2 classes; chance 0.500" in accuracy.footer(record)
    assert [len(table.rows) for table in accuracy.tables(record)] == [3, 3]
    confidence = record["confidence"]
    assert confidence["accuracy"]["value"] == model["classifier"]["value"]
    assert confidence["apt_source"]["source"] == "training texts"
    assert run.path("finetune/kinds-inputs.npz").exists()
    again = measure_blocks(str(checkpoint), replace(config, confidence=None), Run(tmp_path / "no"))
    assert "confidence" not in again
    assert again["models"] == record["models"], "confidence changes nothing else"


def test_the_saved_model_answers_as_it_was_measured(checkpoint, config, task, tmp_path):
    run = Run(tmp_path / "run")
    record = measure_blocks(str(checkpoint), config, run)
    saved = load_encoder(str(run.path("finetune/kinds")), label_names=task.label_names)
    right = 0
    for text, label in zip(task.test.texts, task.test.labels, strict=True):
        inputs = saved.tokenizer(text, truncation=True, max_length=16, return_tensors="pt")
        with torch.no_grad():
            right += int(saved.model(**inputs).logits.argmax()) == label
    assert right / 20 == pytest.approx(record["models"]["pretrained"]["classifier"]["value"])


def test_frozen_alone_trains_nothing_and_seeds_give_errors(checkpoint, config, tmp_path):
    frozen = replace(config, finetune=None, untrained=True, num_seeds=3)
    run = Run(tmp_path / "run")
    record = measure_blocks(str(checkpoint), frozen, run)
    assert list(record["models"]) == ["pretrained", "untrained"]
    assert list(record["models"]["untrained"]) == ["frozen"]
    assert not run.path("finetune/kinds").exists()
    assert "confidence" not in record
    fingerprints = {texts["test_fingerprint"] for texts in record["provenance"]}
    assert len(fingerprints) == 3
    one = record["models"]["pretrained"]["frozen"]["mean"]["prototype"]
    assert {depth["num"] for depth in one} == {3}
    both = [record["models"][name]["frozen"]["mean"]["linear"] for name in record["models"]]
    assert both[0] != both[1]


def test_mean_apt_is_ranked_where_the_run_measured_the_same_weights(checkpoint, config, tmp_path):
    run = Run(tmp_path / "run")
    counts = DepthCounts.empty(3, 65)
    counts.update(np.array([5, 6]), np.array([[5, 0], [5, 6], [0, 0]]), np.zeros(2, np.uint8))
    with writing_run(run):
        counts.save(run.counts_path("own_head"))
    frozen = replace(config, finetune=None)
    weights = file_fingerprint(checkpoint / "model.safetensors")
    for known, expected in ((weights, True), ("other", False)):
        run.write_json("model.json", {"weights": known})
        record = measure_blocks(str(checkpoint), frozen, run)
        assert ("mean_apt" in record["agreement"]["frozen"]["mean"]) == expected


def test_a_model_cut_after_its_last_block_is_trained_as_the_whole_one(checkpoint, task, tmp_path):
    whole, part = (load_encoder(str(checkpoint), label_names=task.label_names) for _ in range(2))
    short = replace(TRAINING, num_epochs=2)
    expected = finetune(whole, task, short, tmp_path)
    np.testing.assert_array_equal(finetune(cut(part, 2), task, short, tmp_path), expected)


def test_the_cut_protocol_trains_every_depth(checkpoint, config, tmp_path):
    record = measure_blocks(str(checkpoint), replace(config, cut=True), Run(tmp_path / "run"))
    model = record["models"]["pretrained"]
    assert len(model["cut"]) == 3
    assert model["cut"][0]["value"] == record["chance"] == 0.5, "[CLS] has seen no word"
    assert model["cut"][1]["value"] > 0.9
    assert model["cut"][2] == model["classifier"]
    assert model["cut"][0]["standard_error"] == pytest.approx(0.5 / np.sqrt(20))
    assert set(record["agreement"]["cut"]["mean"]) == set(SCORE_NAMES)
    assert [len(table.rows) for table in accuracy.tables(record)] == [3, 3, 3]
    plain = measure_blocks(str(checkpoint), config, Run(tmp_path / "plain"))["models"]["pretrained"]
    assert {name: plain[name] for name in plain} == {name: model[name] for name in plain}


@pytest.mark.parametrize("part", ["features", "finetune"])
def test_texts_longer_than_the_model_are_refused_before_any_work(
    checkpoint, config, tmp_path, monkeypatch, part
):
    for name in ("open_task", "load_encoder"):
        monkeypatch.setattr(f"hf_apt.studies.block_accuracy.{name}", None)
    longer = replace(config, **{part: replace(getattr(config, part), sequence_length=999)})
    with pytest.raises(ValueError, match="999 tokens are longer than the .* positions of"):
        measure_blocks(str(checkpoint), longer, Run(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_rank_of_no_use_is_refused_before_any_work(checkpoint, config, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_apt.studies.block_accuracy.figures_of_seed", None)
    wide = replace(config, finetune=replace(TRAINING, lora_rank=10**5))
    with pytest.raises(ValueError, match="a rank of 100000 is larger than the matrices"):
        measure_blocks(str(checkpoint), wide, Run(tmp_path / "run"))


def test_what_cannot_be_cut_is_told_before_any_work(checkpoint, config, tmp_path, monkeypatch):
    def uncuttable(encoder, depth):
        raise ValueError("cannot be cut")

    monkeypatch.setattr("hf_apt.studies.block_protocols.cut", uncuttable)
    monkeypatch.setattr("hf_apt.studies.block_protocols.features", None)
    with pytest.raises(ValueError, match="cannot be cut"):
        measure_blocks(str(checkpoint), replace(config, cut=True), Run(tmp_path / "run"))
    with pytest.raises(ValueError, match="has to be fine-tuned: ask for at least one epoch"):
        measure_blocks(str(checkpoint), replace(config, cut=True, finetune=None), Run(tmp_path))


def test_flattened_states_have_probes_and_no_scores(checkpoint, config, tmp_path):
    poolings = FeatureConfig(sequence_length=16, poolings=("mean", "flatten"))
    flat = replace(config, features=poolings, finetune=None)
    record = measure_blocks(str(checkpoint), flat, Run(tmp_path / "run"))
    figures = record["models"]["pretrained"]["frozen"]["flatten"]
    assert list(figures) == list(PROBES)
    assert figures["linear"][0]["value"] > 0.8, "the words tell the class at any place"
    assert list(record["agreement"]["frozen"]) == ["mean"]
    assert "linear flatten" in [column.header for column in accuracy.tables(record)[0].columns]


@pytest.fixture
def measured(monkeypatch):
    """The numbers of the seeds that were measured and not read."""
    numbers = []
    of = Protocols.of

    def counted(self, encoder, saved):
        numbers.append(self.number)
        return of(self, encoder, saved)

    monkeypatch.setattr(Protocols, "of", counted)
    return numbers


def test_an_interrupted_measurement_goes_on_after_its_last_seed(
    checkpoint, config, tmp_path, measured, monkeypatch
):
    config = replace(
        config,
        features=FeatureConfig(sequence_length=16, poolings=("mean",)),
        probes=("linear", "prototype"),
        finetune=replace(TRAINING, num_epochs=1),
        num_seeds=2,
        untrained=True,
    )
    whole = measure_blocks(str(checkpoint), config, Run(tmp_path / "whole"))
    assert measured == [0, 0, 1, 1]
    run = Run(tmp_path / "run")
    finish = run.write_json

    def broken(_, name, content):
        if name.endswith("seed-1.json"):
            raise KeyboardInterrupt
        finish(name, content)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_json", broken)
        with pytest.raises(KeyboardInterrupt):
            measure_blocks(str(checkpoint), config, run)
    assert not run.path("finetune/kinds.json").exists()
    del measured[:]
    again = measure_blocks(str(checkpoint), config, run)
    assert measured == [1, 1]
    assert again == whole
    del measured[:]
    more = measure_blocks(str(checkpoint), replace(config, num_seeds=3), run)
    assert measured == [2, 2]
    assert {depth["num"] for depth in more["models"]["untrained"]["frozen"]["mean"]["linear"]} == {
        3
    }


@pytest.mark.parametrize(
    "change",
    [
        "settings",
        "objectives",
        "texts",
        "weights",
        "tokenizer",
        "counts",
        "folder",
        "cut",
        "broken",
        "none",
    ],
)
def test_a_seed_of_anything_else_is_measured_again(
    checkpoint, config, rows, tmp_path, measured, change
):
    config = replace(config, finetune=replace(TRAINING, num_epochs=1), probes=("prototype",))
    run = Run(tmp_path / "run")
    measure_blocks(str(checkpoint), config, run)
    del measured[:]
    if change == "settings":
        config = replace(config, finetune=replace(TRAINING, num_epochs=2))
    elif change == "objectives":
        objectives = (ConfidencePenalty(weight=0.1),)
        config = replace(config, finetune=replace(config.finetune, objectives=objectives))
    elif change == "texts":
        changed = tmp_path / "changed" / rows.name
        changed.parent.mkdir()
        changed.write_text(rows.read_text().replace("w1 ", "w2 "))
        config = replace(config, task=replace(config.task, name=str(changed)))
    elif change == "weights":
        weights = load_file(checkpoint / "model.safetensors")
        weights["bert.embeddings.word_embeddings.weight"][7, 3] += 1e-3
        save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    elif change == "tokenizer":
        content = (checkpoint / "tokenizer.json").read_text()
        (checkpoint / "tokenizer.json").write_text(content.replace('"w59"', '"other"'))
    elif change == "counts":  # by which confidence is set against APT
        counts = DepthCounts.empty(3, 65)
        counts.update(np.array([5, 6]), np.array([[5, 0], [5, 6], [0, 0]]), np.zeros(2, np.uint8))
        counts.save(run.counts_path("own_head"))
        weights = file_fingerprint(checkpoint / "model.safetensors")
        run.write_json("model.json", {"weights": weights})
    elif change == "folder":
        shutil.rmtree(run.path("finetune/kinds"))
    elif change == "cut":
        os.truncate(run.path("finetune/kinds/model.safetensors"), 1000)
    elif change == "broken":
        run.write_json("finetune/kinds-seed-0.json", {"conditions": None})
    measure_blocks(str(checkpoint), config, run)
    assert measured == ([] if change == "none" else [0])
    assert run.path("finetune/kinds/model.safetensors").exists()


def test_overlap_is_with_the_corpus_of_the_run_that_made_the_weights(
    checkpoint, config, tmp_path, tokenizer
):
    frozen = replace(config, finetune=None)
    run = Run(tmp_path / "run")
    with writing_run(run):
        shutil.copytree(checkpoint, run.path("checkpoint"))
    assert measure_blocks(str(checkpoint), frozen, run)["overlap"] is None
    frequency = np.zeros(65, np.int64)
    frequency[: 5 + 6] = 7  # the special tokens and the six words of one class
    run.write_array("frequency.npy", frequency)
    run.write_json("vocabulary.json", vocabulary(tokenizer))
    run.write_json("training.json", {})
    overlap = measure_blocks(str(checkpoint), frozen, run)["overlap"]
    assert overlap["types"] == 0.5
    assert overlap["num_types"] == 12
    assert 0.4 < overlap["occurrences"] < 0.6
    run.write_json("vocabulary.json", vocabulary(tokenizer)[::-1])
    assert measure_blocks(str(checkpoint), frozen, run)["overlap"] is None
    run.write_json("vocabulary.json", vocabulary(tokenizer))
    (run.path("checkpoint") / "model.safetensors").write_bytes(b"others")
    assert measure_blocks(str(checkpoint), frozen, run)["overlap"] is None


def test_several_processes_are_refused(checkpoint, config, tmp_path, monkeypatch):
    several = SimpleNamespace(num_processes=2)
    monkeypatch.setattr("hf_apt.studies.block_accuracy.process_state", lambda: several)
    with pytest.raises(ValueError, match="by one process, and 2 were started: leave out torchrun"):
        measure_blocks(str(checkpoint), config, Run(tmp_path / "run"))


def test_no_seed_is_refused(checkpoint, config, tmp_path):
    with pytest.raises(ValueError, match="at least one seed"):
        measure_blocks(str(checkpoint), replace(config, num_seeds=0), Run(tmp_path))
