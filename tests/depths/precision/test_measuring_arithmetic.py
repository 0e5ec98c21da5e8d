"""Laws of how a measured trunk multiplies: every exact way gives the same counts."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.arithmetic.matmul import is_exact
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths import measurement
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.precision import measuring_arithmetic as module
from hf_apt.depths.precision.measuring_arithmetic import measuring_arithmetic
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape


@pytest.fixture(scope="module")
def trunk(tokens) -> Trunk:
    return Trunk(new_model(ModelShape(hidden_size=16, num_heads=2, num_blocks=2), tokens, seed=3))


def test_where_the_default_is_fastest_nothing_is_tried(trunk, tokens, monkeypatch):
    monkeypatch.setattr(module, "fastest_matmul", lambda: "default")
    monkeypatch.setattr(module, "_tried", lambda *_: pytest.fail("a trial was made"))
    assert measuring_arithmetic(trunk, tokens, "fp32") == Arithmetic()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_trial_keeps_to_the_precision_and_is_made_once(trunk, tokens, monkeypatch, precision):
    monkeypatch.setattr(module, "fastest_matmul", lambda: "onednn")
    made = measuring_arithmetic(trunk, tokens, precision)
    assert made.precision == precision
    monkeypatch.setattr(module, "seconds_of", lambda *_: pytest.fail("tried again"))
    assert measuring_arithmetic(trunk, tokens, precision) == made


@pytest.mark.parametrize("matmul", ["default", "onednn"])
def test_every_exact_way_gives_the_same_counts_and_losses(trunk, tokens, monkeypatch, matmul):
    if not is_exact(matmul):
        pytest.skip("oneDNN rounds on this processor")
    decoders = {"own_head": OwnHead(trunk)}

    def measured(way: Arithmetic) -> Any:
        monkeypatch.setattr(measurement, "measuring_arithmetic", lambda *_: way)
        return measure(trunk, tokens, decoders, MeasureConfig())["own_head"]

    plain, other = measured(Arithmetic()), measured(Arithmetic(matmul=matmul, attention="math"))
    for here, there in zip(plain.counts.pairs, other.counts.pairs, strict=True):
        for ours, theirs in zip(here, there, strict=True):
            assert ours.keys.tolist() == theirs.keys.tolist()
            assert ours.counts.tolist() == theirs.counts.tolist()
    for name, measure_of in plain.measures.items():
        for key, values in measure_of.arrays().items():
            np.testing.assert_allclose(other.measures[name].arrays()[key], values, rtol=1e-6)


def test_a_measured_model_is_not_kept(tokens, monkeypatch):
    monkeypatch.setattr(module, "fastest_matmul", lambda: "onednn")
    model = new_model(ModelShape(hidden_size=8, num_heads=2, num_blocks=1), tokens, seed=3)
    measuring_arithmetic(Trunk(model), tokens, "bf16")
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
