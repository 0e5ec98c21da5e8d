"""What methods record of a training is kept beside the model, and is of the whole one."""

import numpy as np

import hf_apt
from hf_apt.cli.spelling.methods import methods_of
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.models.encoders import load_encoder
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.studies.block_protocols import Protocols
from hf_apt.training.finetune_config import FinetuneConfig


def test_records_of_methods_are_kept_with_the_model(checkpoint, tmp_path):
    config = BlockAccuracyConfig(
        task=TaskConfig(name="planted", train_per_class=4, test_per_class=2, num_words=10),
        features=FeatureConfig(sequence_length=16, poolings=("mean",)),
        probes=("linear",),
        finetune=FinetuneConfig(
            num_epochs=2,
            batch_size=8,
            sequence_length=16,
            methods=methods_of(["training_dynamics", "grouped_gradients:num_groups=4"]),
        ),
        cut=True,
    )
    task = open_task(config.task)
    encoder = load_encoder(str(checkpoint), label_names=task.label_names)
    figures = Protocols(task, config, 0, tmp_path / "scratch").of(encoder, tmp_path / "saved")
    assert figures.cut is not None
    assert (tmp_path / "saved" / "config.json").exists()
    record = hf_apt.read_dynamics(tmp_path / "saved" / "training_dynamics.npz")
    assert record.probability_EN.shape == (2, len(task.train))
    again = hf_apt.read_dynamics(tmp_path / "scratch/training/training_dynamics.npz")
    assert np.array_equal(record.probability_EN, again.probability_EN)
