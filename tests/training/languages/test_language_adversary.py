"""Laws of the adversary: within bounds, pure in its seed, uphill, and at rest at step 0."""

import numpy as np
import pytest

from hf_apt.training.languages.language_adversary import AdversaryConfig, moved, places_about

CONFIG = AdversaryConfig(num_candidates=6, step_size=0.3, seed=1)
PLACE = np.array([0.1, 0.5, 0.95])


def test_candidates_keep_to_the_bounds_and_to_the_step() -> None:
    for number in range(30):
        places_MP = places_about(PLACE, CONFIG, number)
        assert places_MP.shape == (7, 3)
        np.testing.assert_array_equal(places_MP[0], PLACE)
        assert ((places_MP >= 0) & (places_MP <= 1)).all()
        assert (np.abs(places_MP - PLACE) <= 0.3).all()


def test_candidates_are_a_pure_function_of_seed_and_number() -> None:
    np.testing.assert_array_equal(places_about(PLACE, CONFIG, 4), places_about(PLACE, CONFIG, 4))
    others = (
        places_about(PLACE, CONFIG, 5),
        places_about(PLACE, AdversaryConfig(num_candidates=6), 4),
    )
    for other_MP in others:
        assert (other_MP[1:] != places_about(PLACE, CONFIG, 4)[1:]).any()


def test_it_climbs_to_the_top_of_a_hill() -> None:
    """The largest value of a known function, in a corner of the cube and inside it."""
    for top_P in (np.array([0.3, 0.6, 0.5]), np.array([1.0, 0.0, 1.0])):
        place_P, heights = PLACE, []
        for number in range(60):
            move = moved(place_P, CONFIG, number, lambda p, t=top_P: -float(((p - t) ** 2).sum()))
            place_P = move.place_P
            heights.append(move.regrets_M.max())
        assert (np.diff(heights) >= 0).all()
        assert heights[-1] > -0.01


def test_it_stays_where_nothing_is_larger() -> None:
    move = moved(PLACE, CONFIG, 0, lambda _: 1.0)
    np.testing.assert_array_equal(move.place_P, PLACE)
    still = moved(PLACE, AdversaryConfig(step_size=0.0), 0, lambda p: float(p.sum()))
    np.testing.assert_array_equal(still.place_P, PLACE)
    assert len(still.regrets_M) == 1


@pytest.mark.parametrize("change", [{"num_candidates": 0}, {"step_size": -0.1}, {"seed": -1}])
def test_settings_of_no_adversary_are_refused(change) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        AdversaryConfig(**change)
