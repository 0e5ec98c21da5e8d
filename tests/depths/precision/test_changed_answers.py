"""Laws of answers that bfloat16 changes: counted as by two measurements, and never silent."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.depth_pass import totals
from hf_apt.depths.measurement import asked_batches, measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.precision import changed_answers as module
from hf_apt.depths.precision.changed_answers import AnswersChanged, ChangedAnswers, ChangedTotals
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.records.changed_answers import changed_sentence, changed_sentences

ROUNDED = MeasureConfig(precision="bf16", batch_size=32, num_realisations=8)


@pytest.fixture(scope="module")
def trunk(tokens) -> Trunk:
    """Of a model whose states are far from zero and from each other."""
    model = new_model(ModelShape(hidden_size=16, num_heads=2, num_blocks=2), tokens, seed=3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4.0)
    return Trunk(model.eval())


def test_what_changes_is_counted_as_two_measurements_count_it(trunk, tokens, monkeypatch, capsys):
    monkeypatch.setattr(module, "_EVERY", 1)
    decoders = {"own_head": OwnHead(trunk)}
    reader = AnswersChanged(trunk, decoders)
    rounded = measure(trunk, tokens, decoders, ROUNDED, others=[reader])["own_head"].counts
    exact = measure(trunk, tokens, decoders, replace(ROUNDED, precision="fp32"))["own_head"].counts
    changed = totals({"changes": reader})["changes"].of["own_head"]
    assert changed.num_positions == exact.at(0).total
    assert changed.exact_hits_D.tolist() == exact.hits().sum(axis=1).tolist()
    assert changed.hits_D.tolist() == rounded.hits().sum(axis=1).tolist()
    # A slow oracle: the trunk under autocast, batch by batch, against itself.
    expected_D = np.zeros(3, np.int64)
    for batch in asked_batches(tokens, ROUNDED):
        with torch.autocast("cpu", torch.bfloat16):
            states = trunk.at(batch.inputs, batch.asked_BT).float()
        ids = [
            decoders["own_head"](each) for each in (states, trunk.at(batch.inputs, batch.asked_BT))
        ]
        expected_D += (ids[0] != ids[1]).sum(dim=1).numpy()
    assert changed.changed_D.tolist() == expected_D.tolist()
    assert expected_D.sum() > 0, "nothing changes: the law says nothing"
    assert "own_head: the trunk multiplied in bfloat16, which changes" in capsys.readouterr().err


def test_a_few_batches_are_compared_and_it_is_told_unasked(trunk, tokens, monkeypatch, capsys):
    monkeypatch.setattr(module, "_EVERY", 10)
    measure(trunk, tokens, {"own_head": OwnHead(trunk)}, ROUNDED)
    told = capsys.readouterr().err
    compared = list(asked_batches(tokens, ROUNDED))[::10]
    num = sum(len(batch.references_N) for batch in compared)
    assert len(compared) > 1
    assert f"({num} positions were read in float32 as well)" in told


def test_a_decoder_of_bare_states_is_compared_on_them(trunk, tokens):
    """Of a trunk that ends in a normalisation of its own, which BERT's does not: all are alike."""

    class Bare:
        reads_bare = True

        def __call__(self, bare_DNH):
            return OwnHead(trunk)(trunk.normalised(bare_DNH))

    reader = AnswersChanged(trunk, {"bare": Bare(), "own_head": OwnHead(trunk)})
    measure(trunk, tokens, {"own_head": OwnHead(trunk)}, ROUNDED, others=[reader])
    totals_of = reader.total.as_json()
    assert totals_of["bare"] == totals_of["own_head"]
    assert totals_of["bare"]["num_positions"] > 0


def test_float32_says_nothing(trunk, tokens, capsys):
    measure(trunk, tokens, {"own_head": OwnHead(trunk)}, MeasureConfig())
    assert "bfloat16" not in capsys.readouterr().err


def test_states_in_bfloat16_are_float32_to_their_readers(trunk, tokens):
    seen = set()

    class Seeing:
        total = ChangedTotals({})

        def update(self, batch, hidden_DNH):
            seen.add((hidden_DNH.dtype, torch.is_autocast_enabled("cpu")))

    measure(trunk, tokens, {"own_head": OwnHead(trunk)}, ROUNDED, others=[Seeing()])
    assert seen == {(torch.float32, False)}


def test_totals_of_parts_add_up():
    def of(*numbers: int) -> ChangedTotals:
        num, *rest = numbers
        return ChangedTotals({"a": ChangedAnswers(num, *(np.array([each]) for each in rest))})

    assert of(5, 1, 2, 3).merge(of(7, 2, 2, 1)).as_json() == of(12, 3, 4, 4).as_json()


def test_the_sentence_is_about_the_depth_that_changed_most():
    counts = {"num_positions": 200, "changed": [0, 3, 1], "hits": [1, 21, 30]}
    counts |= {"hits_in_float32": [1, 20, 30]}
    assert changed_sentence("own_head", counts) == (
        "own_head: the trunk multiplied in bfloat16, which changes 1.50% of answers at depth 1, "
        "where most change, and hits from 20 to 21 (200 positions were read in float32 as well)."
    )
    assert changed_sentences({"changed_by_bfloat16": {"own_head": counts}}) == [
        changed_sentence("own_head", counts)
    ]
    assert changed_sentences({}) == changed_sentences(None) == []
