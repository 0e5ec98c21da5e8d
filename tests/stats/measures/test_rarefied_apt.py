"""Laws of rarefied APT with errors over the text."""

from dataclasses import replace

import numpy as np
import pytest

from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.rarefied_apt import MOST_STRETCHES, RAREFIED_TO, RarefiedApt
from hf_apt.stats.measures.text_groups import NUM_GROUPS
from hf_apt.stats.rarefaction import rarefied_mean_apt

VOCAB, DEPTHS = 400, 3


def text(num_sequences: int, seed: int) -> Answers:
    """Sequences with a topic each: tokens and right answers of one go together."""
    rng = np.random.default_rng(seed)
    sequences = np.repeat(np.arange(num_sequences), rng.integers(1, 30, num_sequences))
    ranks = rng.zipf(1.3, len(sequences)) % (VOCAB // 2)
    topics = rng.integers(0, VOCAB // 2, num_sequences)[sequences]
    references = np.where(rng.random(len(sequences)) < 0.5, ranks, (topics + ranks) % VOCAB)
    level = rng.random(num_sequences)[sequences]
    chance = level * 0.8 / (1 + references / 50)
    right = rng.random((DEPTHS, len(sequences))) < chance * np.array([[0.3], [0.6], [1.0]])
    answered = np.where(right, references, (references + 1) % VOCAB)
    none = np.zeros(len(sequences))
    return Answers(references, none.astype(int), sequences, answered, np.zeros(answered.shape))


def measured(answers: Answers, num_batches: int = 4) -> RarefiedApt:
    measure = RarefiedApt.empty(DEPTHS)
    order = np.random.default_rng(0).permutation(len(answers.references_N))
    for part in np.array_split(order, num_batches):
        measure.update(
            Answers(
                answers.references_N[part],
                answers.treatments_N[part],
                answers.sequences_N[part],
                answers.predictions_DN[:, part],
                answers.cross_entropy_DN[:, part],
            )
        )
    return measure


def counted(answers: Answers) -> DepthCounts:
    return DepthCounts.empty(DEPTHS, VOCAB).update(
        answers.references_N, answers.predictions_DN, answers.treatments_N
    )


def without_group(answers: Answers, group: int) -> np.ndarray:
    """Rarefied mean APT of the sequences outside a group, by counting them alone."""
    num = int(answers.sequences_N.max()) + 1
    kept = answers.sequences_N * NUM_GROUPS // num != group
    counts = DepthCounts.empty(DEPTHS, VOCAB).update(
        answers.references_N[kept], answers.predictions_DN[:, kept], answers.treatments_N[kept]
    )
    return rarefied_mean_apt(counts.hits(), counts.support(), RAREFIED_TO)


def test_values_are_those_of_the_counts_and_errors_leave_one_group_out():
    answers = text(150, seed=1)
    measure, counts = measured(answers), counted(answers)
    (values,), (errors,) = measure.rarefied([RAREFIED_TO])
    expected = rarefied_mean_apt(counts.hits(), counts.support(), RAREFIED_TO)
    assert values == pytest.approx(expected, abs=1e-14)
    left = np.array([without_group(answers, group) for group in range(NUM_GROUPS)])
    spread = (NUM_GROUPS - 1) / NUM_GROUPS * ((left - left.mean(axis=0)) ** 2).sum(axis=0)
    assert errors == pytest.approx(np.sqrt(spread), rel=1e-10)
    steps = np.diff(left, axis=1)
    spread = (NUM_GROUPS - 1) / NUM_GROUPS * ((steps - steps.mean(axis=0)) ** 2).sum(axis=0)
    growth = measure.growth(RAREFIED_TO)
    assert [step.value for step in growth] == pytest.approx(np.diff(expected), abs=1e-14)
    assert [step.standard_error for step in growth] == pytest.approx(np.sqrt(spread), rel=1e-10)


def test_the_error_is_the_spread_over_other_texts():
    """Also where the answers of a sequence go together, and where positions are rarefied."""
    measures = [measured(text(200, seed)) for seed in range(100, 160)]
    values, errors = np.array([measure.rarefied([RAREFIED_TO])[:, 0] for measure in measures])[
        :, [0, 1]
    ].transpose(1, 0, 2)
    # A standard deviation of 60 values is known to 9 %, a mean of jackknives to 3 %.
    spread = values.std(axis=0, ddof=1)
    assert np.sqrt((errors**2).mean(axis=0)) == pytest.approx(spread, rel=0.3)


def test_documents_longer_than_a_sequence_are_not_taken_for_many():
    """Eight neighbouring sequences of a document go together."""

    def documents(seed: int) -> Answers:
        answers, rng = text(160, seed), np.random.default_rng(seed)
        level = rng.random(20)[answers.sequences_N // 8]
        right = rng.random(answers.predictions_DN.shape) < level
        answered = np.where(right, answers.references_N, (answers.references_N + 1) % VOCAB)
        return replace(answers, predictions_DN=answered)

    measures = [measured(documents(seed), 1) for seed in range(60)]
    values, errors = np.array([measure.rarefied([RAREFIED_TO])[:, 0] for measure in measures])[
        :, [0, 1]
    ].transpose(1, 0, 2)
    spread = values.std(axis=0, ddof=1)
    assert np.sqrt((errors**2).mean(axis=0)) == pytest.approx(spread, rel=0.3)


@pytest.mark.parametrize("num_sequences", [1, 15, 20, 33, 160, 161, 700, 5000])
def test_groups_are_of_neighbours_and_of_like_size(num_sequences):
    """Every sequence is asked once for token 0, sequence s also for token 1 + s mod 7."""
    sequences = np.repeat(np.arange(num_sequences), 2)
    references = np.where(np.arange(len(sequences)) % 2, 1 + sequences % 7, 0)
    measure = RarefiedApt.empty(1)
    for part in np.array_split(np.arange(len(sequences)), 3):
        zeros = np.zeros(len(part), int)
        predictions = references[part][None]
        measure.update(
            Answers(references[part], zeros, sequences[part], predictions, predictions * 0.0)
        )
    answers = measure.grouped()
    sizes = answers.support_K[answers.tokens_K == 0]
    assert sizes.sum() == num_sequences
    assert len(sizes) == min(num_sequences, NUM_GROUPS)
    assert sizes.max() <= sizes.min() * 1.5 + 1
    ends = np.cumsum(sizes)
    group = np.searchsorted(ends, sequences[1::2], side="right")
    for token, number, support in zip(
        answers.tokens_K, answers.groups_K, answers.support_K, strict=True
    ):
        if token:
            at = np.unique(answers.groups_K).searchsorted(number)
            assert support == ((group == at) & (references[1::2] == token)).sum()
    stretches = measure.arrays()["keys_K"] % MOST_STRETCHES
    assert len(np.unique(stretches)) > min(num_sequences, MOST_STRETCHES) / 2


def test_figures_are_of_a_thousand_positions_or_of_nothing():
    answers = text(150, seed=3)
    measure = measured(answers)
    assert measure.num_positions == len(answers.references_N) > RAREFIED_TO
    figures = [depth["rarefied_mean_apt"] for depth in measure.figures()]
    values, errors = measure.rarefied([RAREFIED_TO])[:, 0]
    assert [figure.value for figure in figures] == values.tolist()
    assert [figure.standard_error for figure in figures] == errors.tolist()
    few = measured(text(20, seed=3))
    assert few.num_positions < RAREFIED_TO
    assert np.isnan(few.figures()[0]["rarefied_mean_apt"].value)
    with pytest.raises(ValueError, match="1000 positions cannot be drawn"):
        few.rarefied([RAREFIED_TO])


def test_an_error_needs_a_second_group_and_enough_positions_without_one():
    answers = text(1, seed=0)
    assert np.isnan(measured(answers, 1).rarefied([1])[1]).all()
    whole = measured(text(60, seed=0))
    assert np.isnan(whole.rarefied([whole.num_positions])[1]).all()
    assert np.isfinite(whole.rarefied([whole.num_positions // 2])[1]).all()


def test_batches_and_parts_add_up_to_the_whole():
    answers = text(90, seed=5)
    whole = measured(answers).arrays()
    parts = [measured(answers, 9), measured(text(400, seed=6))]
    other = parts[1].arrays()
    merged = parts[0].merge(parts[1])
    for name, array in parts[1].arrays().items():
        assert np.array_equal(array, other[name])  # it is left as it was
    assert merged.num_positions == whole["support_K"].sum() + other["support_K"].sum()
    both = measured(text(400, seed=6)).merge(measured(answers)).arrays()
    for name, array in merged.arrays().items():
        assert np.array_equal(array, both[name])
    once = measured(answers, 1).arrays()
    for name, array in whole.items():
        assert np.array_equal(array, once[name])
        assert array.dtype == np.int64


def test_it_belongs_to_the_counts_of_the_same_answers_only():
    answers = text(50, seed=7)
    measure = RarefiedApt.from_arrays(measured(answers).arrays())
    measure.require_same_pass(counted(answers))
    for other, told in (
        (text(49, seed=7), "other positions"),
        (DepthCounts.empty(2, VOCAB), "other depths"),
        (DepthCounts.empty(DEPTHS, 10), "other depths or tokens"),
    ):
        with pytest.raises(ValueError, match=told):
            measure.require_same_pass(counted(other) if isinstance(other, Answers) else other)
    changed = answers.predictions_DN.copy()
    changed[1, 0] = (changed[1, 0] + 1) % VOCAB
    changed[1, 0] = answers.references_N[0] if changed[1, 0] != answers.references_N[0] else 0
    with pytest.raises(ValueError, match="other right answers"):
        measure.require_same_pass(
            DepthCounts.empty(DEPTHS, VOCAB).update(
                answers.references_N,
                np.where(np.arange(DEPTHS)[:, None] == 1, answers.references_N, changed),
                answers.treatments_N,
            )
        )


@pytest.mark.parametrize(
    "change",
    [
        {"keys_K": np.array([2, 1])},
        {"keys_K": np.array([1, 1])},
        {"keys_K": np.array([-1, 1])},
        {"support_K": np.array([1, 0])},
        {"hits_DK": np.array([[1, 4]])},
        {"hits_DK": np.array([[-1, 1]])},
        {"hits_DK": np.array([[1, 1, 1]])},
        {"stretch_length_1": np.array([3])},
        {"stretch_length_1": np.array([0])},
        {"stretch_length_1": np.array([1, 1])},
    ],
)
def test_arrays_that_no_measure_leaves_are_refused(change):
    whole = {
        "keys_K": np.array([1, 2]),
        "support_K": np.array([1, 3]),
        "hits_DK": np.array([[1, 3]]),
        "stretch_length_1": np.array([2]),
    }
    assert RarefiedApt.from_arrays(whole).num_positions == 4
    with pytest.raises(ValueError, match="it has|do not ascend|stretches are of"):
        RarefiedApt.from_arrays(whole | change)
