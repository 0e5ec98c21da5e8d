"""Receipts of a task's charts: every value with its error, what it is over, and of what."""

from hf_apt.report.charts.task_charts import (
    apt_bin_data,
    apt_bin_points,
    depth_data,
    depth_points,
    receipts_end,
    reliability_points,
    size_data,
    size_points,
)


def estimate(value, error=0.01, num=100):
    return {"value": value, "standard_error": error, "num": num}


NOT_MEASURED = estimate(None, None, 0)


def test_accuracy_and_mean_apt_are_in_panels_of_their_own_and_say_their_errors():
    accuracies = [("frozen", [estimate(0.5, num=1), NOT_MEASURED])]
    apt = [("own head", [estimate(0.25, num=7), estimate(0.5, None, 7)])]
    labels = ["embeddings", "block 1"]
    points = depth_points(accuracies, apt, labels, 1)
    assert [(point.x, point.y, point.panel) for point in points] == [
        (0, 0.5, 0),
        (0, 0.25, 1),
        (1, 0.5, 1),
    ]
    assert [point.said for point in points] == [
        "accuracy, frozen, embeddings: 0.5000 ± 0.0100 (standard error over the test texts of one"
        " seed), n = 1 seed",
        "mean APT, own head, embeddings: 0.2500 ± 0.0100 (standard error over tokens),"
        " n = 7 tokens",
        "mean APT, own head, block 1: 0.5000, n = 7 tokens",
    ]
    rows = depth_data(accuracies, apt, labels).rows
    assert [list(row) for row in rows] == [
        ["accuracy", "frozen", "embeddings", 0.5, 0.01, 1],
        ["accuracy", "frozen", "block 1", None, None, 0],
        ["mean APT", "own head", "embeddings", 0.25, 0.01, 7],
        ["mean APT", "own head", "block 1", 0.5, None, 7],
    ]


def test_over_seeds_n_counts_seeds():
    (point,) = depth_points([("cut", [estimate(0.5, 0.02, 3)])], [], ["block 1"], 3)
    assert point.said.endswith("0.5000 ± 0.0200 (standard error over seeds), n = 3 seeds")


def test_committees_begin_with_one_member():
    curves = {"mean softmax": [estimate(0.5), estimate(0.75)]}
    points = size_points(curves)
    assert [point.x for point in points] == [1, 2]
    assert points[0].said.startswith("accuracy, mean softmax, 1 member: 0.5000 ± 0.0100")
    assert [list(row)[:3] for row in size_data(curves).rows] == [
        ["mean softmax", 1, 0.5],
        ["mean softmax", 2, 0.75],
    ]


def test_bins_are_pointed_at_in_their_middle():
    part = {"low": 0.2, "high": 0.4, "confidence": estimate(0.9), "accuracy": NOT_MEASURED}
    (point,) = apt_bin_points([part])
    assert (point.x, point.y) == (0.30000000000000004, 0.9)
    assert point.said.startswith("confidence, mean APT 0.200 to 0.400: 0.9000 ± 0.0100")
    assert len(apt_bin_data([part]).rows) == 2
    (point,) = reliability_points([{"confidence": estimate(0.9), "accuracy": estimate(0.8)}])
    assert (point.x, point.y) == (0.9, 0.8)
    assert point.said.startswith("accuracy, confidence 0.9000: 0.8000")


def test_receipts_end_with_the_task_its_texts_and_its_seeds():
    record = {
        "provenance": [{"num_train": 1200, "num_test": 345}],
        "config": {"task": {"seed": 42}, "num_seeds": 3},
    }
    said = "ag_news, 1,200 texts to train on, 345 texts to test on, seeds 42 to 44"
    assert receipts_end("ag_news", record, None) == said
    committee = {"provenance": {"num_train": 2, "num_test": 1}}
    assert (
        receipts_end("ag_news", None, committee)
        == "ag_news, 2 texts to train on, 1 text to test on"
    )
