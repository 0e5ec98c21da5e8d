"""A model whose heads know four words each by construction: every figure has a known value."""

import numpy as np
import planted_experts as planted
import pytest

from hf_apt.analysis.experts.arms import DIRECTIONS, FRESH, OWN, Arms, ask_all, sizes_of
from hf_apt.analysis.experts.experts_config import ExpertsConfig, ReadOutConfig
from hf_apt.analysis.experts.experts_record import experts_record, kept_figures
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.measurement import asked_batches
from hf_apt.stats.experts.expert_tokens import expert_tokens
from hf_apt.stats.experts.part_answers import PartAnswers
from hf_apt.stats.experts.specialisation import choice_gain, mean_cosine

FIRST = len(planted.SPECIAL)
OWNED = {(planted.owner(number), FIRST + number) for number in range(len(planted.WORDS))}


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    tokens = planted.planted_tokens(tmp_path_factory.mktemp("planted") / "tokens")
    return lambda seed: lambda _: asked_batches(tokens, MeasureConfig(seed=seed))


def asked(batches, **changed) -> Arms:
    config = ExpertsConfig(read_out=ReadOutConfig(num_steps=40), num_orders=2, **changed)
    return ask_all(planted.planted_model(), batches(1), batches(2), config)


@pytest.fixture(scope="module")
def arms(batches) -> Arms:
    return asked(batches)


def owned_apt(answers: PartAnswers) -> None:
    """Every head is right about its own words always, and about others never."""
    counts = answers.counts
    support_V = counts.support()
    assert (support_V[FIRST:] > 10).all()
    for part in range(planted.NUM_HEADS):
        owns_V = np.array([(part, token) in OWNED for token in range(planted.VOCAB)])
        np.testing.assert_array_equal(counts.hits()[part], np.where(owns_V, support_V, 0))


def test_a_head_alone_is_right_about_its_own_words_and_no_other(arms) -> None:
    owned_apt(arms.silenced[OWN])
    whole, none = arms.silenced["whole"].counts, arms.silenced["none"].counts
    np.testing.assert_array_equal(whole.hits()[0], whole.support())
    assert none.hits().sum() == 0


def test_experts_are_the_planted_ones(arms) -> None:
    experts, _ = expert_tokens(arms.silenced[OWN])
    assert {(one.part, one.token) for one in experts} == OWNED
    assert_owned(arms.read_out[OWN].answers)


def assert_owned(answers: PartAnswers) -> None:
    """No false expert; missing is only what another head answers where it knows nothing."""
    experts = {(one.part, one.token) for one in expert_tokens(answers)[0]}
    assert experts <= OWNED
    assert len(OWNED - experts) <= planted.NUM_HEADS


def test_a_read_out_knows_its_own_words_and_at_most_one_other(arms) -> None:
    """What a head does not see it answers by the commonest of the words that it does not know."""
    answers = arms.read_out[OWN].answers
    apt_UT = answers.apt()
    for part, apt_T in enumerate(apt_UT):
        owns_T = np.array([(part, FIRST + at) in OWNED for at in range(len(planted.WORDS))])
        assert (apt_T[owns_T] > 0.97).all()
        assert (apt_T[~owns_T] > 0.1).sum() == 1


def test_specialisation_is_what_was_planted_and_of_the_heads_alone(arms) -> None:
    own = arms.silenced[OWN]
    assert choice_gain(own).value == pytest.approx(2 / 3)
    assert mean_cosine(own.apt()).value == 0
    for control in (DIRECTIONS, FRESH):
        assert choice_gain(arms.silenced[control]).value < 0.5
    assert choice_gain(arms.read_out[DIRECTIONS].answers).value < 0.2


def test_kept_heads_add_up_exactly(arms) -> None:
    rows = kept_figures(arms)
    assert [row["num_kept"] for row in rows] == [0, 1, 2, 3]
    for row in rows:
        assert row["mean_apt"]["value"] == pytest.approx(row["num_kept"] / 3)
        assert row["sum_of_singles"] == pytest.approx(row["num_kept"] / 3)
        assert row["hull"] == pytest.approx(row["num_kept"] / 3)
    assert rows[1]["mean_apt"]["num"] == 2


def test_single_nodes_know_one_word_each(batches) -> None:
    arms = asked(batches, parts="nodes", controls=False)
    counts = arms.silenced[OWN].counts
    np.testing.assert_array_equal(counts.hits()[:, FIRST:], np.diag(counts.support()[FIRST:]))
    (one, *_) = arms.narrow
    assert one[0] == 1
    assert one[1].can_answer is not None
    for part, tokens in enumerate(one[1].can_answer):
        answered = np.flatnonzero(one[1].answers.answered()[part])
        assert set(answered) <= set(tokens)
    assert [size for size, _ in arms.narrow] == [1, 2, 3, 8]


def test_heads_of_a_block_that_writes_nothing_know_nothing_silenced(batches) -> None:
    """What they say can be read out all the same."""
    arms = asked(batches, block=1, controls=False)
    np.testing.assert_array_equal(
        arms.silenced[OWN].counts.hits(),
        np.tile(arms.silenced["whole"].counts.hits(), (3, 1)),
    )
    assert_owned(arms.read_out[OWN].answers)


def test_silence_by_the_mean_says_every_word_alike(batches) -> None:
    arms = asked(batches, silence="mean", controls=False)
    assert_owned(arms.silenced[OWN])


def test_chosen_heads_are_asked_alone(batches, arms) -> None:
    some = asked(batches, chosen=(3, 1), controls=False)
    assert some.numbers == [2, 0]
    np.testing.assert_array_equal(
        some.silenced[OWN].counts.hits(), arms.silenced[OWN].counts.hits()[[2, 0]]
    )
    for numbers in ((4, 1), (0, 2)):
        with pytest.raises(ValueError, match="heads 1 to 3, not"):
            asked(batches, chosen=numbers)


def test_the_record_says_what_was_planted(arms) -> None:
    record = experts_record(
        "bert6-narrow-wikipedia",  # whose files it takes the fingerprints of
        arms,
        {},
        ExpertsConfig(),
        block=2,
        names=["head 1", "head 2", "head 3"],
        num_parts=3,
        tokens=[*planted.SPECIAL, *planted.WORDS],
        labels=(),
        task_name="",
        provenance={},
    )
    assert record["study"] == "experts"
    assert record["subject"] == "heads-block2"
    assert record["findings"][0].startswith("By read-outs of their own, heads specialise")
    assert record["findings"][1].startswith("With all others silenced, heads specialise")
    assert "gains 0.6667" in record["findings"][1]
    named = {
        (str(row[0]).removeprefix("others silenced: "), row[1])
        for table in record["tables"]
        if table["title"] == "Who is an expert in what"
        for row in table["rows"]
        if str(row[0]).startswith("others")
    }
    assert named == {
        (f"head {planted.owner(number) + 1}", word) for number, word in enumerate(planted.WORDS)
    }


def test_sizes_of_sets() -> None:
    assert sizes_of(2) == [1]
    assert sizes_of(12) == list(range(1, 12))
    assert sizes_of(768) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"parts": "neurons"}, "parts is 'neurons'"),
        ({"chosen": (2, 2)}, "names a part twice"),
        ({"chosen": (2,)}, "part 2 alone"),
        ({"num_parts": 1}, "take 2"),
        ({"min_lead": 2.0}, "min_lead must lie between"),
    ],
)
def test_configurations_that_say_nothing_are_refused(changed, words) -> None:
    with pytest.raises(ValueError, match=words):
        ExpertsConfig(**changed)
