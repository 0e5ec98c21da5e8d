"""The data map of a fine-tuning as a study: counts by hand, and what a run is left with."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.records.run import Run
from hf_apt.records.studies.study_files import read_studies
from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord
from hf_apt.studies.block_accuracy import measure_blocks
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.studies.data_maps import MOST_POINTS, data_map_record
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.methods.training_dynamics import TrainingDynamics

PROBABILITY = np.array([[0.9, 0.4, 0.2, 0.6], [0.7, 0.6, 0.4, 0.8]])


def task(num: int = 4) -> Task:
    examples = Examples(tuple(map(str, range(num))), np.arange(num) % 2)
    return Task("kinds", examples, examples, ("a", "b"), {"source": "here"})


def test_texts_are_grouped_by_how_often_they_are_right():
    dynamics = DynamicsRecord(PROBABILITY, PROBABILITY > 0.5, np.array([3, 6]))
    record = data_map_record(dynamics, "bert6-narrow-wikipedia", task(), {"num_epochs": 2})
    groups, least = record["tables"]
    assert [row[:2] for row in groups["rows"]] == [
        ["right in every epoch", 2],
        ["right in some epochs", 1],
        ["right in none", 1],
    ]
    always = groups["rows"][0]
    assert always[2]["value"] == 0.5  # pyright: ignore
    assert always[3]["value"] == pytest.approx((0.8 + 0.7) / 2)  # pyright: ignore
    assert always[4]["value"] == pytest.approx(0.1)  # pyright: ignore
    assert [row[:2] for row in least["rows"]] == [
        *(["text 3", "a"], ["text 2", "b"], ["text 4", "b"], ["text 1", "a"])
    ]
    scatter, by_epoch = record["figures"]
    assert scatter["groups"] == {
        "right in every epoch": [[0.1, 0.8], [0.1, 0.7]],
        "right in some epochs": [[0.1, 0.5]],
        "right in none": [[0.1, 0.3]],
    }  # pyright: ignore
    curve = by_epoch["curves"]["answered right"]  # pyright: ignore
    assert [each["value"] for each in curve] == [0.5, 0.75]  # pyright: ignore
    assert (
        "50.0% of 4 training texts are answered right after every one of 2 epochs"
        in (record["findings"][0])
    )
    assert record["results"]["confidence"] == pytest.approx([0.8, 0.5, 0.3, 0.7])


def test_of_many_texts_some_are_drawn():
    num = 3 * MOST_POINTS
    probability = np.random.default_rng(0).random((2, num))
    dynamics = DynamicsRecord(probability, probability > 0.5, np.array([1, 2]))
    record = data_map_record(dynamics, "bert6-narrow-wikipedia", task(num), {})
    points = record["figures"][0]["groups"]  # pyright: ignore
    assert sum(map(len, points.values())) == MOST_POINTS
    assert len(record["results"]["confidence"]) == num


def test_fine_tuning_leaves_it_where_it_was_asked_for(checkpoint, tmp_path):
    rows = tmp_path / "rows.jsonl"
    lines = [{"text": f"w{row % 7} w{row % 5}", "label": row % 2} for row in range(40)]
    rows.write_text("\n".join(map(json.dumps, lines)))
    config = BlockAccuracyConfig(
        task=TaskConfig(name=str(rows), train_per_class=8, test_per_class=4),
        features=FeatureConfig(sequence_length=16),
        finetune=FinetuneConfig(num_epochs=2, batch_size=8, sequence_length=16),
        num_seeds=1,
        confidence=None,
    )
    run = Run(tmp_path / "run")
    measure_blocks(str(checkpoint), config, run)
    assert read_studies(run) == []
    assert config.finetune is not None
    recorded = replace(config.finetune, methods=(TrainingDynamics(picture=True),))
    for _ in range(2):  # the second time nothing is trained again
        measure_blocks(str(checkpoint), replace(config, finetune=recorded), run)
        (study,) = read_studies(run)
        assert study["study"] == "data_map"
        assert study["config"]["methods"][0]["name"] == "training_dynamics"
        assert len(study["results"]["confidence"]) == 16
        run.path("studies/data_map-rows.json").unlink()
    assert run.path("finetune/rows/data_map.png").exists()
