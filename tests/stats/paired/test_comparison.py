"""Laws of the comparison of two readouts, on made-up answers whose differences are known."""

from dataclasses import replace

import numpy as np
import pytest

from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.paired.comparison import paired_comparison

VOCAB, DEPTHS, SEQUENCES = 40, 3, 60


def asked(seed: int = 0) -> Answers:
    """Every token once in each sequence, and nothing is answered right."""
    rng = np.random.default_rng(seed)
    references_N = np.tile(np.arange(VOCAB), SEQUENCES)
    wrong_DN = np.tile((references_N + 1) % VOCAB, (DEPTHS, 1))
    sequences_N = np.repeat(np.arange(SEQUENCES), VOCAB)
    treatments_N = rng.choice(3, len(references_N), p=(0.8, 0.1, 0.1))
    return Answers(references_N, treatments_N, sequences_N, wrong_DN, np.zeros(wrong_DN.shape))


def right_at(answers: Answers, right_DN) -> Readout:
    predictions_DN = np.where(right_DN, answers.references_N, answers.predictions_DN)
    readout = Readout.empty(DEPTHS, VOCAB, (RarefiedApt,))
    readout.update(replace(answers, predictions_DN=predictions_DN))
    return readout


def planted(answers: Answers) -> tuple[Readout, Readout]:
    """A knows tokens below 20; B forgets 3 of them, and learns five others at the last depth."""
    knows_N = answers.references_N < 20
    a_DN = np.tile(knows_N, (DEPTHS, 1))
    b_DN = a_DN.copy()
    b_DN[-1, answers.references_N < 3] = False
    b_DN[-1, (answers.references_N >= 30) & (answers.references_N < 35)] = True
    return right_at(answers, a_DN), right_at(answers, b_DN)


def test_which_tokens_were_gained_and_lost_is_exact():
    a, b = planted(asked())
    found = paired_comparison(a, b, np.arange(VOCAB))
    assert sorted(change.token for change in found.gained) == [30, 31, 32, 33, 34]
    assert sorted(change.token for change in found.lost) == [0, 1, 2]
    assert found.num_tested == 8
    assert {(c.support, c.hits_a, c.hits_b, c.p_value) for c in found.gained} == {
        (SEQUENCES, 0, SEQUENCES, 2.0**-19)
    }
    assert [figure.value for figure in found.mean_apt] == pytest.approx([0, 0, 2 / VOCAB])
    assert [figure.value for figure in found.accuracy] == pytest.approx([0, 0, 2 / VOCAB])


def test_did_my_added_tokens_learn_anything():
    """The set's own mean before and after, at every depth."""
    a, b = planted(asked())
    added_V = np.arange(VOCAB) >= 30
    found = paired_comparison(a, b, np.arange(VOCAB), named_V=added_V).named
    assert found is not None
    assert [(figure.a, figure.b) for figure in found] == [(0, 0), (0, 0), (0, 0.5)]
    assert found[-1].num == 10
    nothing = paired_comparison(a, b, np.arange(VOCAB), named_V=np.zeros(VOCAB, bool)).named
    assert nothing is not None
    assert nothing[-1].num == 0


def test_parts_have_the_differences_that_were_planted():
    answers = asked()
    a = right_at(answers, np.zeros((DEPTHS, 1), bool))
    b = right_at(answers, np.tile(answers.treatments_N == 2, (DEPTHS, 1)))
    found = paired_comparison(a, b, np.repeat([5, 500], VOCAB // 2))
    by_treatment = {part.part: part.difference.value for part in found.by_treatment}
    assert by_treatment == {"masked": 0, "replaced": 0, "unchanged": 1}
    rare, common = found.by_frequency
    assert (rare.difference.num, common.difference.num) == (20, 20)
    unchanged = np.bincount(answers.references_N[answers.treatments_N == 2], minlength=VOCAB)
    assert rare.difference.value == pytest.approx((unchanged / SEQUENCES)[:20].mean())


def test_a_cluster_has_the_gain_of_its_tokens():
    answers = asked()
    confused = answers.sequences_N % 2 == 0
    pair_N = answers.references_N ^ 1
    a, b = (
        Readout.empty(DEPTHS, VOCAB, (RarefiedApt,)),
        Readout.empty(DEPTHS, VOCAB, (RarefiedApt,)),
    )
    predicted_N = np.where(confused, pair_N, answers.references_N)
    a.update(replace(answers, predictions_DN=np.tile(predicted_N, (DEPTHS, 1))))
    learnt_N = np.where(answers.references_N < 2, answers.references_N, predicted_N)
    b.update(replace(answers, predictions_DN=np.tile(learnt_N, (DEPTHS, 1))))
    found = paired_comparison(a, b, np.arange(VOCAB), num_clusters=4).by_cluster
    assert [part.tokens for part in found] == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert [part.difference.value for part in found] == [0.5, 0, 0, 0]


def test_models_of_other_depth_are_compared_after_the_last_block():
    a, b = planted(asked())
    shallow = Readout.empty(1, VOCAB, (RarefiedApt,))
    answers = asked()
    shallow.update(replace(answers, predictions_DN=answers.predictions_DN[-1:]))
    found = paired_comparison(shallow, b, np.arange(VOCAB))
    assert len(found.mean_apt) == 1
    assert found.mean_apt[0].b == paired_comparison(a, b, np.arange(VOCAB)).mean_apt[-1].b


@pytest.mark.parametrize("what", ["sequences_N", "references_N", "treatments_N"])
def test_other_positions_are_refused(what):
    a, _ = planted(asked())
    answers = asked()
    changed = getattr(answers, what).copy()
    changed[0] = (changed[0] + 1) % 3
    b = right_at(replace(answers, **{what: changed}), np.zeros((DEPTHS, 1), bool))
    with pytest.raises(ValueError, match="other asked positions"):
        paired_comparison(a, b, np.arange(VOCAB))


def test_a_run_without_the_measure_is_refused():
    a, b = planted(asked())
    with pytest.raises(ValueError, match="were not kept"):
        paired_comparison(a, Readout(b.counts, {}), np.arange(VOCAB))
