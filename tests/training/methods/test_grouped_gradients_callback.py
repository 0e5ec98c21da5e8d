"""Laws of grouped gradients in a Trainer: what may change, and what must not."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_trainers import StopAt
from transformers import TrainerCallback
from workers.methods import trained, training
from workers.objectives import classifier, texts

import hf_apt
from hf_apt.models.lora import with_adapter
from hf_apt.training.methods.grouped_gradients import GroupedGradients
from hf_apt.training.methods.grouped_gradients_callback import GroupedGradientsCallback
from hf_apt.training.resume import last_checkpoint

WORKER = Path(__file__).parents[2] / "support/workers" / "methods.py"
PATHS = (Path(__file__).parents[3], Path(__file__).parents[2] / "support")
GROUPED = "grouped_gradients:num_groups=5"
ADAMW = {"optim": "adamw_torch", "weight_decay": 0.0, "learning_rate": 1e-2}
ROWS = "bert.encoder.layer.0.intermediate.dense.weight"
COLUMNS = "bert.encoder.layer.0.output.dense.weight"


def weights_after(folder: Path, *methods: str, **options: Any) -> dict[str, torch.Tensor]:
    trainer = training(str(folder), methods, **options)
    trainer.train()
    return {name: each.clone() for name, each in trainer.model.state_dict().items()}


def groups_after(folder: Path, method: str, **options: Any) -> dict[str, list[int]]:
    trainer = training(str(folder), [method], **options)
    trainer.train()
    (callback,) = (
        each
        for each in trainer.callback_handler.callbacks
        if isinstance(each, GroupedGradientsCallback)
    )
    return callback.groups


def assert_same(weights: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> None:
    assert weights.keys() == others.keys()
    for name, weight in others.items():
        assert torch.equal(weights[name], weight), name


# Nothing where nothing is asked.


@pytest.mark.parametrize("optimiser", [{}, ADAMW])
@pytest.mark.parametrize(
    "method",
    [
        f"{GROUPED},strength=0",
        "grouped_gradients:num_groups=32,units=both",
        "grouped_gradients:num_groups=32,strength=0.3",
    ],
)
def test_without_strength_or_with_a_group_for_each_unit_it_is_the_plain_trainer_to_the_bit(
    method, optimiser, tmp_path
):
    plain = weights_after(tmp_path, dropout=0.2, **optimiser)
    state = torch.get_rng_state()
    assert_same(weights_after(tmp_path, method, dropout=0.2, **optimiser), plain)
    assert torch.equal(torch.get_rng_state(), state)


def test_without_strength_nothing_is_computed(tmp_path):
    passes: list[int] = []
    trainer = training(str(tmp_path), [f"{GROUPED},strength=0"], max_steps=1)
    trainer.model.register_forward_pre_hook(lambda *_: passes.append(1))
    trainer.train()
    assert len(passes) == 1


def test_order_and_dropout_are_those_of_the_plain_trainer(tmp_path):
    """So that arms of one seed are pairs."""
    plain = weights_after(tmp_path, dropout=0.2)
    state = torch.get_rng_state()
    grouped = weights_after(tmp_path, GROUPED, dropout=0.2)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(grouped[ROWS], plain[ROWS])


# What the optimiser is given.


def test_gradients_are_those_of_the_plain_trainer_averaged(tmp_path):
    (groups, _) = groups_after(tmp_path, GROUPED, max_steps=1).values()
    plain = trained(str(tmp_path), [], max_steps=1)
    given = trained(str(tmp_path), [f"{GROUPED},strength=0.5"], max_steps=1)
    assert len(set(groups)) == 5
    for name, axis in ((ROWS, 0), (COLUMNS, 1)):
        before, after = (np.moveaxis(each[f"0.{name}"], axis, 0) for each in (plain, given))
        for unit, group in enumerate(groups):
            mean = np.mean([before[other] for other in range(32) if groups[other] == group], axis=0)
            np.testing.assert_allclose(after[unit], (before[unit] + mean) / 2, atol=1e-6)
    others = [name for name in plain if "layer" not in name or "attention" in name]
    assert others
    for name in others:
        assert np.array_equal(given[name], plain[name])


def test_one_group_moves_all_units_alike_and_their_sum_as_ever(tmp_path):
    start = classifier().state_dict()
    plain = weights_after(tmp_path, max_steps=1)
    one = weights_after(tmp_path, "grouped_gradients:num_groups=1", max_steps=1)
    moved = one[ROWS] - start[ROWS]
    torch.testing.assert_close(moved, moved[:1].expand_as(moved), atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(moved.sum(0), (plain[ROWS] - start[ROWS]).sum(0))


@pytest.mark.parametrize("optimiser", [{}, ADAMW])
@pytest.mark.parametrize("kind", ["activation", "random"])
def test_differences_within_a_group_stay_what_they_were(kind, optimiser, tmp_path):
    method = f"{GROUPED},groups={kind}"
    start, end = classifier().state_dict(), weights_after(tmp_path, method, **optimiser)
    (groups, _) = groups_after(tmp_path, method, **optimiser).values()
    largest = max((end[name] - start[name]).abs().max() for name in (ROWS, COLUMNS))
    assert largest > 1e-3
    for name, axis in ((ROWS, 0), (COLUMNS, 1)):
        moved = (end[name] - start[name]).movedim(axis, 0)
        for group in set(groups):
            members = moved[[unit for unit in range(32) if groups[unit] == group]]
            assert (members - members[0]).abs().max() < 1e-3 * largest


def test_heads_are_grouped(tmp_path):
    groups = groups_after(tmp_path, "grouped_gradients:num_groups=1,units=heads", max_steps=1)
    assert groups == {f"bert.encoder.layer.{block} heads": [0, 0] for block in (0, 1)}
    given = trained(str(tmp_path), ["grouped_gradients:num_groups=1,units=heads"], max_steps=1)
    query = given["0.bert.encoder.layer.1.attention.self.query.weight"]
    np.testing.assert_allclose(query[:8], query[8:], atol=1e-7)


def test_a_matched_norm_is_that_of_the_plain_gradients(tmp_path):
    def norm(method: list[str]) -> float:
        given = trained(str(tmp_path), method, max_steps=1)
        grouped = [given[f"0.{name}"] for name in (ROWS, COLUMNS, ROWS.replace("weight", "bias"))]
        return float(np.sqrt(sum((each**2).sum() for each in grouped)))

    assert norm([GROUPED]) < 0.9 * norm([])
    assert norm([f"{GROUPED},match_norm=true"]) == pytest.approx(norm([]), rel=1e-5)


def test_there_can_be_a_number_of_groups_for_each_layer(tmp_path):
    groups = groups_after(tmp_path, "grouped_gradients:num_groups=3/7", max_steps=1)
    assert [len(set(each)) for each in groups.values()] == [3, 7]
    with pytest.raises(ValueError, match="has 3 numbers of groups and the model 2 layers of units"):
        groups_after(tmp_path, "grouped_gradients:num_groups=3/7/3", max_steps=1)


def test_units_are_grouped_anew_when_it_is_time_to(tmp_path):
    fast = {"learning_rate": 2.0}
    kept = groups_after(tmp_path, GROUPED, **fast)
    assert kept == groups_after(tmp_path, GROUPED, max_steps=1, **fast)
    assert groups_after(tmp_path, f"{GROUPED},regroup_every=2", **fast) != kept
    assert groups_after(tmp_path, f"{GROUPED},regroup_every=3", **fast) == kept


def test_a_second_training_groups_anew(tmp_path):
    trainer = training(str(tmp_path), [GROUPED], learning_rate=2.0)
    (callback,) = (
        each
        for each in trainer.callback_handler.callbacks
        if isinstance(each, GroupedGradientsCallback)
    )
    trainer.train()
    first = callback.groups
    expected = groups_after(tmp_path / "other", GROUPED, model=deepcopy(trainer.model))
    trainer.train()
    assert callback.groups == expected, "by what is active in the weights that it begins with"
    assert expected != first


# However a step is divided, and after an interruption.


def test_accumulation_changes_nothing(tmp_path):
    whole = trained(str(tmp_path), [GROUPED])
    parts = trained(str(tmp_path), [GROUPED], accumulation_steps=4)
    for name, gradient in whole.items():
        np.testing.assert_allclose(parts[name], gradient, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_processes_change_nothing(tmp_path):
    asked = {"folder": str(tmp_path), "methods": [f"{GROUPED},units=both,regroup_every=2"]}
    whole = trained(**asked)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [sys.executable, *launch, str(WORKER), json.dumps([asked])],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, PATHS))},
    )
    assert done.returncode == 0, done.stderr
    for rank in (0, 1):
        parts = np.load(tmp_path / f"0-{rank}.npz")
        assert set(parts) == set(whole)
        for name, gradient in whole.items():
            np.testing.assert_allclose(parts[name], gradient, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("restore", "regroup"), [(False, ",regroup_every=2"), (True, "")])
def test_an_interrupted_training_goes_on_to_the_bit(regroup, restore, tmp_path):
    method = f"{GROUPED},units=both{regroup}"
    options = {
        **{"dropout": 0.2, "save_strategy": "steps", "save_steps": 1, "learning_rate": 0.5},
        "restore_callback_states_from_checkpoint": restore,
    }
    expected = weights_after(tmp_path / "whole", method, **options)
    interrupted = training(str(tmp_path / "part"), [method], **options)
    interrupted.add_callback(StopAt(2))
    interrupted.train()
    resumed = training(str(tmp_path / "part"), [method], **options)
    passes: list[bool] = []
    resumed.model.register_forward_pre_hook(lambda module, _: passes.append(module.training))
    resumed.train(resume_from_checkpoint=str(last_checkpoint(tmp_path / "part")))
    assert_same({**resumed.model.state_dict()}, expected)
    assert passes.count(False) == (2 if regroup else 1), "groups are not read again"


def test_bfloat16_is_finite_and_near(tmp_path):
    expected = weights_after(tmp_path, GROUPED)
    for name, weight in weights_after(tmp_path, GROUPED, bf16=True).items():
        assert torch.isfinite(weight).all()
        torch.testing.assert_close(weight, expected[name], rtol=0.1, atol=0.02)


# As a Trainer's user has it, and what is refused.


def test_a_user_adds_it_in_one_line(tmp_path):
    assert hf_apt.GroupedGradients is GroupedGradients
    trainer = training(str(tmp_path), [], max_steps=1)
    trainer.add_callback(hf_apt.GroupedGradients(num_groups=4).callback())
    trainer.train()


def test_adapters_are_refused(tmp_path):
    trainer = training(str(tmp_path), [GROUPED], model=with_adapter(classifier(), 2, seed=0))
    with pytest.raises(ValueError, match="not trained here: leave out adapters, or the method"):
        trainer.train()


def test_blocks_that_are_frozen_are_left_out_and_all_of_them_refused(tmp_path):
    model = classifier()
    model.bert.encoder.layer[0].requires_grad_(False)
    training(str(tmp_path), [GROUPED], model=model).train()
    model.bert.requires_grad_(False)
    with pytest.raises(ValueError, match="the blocks' own weights, which are not trained here"):
        training(str(tmp_path), [GROUPED], model=model).train()


def test_a_stream_is_refused(tmp_path):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(texts())

    stream: Any = Stream()
    trainer = training(str(tmp_path), [GROUPED], rows=stream)
    with pytest.raises(ValueError, match="reads training rows by their number, and this data set"):
        trainer.train()


def test_gradients_in_parts_are_refused(tmp_path, monkeypatch):
    trainer = training(str(tmp_path), [GROUPED], max_steps=1)
    monkeypatch.setattr(trainer.args, "deepspeed", {"zero_optimization": {"stage": 2}})
    with pytest.raises(ValueError, match="needs whole gradients in every process, which DeepSpeed"):
        trainer.train()
    monkeypatch.undo()
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ValueError, match="gradients in every process, which FSDP shares out"):
        GroupedGradients(num_groups=5).callback().on_train_begin(
            trainer.args, trainer.state, trainer.control
        )


def test_a_transformers_without_the_hook_is_refused(tmp_path, monkeypatch):
    trainer = training(str(tmp_path), [GROUPED], max_steps=1)
    monkeypatch.delattr(TrainerCallback, "on_pre_optimizer_step")
    with pytest.raises(ValueError, match="acts before each optimiser step, which this transform"):
        trainer.train()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"strength": 1.5}, "the strength of grouped_gradients is 1.5: give a number from 0"),
        ({"strength": float("nan")}, "the strength of grouped_gradients is nan"),
        ({"num_groups": 0}, "num_groups must be a whole number of at least 1, got 0"),
        ({"num_groups": (4, 2.5)}, "num_groups must be a whole number of at least 1, got 2.5"),
        ({"units": "all"}, "units is 'all': choose one of feed_forward, heads, both"),
        ({"regroup_every": -1}, "regroup_every must be a whole number of at least 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        GroupedGradients(**{"num_groups": 4} | settings)


def test_as_many_groups_as_units_are_told_to_do_nothing(tmp_path):
    with pytest.warns(UserWarning, match=r"as many groups as there are units.*it does nothing"):
        trained(str(tmp_path), ["grouped_gradients:num_groups=64,units=heads"], max_steps=1)
