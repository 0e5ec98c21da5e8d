"""Laws of boxes of planted languages: places and parameters are one, and nothing lies outside."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from hf_apt.data.planted import planted_language
from hf_apt.data.planted.parameters import NAMES, LanguageBounds, LanguageParameters

BOUNDS = LanguageBounds()


def test_the_default_parameters_are_those_of_the_language() -> None:
    ours, plain = LanguageParameters().language(seed=3), planted_language(seed=3)
    assert ours.words == plain.words
    for name in ("kind_words", "topic_probs", "frame_start", "frame_steps", "latent_steps"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(plain, name))


def test_a_place_and_its_parameters_are_one() -> None:
    for number in range(20):
        place_P = BOUNDS.drawn(5, number)
        np.testing.assert_allclose(BOUNDS.place(BOUNDS.at(place_P)), place_P, atol=1e-12)
        for name, value in asdict(BOUNDS.at(place_P)).items():
            low, high = getattr(BOUNDS, name)
            assert low <= value <= high
    corners = (np.zeros(len(NAMES)), np.ones(len(NAMES)))
    for end, corner_P in enumerate(corners):
        assert asdict(BOUNDS.at(corner_P)) == {n: getattr(BOUNDS, n)[end] for n in NAMES}


def test_draws_are_pure_functions_of_their_key() -> None:
    np.testing.assert_array_equal(BOUNDS.drawn(1, 2), BOUNDS.drawn(1, 2))
    assert (BOUNDS.drawn(1, 2) != BOUNDS.drawn(2, 1)).all()
    assert np.mean([BOUNDS.drawn(0, n) for n in range(400)]) == pytest.approx(0.5, abs=0.03)


def test_a_parameter_of_one_value_has_the_place_0() -> None:
    narrow = replace(BOUNDS, preference=(0.8, 0.8))
    assert narrow.place(LanguageParameters())[NAMES.index("preference")] == 0
    assert narrow.at(np.ones(len(NAMES))).preference == 0.8
    with pytest.raises(ValueError, match="preference=0.7 lies outside its bounds"):
        narrow.place(LanguageParameters(preference=0.7))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"preference": (0.5, 1.1)}, r"preference has the bounds \(0.5, 1.1\).* \[0, 1\]"),
        ({"member_exponent": (-1.0, 1.0)}, "member_exponent has the bounds .* 0 or above"),
        ({"frame_follow": (0.9, 0.1)}, "the smaller one first"),
    ],
)
def test_bounds_of_no_language_are_refused(change, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        LanguageBounds(**change)


def test_no_place_lies_outside_the_cube() -> None:
    with pytest.raises(ValueError, match="lies in the unit cube"):
        BOUNDS.at(np.full(len(NAMES), 1.5))
