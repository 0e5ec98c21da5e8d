"""What a comparison of ways to find names would take here: counted exactly, timed by a trial.

Nothing is trained or written: one batch goes forward and back, and a few sentences are asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hf_apt.depths.trunk import Trunk
from hf_apt.models.checkpoint_config import require_length
from hf_apt.models.devices import to_device
from hf_apt.models.encoders import Encoder
from hf_apt.spans.mentions import Sentence
from hf_apt.spans.negatives import spans_within
from hf_apt.spans.ner_arms import Shots, with_seed
from hf_apt.spans.ner_config import NerConfig
from hf_apt.spans.ner_task import NerTask
from hf_apt.spans.prototypes import prototype_mentions
from hf_apt.spans.span_draws import SpanCollator, SpanDraws
from hf_apt.spans.span_model import SpanModel
from hf_apt.spans.span_tagger import SpanTagger
from hf_apt.spans.token_tags import TagCollator, TokenRows, bio_tags, tagged_mentions
from hf_apt.spans.training import require_trainable
from hf_apt.spans.word_tagger import load_tagger

_SPANS = 64
"""Spans that are asked about in a trial of testing, at least."""

_SENTENCES = 32


@dataclass(frozen=True)
class ArmCost:
    """What one way to find names takes, over all draws."""

    arm: str
    """Name of the way to find names, such as `spans`."""

    num_trainings: int
    """Models that are trained: one for each draw, and one for each draw and cut."""

    num_steps: int
    """Optimiser steps of all of them."""

    num_asked: int
    """Spans, or sentences of taggers and prototypes, that are asked about in testing, in all."""

    seconds_training: float
    """Expected seconds of all trainings, of the trial's speed."""

    seconds_testing: float
    """Expected seconds of all tests."""


@dataclass(frozen=True)
class NerCosts:
    """What the comparison takes."""

    arms: tuple[ArmCost, ...]
    """The cost of each arm."""

    num_parameters: int
    """Parameters of the encoder."""

    num_draws: int
    """Draws of sentences."""


def ner_costs(checkpoint: str, task: NerTask, config: NerConfig) -> NerCosts:
    """What `hf_apt.spans.ner_study.measure_ner` would take on this machine, as busy as it is.

    A trunk that is cut after a block is reckoned to take the share of its blocks.

    Raises ValueError where `measure_ner` would, before its first training.
    """
    require_trainable(config.finetune)
    require_length(checkpoint, config.finetune.sequence_length)
    first = load_tagger(checkpoint, task.labels, config.finetune)
    num_parameters = sum(each.numel() for each in first.model.parameters())
    num_blocks = Trunk(first.model).num_depths - 1
    draws = [_draws(first, task, config, number, "spans") for number in range(config.num_draws)]
    num_steps = sum(-(-len(each) // config.finetune.batch_size) for each in draws)
    arms = []
    for arm in config.arms:
        encoder = load_tagger(checkpoint, task.labels, config.finetune)  # a trial may change it
        is_cut = config.cut and arm in ("spans", "tokens")
        # Cut after 0, 1, ... blocks: as much as half of the blocks each.
        times_trained = 1 + (num_blocks - 1) / 2 if is_cut else 1.0
        num_models = config.num_draws * (1 + num_blocks * is_cut)
        step, asked, num_asked = _trial(arm, encoder, task, config)
        trains = arm != "prototypes"
        arms.append(
            ArmCost(
                arm=arm,
                num_trainings=num_models if trains else 0,
                num_steps=round(num_steps * num_models / config.num_draws) if trains else 0,
                num_asked=num_asked * num_models,
                seconds_training=step * num_steps * times_trained,
                seconds_testing=asked * num_asked * config.num_draws * times_trained,
            )
        )
    return NerCosts(tuple(arms), num_parameters, config.num_draws)


def _draws(encoder: Encoder, task: NerTask, config: NerConfig, number: int, arm: str) -> SpanDraws:
    shots = Shots(
        task.train[number], task.test, task.labels, with_seed(config, number), Path("nowhere")
    )
    return shots.draws(encoder, arm)


def _trial(
    arm: str, encoder: Encoder, task: NerTask, config: NerConfig
) -> tuple[float, float, int]:
    """Seconds of a step, seconds of what is asked once, and how many times that is, in a draw."""
    sentences = [each.words for each in task.test]
    rows = TokenRows(encoder.tokenizer, config.finetune.sequence_length)
    pad_id = encoder.tokenizer.pad_token_id
    some = sentences[:_SENTENCES]
    if arm == "prototypes":
        model = to_device(encoder.model)
        learnt: Sequence[Sentence] = task.train[0]
        num = len(learnt) + len(some)
        whole = _seconds(
            lambda: prototype_mentions(model, rows, learnt, some, pad_id=pad_id)  # pyright: ignore
        )
        return 0.0, whole / num, len(learnt) + len(sentences)
    if arm == "tokens":
        tagger: Any = to_device(encoder.model)
        tags = bio_tags(task.labels)
        taken = [task.train[0][at % len(task.train[0])] for at in range(config.finetune.batch_size)]
        batch = TagCollator(pad_id)([rows.labelled(each, tags) for each in taken])
        asked = _seconds(lambda: tagged_mentions(tagger, rows, some, pad_id=pad_id)) / len(some)
        return _step_seconds(tagger, batch), asked, len(sentences)
    trunk: Any = encoder.model.base_model
    draws = _draws(encoder, task, config, 0, arm)
    model = to_device(
        SpanModel.on_trunk(trunk, task.labels, config.form(arm), seed=config.finetune.seed)
    )
    taken = range(min(config.finetune.batch_size, len(draws)))
    batch = SpanCollator(pad_id or 0)([draws[index] for index in taken])
    numbers = [len(spans_within(len(words), config.max_span_words)) for words in sentences]
    num_some = next(
        (at for at in range(1, len(numbers)) if sum(numbers[:at]) >= _SPANS), len(numbers)
    )
    span_tagger = SpanTagger(cast(Any, model), encoder.tokenizer)
    asked = _seconds(lambda: span_tagger.mentions(sentences[:num_some])) / sum(numbers[:num_some])
    return _step_seconds(model, batch), asked, sum(numbers)


def _step_seconds(model: Any, batch: dict[str, Any]) -> float:
    """Seconds of one batch forward and back."""
    inputs = {name: each.to(model.device) for name, each in batch.items()}
    model.train()

    def step() -> None:
        outputs = model(**inputs)
        loss = sum(each.float().logsumexp(-1).mean() for each in _logits(outputs))
        cast(Any, loss).backward()
        model.zero_grad()

    return _seconds(step)


def _logits(outputs: Any) -> list[Any]:
    return [outputs[name] for name in ("logits", "type_logits") if name in outputs]


def _seconds(work: Callable[[], Any]) -> float:
    """Seconds of the work, the second time that it is done."""
    work()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
