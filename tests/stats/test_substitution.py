"""Laws of the substitution test: who is asked, what replaces it, and what nothing changes."""

import math
from collections import Counter
from dataclasses import replace
from itertools import count

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_array

from hf_apt.stats.confusion import confusion
from hf_apt.stats.counts import PairCounts
from hf_apt.stats.substitution import (
    FlatInputs,
    answered,
    position_groups,
    random_replacements,
)
from hf_apt.stats.substitution_config import SubstitutionConfig
from hf_apt.stats.substitution_effects import SubstitutionTest, effects, replacements

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

texts = st.lists(st.lists(st.booleans(), min_size=1, max_size=20), min_size=1, max_size=8)


def flat(rows: list[list[bool]]) -> FlatInputs:
    """Inputs whose eligible tokens are all different, 10 and above, among special ones, 0."""
    number = count(10)
    return FlatInputs.of([[next(number) if yes else 0 for yes in row] for row in rows], [0])


@given(texts, st.integers(1, 7), st.integers(0, 3))
def test_groups_part_the_eligible_positions_of_every_input_evenly(rows, num_groups, seed) -> None:
    inputs = flat(rows)
    groups = position_groups(inputs, num_groups, seed)
    assert ((groups >= 0) == np.concatenate(rows)).all()
    for row, own in zip(rows, inputs.rows(groups), strict=True):
        sizes = [int((own == group).sum()) for group in range(num_groups)]
        assert sum(sizes) == sum(row)
        assert max(sizes) - min(sizes) <= 1
        assert sizes == sorted(sizes, reverse=True)
    assert (position_groups(inputs, num_groups, seed) == groups).all()


def test_every_position_is_as_likely_in_every_group() -> None:
    inputs = flat([[True] * 7] * 7000)
    groups = position_groups(inputs, 7, seed=1).reshape(7000, 7)
    for place in range(7):
        assert stats.chisquare(np.bincount(groups[:, place])).pvalue > 1e-3
    other = position_groups(inputs, 7, seed=2).reshape(7000, 7)
    assert (groups == other).mean() == pytest.approx(1 / 7, abs=0.01)


@given(texts, st.integers(1, 7))
def test_each_position_is_asked_once_and_masked_when_it_is(rows, num_groups) -> None:
    inputs = flat(rows)
    ids, eligible = inputs.ids_P, inputs.eligible_P
    groups = position_groups(inputs, num_groups, seed=0)
    asked = Counter()

    def answer(shown: np.ndarray, places: np.ndarray) -> np.ndarray:
        assert (shown[places] == 4).all()
        assert (shown[~places] == ids[~places]).all()
        asked.update(np.flatnonzero(places).tolist())
        return ids[places] + 1000

    answers = answered(ids, groups, 4, answer)
    assert asked == Counter(np.flatnonzero(eligible).tolist())
    assert (answers == np.where(eligible, ids + 1000, ids)).all()
    assert (answered(ids, groups, 4, lambda _, places: ids[places]) == ids).all()


@given(
    st.lists(st.integers(0, 4), min_size=3, max_size=8).filter(lambda w: sum(x > 0 for x in w) > 1),
    st.data(),
)
def test_random_replacements_replace_as_many_and_no_more(weights, data) -> None:
    token = st.integers(0, len(weights) - 1)
    ids = np.array(data.draw(st.lists(token, min_size=1, max_size=30)))
    replaced = np.array(data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids))))
    shown = random_replacements(ids, replaced, np.array(weights), seed=5)
    assert ((shown != ids) == replaced).all()
    assert all(weights[token] > 0 for token in shown[replaced])


def test_random_replacements_follow_the_weights_without_the_token_itself() -> None:
    weights = np.array([0, 3, 1, 0, 2, 4])
    for token in range(6):
        ids = np.full(40_000, token)
        shown = random_replacements(ids, np.ones(40_000, bool), weights, seed=token)
        rest = weights.copy()
        rest[token] = 0
        seen = np.bincount(shown, minlength=6)
        assert (seen[rest == 0] == 0).all()
        expected = rest[rest > 0] / rest.sum() * 40_000
        assert stats.chisquare(seen[rest > 0], expected).pvalue > 1e-3


def test_a_token_without_another_is_refused() -> None:
    with pytest.raises(ValueError, match="no other token"):
        random_replacements(np.array([1, 2]), np.array([True, True]), np.array([0, 0, 5]), seed=0)


def test_replacements_are_those_of_a_loop_over_the_pairs() -> None:
    rng = np.random.default_rng(6)
    references = rng.integers(0, 6, 300)
    answers = np.where(rng.random(300) < 0.3, references, np.minimum(rng.geometric(0.4, 300), 6))
    table = oracles.pair_counts(references.tolist(), answers.tolist())
    kept, _ = oracles.kept_and_tied(table, 7)
    strong = oracles.strong_matches(oracles.normalised(table, 7), 0.5)
    assert 0 < len(kept) < 6
    assert strong
    rows, columns = zip(*strong, strict=True)
    matrix = csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(7, 7))
    kept_V = np.array([token in kept for token in range(7)])
    true, shown = rng.integers(0, 7, (2, 500))
    result = replacements(true, shown, matrix, kept_V)
    pairs = list(zip(true.tolist(), shown.tolist(), strict=True))
    assert result.num == 500
    assert result.identical == sum(i == j for i, j in pairs) / 500
    assert result.strong_match == sum(pair in strong for pair in pairs) / 500
    assert result.not_kept == sum(i != j and i not in kept for i, j in pairs) / 500
    rest = [(i, j) for i, j in pairs if i != j and i in kept and (i, j) not in strong]
    assert result.other == len(rest) / 500
    assert min(result.strong_match, result.not_kept, result.other) > 0.02
    assert math.isnan(replacements(true[:0], shown[:0], matrix, kept_V).identical)


def test_what_changes_nothing_has_no_effect() -> None:
    logits, labels = np.random.default_rng(7).standard_normal((20, 3)), np.arange(20) % 3
    means = effects(logits, np.stack([logits, logits]), labels).means()
    assert all((mean.value, mean.standard_error, mean.num) == (0, 0, 20) for mean in means.values())


def test_effects_are_paired_by_input_and_averaged_over_draws() -> None:
    rng = np.random.default_rng(8)
    before, after = rng.normal(size=(30, 3)), rng.normal(size=(2, 30, 3))
    labels = rng.integers(0, 3, 30)

    def read(logits: np.ndarray) -> tuple[int, float]:
        p = [math.exp(value) for value in logits]
        return int(np.argmax(p)), max(p) / sum(p)

    changed, accuracy, confidence = [], [], []
    for place in range(30):
        (old, sure), news = read(before[place]), [read(after[draw, place]) for draw in range(2)]
        changed.append(sum(new != old for new, _ in news) / 2)
        rights = [int(new == labels[place]) - int(old == labels[place]) for new, _ in news]
        accuracy.append(sum(rights) / 2)
        confidence.append(sum(now - sure for _, now in news) / 2)
    whole = effects(before, after, labels)
    means = whole.means()
    for name, values in [
        ("changed_labels", changed),
        ("accuracy_change", accuracy),
        ("confidence_change", confidence),
    ]:
        assert means[name].value == pytest.approx(oracles.mean(values))
        assert means[name].standard_error == pytest.approx(oracles.standard_error(values))
    less = (whole - effects(before, after[:1], labels)).means()
    single = effects(before, after[:1], labels).means()
    for name in means:
        assert less[name].value == pytest.approx(means[name].value - single[name].value)


VOCABULARY = 12
"""Tokens 1 to 11, each a sign of one of three classes; 0 is special."""


@pytest.fixture
def counting() -> SubstitutionTest:
    """A classifier that counts signs, on 40 inputs; the model takes 1 and 2 for one another."""
    rng = np.random.default_rng(9)
    rows = [[0, *rng.integers(1, VOCABULARY, rng.integers(3, 12)).tolist(), 0] for _ in range(40)]
    inputs = FlatInputs.of(rows, [0])
    signs = np.eye(3)[np.arange(VOCABULARY) % 3]
    signs[0] = 0

    def logits_of(ids_P: np.ndarray) -> np.ndarray:
        return np.stack([signs[row].sum(axis=0) for row in inputs.rows(ids_P)])

    references = np.array([*range(VOCABULARY), 1, 2])
    pairs = PairCounts(VOCABULARY).update(references, np.array([*range(VOCABULARY), 2, 1]))
    before = logits_of(inputs.ids_P)
    labels = before.argmax(axis=1)
    weights = {"random": np.arange(VOCABULARY).clip(max=1)}
    config = SubstitutionConfig()
    return SubstitutionTest(inputs, labels, logits_of, before, confusion(pairs), weights, config)


def test_a_model_that_answers_what_stood_there_changes_nothing(counting: SubstitutionTest) -> None:
    groups = position_groups(counting.inputs, 7, seed=1)
    figures = counting.figures(groups, counting.inputs.ids_P)
    assert figures["before"]["accuracy"].value == 1
    assert list(figures["doses"]) == ["all", "one_group"]
    for dose in figures["doses"].values():
        for kind in ("prediction", "random"):
            assert dose[kind]["replaced"].identical == 1
            for name in ("changed_labels", "accuracy_change", "confidence_change"):
                assert (dose[kind][name].value, dose[kind][name].standard_error) == (0, 0)


def test_controls_replace_as_many_where_the_prediction_is_wrong(counting: SubstitutionTest) -> None:
    groups = position_groups(counting.inputs, 7, seed=1)
    ids = counting.inputs.ids_P
    predicted = ids.copy()
    predicted[ids == 1], predicted[ids == 2] = 2, 1
    seen: list[np.ndarray] = []
    logits_of = counting.logits_of

    def recorded(ids_P: np.ndarray) -> np.ndarray:
        seen.append(ids_P)
        return logits_of(ids_P)

    result = replace(counting, logits_of=recorded).figures(groups, predicted)
    assert len(seen) == 2 * (1 + 3)
    for dose, answers in (("all", seen[:4]), ("one_group", seen[4:])):
        inside = groups >= 0 if dose == "all" else groups == 0
        changed = inside & (predicted != ids)
        assert changed.sum() > 5
        for shown in answers:
            assert ((shown != ids) == changed).all()
            assert counting.inputs.eligible_P[shown != ids].all()
        assert len({shown.tobytes() for shown in answers}) == 4
        figures = result["doses"][dose]
        share = changed.sum() / inside.sum()
        replaced, by_chance = (figures[kind]["replaced"] for kind in ("prediction", "random"))
        assert (replaced.num, by_chance.num) == (inside.sum(), 3 * inside.sum())
        assert replaced.identical == pytest.approx(1 - share)
        assert by_chance.identical == pytest.approx(1 - share)
        assert replaced.strong_match == pytest.approx(share)
        assert by_chance.strong_match < share / 2
        assert replaced.other == 0
        for name in ("changed_labels", "accuracy_change", "confidence_change"):
            less = figures["random"]["less_prediction"][name].value
            both = figures["random"][name].value - figures["prediction"][name].value
            assert less == pytest.approx(both)


def test_a_label_that_does_not_tell_two_tokens_apart_survives_their_exchange(counting) -> None:
    """Tokens of one class stand in for one another: the paper's argument, carried to its end."""
    groups = position_groups(counting.inputs, 7, seed=1)
    ids = counting.inputs.ids_P
    predicted = np.where(counting.inputs.eligible_P, (ids + 2) % 9 + 1, ids)  # 3 on: the same class
    kept = counting.logits_of(np.where(ids > 9, ids, predicted))
    assert (kept == counting.logits_of(ids)).all()
    dose = counting.figures(groups, np.where(ids > 9, ids, predicted))["doses"]["all"]
    assert dose["prediction"]["replaced"].identical < 0.3
    assert dose["prediction"]["changed_labels"].value == 0
    assert dose["random"]["changed_labels"].value > 0.3
    assert dose["random"]["less_prediction"]["confidence_change"].value < 0
