"""Weights of the laws against their formulas, and what each refuses."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from hf_apt.training.masking_laws.frequency import FrequencyMasking
from hf_apt.training.masking_laws.law import KnownOfTokens
from hf_apt.training.masking_laws.of_answers import AbilityMasking, CeilingMasking

KNOWN = KnownOfTokens(
    frequency_V=np.array([0, 400, 100, 25]),
    hits_V=np.array([0.0, 100, 0, 10]),
    asked_V=np.array([0.0, 100, 90, 30]),
    ceiling_V=np.array([np.nan, 1.0, 0.5, 0.4]),
)


def test_ability_is_what_is_answered_wrongly() -> None:
    accuracy_V = (np.array([0, 100, 0, 10]) + 10 * 110 / 220) / (np.array([0, 100, 90, 30]) + 10)
    weights_V = AbilityMasking(floor=0.06).weights(KNOWN)
    np.testing.assert_allclose(weights_V, np.maximum(1 - accuracy_V, 0.06), rtol=1e-12)
    assert weights_V[1] == 0.06


def test_the_gap_to_the_ceiling_is_what_can_still_be_learnt() -> None:
    accuracy_V = (np.array([0, 100, 0, 10]) + 5.0) / (np.array([0, 100, 90, 30]) + 10)
    weights_V = CeilingMasking(floor=0.01).weights(KNOWN)
    expected = [0.01, 1 - accuracy_V[1], 0.5 - accuracy_V[2], 0.4 - accuracy_V[3]]
    np.testing.assert_allclose(weights_V, np.maximum(expected, 0.01), rtol=1e-12)
    none = KnownOfTokens(KNOWN.frequency_V, KNOWN.hits_V, KNOWN.asked_V)
    with pytest.raises(ValueError, match="ceiling is for the planted language"):
        CeilingMasking().weights(none)


def test_frequency_is_a_power_and_the_rarest_has_weight_1() -> None:
    weights_V = FrequencyMasking(exponent=0.5).weights(KNOWN)
    np.testing.assert_allclose(weights_V, [1, 1 / 4, 1 / 2, 1])
    assert (FrequencyMasking(exponent=0).weights(KNOWN) == 1).all()


def test_before_any_answer_ability_knows_no_difference() -> None:
    nothing = np.zeros(4)
    weights_V = AbilityMasking().weights(KnownOfTokens(KNOWN.frequency_V, nothing, nothing))
    assert (weights_V == 1).all()


@pytest.mark.parametrize(
    ("made", "settings", "sentence"),
    [
        (AbilityMasking, {"every": 0}, "every must be a whole number of at least 1, got 0"),
        (AbilityMasking, {"floor": 0.0}, "floor must be a finite number above 0, got 0.0"),
        (AbilityMasking, {"floor": 1.5}, "floor must be at most 1, got 1.5"),
        (CeilingMasking, {"kept": 1.1}, "kept must be a share from 0 to 1, got 1.1"),
        (CeilingMasking, {"most": 2.0}, "most must be at most 1, got 2.0"),
        (FrequencyMasking, {"exponent": -1.0}, "exponent must be a finite number of at least 0"),
        (FrequencyMasking, {"most": 1.2}, "most must be at most 1, got 1.2"),
    ],
)
def test_settings_out_of_range_are_refused(made: Any, settings, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        made(**settings)


def test_the_settings_are_the_json() -> None:
    assert json.loads(json.dumps(asdict(AbilityMasking()))) == {
        **{"every": 100, "floor": 0.05, "kept": 0.5, "prior": 10.0, "most": 1.0},
        "name": "ability",
    }
    assert asdict(FrequencyMasking()) == {"name": "frequency", "exponent": 0.5, "most": 1.0}
    assert asdict(CeilingMasking())["name"] == "ceiling"
