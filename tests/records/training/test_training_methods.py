"""What a fine-tuning is called: names, and the settings that tell two of one name apart."""

from hf_apt.records.training.training_methods import method_label, method_labels

SMOOTH = {"name": "smoothness", "weight": 1.0, "radius": 1e-5, "norm": "inf"}


def test_parts_stand_in_one_order_and_those_without_weight_do_nothing():
    finetune = {
        "methods": [{"name": "grouped_gradients", "num_groups": [8, 16], "strength": 0.0}],
        "objectives": [SMOOTH, {"name": "r_drop", "weight": 0.0}],
        "loss": {"name": "focal", "gamma": 2.0},
    }
    assert method_label(finetune) == "focal + smoothness weight=1"
    assert method_label({"objectives": [], "methods": [], "loss": None}) == "plain"
    assert method_label(None) == "plain"


def test_runs_are_told_apart_by_the_settings_in_which_they_differ():
    runs = [
        {"objectives": [SMOOTH]},
        {"objectives": [SMOOTH | {"norm": "2", "weight": 3.0}]},
        {"num_epochs": 3},
        {"methods": [{"name": "grouped_gradients", "num_groups": [8, 16], "strength": 1.0}]},
    ]
    assert method_labels(runs) == [
        "smoothness weight=1,norm=inf",
        "smoothness weight=3,norm=2",
        "plain",
        "grouped_gradients",
    ]


def test_a_dropout_that_was_asked_for_is_said():
    assert method_label({"dropout": 0.1, "loss": None}) == "dropout 0.1"
    assert method_label({"dropout": None}) == "plain"
    assert method_labels([{"dropout": 0.1}, {"dropout": 0.0}]) == ["dropout 0.1", "dropout 0"]
