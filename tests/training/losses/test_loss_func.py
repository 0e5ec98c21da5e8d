"""Laws of all losses of classes: plain at strength 0, one mean however a step is divided."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from workers.class_losses import COUNTS, gradients_and_losses
from workers.objectives import NUM_STEPS, classifying, logged, texts

from hf_apt.cli.spelling.losses import LOSSES, loss_of
from hf_apt.training.losses.class_balanced import ClassBalanced
from hf_apt.training.losses.focal import Focal
from hf_apt.training.losses.logit_adjusted import LogitAdjusted
from hf_apt.training.losses.loss_func import class_loss_func

WORKER = Path(__file__).parents[2] / "support/workers" / "class_losses.py"
PLAIN = ["class_balanced:beta=0", "focal:gamma=0", "logit_adjusted:tau=0"]
STRONG = ["class_balanced:beta=0.99", "focal:gamma=2", "logit_adjusted:tau=1"]


def batch(num: int = 6, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(num, 3, generator=generator)
    return logits, torch.randint(0, 3, (num,), generator=generator)


def assert_close(result: dict, expected: dict) -> None:
    assert set(result) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(result[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("spelled", PLAIN)
def test_without_strength_a_training_is_plain(spelled, tmp_path):
    """The weights, losses and random numbers of torch's cross-entropy, and to the bit by hand.

    A Trainer without a `compute_loss_func` takes the mean in torch, whose last bit may be another.
    """

    def observed(func: Any) -> tuple[dict, dict, torch.Tensor]:
        trainer = classifying(str(tmp_path), (), dropout=0.2, compute_loss_func=func)
        trainer.train()
        model: Any = trainer.model
        return logged(trainer), model.state_dict(), torch.get_rng_state()

    logs, weights, state = observed(class_loss_func(loss_of(spelled), COUNTS))
    expected_logs, expected, expected_state = observed(None)
    by_hand, _, _ = observed(class_loss_func())
    assert logs == by_hand
    assert_close(logs, expected_logs)
    assert torch.equal(state, expected_state)
    for name, value in expected.items():
        torch.testing.assert_close(weights[name], value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", sorted(LOSSES))
def test_a_little_strength_changes_a_little(kind):
    logits, labels = batch()
    spelled = {
        "class_balanced": "class_balanced:beta=1e-9",
        "focal": "focal:gamma=1e-7",
        "logit_adjusted": "logit_adjusted:tau=1e-7",
    }[kind]
    loss = class_loss_func(loss_of(spelled), COUNTS)({"logits": logits}, labels)
    assert float(loss) == pytest.approx(float(cross_entropy(logits, labels)), rel=1e-5)
    assert not loss_of(spelled).is_plain


@pytest.mark.parametrize("spelled", STRONG)
def test_accumulation_changes_nothing(spelled, tmp_path):
    whole = gradients_and_losses(str(tmp_path), spelled)
    assert_close(gradients_and_losses(str(tmp_path), spelled, accumulation_steps=4), whole)
    plain = gradients_and_losses(str(tmp_path), "focal:gamma=0")
    assert max(np.abs(whole[name] - plain[name]).max() for name in plain) > 1e-2


@pytest.mark.slow
def test_two_processes_change_nothing(tmp_path):
    asked = [{"folder": str(tmp_path), "spelled": each} for each in STRONG]
    path = [str(WORKER.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(WORKER), json.dumps(asked)),
        ],
        check=True,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path)},
    )
    for number, spelled in enumerate(STRONG):
        whole = gradients_and_losses(str(tmp_path), spelled)
        for rank in range(2):
            with np.load(tmp_path / f"{number}-{rank}.npz") as kept:
                assert_close(dict(kept), whole)


def test_a_resumed_training_ends_as_one_without_a_break(tmp_path):
    def made(**changed: Any) -> Any:
        func = class_loss_func(LogitAdjusted(), COUNTS)
        return classifying(
            str(tmp_path),
            (),
            dropout=0.2,
            compute_loss_func=func,
            optim="adamw_torch",
            save_strategy="steps",
            save_steps=1,
            **changed,
        )

    whole = made()
    whole.train()
    resumed = made()
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))
    assert resumed.state.global_step == NUM_STEPS
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name


@pytest.mark.parametrize("spelled", STRONG)
def test_bfloat16_is_finite(spelled, tmp_path):
    func = class_loss_func(loss_of(spelled), COUNTS)
    trainer = classifying(str(tmp_path), (), compute_loss_func=func, bf16=True)
    trainer.train()
    assert np.isfinite(list(logged(trainer).values())).all()


@pytest.mark.parametrize("spelled", STRONG)
def test_extreme_logits_give_finite_losses_and_gradients(spelled):
    """Certain and right, certain and wrong; in bfloat16 too."""
    for dtype in (torch.float32, torch.bfloat16):
        logits = torch.tensor([[90.0, 0, 0], [90.0, 0, 0], [0, 0, 0]], dtype=dtype)
        logits.requires_grad_()
        labels = torch.tensor([0, 1, 2])
        loss = class_loss_func(loss_of(spelled), COUNTS)({"logits": logits}, labels)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss.dtype == torch.float32
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("loss", [None, *map(loss_of, STRONG)])
def test_gradients_are_those_of_finite_differences(loss):
    logits, labels = batch(4)
    func = class_loss_func(loss, COUNTS)
    given = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda rows: func({"logits": rows}, labels), (given,))


def test_tokens_and_texts_that_are_not_asked_do_not_count():
    logits, labels = batch(8)
    labels[::3] = -100
    asked = labels != -100
    func = class_loss_func(Focal(gamma=2.0))
    expected = func({"logits": logits[asked]}, labels[asked])
    assert float(func({"logits": logits}, labels)) == pytest.approx(float(expected))
    of_tokens = func((logits.reshape(2, 4, 3),), labels.reshape(2, 4))
    assert float(of_tokens) == pytest.approx(float(expected))
    none = func({"logits": logits.requires_grad_()}, torch.full((8,), -100))
    assert float(none) == 0.0


def test_weights_weigh_and_the_divisor_stays():
    logits, labels = batch(4)
    weights = torch.tensor([0.0, 1.0, 2.0, 0.5])
    for loss in (None, Focal(gamma=2.0)):
        func = class_loss_func(loss)
        alone = [float(func({"logits": logits[i : i + 1]}, labels[i : i + 1])) for i in range(4)]
        expected = sum(w * each for w, each in zip(weights.tolist(), alone, strict=True)) / 10
        weighted = func({"logits": logits}, labels, num_items_in_batch=10, weights=weights)
        assert float(weighted) == pytest.approx(expected)
        # A weight for each text whose tokens are labelled.
        rows = logits.reshape(2, 2, 3), labels.reshape(2, 2)
        by_text = func({"logits": rows[0]}, rows[1], weights=torch.tensor([0.0, 3.0]))
        assert float(by_text) == pytest.approx(3 * (alone[2] + alone[3]) / 4)


def test_they_are_told_apart_by_their_json():
    losses: list[Any] = [loss_of(each) for each in STRONG]
    written = [json.loads(json.dumps(asdict(each))) for each in losses]
    assert written == [
        {"name": "class_balanced", "beta": 0.99},
        {"name": "focal", "gamma": 2.0},
        {"name": "logit_adjusted", "tau": 1.0},
    ]
    assert [each["name"] for each in written] == [*LOSSES]


def test_they_are_spelt_without_torch():
    code = "import sys; from hf_apt.cli.spelling.losses import loss_of; "
    code += "loss_of('focal:gamma=1'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    ("loss", "counts", "sentence"),
    [
        (LogitAdjusted(), None, "logit_adjusted weighs classes by their size: give class_counts"),
        (ClassBalanced(beta=0.9), [3, 0, 1], "class 1 has 0 training examples: class_balanced nee"),
    ],
)
def test_counts_that_are_missing_are_refused_before_any_work(loss, counts, sentence):
    with pytest.raises(ValueError, match=sentence):
        class_loss_func(loss, counts)


def test_what_does_not_fit_is_told_in_a_sentence():
    logits, labels = batch()
    func = class_loss_func(LogitAdjusted(), [1, 2])
    with pytest.raises(ValueError, match="counts of 2 classes came with logits of 3"):
        func({"logits": logits}, labels)
    with pytest.raises(ValueError, match="the batch has no labels"):
        func({"logits": logits}, None)
    with pytest.raises(ValueError, match=r"logits of shape \(6, 3\) do not belong to labels of sh"):
        func({"logits": logits}, labels[:5])
    with pytest.raises(ValueError, match="logits of shape None"):
        func({}, labels)
    with pytest.raises(ValueError, match=r"num_items_in_batch has shape \(2,\): this loss is for"):
        class_loss_func()({"logits": logits}, labels, torch.tensor([3, 3]))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("focal:gamma=-1", "the gamma of focal is -1.0: give a finite number of at least 0"),
        ("focal:gamma=nan", "the gamma of focal is nan"),
        ("class_balanced:beta=1", "the beta of class_balanced is 1.0: give a number from 0"),
        ("class_balanced:beta=nan", "the beta of class_balanced is nan"),
        ("logit_adjusted:tau=-0.5", "the tau of logit_adjusted is -0.5"),
        ("focal", "'focal' has no gamma: write focal:gamma=1"),
        ("hinge", "there is no loss 'hinge': there are class_balanced, focal, logit_adjusted"),
    ],
)
def test_settings_that_are_none_are_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        loss_of(text)


def test_texts_are_uneven():
    """Else the laws above would hold without it."""
    labels = [row["labels"] for row in texts() if row["labels"] != -100]
    assert len(set(labels)) == 3
    assert len(set(COUNTS)) == 3
