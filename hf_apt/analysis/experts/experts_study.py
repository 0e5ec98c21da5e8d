"""Do the heads or units of a block know different tokens? One study, one record."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hf_apt.analysis.experts.arms import DIRECTIONS, FRESH, OWN, ask_all
from hf_apt.analysis.experts.block_calls import writing_layer
from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.analysis.experts.experts_plan import plan_of
from hf_apt.analysis.experts.experts_record import experts_record, names_of
from hf_apt.analysis.experts.finetuned_parts import finetuned_answers
from hf_apt.analysis.experts.finetuned_tables import finetuned_figures
from hf_apt.analysis.experts.kept_parts import random_directions
from hf_apt.analysis.experts.opened import Opened, opened_for
from hf_apt.analysis.experts.part_probes import probe_answers, said_of_texts
from hf_apt.analysis.experts.read_outs import own_directions
from hf_apt.data.corpora import open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.data.tasks.task import Task
from hf_apt.data.tokens import Tokens, write_tokens
from hf_apt.depths.measurement import (
    asked_batches,
    next_tokens_asked,
    predicts_next_tokens,
    require_fit,
    require_mask_token,
)
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import to_device
from hf_apt.models.encoders import load_encoder
from hf_apt.models.fresh import untrained_twin
from hf_apt.records.studies.study_record import StudyRecord
from hf_apt.stats.experts.part_answers import PartAnswers


def measure_experts(
    checkpoint: str,
    source: CorpusSource,
    config: ExpertsConfig | None = None,
    *,
    task: Task | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> StudyRecord:
    """Which tokens each head or unit of a block knows by itself, and whether they differ in it.

    Every part is asked in two ways: with all others of its block silenced, the rest of the model
    and its own head as they are; and by a linear read-out of its own, trained on what the part
    says. With a `task`, linear probes of each part classify its texts, and with epochs of
    fine-tuning classifiers are trained with one part each. arXiv 2601.20582 asks this
    of single nodes and heads; what was not to be had of it is ours
    (docs/analysis/experts.md).

    Args:
        checkpoint: a masked-LM or causal checkpoint: a folder, a shipped name or a Hub id.
        source: the text; read-outs are trained on its training side, all are asked on the other.
        config: which parts are asked, and how.
        task: texts with labels, for probes and fine-tuning; none if None.
        say: what is called with each sentence of the plan (`plan_experts`), before any work.

    Returns:
        The record, whose `results` have the figures of
        `hf_apt.stats.experts.part_figures.part_figures` by protocol and arm.

    Raises:
        ValueError: before any pass over the text, for a model without such parts, a block or part
            that it does not have, and epochs of fine-tuning without a task; for what cannot be
            read, and under several processes.
    """
    opened = opened_for(checkpoint, config or ExpertsConfig(), task)
    config, layer, numbers = opened.config, opened.layer, opened.numbers
    for sentence in plan_of(opened, task):
        say(sentence)
    probes = {} if task is None else _probes(opened.checkpoint, task, config, numbers)
    finetuned = {} if task is None else _finetuned(opened, task)
    with tempfile.TemporaryDirectory() as aside:
        train, held_out = _texts(source, opened.tokenizer, config, Path(aside))
        require_fit(opened.model, held_out)
        arms = ask_all(
            opened.model,
            partial(_batches, train, _training(config)),
            partial(_batches, held_out, config.measure),
            config,
        )
        provenance = {
            "text": source.name,
            "sequences": min(config.measure.num_sequences or len(held_out), len(held_out)),
            "positions": len(arms.silenced[OWN].references()),
            "task": None if task is None else task.provenance,
        }
    return experts_record(
        opened.checkpoint,
        arms,
        probes,
        config,
        block=opened.block,
        names=names_of(config.parts, numbers),
        num_parts=layer.num_parts,
        tokens=opened.tokenizer.convert_ids_to_tokens(list(range(len(opened.tokenizer)))),
        labels=() if task is None else task.label_names,
        task_name="" if task is None else task.name,
        provenance=provenance,
        finetuned=finetuned,
    )


def _finetuned(opened: Opened, task: Task) -> dict[str, Any]:
    """The figures of classifiers that were fine-tuned with one part each, if any were."""
    config = opened.config
    if not config.finetune.num_epochs:
        return {}
    answers = finetuned_answers(
        lambda seed: load_encoder(opened.checkpoint, label_names=task.label_names, seed=seed),
        task,
        config,
        opened.numbers,
    )
    return finetuned_figures(
        answers,
        np.asarray(task.test.labels),
        task.num_labels,
        opened.numbers,
        min_support=config.min_support,
    )


def _texts(
    source: CorpusSource, tokenizer: Any, config: ExpertsConfig, folder: Path
) -> tuple[Tokens, Tokens]:
    """Training and held-out sequences, no more of them than are used."""
    corpus = open_corpus(source)
    write = partial(
        write_tokens,
        tokenizer=tokenizer,
        sequence_length=config.sequence_length,
        layout=config.layout,
    )
    asked = config.measure.masking_rate * config.sequence_length
    enough = int(1.5 * config.read_out.num_positions / asked) + 1
    train = write(folder / "train", corpus.train, num_sequences=enough)
    most = config.measure.num_sequences
    return train, write(folder / "held_out", corpus.validation, num_sequences=most)


def _training(config: ExpertsConfig) -> MeasureConfig:
    """How the training text is asked: all of it, by masks of its own."""
    return MeasureConfig(
        num_realisations=config.measure.num_realisations,
        masking_rate=config.measure.masking_rate,
        batch_size=config.measure.batch_size,
        seed=config.measure.seed + 1,
    )


def _batches(tokens: Tokens, asked: MeasureConfig, trunk: Trunk) -> Iterator[AskedBatch]:
    if predicts_next_tokens(trunk.model):
        return next_tokens_asked(trunk, tokens, asked)
    require_mask_token(tokens)
    return asked_batches(tokens, asked)


def _probes(
    checkpoint: str, task: Task, config: ExpertsConfig, numbers: list[int]
) -> dict[str, PartAnswers]:
    """The classes that probes of the parts give the task's test texts, by arm."""
    encoder = load_encoder(checkpoint, label_names=task.label_names)
    to_device(encoder.model)
    answers: dict[str, PartAnswers] = {}
    models = {OWN: encoder.model}
    if config.controls:
        fresh = untrained_twin(encoder.model, seed=config.seed)
        models[FRESH] = fresh.to(encoder.model.device)
    for arm, model in models.items():
        trunk = Trunk(model)
        layer = writing_layer(trunk, config.block or trunk.num_depths - 1, config.parts)
        train_XI, test_XI = (
            said_of_texts(
                encoder,
                trunk,
                layer,
                side.texts,
                sequence_length=config.sequence_length,
                batch_size=config.measure.batch_size,
            )
            for side in (task.train, task.test)
        )
        groups = {arm: own_directions(layer, numbers)}
        if arm == OWN:
            everything = own_directions(layer, list(range(layer.num_parts)))
            groups["whole"] = everything.permute(1, 0, 2).flatten(1)[None]
            if config.controls:
                groups[DIRECTIONS] = random_directions(layer, len(numbers), seed=config.seed)
        answers |= probe_answers((train_XI, test_XI), task, groups)
    return answers
