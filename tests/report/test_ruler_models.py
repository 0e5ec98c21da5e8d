"""Laws of the ruler's models: a checkpoint is not compared with itself."""

import numpy as np
import pytest

from hf_apt.records.checkpoints import SHIPPED
from hf_apt.records.fingerprints import checkpoint_identity
from hf_apt.records.references.ruler import ruler
from hf_apt.report.ruler_models import other_models
from hf_apt.report.ruler_table import ruler_sentence, ruler_table
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.depth_summary import summarise_depths
from hf_apt.stats.readout_analysis import ReadoutAnalysis

NAME = "bert6-narrow-wikipedia"


def summary_of(model, rate=0.15):
    """A summary as far as the ruler reads it, of the shipped checkpoint's vocabulary and rate."""
    counts = DepthCounts.empty(1, 8192)
    counts.update(np.array([1, 1, 2]), np.array([[1, 2, 2]]), np.zeros(3, int))
    return {
        "model": {"model_type": "bert6", **model},
        "masking": {"rate": rate},
        "readouts": {
            "own_head": summarise_depths(ReadoutAnalysis.of_counts(counts), np.ones(8192, int))
        },
        "ruler": ruler(counts, vocab_size=8192, masking_rate=rate),
    }


def names(summary) -> list[str]:
    return [row[0].partition("\xa0(")[0].partition(" (")[0] for row in ruler_table(summary).rows]


@pytest.mark.parametrize(
    "own",
    [
        {"name": "anything", "weights": checkpoint_identity(str(SHIPPED / NAME))["weights"]},
        {"name": NAME, "weights": None},
        {"name": NAME},
    ],
)
def test_the_row_of_the_very_checkpoint_is_left_out(own) -> None:
    """Neither table nor sentence names it, nor is it said that none like it was measured."""
    summary = summary_of(own)
    assert NAME in [row["model"] for row in summary["ruler"]["models"]]
    assert NAME not in [row["model"] for row in other_models(summary)]
    assert names(summary).count(NAME) == 0
    assert not any(note.startswith(NAME) for note in ruler_table(summary).notes)
    sentence = ruler_sentence(summary)
    assert NAME not in sentence
    assert "no model of like" not in sentence
    assert sentence.startswith("Accuracy 0.6667 is no more than guessing reaches")


@pytest.mark.parametrize(
    "other", [{"name": "BERT-6"}, {"name": NAME, "weights": "0123456789abcdef"}]
)
def test_other_weights_are_compared_whatever_their_name(other) -> None:
    summary = summary_of(other)
    assert other_models(summary) == summary["ruler"]["models"]
    assert NAME in ruler_sentence(summary)
    assert NAME in names(summary)


def test_a_run_without_a_ruler_or_a_model_has_none() -> None:
    assert other_models({"model": None}) == []
    summary = summary_of({"name": "causal"}, rate=None)
    assert other_models(summary) == []
