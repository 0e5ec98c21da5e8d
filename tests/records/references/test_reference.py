"""Is my accuracy normal? What `hf_apt.reference` says without any model."""

import numpy as np
import pytest

import hf_apt
from hf_apt.stats.floors.floors import BAND, BEST_BLIND, COPY, UNIFORM, UNIGRAM


def test_is_my_accuracy_normal() -> None:
    """A masked model of DNA with 4,096 tokens is right at 0.1117 of the positions."""
    sentence = hf_apt.reference(vocab_size=4096, masking_rate=0.15).is_normal(0.1117)
    assert sentence.count(". ") == 0
    assert sentence.endswith(".")
    assert sentence.startswith("Accuracy 0.1117 is 1.1 times what the best known guess reaches")
    assert "copying what is shown reaches 0.1000" in sentence
    assert "the counts of the tokens asked would tell" in sentence
    assert "bert6-narrow-wikipedia reached 0.3422" in sentence
    assert "rxnmapper" not in sentence  # another kind of vocabulary


def test_with_counts_the_commonest_token_is_compared_too() -> None:
    """Where the commonest token is a ninth of the text, 0.1117 shows no context."""
    support_V = np.full(4096, 1)
    support_V[7] = 512
    known = hf_apt.reference(vocab_size=4096, support=support_V)
    sentence = known.is_normal(0.1117)
    assert "is no more than guessing reaches, so that no use of context shows" in sentence
    assert "would tell" not in sentence
    floors = {floor.name: floor.accuracy["pooled"] for floor in known.floors}
    share = 512 / support_V.sum()
    assert floors == pytest.approx(
        {
            UNIFORM: 1 / 4096,
            UNIGRAM: share,
            COPY: 0.1 + 0.1 / 4096,
            BEST_BLIND: 0.8 * share + 0.1 + 0.1 / 4096,
            BAND: (512 + 1) / support_V.sum(),
        }
    )


def test_a_model_above_all_guesses_is_told_by_how_much() -> None:
    assert "is 3.0 times what" in hf_apt.reference(vocab_size=8192).is_normal(0.3)
    assert "is hardly more than what" in hf_apt.reference(vocab_size=8192).is_normal(0.1003)
    unlike = hf_apt.reference(vocab_size=10**6).is_normal(0.5)
    assert "no model of like vocabulary and masking rate has been measured" in unlike


def test_it_shows_itself_as_text_as_html_and_as_a_table() -> None:
    known = hf_apt.reference(vocab_size=591)
    frame = known.to_pandas()
    assert list(frame["kind"]) == ["floor"] * 2 + ["model"] * 3
    assert set(frame["name"][2:4]) == {"rxnmapper", "rxnfp"}
    assert frame["standard_error"][2:].notna().all()
    assert "rxnmapper" in repr(known)
    assert "accuracy 0.984, mean APT 0.916 ± 0.027" in known._repr_html_()


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"vocab_size": 0}, "vocab_size must be a whole number"),
        (
            {"vocab_size": 9, "masking_rate": 15},
            "masking_rate must be above 0 and at most 1, got 15",
        ),
        ({"vocab_size": 9, "masked_share": 0.8, "replaced_share": 0.3}, "no shares"),
        ({"vocab_size": 2, "support": np.array([0, 0, 1])}, "asked token id 2 is outside"),
        ({"vocab_size": 2, "support": np.array([0.5, 1])}, "got float64 of shape"),
        ({"vocab_size": 2, "support": np.array([[1, 1]])}, r"int64 of shape \(1, 2\)"),
        ({"vocab_size": 2, "support": np.array([-1, 1])}, "must not be negative, got -1"),
        ({"vocab_size": 2, "support": np.zeros(2, int)}, "no token was asked for"),
    ],
)
def test_what_cannot_be_is_refused(asked, problem) -> None:
    with pytest.raises(ValueError, match=problem):
        hf_apt.reference(**asked)


@pytest.mark.parametrize("accuracy", [11.17, -0.1, float("nan"), True])
def test_an_accuracy_is_a_share(accuracy) -> None:
    with pytest.raises(ValueError, match="accuracy is a share from 0 to 1, got"):
        hf_apt.reference(vocab_size=9).is_normal(accuracy)
