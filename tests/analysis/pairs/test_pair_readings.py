"""Laws of pairs that are read: known answers, every number against passes of the whole model."""

from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from typing import Any
from weakref import ref

import numpy as np
import pytest
import torch
from linear_models import LinearConfig, LinearForMaskedLM

from hf_apt.analysis.pairs import pair_readings
from hf_apt.analysis.pairs.pair_asker import PairAsker
from hf_apt.analysis.pairs.pair_config import PairConfig
from hf_apt.analysis.pairs.pair_places import pair_places
from hf_apt.analysis.pairs.pair_readings import read_pairs
from hf_apt.analysis.pairs.pair_study import findings
from hf_apt.analysis.pairs.pair_tables import pair_tables
from hf_apt.analysis.pairs.pair_truth import PairTruth, known_truth
from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.planted import planted_language, sample_documents
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.planted.generate import document_text
from hf_apt.data.planted.pair_posteriors import exact_pair_posteriors
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.stats.pairs import joints
from hf_apt.stats.pairs.joints import JOINT_NAMES
from hf_apt.stats.pairs.nearest_joint import JointNotFoundError, nearest_joint

NAMES = list(JOINT_NAMES)


def copying(law_V: np.ndarray, strength: float) -> LinearForMaskedLM:
    """A model whose masked tokens follow a law, and copy the one other token that is shown."""
    size = len(law_V)
    model = LinearForMaskedLM(LinearConfig(size, size, mixing=1.0)).double().eval()
    with torch.no_grad():
        model.trunk.embeddings.weight.copy_(torch.eye(size))
        model.trunk.embeddings.weight[:5] = 0.0  # special tokens say nothing
        for number, block in enumerate(model.trunk.layer):
            block.own.weight.copy_(torch.eye(size))
            block.own.bias.zero_()
            block.others.weight.copy_(torch.eye(size) * strength * (number == 2))
        model.decoder.weight.copy_(torch.eye(size))
        model.decoder.bias.copy_(torch.from_numpy(np.log(law_V)))
    return model


@pytest.fixture
def law() -> np.ndarray:
    """A law of the 60 words of the tests; special tokens hardly have any."""
    law_V = np.concatenate([np.full(5, 1e-30), 1 / np.arange(1.0, 61)])
    return law_V / law_V.sum()


def test_copies_have_the_entropy_of_the_token_after_the_block_that_copies(tokenizer, law) -> None:
    config = PairConfig(distances=(1,), num_best=65)
    readings = read_pairs(copying(law, 500.0), tokenizer, ["w3 w3", "w40 w40"], config)
    entropy = -(law * np.log(law)).sum()
    np.testing.assert_allclose(readings.gap_ND2[:, 3], entropy, rtol=1e-9)
    np.testing.assert_allclose(readings.gap_ND2[:, :3], 0.0, atol=1e-12)
    np.testing.assert_allclose(readings.gain_ND2[:, 3, 0], -np.log(law[[8, 45]]), rtol=1e-9)
    np.testing.assert_allclose(readings.order_ND, 0.0, atol=1e-12)
    assert (readings.tail_ND2 == 0).all()


def test_independent_tokens_have_no_gap(tokenizer, law) -> None:
    texts = ["w3 w9 w1 w3", "w40 w2 w2 w5 w0"]
    readings = read_pairs(
        copying(law, 0.0), tokenizer, texts, PairConfig(distances=(1, 3), num_best=9)
    )
    assert len(readings) == 4
    np.testing.assert_allclose(readings.gap_ND2, 0.0, atol=1e-12)
    np.testing.assert_allclose(readings.gain_ND2, 0.0, atol=1e-12)
    product = NAMES.index("product")
    for name in set(JOINT_NAMES) - {"mrf", "mrf_logits"}:
        np.testing.assert_allclose(
            readings.surprisal_NDJ[:, :, NAMES.index(name)],
            readings.surprisal_NDJ[:, :, product],
            atol=1e-9,
        )


@torch.no_grad()
def test_gaps_and_gains_are_those_of_whole_passes(tiny_model, tokenizer) -> None:
    for weight in tiny_model.parameters():
        if weight.dim() > 1:
            weight.data.mul_(4.0)
    text = "w1 w2 w3 w4 w5 w6"
    config = PairConfig(distances=(2,), num_best=65, batch_size=7)
    readings = read_pairs(tiny_model, tokenizer, [text], config)
    ids = tokenizer(text)["input_ids"]
    (place,) = pair_places([[False, *[True] * 6, False]], (2,), 42)

    def log_probs(shown: dict[int, int], at: int) -> np.ndarray:
        row = list(ids)
        for position in (place.first, place.second):
            row[position] = shown.get(position, tokenizer.mask_token_id)
        logits_1TV = tiny_model(torch.tensor([row])).logits
        return logits_1TV[0, at].double().log_softmax(-1).numpy()

    for side, (given, hidden) in enumerate(
        [(place.first, place.second), (place.second, place.first)]
    ):
        first_V, second_V = log_probs({}, given), log_probs({}, hidden)
        gap = 0.0
        for token in range(65):
            chained_V = log_probs({given: token}, hidden)
            gap += np.exp(first_V[token]) * (np.exp(chained_V) * (chained_V - second_V)).sum()
        assert readings.gap_ND2[0, -1, side] == pytest.approx(gap, rel=1e-4)
        true = log_probs({given: ids[given]}, hidden)[ids[hidden]]
        assert readings.gain_ND2[0, -1, side] == pytest.approx(true - second_V[ids[hidden]], 1e-4)
    chained = NAMES.index("first_chained")
    both = log_probs({}, place.first)[ids[place.first]]
    both += log_probs({place.first: ids[place.first]}, place.second)[ids[place.second]]
    assert readings.surprisal_NDJ[0, -1, chained] == pytest.approx(-both, rel=1e-4)


@torch.no_grad()
def test_chains_within_few_tokens_are_those_of_the_whole_vocabulary(tiny_model, tokenizer) -> None:
    for weight in tiny_model.parameters():
        if weight.dim() > 1:
            weight.data.mul_(4.0)
    config = PairConfig(num_best=5, num_drawn=2, batch_size=3)
    ids = tokenizer("w1 w2 w3 w4")["input_ids"]
    asker = PairAsker(Trunk(tiny_model), tokenizer.mask_token_id, config)
    answers = asker(ids, 2, 4, np.random.default_rng(0))
    first_A, second_B = (each.ids_C[: each.num_exact] for each in (answers.first, answers.second))

    def log_p(first: int, second: int, at: int) -> np.ndarray:
        row = torch.tensor([[*ids[:2], first, ids[3], second, *ids[5:]]])
        return tiny_model(row).logits[0, at].double().log_softmax(-1).numpy()

    mask = tokenizer.mask_token_id
    expected = {
        "first_chained": log_p(mask, mask, 2)[first_A][:, None]
        + np.stack([log_p(token, mask, 4)[second_B] for token in first_A]),
        "second_chained": log_p(mask, mask, 4)[second_B]
        + np.stack([log_p(mask, token, 2)[first_A] for token in second_B], axis=1),
    }
    for name in ("first_chained", "second_chained"):
        log_AB = expected[name] - np.logaddexp.reduce(expected[name], axis=None)
        np.testing.assert_allclose(joints.pair_joint(answers.logits(-1), name), log_AB, atol=1e-4)


def test_the_batch_size_changes_nothing_and_the_seed_the_pairs(tiny_model, tokenizer) -> None:
    texts = ["w1 w2 w3 w4 w5 w6 w7 w8", "w9 w8 w7 w6 w5"]
    config = PairConfig(num_best=6, num_drawn=3)
    one, other, third = (
        read_pairs(tiny_model, tokenizer, texts, replace(config, **changed))
        for changed in ({}, {"batch_size": 2}, {"seed": 5})
    )
    np.testing.assert_allclose(one.gap_ND2, other.gap_ND2, atol=1e-6)
    np.testing.assert_allclose(one.surprisal_NDJ, other.surprisal_NDJ, atol=1e-5)
    assert one.distances_N.tolist() == [1, 2, 4, 1, 2, 4]
    assert not np.allclose(one.gain_ND2, third.gain_ND2)


def test_errors_are_over_texts(tiny_model, tokenizer) -> None:
    texts = ["w1 w2 w3", "w4 w5 w6 w7 w8", "w1 w9"]
    readings = read_pairs(tiny_model, tokenizer, texts, PairConfig(num_best=3))
    assert readings.texts_N.tolist() == [0, 0, 1, 1, 1, 2]
    values_N = np.array([1.0, 3.0, 5.0, 6.0, 7.0, 1.0])
    estimate = readings.estimate(values_N)
    assert (estimate.value, estimate.num) == (3.0, 3)
    assert estimate.standard_error == pytest.approx(np.std([2, 6, 1], ddof=1) / np.sqrt(3))
    assert readings.estimate(values_N, distance=2).value == 4.5


def entropy_of(law: np.ndarray) -> float:
    """The entropy in nats of a law of any shape."""
    return -sum(p * np.log(p) for p in law.ravel() if p > 0)


def test_the_truth_of_the_planted_language_stands_beside() -> None:
    language, tokenizer = planted_language(), PlantedCorpus().tokenizer()
    words = sample_documents(language, 3, 12, seed=2).words
    texts = [document_text(language, row) for row in words]
    shape = ModelShape(hidden_size=8, num_heads=1, num_blocks=1)
    model = new_model_of(shape, tokenizer)
    config = PairConfig(distances=(1, 5), num_best=200)
    readings = read_pairs(model, tokenizer, texts, config, language=language)
    assert readings.from_truth_NDJ is not None
    assert readings.exact_gap_N is not None
    assert readings.exact_gain_N is not None
    assert readings.exact_surprisal_N is not None
    assert readings.from_truth_NDJ.shape == (6, 2, len(JOINT_NAMES))
    inner = [[False, *[True] * 12, False]] * 3
    for number, place in enumerate(pair_places(inner, config.distances, config.seed)):
        first, second = place.first - 1, place.second - 1  # [CLS] comes before
        row = words[place.text]
        joint_VV = exact_pair_posteriors(language, row[None], *np.array([[first], [second]]))[0]
        own_V, other_V = joint_VV.sum(axis=1), joint_VV.sum(axis=0)
        gap = entropy_of(own_V) + entropy_of(other_V) - entropy_of(joint_VV)
        assert readings.exact_gap_N[number] == pytest.approx(gap, abs=1e-10)
        true = row[first], row[second]
        gain = np.log(joint_VV[true]) - np.log(own_V[true[0]]) - np.log(other_V[true[1]])
        assert readings.exact_gain_N[number] == pytest.approx(gain, abs=1e-10)
    assert (readings.exact_gap_N > 1e-3).any()
    assert (readings.from_truth_NDJ > 0.5).all()
    assert (readings.exact_surprisal_N < readings.surprisal_NDJ[:, -1, 0]).all()
    with pytest.raises(ValueError, match="text 1 has tokens that are no words of the language"):
        read_pairs(model, tokenizer, ["zebra the the"], config, language=language)


def test_texts_of_a_language_are_not_cut_without_a_word(monkeypatch) -> None:
    """The law of a part is not the part of a law: nested pairs have to close."""
    corpus = ArtificialCorpus(language=Dyck(kinds=4))
    tokenizer = corpus.tokenizer()
    texts = list(islice(corpus.corpus(20).validation, 2))
    model = new_model_of(ModelShape(hidden_size=8, num_heads=1, num_blocks=1), tokenizer)
    config = PairConfig(distances=(1,), num_best=3, num_drawn=0, sequence_length=12)
    monkeypatch.setattr(PairAsker, "__call__", None)  # no pass
    with pytest.raises(ValueError, match=r"texts of 22 .* cut to 12, .*--sequence-length 22"):
        read_pairs(model, tokenizer, texts, config, language=corpus.language)


def test_laws_of_pairs_are_made_one_at_a_time(monkeypatch) -> None:
    made: list[ref[PairTruth]] = []
    most = []

    def counted(*arguments) -> PairTruth:
        truth = known_truth(*arguments)
        made.append(ref(truth))
        most.append(sum(each() is not None for each in made))
        return truth

    monkeypatch.setattr(pair_readings, "known_truth", counted)
    corpus = ArtificialCorpus(language=Bigram(vocab_size=9))
    tokenizer = corpus.tokenizer()
    texts = list(islice(corpus.corpus(8).validation, 4))
    model = new_model_of(ModelShape(hidden_size=8, num_heads=1, num_blocks=1), tokenizer)
    config = PairConfig(distances=(1, 2), num_best=3, num_drawn=0)
    read_pairs(model, tokenizer, texts, config, language=corpus.language)
    assert len(most) == 8
    assert max(most) == 1


def test_a_law_that_is_not_found_is_missing_for_that_pair_alone(
    tiny_model, tokenizer, monkeypatch
) -> None:
    texts, config = ["w1 w2 w3", "w4 w5 w6"], PairConfig(distances=(1,), num_best=4, num_drawn=0)
    whole = read_pairs(tiny_model, tokenizer, texts, config)
    num_depths, asked = whole.gap_ND2.shape[1], []

    def failing(first_AB, second_AB) -> np.ndarray:
        asked.append(1)
        if len(asked) <= num_depths:
            raise JointNotFoundError("none")
        return nearest_joint(first_AB, second_AB)

    monkeypatch.setattr(joints, "nearest_joint", failing)
    readings = read_pairs(tiny_model, tokenizer, texts, config)
    at = NAMES.index("arnold_gokhale")
    expected_J = np.zeros(len(NAMES), int)
    expected_J[at] = 1
    np.testing.assert_array_equal(readings.not_found(), np.tile(expected_J, (num_depths, 1)))
    estimate = readings.estimate(readings.surprisal_NDJ[:, -1, at])
    assert (estimate.value, estimate.num) == (whole.surprisal_NDJ[1, -1, at], 1)
    assert np.isnan(readings.unfaithful_NDJ[0, :, at]).all()
    np.testing.assert_array_equal(readings.surprisal_NDJ[1], whole.surprisal_NDJ[1])
    table = pair_tables(readings, ["emb"] * num_depths, config)[2]
    assert "Arnold-Gokhale: not found for 1 of 2 pairs, which its row leaves out." in table["notes"]
    assert "1 of 2 pairs left out" in " ".join(findings(readings, ["emb"] * num_depths))


def new_model_of(shape: ModelShape, tokenizer) -> Any:
    described = SimpleNamespace(vocab_size=len(tokenizer), sequence_length=50, pad_id=0)
    tokens: Any = SimpleNamespace(description=described)
    return new_model(shape, tokens, seed=1).eval()


def test_a_pair_is_of_the_text_s_own_tokens() -> None:
    own = [[False, True, True, True, False], [False, True, False]]
    places = pair_places(own, (1, 2), 0)
    assert [(place.text, place.distance) for place in places] == [(0, 1), (0, 2)]
    assert all(place.first >= 1 and place.second <= 3 for place in places)
    assert pair_places([own[0]], (2,), 0) == pair_places(own, (2,), 0)
    with pytest.raises(ValueError, match="no text has two tokens 3 apart"):
        pair_places(own, (3, 4), 0)


def test_texts_and_models_that_do_not_fit_are_refused(tiny_model, tokenizer) -> None:
    with pytest.raises(ValueError, match="no text has two tokens 1 apart"):
        read_pairs(tiny_model, tokenizer, ["w1"])
    broken = tiny_model.get_output_embeddings()
    broken.weight.data[7] = torch.nan
    with pytest.raises(ValueError, match="not finite"):
        read_pairs(tiny_model, tokenizer, ["w1 w2"], PairConfig(num_best=3))


@pytest.mark.parametrize("changed", [{"distances": ()}, {"distances": (0,)}, {"num_best": 1}])
def test_settings_out_of_range_are_refused(changed) -> None:
    with pytest.raises(ValueError, match=r"distances are|num_best"):
        PairConfig(**changed)
