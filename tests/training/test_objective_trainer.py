"""Laws of the mixin: nothing where nothing is asked, else one mean however a step is divided."""

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_trainers import StopAt
from transformers import Trainer
from workers.objectives import (
    NUM_STEPS,
    GradientsKept,
    classifier,
    classifying,
    finetuning,
    logged,
    mean_of_step,
    pretraining,
    stacked,
    texts,
    trained,
)

from hf_apt.models.lora import with_adapter
from hf_apt.training.objective import Term, num_asked
from hf_apt.training.objective_trainer import WithObjectives
from hf_apt.training.objectives.entropy import ConfidencePenalty
from hf_apt.training.objectives.masked_pairs import MaskedPairs
from hf_apt.training.objectives.proximal import Proximal
from hf_apt.training.objectives.r_drop import RDrop
from hf_apt.training.objectives.rademacher import Rademacher
from hf_apt.training.objectives.sharpness_aware import SharpnessAware
from hf_apt.training.objectives.smoothness import Smoothness
from hf_apt.training.objectives.token_contrast import TokenContrast
from hf_apt.training.resume import last_checkpoint
from hf_apt.training.with_arithmetic import WithArithmetic

WORKER = Path(__file__).parents[1] / "support/workers" / "objectives.py"
NUM_PROCESSES = 2
PENALTY = "confidence_penalty:weight=0.7"
SMOOTH = "smoothness:weight=2,preset=mtdnn,noise=0.1,step_size=1"
PROXIMAL = "proximal:weight=3,momentum=0.5"
PATHS = {"cls_norms": [1, 2], "cls_projections": [2]}
SELECTION = ["replaced_tokens:weight=5", "word_selection:weight=3", "multi_choice:weight=2"]


def tokens_folder(tokens: Any) -> str:
    return str(Path(tokens.ids.filename).parent)


def assert_close(result: dict, expected: dict, tolerance: float = 1e-5) -> None:
    assert set(result) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(
            result[name], value, rtol=tolerance, atol=tolerance, err_msg=name
        )


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    model: Any = trainer.model
    return model.state_dict()


def assert_same_weights(trainer: Trainer, expected: Trainer) -> None:
    weights, others = weights_of(trainer), weights_of(expected)
    assert weights.keys() == others.keys()
    for name, weight in others.items():
        assert torch.equal(weights[name], weight), name


# Without a weight.


def observed(trainer: Trainer) -> tuple[Trainer, torch.Tensor, int]:
    """The trainer after training, the state of random numbers, and the number of passes."""
    passes: list[int] = []
    model: Any = trainer.model
    model.register_forward_pre_hook(lambda *_: passes.append(1))
    trainer.train()
    return trainer, torch.get_rng_state(), len(passes)


WEIGHTLESS = (
    *(each(weight=0.0) for each in (RDrop, ConfidencePenalty, Smoothness, Proximal)),
    *(SharpnessAware(weight=0.0), Rademacher(weight=0.0, texts="is not read")),
    *(TokenContrast(weight=0.0), MaskedPairs(weight=0.0)),
)


@pytest.mark.parametrize("objectives", [(), WEIGHTLESS])
@pytest.mark.parametrize("kind", ["classifying", "pretraining"])
def test_without_a_weight_it_is_the_plain_trainer_to_the_bit(kind, objectives, tokens, tmp_path):
    def made(name: str, objectives: tuple, **options: Any) -> Trainer:
        if kind == "classifying":
            return classifying(str(tmp_path / name), objectives, dropout=0.2, **options)
        return pretraining(str(tmp_path / name), tokens_folder(tokens), objectives, dropout=0.2)

    plain, state, passes = observed(made("plain", ()))
    assert type(plain) is WithArithmetic
    options = {"trainer": WithObjectives} if kind == "classifying" and not objectives else {}
    other, other_state, other_passes = observed(made("other", objectives, **options))
    assert isinstance(other, WithObjectives) == (bool(objectives) or kind == "classifying")
    assert_same_weights(other, plain)
    assert torch.equal(other_state, state)
    assert other_passes == passes
    assert logged(other) == logged(plain)
    _, moved, more = observed(made("moved", (RDrop(weight=0.1),)))
    assert not torch.equal(moved, state), "there is dropout to draw"
    assert more > passes


@pytest.mark.parametrize("accumulation_steps", [1, 2])
def test_counts_may_be_numbers_or_tensors_of_any_kind_and_device(accumulation_steps, tmp_path):
    """As an objective counts on the processor, or the batch on its device, or by a plain number."""
    elsewhere = "cuda" if torch.cuda.is_available() else "cpu"

    @dataclass(frozen=True)
    class Counting:
        name: str
        made: Any
        weight: float = 1.0

        def count(self, inputs: Any) -> Any:
            return self.made(int(num_asked(inputs)))

        def __call__(self, step: Any) -> Any:
            seen.setdefault(self.name, []).append(step.num_items)
            return ()

    seen: dict[str, list[torch.Tensor]] = {}
    kinds = {
        "number": int,
        "short": lambda count: torch.tensor(count, dtype=torch.int32),
        "elsewhere": lambda count: torch.tensor(count, device=elsewhere),
    }
    objectives = [Counting(name, made) for name, made in kinds.items()]
    classifying(str(tmp_path), objectives, accumulation_steps=accumulation_steps).train()
    asked = [sum(row["labels"] != -100 for row in texts()[at : at + 8]) for at in (0, 8, 16)]
    for name in kinds:
        counts = [int(each) for each in seen[name][::accumulation_steps]]
        assert counts == asked, name


class Recording:
    """An objective that notes what it is told of the training."""

    name, weight = "recording", 1.0

    def __init__(self, logged_alone: float = 0.0):
        self.value = logged_alone
        self.seen: list[tuple[int, int, int]] = []
        self.setup: Any = None

    def count(self, inputs: Any) -> int:
        return 1

    def in_training(self, setup: Any) -> Any:
        self.setup = setup
        return self

    def __call__(self, step: Any) -> Any:
        self.seen.append((step.num_steps_before, step.part, step.num_parts))
        value = self.value * step.loss
        return (Term(name="proximal", total=value, num_items=step.num_items, weight=0.0),)


@pytest.mark.parametrize("accumulation_steps", [1, 2])
def test_a_batch_is_told_its_number_and_that_of_its_step(accumulation_steps, tmp_path):
    objective = Recording()
    trainer = classifying(str(tmp_path), (objective,), accumulation_steps=accumulation_steps)
    trainer.train()
    parts = range(accumulation_steps)
    expected = [(step, part, accumulation_steps) for step in range(NUM_STEPS) for part in parts]
    assert objective.seen == expected
    model: Any = trainer.model
    trainer.compute_loss(model.train(), stacked(texts(2)), num_items_in_batch=2)
    assert objective.seen[-1] == (NUM_STEPS, 0, 1), "outside of a training a batch is whole"


def test_an_objective_is_told_of_model_arguments_and_tokenizer(tokenizer, tokens, tmp_path):
    objective = Recording()
    trainer = pretraining(str(tmp_path), tokens_folder(tokens), (objective,), tokenizer=tokenizer)
    setup = objective.setup
    assert setup.model is trainer.model
    assert setup.args is trainer.args
    assert setup.tokenizer is tokenizer
    model: Any = trainer.model
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "vocab_size")
    before = [getattr(model.config, name) for name in names]
    trainer.train()
    assert [getattr(model.config, name) for name in names] == before, "it changes no model"


def test_a_term_without_a_weight_is_logged_alone(tmp_path):
    """Whatever it is: what is no number must not reach the loss."""
    trainer = classifying(str(tmp_path / "a"), (Recording(math.nan),))
    trainer.train()
    plain = classifying(str(tmp_path / "b"), (Recording(0.0),))
    plain.train()
    assert_same_weights(trainer, plain)
    assert math.isnan(logged(trainer)["1.proximal"])
    assert "1.proximal_weighted" not in logged(trainer)


# However a step is divided.


@pytest.fixture(scope="module")
def checkpoint_folder(tokens, tokenizer, tmp_path_factory) -> str:
    from hf_apt.models.fresh import new_model
    from hf_apt.models.shapes import ModelShape

    folder = tmp_path_factory.mktemp("checkpoint")
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, initializer_range=0.3)
    new_model(shape, tokens, seed=3).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def texts_file(documents, tmp_path_factory) -> str:
    """A file of 101 texts, one in each line."""
    file = tmp_path_factory.mktemp("texts") / "texts.csv"
    file.write_text("\n".join(["text", *documents]))
    return str(file)


@pytest.fixture(scope="module")
def jobs(tokens, checkpoint_folder, texts_file) -> dict[str, dict[str, Any]]:
    """Arguments of `trained`, but for the folder and how steps are divided."""
    held = tokens_folder(tokens)
    of_texts = f"rademacher:weight=0.5,texts={texts_file},num_texts=9,num_groups=3,num_signs=4"
    return {
        "masked beside texts": {
            "kind": "pretraining",
            "tokens": held,
            "objectives": [of_texts, "token_contrast:weight=0.5,group_size=2,num_tokens=7"],
            "tokenizer": checkpoint_folder,
        },
        "masked": {"kind": "pretraining", "tokens": held, "objectives": [PENALTY]},
        "masked in pairs": {
            "kind": "pretraining",
            "tokens": held,
            "objectives": ["masked_pairs:weight=0.5,num_words=9,num_pairs=3,rank=3"],
            "tokenizer": checkpoint_folder,
        },
        "masked by paths of [CLS]": {
            "kind": "pretraining",
            "tokens": held,
            "objectives": [PENALTY],
            "shape": PATHS,
        },
        "masked twice": {
            "kind": "pretraining",
            "tokens": held,
            "objectives": ["r_drop:weight=3", PENALTY],
        },
        "selected": {"kind": "pretraining", "tokens": held, "objectives": SELECTION},
        "classified": {"kind": "classifying", "objectives": [PENALTY]},
        "classified twice": {"kind": "classifying", "objectives": ["r_drop:weight=3"]},
        "classified nearby": {"kind": "classifying", "objectives": [SMOOTH, PROXIMAL]},
        "classified at the worst weights": {
            "kind": "classifying",
            "objectives": ["sharpness_aware:weight=0.5", PENALTY],
        },
        "fine-tuned": {
            "kind": "finetuning",
            "checkpoint": checkpoint_folder,
            "objectives": [PENALTY],
        },
    }


@pytest.fixture(scope="module")
def whole(jobs, tmp_path_factory) -> dict[str, tuple[dict, dict]]:
    folder = tmp_path_factory.mktemp("whole")
    return {name: trained(folder=str(folder / name), **job) for name, job in jobs.items()}


def test_the_objective_moves_the_gradients(jobs, whole, tmp_path):
    """Else the laws below would hold without it."""
    for name in ("masked", "classified", "fine-tuned"):
        plain, _ = trained(folder=str(tmp_path), **jobs[name] | {"objectives": []})
        gradients, logs = whole[name]
        moved = [np.abs(gradients[each] - plain[each]).max() for each in plain]
        assert max(moved) > 1e-2
        assert logs["1.confidence_penalty"] < -0.1
        assert logs["1.confidence_penalty_weighted"] == pytest.approx(
            0.7 * logs["1.confidence_penalty"]
        )


def test_weights_of_cls_have_gradients_of_their_own(whole):
    """But after the last block's keys and values: no masked position hears of [CLS] from there."""
    gradients, _ = whole["masked by paths of [CLS]"]
    own = {name: np.abs(each).max() for name, each in gradients.items() if ".cls_" in name}
    last = {name for name in own if ".layer.1." in name and "key" not in name}
    last -= {name for name in last if "value" in name}
    assert len(own) == NUM_STEPS * 14
    assert {name for name, size in own.items() if size < 1e-4} == last


@pytest.mark.parametrize(
    "name",
    [
        *("masked", "masked twice", "masked beside texts", "masked in pairs", "selected"),
        "masked by paths of [CLS]",
        *("classified", "classified twice", "classified nearby"),
    ],
)
def test_accumulation_changes_nothing(name, jobs, whole, tmp_path):
    gradients, logs = trained(folder=str(tmp_path), **jobs[name], accumulation_steps=4)
    assert_close(gradients, whole[name][0])
    assert_close(logs, whole[name][1])


@pytest.fixture(scope="module")
def distributed(jobs, tmp_path_factory) -> dict[str, list[tuple[dict, dict]]]:
    """By job, what each of two processes took and logged."""
    folder = tmp_path_factory.mktemp("distributed")
    asked = []
    for name, job in jobs.items():
        is_whole = name in ("fine-tuned", "classified at the worst weights")
        divided = {} if is_whole else {"accumulation_steps": 2}
        asked.append(job | divided | {"folder": str(folder)})
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={NUM_PROCESSES}"]
    done = subprocess.run(
        [sys.executable, *launch, str(WORKER), json.dumps(asked)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return {
        name: [
            (
                dict(np.load(folder / f"{number}-{rank}.npz")),
                json.loads((folder / f"{number}-{rank}.json").read_text()),
            )
            for rank in range(NUM_PROCESSES)
        ]
        for number, name in enumerate(jobs)
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("masked", "masked twice", "masked beside texts", "masked in pairs", "selected"),
        "masked by paths of [CLS]",
        *("classified", "classified twice", "classified nearby"),
        *("classified at the worst weights", "fine-tuned"),
    ],
)
def test_processes_change_nothing(name, whole, distributed):
    for gradients, logs in distributed[name]:
        assert_close(gradients, whole[name][0])
        assert_close(logs, whole[name][1])


@pytest.mark.parametrize("shape", [{}, PATHS])
def test_an_interrupted_training_goes_on_to_the_bit(shape, tokens, tmp_path):
    def made(name: str) -> Trainer:
        return pretraining(
            str(tmp_path / name),
            tokens_folder(tokens),
            (RDrop(weight=1.0), ConfidencePenalty(weight=0.1)),
            dropout=0.2,
            save_every=2,
            num_steps=5,
            shape=shape,
        )

    expected = made("whole")
    expected.train()
    interrupted = made("interrupted")
    interrupted.add_callback(StopAt(2))
    interrupted.train()
    assert interrupted.state.global_step == 2
    resumed = made("interrupted")
    resumed.train(resume_from_checkpoint=str(last_checkpoint(tmp_path / "interrupted")))
    assert_same_weights(resumed, expected)
    assert logged(resumed) == logged(expected)
    assert len(logged(resumed)) == 5 * (1 + 2 * 3)


# Whatever the Trainer divides by.


def gradients_of(trainer: Trainer) -> dict[str, np.ndarray]:
    """Those of the first step."""
    kept = GradientsKept()
    trainer.add_callback(kept)
    trainer.train()
    return kept.steps[0]


def by_hand(rows: list[dict], weight: float) -> tuple[float, dict[str, np.ndarray]]:
    """The penalty of all texts with a label at once, and the gradients of `weight` times that."""
    model = classifier().train()
    asked = [row for row in rows if row["labels"] != -100]
    logits = model(torch.tensor([row["input_ids"] for row in asked])).logits.double()
    probabilities = torch.exp(logits) / torch.exp(logits).sum(dim=-1, keepdim=True)
    penalty = (probabilities * torch.log(probabilities)).sum() / len(asked)
    (weight * penalty).backward()
    return penalty.item(), {name: each.grad.numpy() for name, each in model.named_parameters()}


PLAIN: dict[str, dict[str, Any]] = {
    "a model that is believed to divide": {"compute_loss_func": None},
    "a model that is not": {"compute_loss_func": None, "accepts": False},
    "a function": {"compute_loss_func": mean_of_step},
    "a function for a model that is not": {"compute_loss_func": mean_of_step, "accepts": False},
    "smoothed labels": {"compute_loss_func": None, "label_smoothing_factor": 0.1},
    "declared to be divided": {"compute_loss_func": None, "scaled": True, "accepts": False},
    "declared not to be": {"compute_loss_func": None, "scaled": False},
}


@pytest.mark.parametrize("accumulation_steps", [1, 4])
@pytest.mark.parametrize("plain", PLAIN)
def test_the_mean_is_that_by_hand_whatever_the_trainer_divides_by(
    plain, accumulation_steps, tmp_path
):
    options = dict(PLAIN[plain])
    scaled, accepts = options.pop("scaled", None), options.pop("accepts", None)

    def made(objectives: tuple) -> Trainer:
        trainer = classifying(
            str(tmp_path),
            objectives,
            accumulation_steps=accumulation_steps,
            max_steps=1,
            **options,
        )
        trainer.loss_is_scaled_for_ga = scaled
        if accepts is not None:
            trainer.model_accepts_loss_kwargs = accepts
        return trainer

    without = gradients_of(made(()))
    trainer = made((ConfidencePenalty(weight=0.7),))
    gradients = gradients_of(trainer)
    penalty, expected = by_hand(texts()[:8], 0.7)
    assert_close({name: gradients[name] - without[name] for name in without}, expected, 1e-5)
    assert logged(trainer)["1.confidence_penalty"] == pytest.approx(penalty, rel=1e-5)
    assert max(np.abs(each).max() for each in expected.values()) > 1e-2


def test_terms_are_logged_as_means_over_the_same_steps_as_the_loss(tmp_path):
    every = classifying(str(tmp_path), (ConfidencePenalty(weight=0.5),))
    every.train()
    seldom = classifying(str(tmp_path), (ConfidencePenalty(weight=0.5),), logging_steps=NUM_STEPS)
    for _ in range(2):  # a second training begins anew
        seldom.train()
        names = ("loss", "confidence_penalty", "confidence_penalty_weighted")
        for name in names:
            of_steps = [logged(every)[f"{step}.{name}"] for step in range(1, NUM_STEPS + 1)]
            mean = np.mean(of_steps)
            assert logged(seldom)[f"{NUM_STEPS}.{name}"] == pytest.approx(mean, rel=1e-5)
        seldom.model.load_state_dict(classifier().state_dict())
        seldom.optimizer = seldom.lr_scheduler = None


def test_an_unfinished_interval_is_forgotten_by_the_next_training(tmp_path):
    objectives = (ConfidencePenalty(weight=0.5),)
    expected = classifying(str(tmp_path), objectives, logging_steps=2)
    expected.train()
    assert NUM_STEPS % 2
    again = classifying(str(tmp_path), objectives, logging_steps=2)
    again.train()
    again.model.load_state_dict(classifier().state_dict())
    again.optimizer = again.lr_scheduler = None
    again.train()
    assert logged(again) == logged(expected)


def test_evaluation_is_plain(tmp_path):
    trainer = classifying(str(tmp_path), (RDrop(weight=5.0), ConfidencePenalty(weight=5.0)))
    plain = classifying(str(tmp_path), ())
    passes: list[int] = []
    trainer.model.register_forward_pre_hook(lambda *_: passes.append(1))
    assert trainer.evaluate()["eval_loss"] == plain.evaluate()["eval_loss"]
    assert len(passes) == NUM_STEPS
    assert np.array_equal(trainer.predict(texts()).predictions, plain.predict(texts()).predictions)


def test_the_loss_is_the_plain_one_and_the_weighted_terms(tmp_path):
    objectives = (RDrop(weight=2.0), ConfidencePenalty(weight=0.5))
    trainer = classifying(str(tmp_path), objectives, max_steps=1)
    trainer.train()
    plain = classifying(str(tmp_path), (), max_steps=1)
    plain.train()
    logs = logged(trainer)
    weighted = sum(value for name, value in logs.items() if name.endswith("_weighted"))
    assert logs["1.loss"] - weighted == pytest.approx(logged(plain)["1.loss"], rel=1e-5)


def test_the_fine_tuner_adds_what_its_configuration_asks_for(checkpoint_folder, tmp_path):
    assert type(finetuning(str(tmp_path), checkpoint_folder, ())) is WithArithmetic
    trainer = finetuning(str(tmp_path), checkpoint_folder, (RDrop(weight=1.0),))
    assert isinstance(trainer, WithObjectives)
    trainer.train()
    assert "1.r_drop" in logged(trainer)


def test_a_trainer_of_ones_own_takes_part(tmp_path):
    class Doubling(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
            return (2 * loss, outputs) if return_outputs else 2 * loss

    class Own(WithObjectives, Doubling):
        pass

    def made(objectives: tuple) -> Trainer:
        return classifying(
            str(tmp_path),
            (),
            max_steps=1,
            trainer=lambda **named: Own(**named, objectives=objectives),
        )

    expected = gradients_of(made(()))
    plain = gradients_of(classifying(str(tmp_path), (), max_steps=1))
    assert_close(expected, {name: 2 * each for name, each in plain.items()})
    gradients = gradients_of(made((ConfidencePenalty(weight=0.7),)))
    _, added = by_hand(texts()[:8], 0.7)
    assert_close({name: gradients[name] - expected[name] for name in expected}, added)


# Under other roofs.


def test_adapters_alone_are_trained(tmp_path):
    def made(name: str, **options: Any) -> tuple[Trainer, dict[str, np.ndarray]]:
        model = with_adapter(classifier(), 2, seed=0)
        objectives = (RDrop(weight=1.0), ConfidencePenalty(weight=0.5))
        trainer = classifying(str(tmp_path / name), objectives, model=model, **options)
        return trainer, gradients_of(trainer)

    trainer, gradients = made("whole")
    assert gradients
    assert all("lora_" in name or "modules_to_save" in name for name in gradients)
    assert_close(made("divided", accumulation_steps=4)[1], gradients)
    assert logged(trainer)["1.confidence_penalty"] < 0


def test_bfloat16_gives_what_float32_gives_but_for_its_rounding(tmp_path):
    objectives = (RDrop(weight=1.0), ConfidencePenalty(weight=0.5))
    expected = classifying(str(tmp_path), objectives)
    expected.train()
    trainer = classifying(str(tmp_path), objectives, bf16=True)
    trainer.train()
    assert_close(logged(trainer), logged(expected), 0.05)
    assert logged(trainer) != logged(expected)


# What is refused.


@dataclass(frozen=True, kw_only=True)
class Unchecked:
    """An objective that does not look at its weight."""

    weight: float
    name: str = field(default="unchecked", init=False)

    def count(self, inputs):
        return num_asked(inputs)

    def __call__(self, step):
        raise AssertionError("it is never called")


@pytest.mark.parametrize("weight", [-0.5, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight, tmp_path):
    with pytest.raises(ValueError, match=rf"weight of unchecked is {weight}: give a finite number"):
        classifying(str(tmp_path), (Unchecked(weight=weight),))


def test_two_objectives_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="two objectives named r_drop: give it once"):
        classifying(str(tmp_path), (RDrop(weight=1.0), RDrop(weight=2.0)))


def test_several_cards_in_one_process_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("transformers.TrainingArguments.n_gpu", 2)
    with pytest.raises(ValueError, match="one graphics card in a process, and there are 2"):
        classifying(str(tmp_path), (RDrop(weight=1.0),))
    classifying(str(tmp_path), (RDrop(weight=0.0),))


def test_a_loss_that_is_asked_for_outside_of_a_training_counts_its_own_batch(tmp_path):
    trainer = classifying(
        str(tmp_path),
        (ConfidencePenalty(weight=0.7),),
        compute_loss_func=None,
        learning_rate=0.0,
        accumulation_steps=4,
    )
    trainer.train()
    batch = stacked(texts()[:8])
    plain = classifying(str(tmp_path), (), compute_loss_func=None)
    model: Any = trainer.model
    added = trainer.compute_loss(model.train(), batch, num_items_in_batch=6)
    added = added - plain.compute_loss(plain.model.train(), batch, num_items_in_batch=6)
    assert added.item() == pytest.approx(0.7 * by_hand(texts()[:8], 0.7)[0], rel=1e-4)
