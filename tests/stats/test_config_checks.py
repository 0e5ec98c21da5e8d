"""No configuration is made of numbers that nothing can be computed with."""

from collections.abc import Callable
from dataclasses import replace
from math import inf, nan

import pytest

from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.head_config import HeadConfig
from hf_apt.stats.config_checks import LARGEST_SEED
from hf_apt.stats.probe_config import ProbeConfig
from hf_apt.stats.substitution_config import SubstitutionConfig
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.studies.committee_config import CommitteeRunConfig
from hf_apt.studies.confidence_config import ConfidenceConfig
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.pretrain_config import PretrainConfig

TASK = TaskConfig(name="planted")
NOT_RATES = (nan, inf, -inf, -0.1, 0.0, "0.1", None, True)
NOT_SHARES = (nan, -0.1, 0, 1, 1.5)
NOT_SEEDS = (-1, LARGEST_SEED + 1, 10**20, 1.5, None)
NOT_COUNTS = (0, -1, 1.5, nan, "3")


def of(make: Callable, field: str, values: tuple) -> list[tuple[Callable, str, object]]:
    return [(make, field, value) for value in values]


def pretraining(**fields) -> PretrainConfig:
    return PretrainConfig(**{"num_steps": 4, **fields})


def committee(**fields) -> CommitteeRunConfig:
    return CommitteeRunConfig(task=TASK, finetune=FinetuneConfig(), **fields)


def blocks(**fields) -> BlockAccuracyConfig:
    return BlockAccuracyConfig(task=TASK, **fields)


WRONG = [
    *of(pretraining, "learning_rate", NOT_RATES),
    *of(pretraining, "masking_rate", NOT_SHARES),
    *of(pretraining, "beta2", NOT_SHARES),
    *of(pretraining, "warmup_share", (nan, -0.1, 1.5)),
    *of(pretraining, "weight_decay", (nan, inf, -1)),
    *of(pretraining, "seed", (*NOT_SEEDS, LARGEST_SEED)),
    *of(pretraining, "batch_size", NOT_COUNTS),
    *of(pretraining, "accumulation_steps", NOT_COUNTS),
    *of(pretraining, "save_every", NOT_COUNTS),
    *of(pretraining, "num_steps", (-1, 1.5)),
    *of(pretraining, "optimizer", ("sgd",)),
    *of(pretraining, "compile_mode", ("nosuch", "default")),
    *of(FinetuneConfig, "learning_rate", NOT_RATES),
    *of(FinetuneConfig, "batch_size", NOT_COUNTS),
    *of(FinetuneConfig, "num_epochs", (-1, 0.5)),
    *of(FinetuneConfig, "lora_rank", (-1, 0.5)),
    *of(FinetuneConfig, "seed", NOT_SEEDS),
    *of(HeadConfig, "learning_rate", NOT_RATES),
    *of(HeadConfig, "masking_rate", NOT_SHARES),
    *of(HeadConfig, "num_steps", NOT_COUNTS),
    *of(HeadConfig, "num_distinct_steps", NOT_COUNTS),
    *of(HeadConfig, "seed", NOT_SEEDS),
    *of(ProbeConfig, "inverse_penalty", NOT_RATES),
    *of(ProbeConfig, "num_neighbours", NOT_COUNTS),
    *of(SubstitutionConfig, "num_groups", NOT_COUNTS),
    *of(SubstitutionConfig, "strong_match_threshold", (nan, -1)),
    *of(ConfidenceConfig, "num_bins", NOT_COUNTS),
    *of(ConfidenceConfig, "seed", NOT_SEEDS),
    *of(committee, "num_seeds", NOT_COUNTS),
    *of(committee, "num_repeats", NOT_COUNTS),
    *of(committee, "combination", ("median",)),
    *of(blocks, "probes", (("linear", "nosuch"),)),
    *of(blocks, "num_seeds", (0, -1)),
]


@pytest.mark.parametrize(("make", "field", "value"), WRONG)
def test_a_wrong_value_is_refused_by_name(make, field, value) -> None:
    with pytest.raises(ValueError, match=r"\.$") as refused:
        make(**{field: value})
    sentence = str(refused.value)
    assert str(value) in sentence or repr(value) in sentence or "'nosuch'" in sentence


def test_the_ends_of_what_is_allowed_are_taken() -> None:
    PretrainConfig(num_steps=0, seed=LARGEST_SEED - 1, warmup_share=0)
    FinetuneConfig(num_epochs=0, seed=LARGEST_SEED)
    HeadConfig(seed=0, num_distinct_steps=None)
    blocks(num_seeds=2)
    with pytest.raises(ValueError, match=f"from 0 to {LARGEST_SEED - 1}"):
        BlockAccuracyConfig(task=TaskConfig(name="planted", seed=LARGEST_SEED), num_seeds=2)
    config = pretraining(compile=True, compile_mode="reduce-overhead")
    with pytest.raises(ValueError, match="nothing is compiled"):
        replace(config, compile=False)
