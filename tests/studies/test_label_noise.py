"""Wrong labels by depth: what the embeddings of [CLS] cannot know, and what means do."""

import json

import numpy as np
import pytest

from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.studies.label_noise import wrong_labels_by_depth


@pytest.fixture
def task(tmp_path) -> TaskConfig:
    """Two classes, each of ten words of its own, and every fifth label wrong."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "text": " ".join(f"w{10 * (at % 2) + word}" for word in rng.integers(0, 10, 12)),
            "label": "ab"[at % 2],
        }
        for at in range(120)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return TaskConfig(
        name=str(tmp_path / "rows.jsonl"), train_per_class=50, test_per_class=5, label_noise=0.2
    )


def test_the_first_state_knows_nothing_and_the_mean_knows_much(checkpoint, task):
    config = FeatureConfig(sequence_length=16, poolings=("cls", "mean"))
    result = wrong_labels_by_depth(str(checkpoint), task, config, num_seeds=2)
    assert set(result) == {"cls", "mean"}
    of_first, of_mean = result["cls"], result["mean"]
    num_depths = len(of_mean["recall"])
    assert all(len(each) == num_depths for each in of_mean.values())
    # All features alike: every margin is 0, and nothing is suspected.
    assert of_first["precision"][0]["value"] is None
    assert of_first["recall"][0]["value"] == 0
    assert of_mean["share_wrong"][0] == {"value": 0.2, "standard_error": 0.0, "num": 2}
    assert of_mean["recall"][0]["value"] > 0.8
    assert of_mean["precision"][0]["value"] > 0.8
    assert of_mean["precision_at_rate"][0]["value"] > 0.8


def test_a_task_without_wrong_labels_is_refused():
    with pytest.raises(ValueError, match="the task has a label noise of 0: plant wrong labels"):
        wrong_labels_by_depth("nowhere", TaskConfig(name="planted"))
