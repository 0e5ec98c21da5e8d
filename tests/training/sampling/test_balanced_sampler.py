"""Laws of balanced batches in a Trainer: the same texts in a step, however it is divided."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from workers.balanced_batches import LABELS, read_texts, rows
from workers.objectives import NUM_STEPS, classifying, logged

from hf_apt.cli.spelling.methods import methods_of
from hf_apt.training.sampling.balanced_batches import BalancedBatches
from hf_apt.training.sampling.balanced_order import balanced_order
from hf_apt.training.sampling.balanced_sampler import BalancedSampler

WORKER = Path(__file__).parents[2] / "support/workers" / "balanced_batches.py"


def trained(folder: Any, method: BalancedBatches | None, **changed: Any) -> Any:
    options = {"train_sampling_strategy": "random", "dropout": 0.2} | changed
    trainer = classifying(str(folder), (), rows=rows(), **options)
    if method:
        trainer.add_callback(method.callback())
    trainer.train()
    return trainer


def test_without_strength_it_is_the_plain_trainer_to_the_bit(tmp_path):
    plain = trained(tmp_path, None)
    state = torch.get_rng_state()
    other = trained(tmp_path, BalancedBatches(strength=0.0))
    assert torch.equal(torch.get_rng_state(), state)
    assert logged(other) == logged(plain)
    for name, weight in plain.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], weight), name
    assert logged(trained(tmp_path, BalancedBatches(strength=1.0))) != logged(plain)


def test_batches_are_those_of_the_order():
    steps = read_texts(accumulation_steps=1)
    expected = [
        place for epoch in range(2) for place in balanced_order(np.array(LABELS), 1.0, 5, epoch)
    ]
    assert [place for step in steps for place in step] == expected
    for step in steps:
        counts = np.bincount([LABELS[place] for place in step], minlength=3)
        assert counts.max() - counts.min() <= 2


def test_accumulation_changes_nothing():
    whole = read_texts(accumulation_steps=1)
    divided = read_texts(accumulation_steps=4)
    joined = [sum(divided[start : start + 4], []) for start in range(0, len(divided), 4)]
    assert joined == whole


@pytest.mark.slow
def test_two_processes_change_nothing(tmp_path):
    path = [str(WORKER.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(WORKER), str(tmp_path)),
        ],
        check=True,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path)},
    )
    both = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    joined = [[*first, *second] for first, second in zip(*both, strict=True)]
    assert joined == read_texts(accumulation_steps=1)


def test_a_resumed_training_ends_as_one_without_a_break(tmp_path):
    options = {"save_strategy": "steps", "save_steps": 1, "optim": "adamw_torch", "max_steps": 5}
    assert NUM_STEPS < 5, "the break is in the first epoch and the end in the second"
    whole = trained(tmp_path, BalancedBatches(), **options)
    resumed = classifying(
        str(tmp_path), (), rows=rows(), train_sampling_strategy="random", dropout=0.2, **options
    )
    resumed.add_callback(BalancedBatches().callback())
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name


def test_a_dataset_of_columns_is_read_by_its_column(tmp_path):
    from datasets import Dataset

    trainer = classifying(str(tmp_path), (), rows=rows())
    trainer.train_dataset = Dataset.from_list(rows())
    trainer.add_callback(BalancedBatches().callback())
    trainer.train()
    listed = trained(tmp_path, BalancedBatches(), dropout=0.0)
    assert logged(trainer) == logged(listed)


def test_a_sampler_is_as_long_as_its_examples():
    sampler = BalancedSampler(np.array(LABELS), 1.0, seed=0)
    assert len(sampler) == len(list(sampler)) == len(LABELS)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first


def test_it_is_asked_for_by_its_name():
    assert methods_of(["balanced_batches:strength=0.5"]) == (BalancedBatches(strength=0.5),)
    with pytest.raises(ValueError, match="strength of balanced_batches is 2.0: give a number from"):
        methods_of(["balanced_batches:strength=2"])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([{"input_ids": [2, 3]}], "the training examples have no column labels or label: balanced"),
        ([{"labels": 0.5}], r"the labels are of shape \(1,\) and type float64"),
        ([{"labels": [0, 1]}], r"the labels are of shape \(1, 2\) and type int64"),
    ],
)
def test_examples_without_a_class_are_refused(given, sentence, tmp_path):
    class Loader:
        dataset = given

        def set_sampler(self, sampler):
            raise AssertionError("it is refused before")

    args = classifying(str(tmp_path), ()).args
    callback: Any = BalancedBatches().callback()
    with pytest.raises(ValueError, match=sentence):
        callback.on_train_begin(args, None, None, train_dataloader=Loader())
    with pytest.raises(ValueError, match="changes the order of the Trainer's own loader"):
        callback.on_train_begin(args, None, None, train_dataloader=object())
