"""The law of a trained head beside those of the conditionals: what the head gives by hand."""

import json

import numpy as np
import pytest
import torch

from hf_apt.analysis.pairs import head_laws
from hf_apt.analysis.pairs.pair_config import PairConfig
from hf_apt.analysis.pairs.pair_places import pair_places
from hf_apt.analysis.pairs.pair_readings import PairReadings, read_pairs
from hf_apt.analysis.pairs.pair_study import pair_study
from hf_apt.analysis.pairs.pair_tables import HEAD_TITLE
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.training.pairs.head_file import WordPairHead
from hf_apt.training.pairs.pair_head import PairHead

TEXT = "w1 w2 w3 w4 w5 w6"
WHOLE = {"num_best": 65, "num_drawn": 0}


def head_of(word_ids: np.ndarray, *, width: int = 16, max_distance: int = 4) -> WordPairHead:
    head = PairHead(width, num_answers=len(word_ids) + 1, rank=3, max_distance=max_distance, seed=2)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in (head.distance_gate, head.gate, head.first_scores, head.second_scores):
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.7)
    return WordPairHead(head, word_ids)


@torch.no_grad()
def by_hand(model, tokenizer, trained: WordPairHead) -> tuple[np.ndarray, tuple[int, int]]:
    """The law over all pairs of ids at the drawn pair of the text, and the true pair."""
    (place,) = pair_places([[False, *[True] * 6, False]], (2,), 42)
    row = tokenizer(TEXT)["input_ids"]
    true = row[place.first], row[place.second]
    row[place.first] = row[place.second] = tokenizer.mask_token_id
    output = model(torch.tensor([row]), output_hidden_states=True)
    states = output.hidden_states[-1][0, [place.first, place.second]]
    law = trained.head(states[:1], states[1:], torch.tensor([2]))[0].exp().double().numpy()
    words = trained.word_ids_K.tolist()
    own = output.logits[0, [place.first, place.second]].double().softmax(-1).numpy()
    joint = np.zeros((65, 65))
    for first in range(65):
        for second in range(65):
            at, share = [], 1.0
            for side, token in enumerate((first, second)):
                at.append(words.index(token) if token in words else len(words))
                if token not in words:
                    share *= own[side, token] / sum(
                        own[side, each] for each in range(65) if each not in words
                    )
            joint[first, second] = law[at[0], at[1]] * share
    return joint, true


def read(model, tokenizer, trained: WordPairHead, **changed) -> PairReadings:
    config = PairConfig(**({"distances": (2,)} | WHOLE | changed))  # pyright: ignore
    return read_pairs(model, tokenizer, [TEXT], config, head=trained)


@pytest.mark.parametrize("words", [np.arange(5, 65), np.array([6, 30, 9, 8]), np.array([30, 31])])
def test_surprisal_and_gap_are_those_by_hand(tiny_model, tokenizer, words) -> None:
    trained = head_of(words)
    readings = read(tiny_model, tokenizer, trained)
    joint, true = by_hand(tiny_model, tokenizer, trained)
    assert joint.sum() == pytest.approx(1.0, abs=1e-5)
    head = readings.head
    assert head is not None
    assert head.surprisal_N[0] == pytest.approx(-np.log(joint[true]), rel=1e-4)
    assert head.from_truth_N is None
    assert head.unfaithful_N[0] > 0
    # What others share is shared independently of the other word, and adds nothing to the gap.
    marginals = joint.sum(1)[:, None] * joint.sum(0)
    gap = (joint * np.log(joint / marginals)).sum()
    assert head.gap_N[0] == pytest.approx(gap, rel=1e-4)


def test_the_law_whose_conditionals_are_compared_is_that_by_hand(
    tiny_model, tokenizer, monkeypatch
) -> None:
    given: list[np.ndarray] = []

    def kept(logits: object, log_ST: np.ndarray) -> float:
        given.append(log_ST)
        return 0.5

    monkeypatch.setattr(head_laws, "conditional_divergence", kept)
    trained = head_of(np.array([30, 31]))
    head = read(tiny_model, tokenizer, trained).head
    assert head is not None
    assert head.unfaithful_N.tolist() == [0.5]
    joint, _ = by_hand(tiny_model, tokenizer, trained)
    laws = np.sort(np.exp(given[0]).ravel()), np.sort(joint.ravel())
    np.testing.assert_allclose(*laws, rtol=1e-3, atol=1e-8)


def test_the_truth_stands_beside(tiny_model, tokenizer) -> None:
    language, config = Bigram(vocab_size=60), PairConfig(distances=(1,), **WHOLE)  # pyright: ignore
    trained = head_of(np.arange(5, 65))
    readings = read_pairs(tiny_model, tokenizer, [TEXT], config, language=language, head=trained)
    assert readings.head is not None
    assert readings.head.from_truth_N is not None
    assert readings.exact_surprisal_N is not None
    assert readings.head.from_truth_N[0] > 0
    without = read_pairs(tiny_model, tokenizer, [TEXT], config, language=language)
    assert without.head is None
    np.testing.assert_array_equal(without.surprisal_NDJ, readings.surprisal_NDJ)


def test_it_is_a_row_of_the_study_and_pairs_that_are_too_far_apart_are_told(
    tiny_model, tokenizer
) -> None:
    config = PairConfig(distances=(1, 3), num_best=6, num_drawn=2)
    texts = [TEXT, "w9 w8 w7 w6 w5"]
    trained = head_of(np.arange(5, 65), max_distance=2)
    readings = read_pairs(tiny_model, tokenizer, texts, config, head=trained)
    assert readings.head is not None
    assert np.isnan(readings.head.surprisal_N).tolist() == [False, True, False, True]
    record = pair_study("tiny", tiny_model, tokenizer, texts, config, provenance={}, head=trained)
    json.dumps(record, allow_nan=False)
    joints = record["tables"][2]
    assert joints["rows"][-1][0] == HEAD_TITLE
    assert any("2 pairs are further apart" in note for note in joints["notes"])
    surprisal = readings.estimate(readings.head.surprisal_N)
    assert record["results"]["pair_head"]["surprisal"]["value"] == pytest.approx(surprisal.value)
    assert record["results"]["pair_head"]["from_truth"] is None
    said = " ".join(record["findings"])
    assert f"head over pairs is {surprisal.value:.3f} ± {surprisal.standard_error:.3f} nats" in said


def test_a_head_of_another_model_is_refused(tiny_model, tokenizer) -> None:
    for trained in (head_of(np.arange(5, 65), width=8), head_of(np.array([7, 65]))):
        with pytest.raises(ValueError, match=r"and the model has width 16 and 65 tokens: give the"):
            read(tiny_model, tokenizer, trained)
