"""Co-training beside its controls: shared beginnings, known weights, and figures of seeds."""

import numpy as np
import pytest

from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.studies.cotraining import cotrain_once, summarised
from hf_apt.studies.cotraining_config import CotrainingConfig
from hf_apt.training.finetune_config import FinetuneConfig

CONFIG = CotrainingConfig(
    task=TaskConfig(
        name="planted", train_per_class=10, test_per_class=5, num_words=20, label_noise=0.25
    ),
    finetune=FinetuneConfig(num_epochs=2, batch_size=16, sequence_length=24, learning_rate=1e-3),
    weightings=("none", "co_training", "filter", "oracle"),
)


@pytest.fixture(scope="module")
def checkpoint_folder(tokens, tokenizer, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("checkpoint")
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2)
    new_model(shape, tokens, seed=3).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def figures(checkpoint_folder):
    return cotrain_once(checkpoint_folder, CONFIG)


def test_each_weighting_has_its_figures(figures):
    assert set(figures) == set(CONFIG.weightings)
    for each in figures.values():
        assert set(each) == {"accuracy", "macro_f1", "single_accuracy", "weight", "auc"}
        assert 0 <= each["macro_f1"] <= 1


def test_the_oracle_knows_which_labels_are_wrong_and_none_does_not(figures):
    assert (figures["oracle"]["auc"], figures["oracle"]["weight"]) == (1.0, 0.75)
    assert (figures["none"]["auc"], figures["none"]["weight"]) == (0.5, 1.0)
    assert figures["filter"]["weight"] == pytest.approx(0.8)
    assert 0 < figures["co_training"]["weight"] < 1


def test_it_is_a_function_of_the_seed(figures, checkpoint_folder):
    config = CotrainingConfig(
        task=CONFIG.task, finetune=CONFIG.finetune, weightings=("co_training",)
    )
    assert cotrain_once(checkpoint_folder, config)["co_training"] == figures["co_training"]


def test_seeds_are_summed_up_with_the_paired_difference():
    by_seed = [
        {"none": {"accuracy": 0.5}, "filter": {"accuracy": 0.7}},
        {"none": {"accuracy": 0.7}, "filter": {"accuracy": 0.8}},
    ]
    summary = summarised(by_seed)
    assert summary["filter"]["accuracy"] == pytest.approx(
        {"value": 0.75, "standard_error": 0.05, "num": 2}
    )
    assert summary["filter"]["more_than_none"] == pytest.approx(
        {"value": 0.15, "standard_error": 0.05, "num": 2}
    )
    assert summary["none"]["more_than_none"]["value"] == 0
    assert "more_than_none" not in summarised([{"filter": {"accuracy": 0.7}}])["filter"]
    assert np.isfinite(summary["none"]["accuracy"]["value"])


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"task": TaskConfig(name="planted")}, "the task has a label_noise of 0: plant some"),
        ({"weightings": ("odd",)}, "weightings is 'odd': choose one of none, co_training"),
        ({"dropped": 1.5}, "dropped must lie between 0 and 1, got 1.5"),
        ({"num_seeds": 0}, "num_seeds must be a whole number of at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(changed, sentence):
    settings = {name: getattr(CONFIG, name) for name in ("task", "finetune", "weightings")}
    with pytest.raises(ValueError, match=sentence):
        CotrainingConfig(**settings | changed)
