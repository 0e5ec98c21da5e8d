"""The first and last values of terms in a log, and what pre-training leaves of them."""

import math

import pytest
from workers.objectives import pretraining

from hf_apt.training.logged_terms import logged_terms
from hf_apt.training.objectives.entropy import ConfidencePenalty
from hf_apt.training.objectives.masked_pairs import MaskedPairs
from hf_apt.training.pretraining import pretrain


def test_terms_are_told_from_all_else_that_is_logged() -> None:
    log = [
        {"loss": 4.0, "pairs": 2.0, "pairs_weighted": 0.2, "pairs_gap": 0.5, "step": 10},
        {"eval_loss": 4.0, "epoch": 0.1, "step": 10},
        {"loss": 3.0, "pairs": 1.5, "pairs_weighted": 0.1, "pairs_gap": math.nan, "step": 20},
        {"loss": 2.0, "pairs": 1.0, "pairs_weighted": 0.1, "pairs_gap": math.inf, "step": 30},
        {"train_loss": 3.0, "train_runtime": 1.0, "pairsome": 1.0, "step": 35},
    ]
    only = {"step": 10, "value": 0.5}
    assert logged_terms(log, ["pairs", "other"]) == {
        "pairs": {"first": {"step": 10, "value": 2.0}, "last": {"step": 30, "value": 1.0}},
        "pairs_gap": {"first": only, "last": only},
    }
    assert logged_terms(log, []) == logged_terms([], ["pairs"]) == {}


@pytest.mark.parametrize("weight", [0.5, 0.0])
def test_what_pretraining_returns_is_what_its_trainer_logged(tokens, tmp_path, weight) -> None:
    """At every step here; of an objective of weight 0 nothing is logged."""
    objectives = (ConfidencePenalty(weight=weight),)
    trainer = pretraining(str(tmp_path), str(tokens.folder), objectives, num_steps=3)
    result = pretrain(trainer)
    values = {
        entry["step"]: entry["confidence_penalty"]
        for entry in trainer.state.log_history
        if "confidence_penalty" in entry
    }
    if not weight:
        assert not values
        assert "terms" not in result
        return
    assert [*values] == [1, 2, 3]
    assert result["terms"] == {
        "confidence_penalty": {
            "first": {"step": 1, "value": values[1]},
            "last": {"step": 3, "value": values[3]},
        }
    }


def test_terms_of_no_weight_are_kept_under_their_names(tokens, tokenizer, tmp_path) -> None:
    objectives = (MaskedPairs(weight=1.0, num_words=5),)
    trainer = pretraining(
        str(tmp_path), str(tokens.folder), objectives, num_steps=2, tokenizer=tokenizer
    )
    assert set(pretrain(trainer)["terms"]) == {"masked_pairs", "masked_pairs_gap"}
