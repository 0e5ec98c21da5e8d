"""Laws of accuracy against masking rate: equal to `measure`, exact on the planted language."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

import hf_apt
from hf_apt.data.corpus_tokens import tokenise
from hf_apt.data.masking import mask
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.planted import bayes_predictions, sample_documents
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.sequences import Cutter
from hf_apt.data.tokens import Tokens
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.stats.apt import masked_accuracy
from hf_apt.stats.counts import TREATMENTS
from hf_apt.stats.floors.diffusion_bound import diffusion_bound
from hf_apt.stats.rarefaction import rarefied_mean_apt

CORPUS = PlantedCorpus(num_documents=20, num_validation_documents=120)
CONFIG = MeasureConfig(batch_size=64)
RATES = (0.05, 0.15, 0.5, 1.0)


@pytest.fixture(scope="module")
def planted_tokens(tmp_path_factory) -> Tokens:
    folder = tmp_path_factory.mktemp("planted") / "tokens"
    tokenise(folder, CORPUS.corpus(14), Cutter(CORPUS.tokenizer(), length=16, layout="first"))
    return Tokens(folder / "validation")


@pytest.fixture(scope="module")
def model(planted_tokens):
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0)
    return new_model(shape, planted_tokens, seed=0).eval()


@pytest.fixture(scope="module")
def curve(model, planted_tokens):
    return hf_apt.masking_rates(model, planted_tokens, rates=RATES, config=CONFIG, planted=CORPUS)


@pytest.fixture(scope="module")
def bare(model, planted_tokens):
    """Where asked positions show masks alone."""
    return hf_apt.masking_rates(
        model, planted_tokens, rates=RATES, config=CONFIG, planted=CORPUS, only_masks=True
    )


def test_which_masking_rate_15_percent_is_what_measure_counts(model, planted_tokens, curve) -> None:
    trunk = Trunk(model)
    measured = measure(trunk, planted_tokens, {"own_head": OwnHead(trunk)}, CONFIG)["own_head"]
    here = curve.readouts[RATES.index(0.15)].counts
    for depth in range(here.num_depths):
        for name in TREATMENTS:
            ours, theirs = here.at(depth, name), measured.counts.at(depth, name)
            assert np.array_equal(ours.keys, theirs.keys)
            assert np.array_equal(ours.counts, theirs.counts)
    bayes = CORPUS.bayes_counts(planted_tokens, CONFIG)
    assert np.array_equal(curve.ceilings[1].hits(), bayes.hits())


def test_positions_are_added_as_the_rate_grows(planted_tokens) -> None:
    law = planted_tokens.masking(seed=CONFIG.seed)
    tokens_BT = planted_tokens.padded(np.arange(100), to_longest=True)
    asked = [mask(tokens_BT, np.arange(100), replace(law, rate=rate)).modified_BT for rate in RATES]
    for fewer, more in zip(asked, asked[1:], strict=False):
        assert (fewer <= more).all()
        assert more.sum() > fewer.sum()
    is_word = ~np.isin(tokens_BT, planted_tokens.description.special_ids)
    assert np.array_equal(asked[-1], is_word)


def test_where_all_is_masked_the_answer_is_of_the_position_alone(
    model, planted_tokens, bare
) -> None:
    """A loop: what is commonest among a position's answers is all of them, at each depth."""
    law = planted_tokens.masking(seed=CONFIG.seed)
    tokens_BT = planted_tokens.padded(np.arange(len(planted_tokens)), to_longest=True)
    shown_BT = np.where(np.isin(tokens_BT, law.special_ids), tokens_BT, law.mask_id)
    assert (shown_BT == shown_BT[0]).all()
    with torch.no_grad():
        answers_T = model(torch.from_numpy(shown_BT[:1].astype(np.int64))).logits[0].argmax(-1)
    right = int((tokens_BT == answers_T.numpy())[shown_BT == law.mask_id].sum())
    assert int(bare.readouts[-1].counts.at(-1).hits().sum()) == right


def test_the_exact_ceiling_at_a_rate_of_1_is_the_commonest_word_of_a_position(bare) -> None:
    """Where nothing is seen the best answer at a position is the likeliest word there."""
    language = CORPUS.language()
    masks = np.full((1, 14), 4)
    best = bayes_predictions(
        language,
        masks,
        np.ones((1, 14), bool),
        mask_id=4,
        vocab_size=5 + language.num_words,
        word_ids=np.arange(5, 5 + language.num_words),
        masking_rate=1.0,
        masked_share=1.0,
        replaced_share=0.0,
    )
    pairs = bare.ceilings[-1].at(0)
    share = masked_accuracy(pairs.hits(), pairs.support())
    assert abs(share.value - best.expected_accuracy) < 5 * share.standard_error
    simulated = sample_documents(language, 4000, 14, 9, 0).words
    commonest = np.mean([np.bincount(column).max() / 4000 for column in simulated.T])
    assert best.expected_accuracy == pytest.approx(commonest, abs=0.01)


def test_the_exact_curve_falls_and_no_model_is_above_it(curve, bare) -> None:
    for each in (curve, bare):
        shares = []
        for ceiling, readout in zip(each.ceilings, each.readouts, strict=True):
            best, own = (counts.at(-1) for counts in (ceiling, readout.counts))
            assert np.array_equal(best.support(), own.support())
            shares.append(best.hits().sum() / best.total)
            assert own.hits().sum() < best.hits().sum()
        assert shares[0] > shares[-2] > shares[-1]


def test_mean_apt_compares_at_equal_numbers_of_positions(curve) -> None:
    least = min(int(readout.counts.support().sum()) for readout in curve.readouts)
    assert 0 < curve.num_positions <= least
    rows = [row for row in curve.rows() if row["depth"] == 2]
    for row, readout in zip(rows, curve.readouts, strict=True):
        counts = readout.counts
        value = rarefied_mean_apt(counts.hits()[2], counts.support(), curve.num_positions)
        assert row["rarefied_mean_apt"].value == pytest.approx(float(value))
    frame = curve.to_pandas()
    assert len(frame) == len(RATES) * 3 + len(RATES)
    assert "rate 0.15" in curve._repr_html_()
    assert curve.record()["rates"][0]["rate"] == 0.05


def test_which_rate_was_this_trained_for(model, planted_tokens, curve) -> None:
    assert "nearest to the exact best predictor at a masking rate of" in curve.trained_for()
    unknown = hf_apt.masking_rates(model, planted_tokens, rates=[0.3], config=CONFIG)
    assert "cannot be told" in unknown.trained_for()


@pytest.mark.parametrize("rates", [[], [0.1, 0.1], [0.0], [15], [True], [float("nan")]])
def test_what_is_no_rate_is_refused(rates, model, planted_tokens) -> None:
    with pytest.raises(ValueError, match="rate"):
        hf_apt.masking_rates(model, planted_tokens, rates=rates)


def test_how_far_is_it_from_masked_diffusion(model, planted_tokens, curve, bare) -> None:
    """A model that answers by frequency alone needs the cross-entropy of frequencies."""
    assert curve.diffusion_bound is None
    assert "--only-masks" in curve.as_diffusion()
    bound = bare.diffusion_bound
    losses = [readout.measures["cross_entropy"].mean()[-1] for readout in bare.readouts]
    assert min(losses) < bound < max(losses)
    assert f"needs {bound:.3f} nats a token at most" in bare.as_diffusion()
    assert bare.record()["diffusion_bound"] == bound
    blind = copy.deepcopy(model)
    support_V = planted_tokens.frequency() + 1.0
    with torch.no_grad():
        for weight in blind.parameters():
            weight.zero_()
        blind.cls.predictions.bias.copy_(torch.tensor(np.log(support_V / support_V.sum())))
    blind_curve = hf_apt.masking_rates(
        blind, planted_tokens, rates=(0.5, 1.0), config=CONFIG, only_masks=True
    )
    by_rate = []
    for readout in blind_curve.readouts:
        asked_V = readout.counts.support()
        by_rate.append(-(asked_V * np.log(support_V / support_V.sum())).sum() / asked_V.sum())
    expected = 0.5 * by_rate[0] + 0.5 * (by_rate[0] + by_rate[1]) / 2
    assert blind_curve.diffusion_bound == pytest.approx(expected, abs=1e-5)


def test_rates_of_a_bound_have_to_end_in_one() -> None:
    for rates in ((0.5, 0.9), (1.0, 0.5), (0.5,)):
        with pytest.raises(ValueError, match="rates"):
            diffusion_bound(rates, [1.0] * len(rates))
