"""Laws of the choice by a step's time, with known times, and of the trial, by its own clock."""

import pytest

from hf_apt.arithmetic import step_trial as module
from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.arithmetic.step_trial import candidates, chosen, seconds_of

PLAIN = Arithmetic()
MATH = Arithmetic(attention="math")
ONEDNN = Arithmetic(matmul="onednn", attention="math")
ROUNDED = Arithmetic(precision="bf16")
ROUNDED_MATH = Arithmetic(precision="bf16", attention="math")


@pytest.mark.parametrize(
    ("seconds", "taken"),
    [
        ({PLAIN: 1.0}, PLAIN),
        ({PLAIN: 1.0, MATH: 0.95}, PLAIN),
        ({PLAIN: 1.1, MATH: 1.0}, MATH),
        ({PLAIN: 2.2, MATH: 2.0, ONEDNN: 1.0}, ONEDNN),
        ({PLAIN: 1.3, ROUNDED: 1.0}, ROUNDED),
        ({PLAIN: 1.29, ROUNDED: 1.0}, PLAIN),
        # bfloat16 is held against the fastest exact way, not against torch's own.
        ({PLAIN: 2.2, ONEDNN: 1.0, ROUNDED: 0.9}, ONEDNN),
        ({PLAIN: 2.2, ONEDNN: 1.0, ROUNDED: 0.9, ROUNDED_MATH: 0.7}, ROUNDED_MATH),
        # The demo's step, whose flash attention is slow in bfloat16.
        ({PLAIN: 26.0, MATH: 31.2, ROUNDED: 60.2, ROUNDED_MATH: 26.9}, PLAIN),
        ({ROUNDED: 60.2, ROUNDED_MATH: 26.9}, ROUNDED_MATH),
    ],
)
def test_the_choice_by_known_times(seconds, taken):
    assert chosen(seconds) == taken


def test_of_nothing_nothing_is_chosen():
    with pytest.raises(ValueError, match="nothing|no arithmetic"):
        chosen({})


@pytest.mark.parametrize("fastest", ["default", "onednn"])
@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16"])
def test_the_candidates_begin_with_torchs_own_way(monkeypatch, fastest, precision):
    monkeypatch.setattr(module, "fastest_matmul", lambda: fastest)
    ways = candidates(precision)
    assert (
        len(set(ways))
        == len(ways)
        == (2 if precision == "auto" else 1) * (4 if fastest == "onednn" else 2)
    )
    first = "fp32" if precision == "auto" else precision
    assert ways[0] == Arithmetic(precision=first)
    assert {way.precision for way in ways} == (
        {"fp32", "bf16"} if precision == "auto" else {precision}
    )


def test_by_hand_the_library_is_no_question(monkeypatch):
    monkeypatch.setenv("HF_APT_MATMUL", "onednn")
    monkeypatch.setattr(module, "fastest_matmul", lambda: "onednn")
    assert {way.matmul for way in candidates("auto")} == {"onednn"}


def test_a_step_is_timed_in_turns_after_one_that_is_not():
    now, seen = [0.0], []
    taken = {PLAIN: iter([50.0, 3.0, 4.0]), MATH: iter([1.0, 7.0, 6.0])}

    def step(way: Arithmetic) -> None:
        seen.append(way)
        now[0] += next(taken[way])

    assert seconds_of(step, [PLAIN, MATH], rounds=2, clock=lambda: now[0]) == {PLAIN: 3, MATH: 6}
    assert seen == [PLAIN, MATH] * 3
