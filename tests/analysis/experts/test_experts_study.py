"""Laws of the study: figures are those of its parts; what cannot be asked is refused at once."""

import json

import numpy as np
import pytest
import torch

from hf_apt.analysis.experts.block_calls import writing_layer
from hf_apt.analysis.experts.experts_config import ExpertsConfig, ReadOutConfig
from hf_apt.analysis.experts.experts_plan import plan_experts
from hf_apt.analysis.experts.experts_study import measure_experts
from hf_apt.analysis.experts.part_probes import said_of_texts
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.trunk import Trunk
from hf_apt.models.encoders import load_encoder
from hf_apt.records.studies.study_record import require_whole
from hf_apt.training.finetune_config import FinetuneConfig

QUICK = ReadOutConfig(num_steps=4, num_positions=200)


@pytest.fixture
def source(documents, tmp_path) -> CorpusSource:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents))
    return CorpusSource(name=str(path), paragraphs=False, validation_share=0.3)


@pytest.fixture
def task(documents, tmp_path):
    """Whether a text is long."""
    path = tmp_path / "task.jsonl"
    rows = [
        {"text": text, "label": "yes" if len(text.split()) > 20 else "no"} for text in documents
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return open_task(TaskConfig(name=str(path), train_per_class=20, test_per_class=10))


def config_of(**changed) -> ExpertsConfig:
    plain = {
        "read_out": QUICK,
        "sequence_length": 24,
        "layout": "first",
        "num_orders": 1,
        "min_support": 2,
        "measure": MeasureConfig(masking_rate=0.3),
    }
    return ExpertsConfig(**plain | changed)


def test_a_study_has_every_arm_and_the_task(checkpoint, source, task) -> None:
    record = measure_experts(str(checkpoint), source, config_of(), task=task)
    require_whole(record, "the record")
    assert record["subject"] == "heads-block2-task"
    results = record["results"]
    assert results["names"] == ["head 1", "head 2"]
    arms = {"own", "random directions", "fresh weights"}
    assert set(results["silenced"]) == set(results["read_out"]) == set(results["probes"]) == arms
    positions = record["provenance"]["positions"]
    for part in results["silenced"]["own"]["parts"]:
        assert part["accuracy"]["num"] == positions
    assert [row["num_kept"] for row in results["kept"]] == [0, 1, 2]
    assert results["kept"][2]["mean_apt"] == results["ends"]["whole"]["mean_apt"]
    again = measure_experts(str(checkpoint), source, config_of(), task=task)
    assert again["results"] == results


@pytest.mark.slow
def test_fine_tuning_with_one_head_each_stands_beside_the_probes(checkpoint, source, task) -> None:
    training = FinetuneConfig(num_epochs=1, batch_size=20)
    config = config_of(finetune=training, finetune_seeds=2, controls=False)
    said: list[str] = []
    record = measure_experts(str(checkpoint), source, config, task=task, say=said.append)
    assert said == plan_experts(str(checkpoint), config, task=task)
    assert "14 trainings of 2 steps" in said[1]
    require_whole(record, "the record")
    figures = record["results"]["finetuned"]
    assert (figures["num_seeds"], figures["num_test"]) == (2, 20)
    for protocol in ("silenced", "read_out"):
        assert len(figures[protocol]["parts"]) == 2
    (table,) = [one for one in record["tables"] if one["title"].endswith("heads, fine-tuned")]
    assert [row[0] for row in table["rows"]] == [
        *("head 1", "head 2", "none of the block", "all of the block")
    ]
    assert record["findings"][-1].startswith("Fine-tuned by read-outs of their own")


def test_epochs_without_a_task_are_refused_before_the_text_is_read(checkpoint) -> None:
    config = config_of(finetune=FinetuneConfig(num_epochs=3))
    with pytest.raises(ValueError, match="3 epochs of fine-tuning are asked for and no task"):
        measure_experts(str(checkpoint), CorpusSource(name="no such text.txt"), config)


def test_units_and_one_block_without_controls(checkpoint, source) -> None:
    config = config_of(parts="feed_forward", block=1, num_parts=3, controls=False)
    record = measure_experts(str(checkpoint), source, config)
    results = record["results"]
    assert len(results["names"]) == 3
    assert results["num_parts"] == 64
    assert set(results["silenced"]) == {"own"}
    assert results["greedy"] is None
    gain = (results["kept"][-1]["sum_of_singles"] - results["kept"][0]["sum_of_singles"]) / 64
    alone = [one["mean_apt"]["value"] for one in results["silenced"]["own"]["parts"]]
    none = results["ends"]["none"]["mean_apt"]["value"]
    assert gain == pytest.approx(np.mean(alone) - none)
    assert any(
        "64 times the mean gain of the 3 that were asked alone" in one for one in record["findings"]
    )
    assert [row["num_read"] for row in results["bounds"]] == [1, 2, 3, 8, 32]
    for row in results["bounds"][:3]:
        assert row["mean_apt"]["value"] <= row["most_apt"]["value"] + 1e-12
        assert row["num_answered"]["value"] <= row["num_answerable"]["value"]


def test_texts_are_means_over_their_own_tokens(checkpoint, documents) -> None:
    encoder = load_encoder(str(checkpoint), label_names=["no", "yes"])
    trunk = Trunk(encoder.model)
    layer = writing_layer(trunk, 2, "heads")
    texts = documents[:9]
    said_XI = said_of_texts(encoder, trunk, layer, texts, sequence_length=24, batch_size=4)
    heard: list[torch.Tensor] = []
    layer.call.module.register_forward_pre_hook(lambda _, args: heard.append(args[0]))
    for text, said_I in zip(texts, said_XI, strict=True):
        ids = torch.tensor(encoder.encode([text], 24))
        with torch.no_grad():
            encoder.model(ids)
        np.testing.assert_allclose(said_I, heard[-1][0].mean(dim=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"block": 3}, "the blocks 1 to 2, not 3"),
        ({"chosen": (1, 3)}, "the heads 1 to 2, not 3"),
        ({"parts": "nodes", "chosen": (17, 1)}, "the nodes 1 to 16, not 17"),
        ({"sequence_length": 4096}, "4096"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_the_text_is_read(
    checkpoint, changed, words
) -> None:
    source = CorpusSource(name="no such text.txt")
    with pytest.raises(ValueError, match=words):
        measure_experts(str(checkpoint), source, config_of(**changed))
