"""Masks follow the law, and depend on the draw, the step and the answers before it alone."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import TrainerCallback
from workers.pretraining import (
    BATCH_SIZE,
    NUM_STEPS,
    SAVE_EVERY,
    ceiling_of,
    logged,
    pretraining,
    trainer_of,
)

from hf_apt.cli.spelling.masking_laws import masking_law_of
from hf_apt.data.masking import TokenRates, mask
from hf_apt.data.tokens import Tokens
from hf_apt.stats.masking_laws.token_rates import token_rates
from hf_apt.training.masking_laws.law import KnownOfTokens
from hf_apt.training.masking_laws.rates_in_training import NAME
from hf_apt.training.pretraining import pretrain

WORKER = Path(__file__).parents[2] / "support/workers" / "pretraining.py"
LAW = "ability:every=2,floor=0.02,prior=1"
CEILING = "ceiling:every=2,floor=0.02,prior=1"
FREQUENCY = "frequency:exponent=0.5"


def folder_of(tokens: Tokens) -> str:
    return str(Path(tokens.ids.filename).parent)


class Watched(TrainerCallback):
    """Keeps labels, answers and rates of every step."""

    def __init__(self) -> None:
        self.trainer: Any = None
        self.labels: list[np.ndarray] = []
        self.shown: list[np.ndarray] = []
        self.answers: list[np.ndarray] = []
        self.rates: list[np.ndarray] = []
        self.known: list[KnownOfTokens] = []

    def see(self, trainer: Any) -> None:
        self.trainer = trainer
        trainer.model.register_forward_hook(self._forward, with_kwargs=True)

    def _forward(self, module, arguments, named, outputs) -> None:
        if module.training:
            self.labels.append(named["labels"].numpy().copy())
            self.shown.append(named["input_ids"].numpy().copy())
            self.answers.append(outputs.logits.argmax(-1).numpy().copy())

    def on_step_begin(self, args, state, control, **event):
        self.rates.append(self.trainer.token_rates.rates.rates_V.copy())
        self.known.append(self.trainer.token_rates.known)


def watched(tokens: Tokens, folder: Path, law: str | None = LAW, **settings: Any):
    """The trainer after training, and what was watched."""
    kept = Watched()
    trainer = trainer_of(
        folder_of(tokens), str(folder), dropout=0.0, masking_law=law, callbacks=(kept,), **settings
    )
    trainer.args.save_total_limit = None
    kept.see(trainer)
    if law is None:
        trainer.remove_callback(kept)
    pretrain(trainer)
    return trainer, kept


Whole = Callable[..., tuple[Path, Any, Watched]]


@pytest.fixture(scope="module")
def whole(packed_tokens, tmp_path_factory) -> Whole:
    """By law and settings: (folder, trainer, what was watched) of a training in one go."""

    @cache
    def of(law: str = LAW, **settings: Any) -> tuple[Path, Any, Watched]:
        folder = tmp_path_factory.mktemp("whole")
        return folder, *watched(packed_tokens, folder, law, **settings)

    return of


@pytest.mark.parametrize(
    ("spelled", "precision"), [(LAW, "fp32"), (CEILING, "fp32"), (LAW, "bf16")]
)
def test_rates_are_those_of_the_answers_before(spelled, precision, whole, packed_tokens) -> None:
    """All answers are counted again, one by one, and forgotten by halves every two steps."""
    _, trainer, kept = whole(spelled, precision=precision)
    size = packed_tokens.description.vocab_size
    frequency_V = packed_tokens.frequency()
    frequency_V[list(packed_tokens.description.special_ids)] = 0
    hits_V, asked_V, law = np.zeros(size), np.zeros(size), masking_law_of(spelled)
    ceiling_V = ceiling_of(packed_tokens) if law.needs_ceiling else None
    new_2V = np.zeros((2, size))
    for step in range(NUM_STEPS):
        if step and not step % 2:
            hits_V, asked_V = hits_V / 2 + new_2V[0], asked_V / 2 + new_2V[1]
            new_2V = np.zeros((2, size))
        weights_V = law.weights(KnownOfTokens(frequency_V, hits_V, asked_V, ceiling_V))
        expected_V = token_rates(weights_V, frequency_V, 0.15)
        np.testing.assert_allclose(kept.rates[step], expected_V, rtol=1e-12)
        labels_N = kept.labels[step][kept.labels[step] != -100]
        for label, answer in zip(labels_N, kept.answers[step], strict=True):
            new_2V[0, label] += label == answer
            new_2V[1, label] += 1
    assert not np.array_equal(kept.rates[-1], kept.rates[0])
    assert trainer.state.global_step == NUM_STEPS


def test_laws_mask_apart_from_one_another(whole) -> None:
    """Else what is said below of each of them would be said of one."""
    seen = [whole(law)[2] for law in (LAW, CEILING, FREQUENCY)]
    for one, other in itertools.combinations(seen, 2):
        assert not np.array_equal(one.rates[-1], other.rates[-1])
        assert not np.array_equal(one.shown[-1], other.shown[-1])


def test_bfloat16_counts_as_float32_does(whole) -> None:
    """Until the first renewal the masks are those of float32; later the answers are its own."""
    (_, exact, plain), (_, rounded, kept) = (
        whole(LAW, precision="fp32"),
        whole(LAW, precision="bf16"),
    )
    losses, others = logged(rounded), logged(exact)
    assert losses.keys() == others.keys()
    assert all(np.isfinite(loss) for loss in losses.values())
    assert losses["1.loss"] == pytest.approx(others["1.loss"], rel=0.01)
    assert losses["1.loss"] != others["1.loss"], "products are rounded"
    for one, other in zip(kept.shown[:2], plain.shown[:2], strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(kept.known[2].asked_V, plain.known[2].asked_V)
    assert kept.known[2].hits_V.dtype == plain.known[2].hits_V.dtype
    assert (kept.known[2].hits_V == kept.known[2].hits_V.round()).all()
    assert {each.dtype for each in rounded.model.parameters()} == {torch.float32}


@pytest.mark.parametrize(("law", "num_alike"), [(LAW, 2), (CEILING, 0)])
def test_a_step_is_masked_by_the_rates_of_its_beginning(
    law, num_alike, whole, packed_tokens
) -> None:
    """Until the first renewal ability knows no difference; ceilings differ from the beginning."""
    _, trainer, kept = whole(law)
    draws = trainer._draws
    uniform = [draws.batch([*range(step * 8, step * 8 + 8)]) for step in range(NUM_STEPS)]
    differs = []
    for step, rates_V in enumerate(kept.rates):
        indices_B = draws._permutation(0)[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
        batch = mask(
            packed_tokens.padded(indices_B), indices_B, draws.masking, rates=TokenRates(rates_V)
        )
        width = kept.labels[step].shape[1]
        assert np.array_equal(batch.labels_BT.reshape(-1, width), kept.labels[step])
        assert np.array_equal(batch.input_ids_BT.reshape(-1, width), kept.shown[step])
        differs.append(not np.array_equal(uniform[step]["labels"].numpy(), kept.labels[step]))
    assert not any(differs[:num_alike])
    assert sum(differs[num_alike:]) >= 4


@pytest.mark.parametrize("law", ["ability:floor=1", "ceiling:floor=1", "frequency:exponent=0"])
def test_equal_weights_are_the_plain_training_to_the_bit(law, packed_tokens, tmp_path) -> None:
    trainer, kept = watched(packed_tokens, tmp_path / "law", law)
    random = torch.get_rng_state()
    plain, expected = watched(packed_tokens, tmp_path / "plain", None)
    assert torch.equal(torch.get_rng_state(), random)
    for one, other in zip(kept.shown, expected.shown, strict=True):
        assert np.array_equal(one, other)
    weights = plain.model.state_dict()
    for name, weight in trainer.model.state_dict().items():
        assert torch.equal(weight, weights[name]), name


@pytest.mark.parametrize("law", [LAW, CEILING, FREQUENCY])
def test_accumulation_changes_no_mask(law, whole, packed_tokens, tmp_path) -> None:
    _, _, expected = whole(law)
    _, kept = watched(packed_tokens, tmp_path, law, accumulation_steps=4)
    shown = [np.concatenate(kept.shown[start : start + 4]) for start in range(0, 32, 4)]
    for one, other in zip(shown, expected.shown, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("step", [SAVE_EVERY, 2 * SAVE_EVERY])
@pytest.mark.parametrize("law", [LAW, CEILING, FREQUENCY])
def test_a_resumed_training_is_masked_as_the_whole_one(law, step, whole, packed_tokens, tmp_path):
    """At 3, in the middle between renewals, and at 6, at one."""
    folder, trainer, expected = whole(law)
    checkpoint = folder / f"checkpoint-{step}"
    shutil.copytree(checkpoint, tmp_path / checkpoint.name)
    resumed, kept = watched(packed_tokens, tmp_path, law)
    assert len(kept.shown) == NUM_STEPS - step
    for one, other in zip(kept.shown, expected.shown[step:], strict=True):
        assert np.array_equal(one, other)
    for one, other in zip(kept.rates, expected.rates[step:], strict=True):
        assert np.array_equal(one, other)
    for name, weight in trainer.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name


def test_a_checkpoint_without_its_state_is_refused(whole, packed_tokens, tmp_path) -> None:
    folder, _, _ = whole()
    shutil.copytree(folder / "checkpoint-6", tmp_path / "checkpoint-6")
    (tmp_path / "checkpoint-6" / NAME).unlink()
    (tmp_path / "checkpoint-6" / "hf_apt_checksums.json").unlink(missing_ok=True)
    with pytest.raises(ValueError, match=f"checkpoint-6 has no {NAME}, without which masks"):
        watched(packed_tokens, tmp_path)


def test_workers_that_fetch_ahead_change_no_mask(whole, packed_tokens, tmp_path) -> None:
    _, _, expected = whole()
    kept = Watched()
    trainer = trainer_of(
        folder_of(packed_tokens), str(tmp_path), dropout=0.0, masking_law=LAW, callbacks=(kept,)
    )
    trainer.args.dataloader_num_workers = 2
    trainer.args.dataloader_prefetch_factor = 4
    kept.see(trainer)
    pretrain(trainer)
    for one, other in zip(kept.shown, expected.shown, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.slow
def test_two_processes_change_no_mask(tokens, tmp_path) -> None:
    laws = {"ability": LAW, "ceiling": CEILING}
    asked = []
    for name, law in laws.items():
        arguments = {"tokens": folder_of(tokens), "masking_law": law}
        alone, two = tmp_path / f"{name}-alone", tmp_path / f"{name}-two"
        pretraining(**arguments, folder=str(alone), kept=f"{alone}.npz")
        divided = {"accumulation_steps": 2, "folder": str(two), "kept": f"{two}-{{rank}}.npz"}
        asked.append(arguments | divided)
    launch = [str(WORKER.with_name("forked.py")), "2", str(WORKER), json.dumps(asked)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *launch], capture_output=True, text=True, timeout=600, env=environment
    )
    assert done.returncode == 0, done.stderr
    for name in laws:
        expected = np.load(tmp_path / f"{name}-alone.npz")["shown"]
        # (step, accumulation step, process, sequence): what a process sees lies next to it.
        parts = [np.load(tmp_path / f"{name}-two-{rank}.npz")["shown"] for rank in range(2)]
        parts = [part.reshape(NUM_STEPS, 2, 2, 24) for part in parts]
        assert np.array_equal(np.stack(parts, axis=2).reshape(expected.shape), expected), name


def test_the_loss_is_the_mean_over_asked_positions(packed_tokens, tmp_path) -> None:
    alone = pretraining(folder_of(packed_tokens), str(tmp_path / "1"), masking_law=LAW)
    parts = pretraining(
        folder_of(packed_tokens), str(tmp_path / "4"), masking_law=LAW, accumulation_steps=4
    )
    for name, loss in alone["losses"].items():
        if name.endswith(".loss"):
            assert parts["losses"][name] == pytest.approx(loss, rel=1e-5), name
