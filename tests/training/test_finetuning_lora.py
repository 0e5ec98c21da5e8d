"""Fine-tuning with adapters: the trunk is left alone, the record counts, the folder is small."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.models.encoders import is_classifier, load_encoder
from hf_apt.models.lora import merge_adapter, num_trained
from hf_apt.records.run import Run
from hf_apt.studies.block_accuracy import measure_blocks
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import classify, finetune, to_train

TRAINING = FinetuneConfig(
    num_epochs=12, batch_size=8, learning_rate=1e-2, sequence_length=16, lora_rank=4
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Two classes of 30 texts, each of 4 to 12 words out of the class's own six."""
    generator = np.random.default_rng(0)
    lines = [
        {"text": " ".join(f"w{6 * label + word}" for word in words), "label": f"kind {label}"}
        for label in range(2)
        for words in (generator.integers(0, 6, generator.integers(4, 13)) for _ in range(30))
    ]
    file = tmp_path_factory.mktemp("rows") / "kinds.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


@pytest.fixture
def task(rows):
    return open_task(TaskConfig(name=str(rows), test_per_class=10))


def adapted(checkpoint, task, **changes):
    config = replace(TRAINING, **changes)
    return to_train(load_encoder(str(checkpoint), label_names=task.label_names), config), config


def test_adapters_learn_what_words_tell_and_the_trunk_stays(checkpoint, task, tmp_path):
    before = load_encoder(str(checkpoint), label_names=task.label_names).model.bert.state_dict()
    encoder, config = adapted(checkpoint, task)
    logits = finetune(encoder, task, config, tmp_path)
    assert (logits.argmax(axis=1) == task.test.labels).mean() > 0.9
    trunk = encoder.model.unload().bert.state_dict()
    assert trunk.keys() == before.keys()
    changed = [name for name, value in trunk.items() if not torch.equal(value, before[name])]
    assert changed == ["pooler.dense.weight", "pooler.dense.bias"]


def test_the_record_and_the_folder_are_those_of_the_adapter(checkpoint, rows, task, tmp_path):
    config = BlockAccuracyConfig(
        task=TaskConfig(name=str(rows), test_per_class=10),
        features=FeatureConfig(sequence_length=16, poolings=("cls",)),
        finetune=TRAINING,
    )
    run = Run(tmp_path / "run")
    model = measure_blocks(str(checkpoint), config, run)["models"]["pretrained"]
    expected = num_trained(adapted(checkpoint, task)[0].model)
    assert model["num_trained_parameters"] == expected < 3000
    assert model["finetuned"]["cls"]["linear"][2]["value"] > 0.9
    assert model["frozen"]["cls"] != model["finetuned"]["cls"]
    # What is kept of a seed has it, too.
    assert measure_blocks(str(checkpoint), config, run)["models"]["pretrained"] == model
    with pytest.raises(ValueError, match="leave out adapters, or the cut"):
        measure_blocks(str(checkpoint), replace(config, cut=True), run)
    folder = run.path("finetune/kinds")
    assert (folder / "adapter_model.safetensors").exists()
    assert not (folder / "model.safetensors").exists()
    # Read again: a plain classifier, the adapter merged, that answers as was recorded.
    assert is_classifier(str(folder), task.label_names)
    encoder = load_encoder(str(folder), label_names=task.label_names)
    logits = classify(encoder, task, TRAINING, tmp_path)
    right = (logits.argmax(axis=1) == task.test.labels).mean()
    assert right == pytest.approx(model["classifier"]["value"])
    with pytest.raises(ValueError, match="they do not belong together"):
        load_encoder(str(folder), label_names=("other", "names"))


def test_all_weights_are_counted_where_all_are_trained(checkpoint, rows, tmp_path):
    config = BlockAccuracyConfig(
        task=TaskConfig(name=str(rows), test_per_class=10),
        features=FeatureConfig(sequence_length=16, poolings=("cls",)),
        finetune=replace(TRAINING, num_epochs=1, lora_rank=0),
    )
    run = Run(tmp_path / "run")
    model = measure_blocks(str(checkpoint), config, run)["models"]["pretrained"]
    whole = load_encoder(str(run.path("finetune/kinds"))).model
    assert model["num_trained_parameters"] == sum(each.numel() for each in whole.parameters())


def test_a_saved_adapter_answers_as_it_did(checkpoint, task, tmp_path):
    encoder, config = adapted(checkpoint, task, num_epochs=1)
    logits = finetune(encoder, task, config, tmp_path)
    encoder.save(tmp_path / "saved")
    again = load_encoder(str(tmp_path / "saved"), label_names=task.label_names)
    np.testing.assert_allclose(classify(again, task, config, tmp_path), logits, atol=1e-5)
    encoder = replace(encoder, model=merge_adapter(encoder.model))
    np.testing.assert_allclose(classify(encoder, task, config, tmp_path), logits, atol=1e-5)


def test_an_adapter_whose_checkpoint_is_gone_is_refused(checkpoint, task, tmp_path):
    encoder, _ = adapted(checkpoint, task)
    encoder.save(tmp_path / "saved")
    checkpoint.rename(tmp_path / "moved")
    with pytest.raises(ValueError, match="there is no checkpoint folder"):
        load_encoder(str(tmp_path / "saved"))


def test_settings_and_model_must_agree(checkpoint, task, tmp_path):
    encoder, config = adapted(checkpoint, task)
    with pytest.raises(ValueError, match="a rank of 0 is asked for"):
        finetune(encoder, task, replace(config, lora_rank=0), tmp_path)
    plain = load_encoder(str(checkpoint), label_names=task.label_names)
    with pytest.raises(ValueError, match="a rank of 4 is asked for"):
        finetune(plain, task, config, tmp_path)
