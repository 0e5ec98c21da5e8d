"""The three criteria: passed, failed, undefined."""

import pytest

from hf_apt.stats.kernels.criteria import kernel_criteria, plain_criterion

PASSING = {
    "kernel_accuracy": 0.81,
    "finetuned_accuracy": 0.9,
    "start_accuracy": 0.5,
    "linearised_accuracy": 0.7,
    "drift": 1.99,
}


def verdicts(**changed: float) -> list[str]:
    return [each.verdict for each in kernel_criteria(**{**PASSING, **changed})]


def test_at_the_thresholds_all_pass() -> None:
    assert verdicts() == ["pass", "pass", "pass"]


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [("kernel_accuracy", 0.8, 0), ("linearised_accuracy", 0.69, 1), ("drift", 2.0, 2)],
)
def test_each_fails_by_itself(name, value, place) -> None:
    assert verdicts(**{name: value}) == ["fail" if i == place else "pass" for i in range(3)]


def test_without_a_gain_there_is_no_share_of_it() -> None:
    assert verdicts(finetuned_accuracy=0.5)[1] == "undefined"


def test_without_a_gradient_at_the_start_there_is_no_drift() -> None:
    third = kernel_criteria(**{**PASSING, "drift": float("nan")})[2]
    assert (third.verdict, third.value) == ("undefined", None)


def test_a_criterion_as_json_has_its_verdict() -> None:
    plain = plain_criterion(kernel_criteria(**PASSING)[2])
    assert (plain["verdict"], plain["value"], plain["threshold"]) == ("pass", 1.99, 2.0)
