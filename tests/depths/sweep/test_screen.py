"""The arg-max screened in bfloat16 is the float32 one, and leaves few tokens to score again."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import hf_apt.depths.sweep.vocabulary as vocabulary_module
from hf_apt.depths.sweep import streamed_argmax
from hf_apt.depths.sweep.screen import MOST_CANDIDATES, UNPROVEN, Screen, proven_ids
from hf_apt.depths.sweep.vocabulary import SCREENED_ROWS, is_screened

WORKERS = Path(__file__).parents[2] / "support/workers"
ONE = torch.ones(1, 1)


def run(worker: str, *arguments: str, interpret: bool, **environment: str) -> str:
    """In a process of its own: Triton chooses its interpreter once, when it is imported."""
    pytest.importorskip("triton", reason="Triton is not made for this platform")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(WORKERS / worker), *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"TRITON_INTERPRET": "1" if interpret else "0"} | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# What a screen proves.


def screen_of(uppers: list[float], lower: float, *, second: float = -9.0, bounded=True) -> Screen:
    """What the kernel keeps of one row where each token has a tile of its own."""
    return Screen(
        upper_TN=torch.tensor(uppers)[:, None],
        ids_TN=torch.arange(len(uppers), dtype=torch.int32)[:, None],
        second_N=torch.tensor([second]),
        lower_N=torch.tensor([lower]),
        is_bounded_N=torch.tensor([bounded]),
    )


def proven(screen: Screen, logits: list[float], bias: list[float] | None = None) -> int:
    weight = torch.tensor(logits)[:, None]
    return proven_ids(screen, ONE, weight, None if bias is None else torch.tensor(bias)).item()


def test_a_single_candidate_is_proven_without_its_weights():
    assert proven(screen_of([1.0, 3.0, 2.0], 2.5), [9.0, 0.0, 0.0]) == 1


def test_of_several_candidates_the_weights_decide():
    assert proven(screen_of([3.0, 3.0, 9.0], 2.5), [2.5, 2.9, 2.8]) == 1
    assert proven(screen_of([3.0, 3.0, 9.0], 2.5), [2.5, 2.9, 2.8], [0.0, -1.0, 0.0]) == 2


def test_what_float32_may_confuse_is_not_proven():
    """1 + 2^-22 is another number than 1, but not after roundings of 2^-24 on either side."""
    assert proven(screen_of([3.0, 3.0], 2.5), [1.0, 1.0]) == UNPROVEN
    assert proven(screen_of([3.0, 3.0], 2.5), [1.0, 1.0 + 2**-22]) == UNPROVEN
    assert proven(screen_of([3.0, 3.0], 2.5), [1.0, 1.0 + 2**-20]) == 1


def test_biases_are_added_as_float32_has_them():
    bias = torch.tensor([1.0, 1.0 + 2**-30], dtype=torch.float64)
    weight = torch.zeros(2, 1)
    assert proven_ids(screen_of([3.0, 3.0], 2.5), ONE, weight, bias).item() == UNPROVEN


@pytest.mark.parametrize(
    "screen",
    [
        screen_of([1.0, 3.0], 2.5, second=2.5),  # two candidates of one tile
        screen_of([1.0, 3.0], 2.5, bounded=False),
        screen_of([-torch.inf, -torch.inf], -torch.inf),
        screen_of([torch.nan, 3.0], torch.nan),
        screen_of([torch.inf, 3.0], torch.inf),
        screen_of([3.0] * (MOST_CANDIDATES + 1), 2.5),
    ],
)
def test_rows_with_too_many_candidates_or_no_bounds_are_not_proven(screen):
    logits = [0.0] * len(screen.upper_TN)
    assert proven(screen, [9.0, *logits[1:]]) == UNPROVEN


def test_as_many_candidates_as_are_allowed_are_scored():
    logits = [0.0] * MOST_CANDIDATES
    assert proven(screen_of([3.0] * len(logits), 2.5), [*logits[1:], 9.0]) == len(logits) - 1


# The kernel.


@pytest.fixture(scope="module", params=["cpu", "cuda"])
def figures(request) -> dict[str, SimpleNamespace]:
    """What the worker found in each case."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    cases = json.loads(run("screen_laws.py", request.param, interpret=request.param == "cpu"))
    return {
        name: SimpleNamespace(**{key.replace(" ", "_"): value for key, value in case.items()})
        for name, case in cases.items()
    }


def test_ids_are_those_of_the_sweep_and_none_is_proven_that_is_wrong(figures):
    assert len(figures) == 24
    for name, case in figures.items():
        assert case.not_those_of_the_sweep == 0, name
        assert case.not_those_of_double_precision == 0, name


def test_the_kernel_counts_the_candidates_that_all_bounds_give(figures):
    for name, case in figures.items():
        assert case.not_the_number_of_all_bounds == 0, name


@pytest.mark.parametrize(
    ("name", "mean", "most"),
    [
        ("random", 1.3, 4),
        ("trained", 1.2, 3),
        ("flat", 1.3, 4),
        ("a token of norm x40", 1.3, 4),
        ("a padded token", 1.3, 4),
        ("an outlier feature", 1.4, 4),
        ("tokens ruled out", 1.3, 4),
    ],
)
def test_candidates_are_few_and_nearly_all_rows_are_proven(figures, name, mean, most):
    case = figures[name]
    assert case.mean_candidates <= mean
    assert case.median_candidates == 1
    assert case.most_candidates <= most
    assert case.proven >= 0.9 * case.rows


def test_many_candidates_are_scored_again(figures):
    case = figures["twenty tokens alike"]
    assert 15 < case.mean_candidates <= case.median_candidates <= case.most_candidates <= 21
    assert case.proven >= 0.9 * case.rows


@pytest.mark.parametrize(
    ("name", "proven_rows", "no_answer"),
    [
        ("ties", 0, 0),
        ("zeros", 0, 0),
        ("a weight that is no number", 0, 64),
        ("all tokens ruled out", 0, 64),
        ("a bias beside which logits are lost", 0, 0),
        ("no rows", 0, 0),
        ("one row", 1, 0),
        ("one token", 64, 0),
    ],
)
def test_what_the_screen_cannot_decide_is_swept(figures, name, proven_rows, no_answer):
    assert figures[name].proven == proven_rows
    assert figures[name].no_answer == no_answer


def test_a_row_that_is_no_number_costs_no_other_row_its_proof(figures):
    case = figures["rows that are no numbers"]
    assert case.no_answer == 3
    assert case.complete == case.rows - 4


@pytest.mark.slow
def test_the_kernel_compiles_for_cards_that_have_tensor_cores(tmp_path):
    """Without a card; shared memory is at most what every such card has for a program."""
    lines = run("screen_compiles.py", interpret=False, TRITON_CACHE_DIR=str(tmp_path)).splitlines()
    assert [line.split()[0] for line in lines] == ["80", "90"]
    for line in lines:
        _, shared, on_tensor_cores = line.split()
        assert int(shared) <= 99 * 1024
        assert on_tensor_cores == "True"


# Where it is taken.


@dataclass(frozen=True)
class OnCard:
    """What is asked of a tensor, of one that is only said to be on a card."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device = torch.device("cuda")

    def __len__(self) -> int:
        return self.shape[0]


@pytest.fixture
def card(monkeypatch):
    """Makes tensors on a card on which Triton runs."""
    monkeypatch.setattr(vocabulary_module, "_runs_triton", lambda device: True)
    monkeypatch.setattr(vocabulary_module, "_UNSCREENED", set())
    return lambda *shape, dtype=torch.float32: OnCard(shape, dtype)


def test_many_rows_of_float32_are_screened_on_cards(card):
    weight = card(100, 8)
    assert is_screened(card(SCREENED_ROWS, 8), weight)
    assert not is_screened(card(SCREENED_ROWS - 1, 8), weight)
    assert not is_screened(card(SCREENED_ROWS, 2**14 + 1), card(100, 2**14 + 1))
    assert not is_screened(card(SCREENED_ROWS, 8), card(0, 8))
    assert not is_screened(torch.empty(SCREENED_ROWS, 8), torch.empty(100, 8))


@pytest.mark.parametrize("other", [torch.float64, torch.bfloat16, torch.float16])
def test_other_types_are_not_screened(card, other):
    assert not is_screened(card(SCREENED_ROWS, 8, dtype=other), card(100, 8, dtype=other))
    assert not is_screened(card(SCREENED_ROWS, 8), card(100, 8, dtype=other))


def test_where_float32_may_be_rounded_to_tf32_nothing_is_screened(card, monkeypatch):
    rows, weight = card(SCREENED_ROWS, 8), card(100, 8)
    settings = SimpleNamespace(fp32_precision="tf32")
    monkeypatch.setattr(torch.backends.cuda, "matmul", settings)
    assert not is_screened(rows, weight)
    settings.fp32_precision = "ieee"
    assert is_screened(rows, weight)
    monkeypatch.setattr(torch.backends.cuda, "matmul", SimpleNamespace())  # before torch 2.9
    assert is_screened(rows, weight)
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "high")
    assert not is_screened(rows, weight)


def test_cards_of_others_and_without_tensor_cores_are_not_screened(card, monkeypatch):
    rows, weight = card(SCREENED_ROWS, 8), card(100, 8)
    with monkeypatch.context() as patch:
        patch.setattr(torch.version, "hip", "6.4")
        assert not is_screened(rows, weight)
    monkeypatch.setattr(vocabulary_module, "_runs_triton", lambda device: False)
    assert not is_screened(rows, weight)


@pytest.mark.parametrize("kind", ["TritonError", "RuntimeError"])
def test_a_card_on_which_the_screen_does_not_run_sweeps_in_float32(kind, card, monkeypatch):
    errors = pytest.importorskip("triton.errors", reason="Triton is not made for this platform")

    def fail(*_):
        raise getattr(errors, kind, RuntimeError)("out of resource: shared memory")

    launch = SimpleNamespace(screened_argmax=fail)
    monkeypatch.setitem(sys.modules, "hf_apt.depths.sweep.launch", launch)
    monkeypatch.setattr(vocabulary_module, "chunked_argmax", lambda *_: "swept")
    rows, weight = card(SCREENED_ROWS, 8), card(100, 8)
    with pytest.warns(UserWarning, match=r"does not run here \(out of resource.*float32 instead"):
        assert streamed_argmax(rows, weight, None) == "swept"
    assert not is_screened(rows, weight)
    assert streamed_argmax(rows, weight, None) == "swept"


def test_a_card_that_is_full_says_so_and_keeps_its_screen(card, monkeypatch):
    pytest.importorskip("triton.errors", reason="Triton is not made for this platform")

    def fail(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    launch = SimpleNamespace(screened_argmax=fail)
    monkeypatch.setitem(sys.modules, "hf_apt.depths.sweep.launch", launch)
    rows, weight = card(SCREENED_ROWS, 8), card(100, 8)
    with pytest.raises(torch.OutOfMemoryError):
        streamed_argmax(rows, weight, None)
    assert is_screened(rows, weight)


def test_a_card_is_asked_for_the_screen(card, monkeypatch):
    launch = SimpleNamespace(screened_argmax=lambda *_: "screened")
    monkeypatch.setitem(sys.modules, "hf_apt.depths.sweep.launch", launch)
    assert streamed_argmax(card(SCREENED_ROWS, 8), card(100, 8), None) == "screened"
