"""Cross-entropies of tokens that `AptCallback` leaves, and the ages that are read off them."""

import json
import math

import numpy as np
import pytest
from small_trainers import NUM_DEPTHS, VOCAB, trainer_of

import hf_apt
from trainer_callbacks import AptCallback


def test_tokens_have_the_cross_entropies_of_the_figures(tokenizer, tmp_path):
    trainer = trainer_of(tmp_path, tokenizer, callbacks=[AptCallback(at_steps=(1, 2, 4, 6))])
    trainer.train()
    for step in (1, 2, 6):
        stem = tmp_path / "apt" / f"eval-step-{step:08}"
        depths = json.loads(stem.with_suffix(".json").read_text())["depths"]
        with np.load(stem.with_suffix(".npz")) as arrays:
            losses_DV, support_V = arrays["cross_entropy"], arrays["support"]
        assert losses_DV.shape == (NUM_DEPTHS, VOCAB)
        assert not losses_DV[:, support_V == 0].any()
        for depth, figures in enumerate(depths):
            mean = losses_DV[depth].sum(dtype=float) / support_V.sum()
            assert mean == pytest.approx(figures["cross_entropy"]["value"], rel=1e-5)
    learnt = hf_apt.acquisition(tmp_path, min_support=1)
    assert learnt.measured.steps_S.tolist() == [1, 2, 4, 6]
    assert learnt.measured.cross_entropy_SDV is not None
    assert learnt.ages.surprisal_ages_DV is not None
    assert math.isfinite(learnt.ages.final_apt_DV[-1][support_V > 0].sum())
