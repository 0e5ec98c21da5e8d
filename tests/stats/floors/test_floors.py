"""Laws of floors: they equal closed forms, a guesser that is simulated, and a slow loop."""

import math

import numpy as np
import pytest

from hf_apt.data.masking import Masking, mask
from hf_apt.stats.apt import masked_accuracy, mean_apt
from hf_apt.stats.counts import TREATMENTS, DepthCounts
from hf_apt.stats.floors.floors import (
    BAND,
    BEST_BLIND,
    COPY,
    UNIFORM,
    UNIGRAM,
    expected_floors,
    floors,
    floors_of,
)

VOCAB = 60
KEYS = ("pooled", *TREATMENTS)


@pytest.fixture(scope="module")
def masked():
    """A Zipfian text under the house's own masking: references, what is shown, treatments."""
    rng = np.random.default_rng(0)
    share_V = 1 / np.arange(1.0, VOCAB - 4)
    tokens_BT = 5 + rng.choice(VOCAB - 5, (3000, 40), p=share_V / share_V.sum())
    masking = Masking(vocab_size=VOCAB, mask_id=4, special_ids=(0, 1, 2, 3, 4), rate=0.3)
    batch = mask(tokens_BT, np.arange(len(tokens_BT)), masking)
    asked_BT = batch.modified_BT
    return batch.labels_BT[asked_BT], batch.input_ids_BT[asked_BT], batch.treatments_BT[asked_BT]


def counted(references_N, predictions_N, treatments_N):
    counts = DepthCounts.empty(1, VOCAB)
    return counts.update(references_N, predictions_N[None], treatments_N)


def of(made, name):
    return next(floor for floor in made if floor.name == name)


def measured(counts):
    """Accuracy and mean APT by treatment, as the product measures them of a model."""
    figures = []
    for estimate in (masked_accuracy, mean_apt):
        pairs = [counts.at(0, None if key == "pooled" else key) for key in KEYS]
        figures.append(
            {k: estimate(p.hits(), p.support()).value for k, p in zip(KEYS, pairs, strict=True)}
        )
    return figures


def test_floors_are_what_guessers_reach(masked) -> None:
    """Each guesser answers, and is measured as a model is: constants exactly, chance nearly."""
    references_N, shown_N, treatments_N = masked
    made = floors_of(counted(references_N, shown_N, treatments_N))
    support_V = np.bincount(references_N, minlength=VOCAB)
    commonest = int(support_V.argmax())
    band_of = {v: math.floor(3 * math.log10(n) + 1e-9) for v, n in enumerate(support_V) if n}
    best_of = {
        band: min((v for v in band_of if band_of[v] == band), key=lambda v: (-support_V[v], v))
        for band in set(band_of.values())
    }
    exact = {
        UNIGRAM: np.full(len(references_N), commonest),
        BAND: np.array([best_of[band_of[v]] for v in references_N]),
    }
    for name, answers_N in exact.items():
        accuracy, mean = measured(counted(references_N, answers_N, treatments_N))
        assert of(made, name).accuracy == pytest.approx(accuracy, abs=1e-12)
        assert of(made, name).mean_apt == pytest.approx(mean, abs=1e-12)
    rng = np.random.default_rng(1)
    most_masked = int(np.bincount(references_N[treatments_N == 0]).argmax())
    chance = {
        UNIFORM: rng.integers(0, VOCAB, len(references_N)),
        COPY: shown_N,
        BEST_BLIND: np.where(treatments_N == 0, most_masked, shown_N),
    }
    for name, answers_N in chance.items():
        accuracy, mean = measured(counted(references_N, answers_N, treatments_N))
        for key in KEYS:
            num = (
                len(references_N)
                if key == "pooled"
                else (treatments_N == KEYS.index(key) - 1).sum()
            )
            assert abs(of(made, name).accuracy[key] - accuracy[key]) < 4 * (0.25 / num) ** 0.5
        assert of(made, name).mean_apt["pooled"] == pytest.approx(mean["pooled"], abs=0.02)


def test_floors_are_closed_forms() -> None:
    support_TV = np.array([[4, 2, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1]])
    made = floors(support_TV, vocab_size=10)
    assert of(made, UNIFORM).accuracy == pytest.approx(dict.fromkeys(KEYS, 0.1))
    assert of(made, UNIGRAM).accuracy["pooled"] == 6 / 10
    assert of(made, UNIGRAM).mean_apt == pytest.approx(
        {"pooled": 1 / 4, "masked": 1 / 3, "replaced": 1.0, "unchanged": 1 / 2}
    )
    assert of(made, COPY).accuracy == pytest.approx(
        {"pooled": 2.1 / 10, "masked": 0.0, "replaced": 0.1, "unchanged": 1.0}
    )
    assert of(made, COPY).mean_apt["pooled"] == pytest.approx((1.1 / 6 + 0 + 0 + 1) / 4)
    assert of(made, BEST_BLIND).accuracy == pytest.approx(
        {"pooled": 6.1 / 10, "masked": 4 / 7, "replaced": 0.1, "unchanged": 1.0}
    )
    # Bands of 1, 1, 2 and 6 times: 10^0 to 10^(1/3) holds 1 and 2, 10^(2/3) to 10 holds 6.
    assert of(made, BAND).accuracy["pooled"] == (6 + 2) / 10
    assert of(made, BAND).mean_apt["pooled"] == 2 / 4


def test_copying_by_other_collators_is_right_where_unchanged_alone() -> None:
    support_TV = np.array([[0, 0], [5, 0], [0, 5]])
    assert of(floors(support_TV, replaced_shows_all=False), COPY).accuracy["pooled"] == 0.5
    assert of(floors(support_TV), COPY).accuracy["pooled"] == 0.75


def test_nothing_is_copied_where_nothing_is_shown() -> None:
    made = floors(np.array([[3, 1], [0, 0], [0, 0]]))
    assert [floor.name for floor in made] == [UNIFORM, UNIGRAM, BAND]
    assert math.isnan(of(made, UNIFORM).accuracy["replaced"])


def test_a_band_begins_at_its_power_of_ten() -> None:
    """1,000 in floating point is just below 10^3: it opens its band all the same."""
    made = floors(np.array([[1000, 999, 998], [0, 0, 0], [0, 0, 0]]))
    assert of(made, BAND).mean_apt["pooled"] == pytest.approx(2 / 3)


def test_expected_floors_need_no_counts() -> None:
    bare = expected_floors(None, vocab_size=4096)
    assert {floor.name: floor.accuracy["pooled"] for floor in bare} == pytest.approx(
        {UNIFORM: 1 / 4096, COPY: 0.1 + 0.1 / 4096}
    )
    support_V = np.array([6, 3, 1])
    full = expected_floors(support_V, vocab_size=3)
    assert of(full, UNIGRAM).accuracy["pooled"] == pytest.approx(0.6)
    assert of(full, UNIGRAM).mean_apt["pooled"] == pytest.approx(1 / 3)
    assert of(full, BAND).accuracy["pooled"] == pytest.approx(1.0)
    assert of(full, COPY).mean_apt["pooled"] == pytest.approx(0.1 + 0.1 / 3)
    only_masks = expected_floors(support_V, vocab_size=3, masked_share=1, replaced_share=0)
    assert [floor.name for floor in only_masks] == [UNIFORM, UNIGRAM, BAND]


@pytest.mark.parametrize(
    ("support", "size", "problem"),
    [
        ([[0, 0]] * 3, None, "no token was asked for"),
        ([[0, 1]] * 3, 1, "asked token id 1 is outside 0 to 0"),
        ([[0, 1]] * 3, 2.5, "vocab_size must be a whole number"),
    ],
)
def test_what_has_no_floor_is_refused(support, size, problem) -> None:
    with pytest.raises(ValueError, match=problem):
        floors(np.array(support), vocab_size=size)
