"""Counts of a discriminator against a loop over sequences, positions and depths."""

import numpy as np
import pytest
import torch

from hf_apt.analysis.selection.selection_counts import (
    asked_of_both,
    best_of,
    present,
    selection_counts,
    told_at_depths,
)
from hf_apt.data.masking import mask, sampling_keys
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model
from hf_apt.models.generator_shape import HEADS, GeneratorShape
from hf_apt.models.shapes import ModelShape

CONFIG = MeasureConfig(num_sequences=19, batch_size=8, masking_rate=0.4, seed=3)


@pytest.fixture(scope="module")
def model(tokens):
    shape = ModelShape(
        hidden_size=16,
        num_heads=2,
        num_blocks=2,
        initializer_range=0.4,
        generator=GeneratorShape(heads=HEADS, depth=0.5, candidates=4, choices=5),
    )
    return new_model(shape, tokens, seed=1).eval()


@torch.no_grad()
def looped(model, tokens):
    """By head and depth, how often (treatment, true, told); false alarms by depth."""
    counts: dict = {}
    alarms, elsewhere = [0, 0, 0], 0
    words = model.discriminator.embeddings.word_embeddings
    for index in range(19):
        text = tokens.padded(np.array([index]))
        law = tokens.masking(seed=3, rate=0.4)
        masked = mask(text, np.array([index]), law)
        attention = torch.from_numpy((text != tokens.description.pad_id).astype(np.int64))
        labels = torch.from_numpy(masked.labels_BT)
        keys = torch.from_numpy(sampling_keys(3, np.array([index]), text.shape[1]))
        ids = torch.from_numpy(masked.input_ids_BT)
        output = model(ids, attention_mask=attention, labels=labels, sampling_keys=keys)
        row = 0
        states = model.discriminator(
            output.shown_ids, attention_mask=attention, output_hidden_states=True
        ).hidden_states
        for place in range(text.shape[1]):
            true, shown = int(text[0, place]), int(output.shown_ids[0, place])
            asked = int(labels[0, place]) != -100
            elsewhere += int(not asked and attention[0, place])
            for depth, state in enumerate(states):
                hidden = state[0, place]
                calls = float(model.heads["replaced_tokens"](hidden)) > 0
                if not asked:
                    alarms[depth] += int(calls and attention[0, place])
                    continue
                treatment = "replaced" if shown != true else "unchanged"
                scores = {}
                for name, candidates in (
                    ("word_selection", output.candidate_ids[row].tolist()),
                    ("multi_choice", output.choice_ids[0, place, 1:].tolist()),
                ):
                    head = model.heads[name]
                    read = head.LayerNorm(torch.nn.functional.gelu(head.dense(hidden)))
                    scores[name] = {
                        each: float(words(torch.tensor(each)) @ read) for each in candidates
                    }
                    if head.reject is not None:
                        scores[name][shown] = float(head.reject(read))
                told = {name: max(each, key=each.get) for name, each in scores.items()}
                right = calls == (shown != true)
                told["replaced_tokens"] = true if right else model.config.vocab_size
                for name, answer in told.items():
                    key = name, depth, treatment, true, answer
                    counts[key] = counts.get(key, 0) + 1
            row += asked
    return counts, alarms, elsewhere


def test_counts_are_those_of_a_loop(model, tokens):
    counts = selection_counts(model, tokens, CONFIG)
    expected, alarms, elsewhere = looped(model, tokens)
    found = {}
    for name, each in counts.heads.items():
        for entry in each.to_pandas().itertuples():
            key = name, entry.depth, entry.treatment, entry.reference, entry.prediction
            found[key] = entry.count
    assert found == expected
    assert counts.false_alarms_D.tolist() == alarms
    assert counts.num_elsewhere == elsewhere
    assert {treatment for _, _, treatment, _, _ in found} == {"replaced", "unchanged"}


def test_the_generator_is_measured_as_any_masked_lm(model, tokens):
    trunk = Trunk(model.generator_model())
    read = measure(trunk, tokens, {"own_head": OwnHead(trunk)}, CONFIG, measures=())
    expected = read["own_head"].counts.to_pandas()
    counts = selection_counts(model, tokens, CONFIG).generator
    assert counts.num_depths == 2
    assert counts.to_pandas().equals(expected)


def test_the_last_depth_tells_what_the_model_returns(model, tokens):
    for batch in asked_of_both(model, tokens, CONFIG):
        output = model(**batch)
        told = told_at_depths(model, batch, output)
        assert torch.equal(told["replaced_tokens"][-1], output.detection_logits > 0)
        chosen = output.candidate_scores.argmax(1, keepdim=True)
        expected = output.candidate_ids.gather(1, chosen)[:, 0]
        assert torch.equal(told["word_selection"][-1], expected)
        assert present(batch).any()


def test_batches_change_nothing_and_the_mode_is_left(model, tokens):
    model.train()
    once = selection_counts(model, tokens, CONFIG)
    assert model.training
    model.eval()
    more = MeasureConfig(num_sequences=19, batch_size=3, masking_rate=0.4, seed=3)
    again = selection_counts(model, tokens, more)
    for name, each in once.heads.items():
        assert again.heads[name].to_pandas().equals(each.to_pandas())


def test_of_equal_scores_the_lowest_id_is_told():
    answers = torch.tensor([[7, 3, 5], [7, 3, 5], [2, 9, 4]])
    scores = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 2.0, 1.0]])
    assert best_of(answers, scores).tolist() == [3, 5, 9]


def test_a_model_without_heads_is_refused(tokens):
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=1, generator=GeneratorShape())
    with pytest.raises(ValueError, match="has no head"):
        selection_counts(new_model(shape, tokens, seed=0), tokens, CONFIG)
