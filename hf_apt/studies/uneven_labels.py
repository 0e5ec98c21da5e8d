"""Macro F1 of a fine-tuned classifier as it answers, and with corrections that cost nothing."""
# I texts, C classes.

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.tasks.read_texts import open_unread
from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task, open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.depths.text_features import features
from hf_apt.models.devices import has_accelerator
from hf_apt.models.encoders import Encoder, load_encoder
from hf_apt.stats.classes.label_noise import label_margins, suspects
from hf_apt.stats.classes.logit_adjustment import logit_adjusted
from hf_apt.stats.classes.macro_f1 import macro_f1
from hf_apt.stats.classes.thresholds import thresholded, tuned_thresholds
from hf_apt.stats.probes import standardised
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetuner, to_train

LeftOut = Literal["nothing", "suspects", "wrong"]
"""Which training texts are not learnt from: those whose label prototypes suspect, or, as an upper
bound, those whose label was made wrong."""


def corrected_macro_f1(
    checkpoint: str,
    task_config: TaskConfig,
    config: FinetuneConfig,
    *,
    validation_share: float = 0.2,
    left_out: LeftOut = "nothing",
) -> dict[str, Any]:
    """Fine-tune a checkpoint, and correct its answers for uneven classes.

    Thresholds are tuned on a share of each class's training texts, as uneven and as wrong as they
    are, of which nothing is learnt. Suspects are those of the depth that suspects the fewest, by
    the mean of a text's states in the frozen trunk.

    Args:
        checkpoint: folder, Hub id or shipped name of an encoder.
        task_config: which texts to take.
        config: how to fine-tune, with its seed.
        validation_share: share of each class's training texts that is held out.
        left_out: which of the others are not learnt from.

    Returns:
        `macro_f1` on the test texts by correction: `as it is`, `adjusted` by the sizes of the
        classes, and `thresholds`; `seconds_a_step` of the processor, or of the clock where there is
        an accelerator; how many texts were learnt (`num_learnt`), how many of them with a wrong
        label (`num_wrong_learnt`), and the size of the smallest class among them.

    Raises:
        ValueError: for what `open_unread`, `load_encoder` and `finetuner` refuse, and a class
            without a text to learn from.
    """
    task = open_unread(task_config, checkpoint, objectives=config.objectives)
    right_I = open_task(replace(task_config, label_noise=0.0)).train.labels
    is_wrong_I = task.train.labels != right_I
    # By the right labels: the last texts of a wrong one come from the classes after it.
    validates_I = held_out(right_I, validation_share)
    learnt_I = ~validates_I
    encoder = load_encoder(checkpoint, label_names=task.label_names, seed=config.seed)
    if left_out == "wrong":
        learnt_I &= ~is_wrong_I
    if left_out == "suspects":
        learnt_I[learnt_I] &= ~_suspected(encoder, _chosen(task.train, learnt_I), config)
    learnt, validation = _chosen(task.train, learnt_I), _chosen(task.train, validates_I)
    logits, seconds = _trained(
        encoder, replace(task, train=learnt), [validation, task.test], config
    )
    counts_C = np.bincount(learnt.labels, minlength=task.num_labels)
    thresholds_C = tuned_thresholds(logits[0], validation.labels)
    answers = {
        "as it is": logits[1].argmax(axis=1),
        "adjusted": logit_adjusted(logits[1], counts_C).argmax(axis=1),
        "thresholds": thresholded(logits[1], thresholds_C),
    }
    return {
        "macro_f1": {
            name: macro_f1(task.test.labels, answers_I, task.num_labels)
            for name, answers_I in answers.items()
        },
        "seconds_a_step": seconds,
        "num_learnt": len(learnt),
        "num_wrong_learnt": int((learnt_I & is_wrong_I).sum()),
        "smallest_class": int(counts_C.min()),
    }


def held_out(labels_I: Int[np.ndarray, " texts"], share: float) -> Bool[np.ndarray, " texts"]:
    """The last texts of every class: a share, rounded, but one at least and never all of them."""
    chosen_I = np.zeros(len(labels_I), bool)
    for label in np.unique(labels_I):
        places = np.flatnonzero(labels_I == label)
        num = min(max(round(share * len(places)), 1), len(places) - 1)
        chosen_I[places[len(places) - num :]] = True
    return chosen_I


def _chosen(examples: Examples, chosen_I: np.ndarray) -> Examples:
    texts = tuple(examples.texts[place] for place in np.flatnonzero(chosen_I))
    return Examples(texts, examples.labels[chosen_I])


def _suspected(encoder: Encoder, examples: Examples, config: FinetuneConfig) -> np.ndarray:
    of_mean = FeatureConfig(sequence_length=config.sequence_length, poolings=("mean",))
    by_depth = [
        suspects(label_margins(standardised(features_IH, features_IH[:1])[0], examples.labels))
        for features_IH in features(encoder, examples.texts, of_mean)["mean"]
    ]
    return min(by_depth, key=np.sum)


def _trained(
    encoder: Encoder, task: Task, wanted: Sequence[Examples], config: FinetuneConfig
) -> tuple[list[Float[np.ndarray, "texts classes"]], float]:
    """The logits of each of the wanted texts after training, and the seconds of a step."""
    texts = tuple(text for each in wanted for text in each.texts)
    asked = Examples(texts, np.concatenate([each.labels for each in wanted]))
    with tempfile.TemporaryDirectory(prefix="hf_apt-") as folder:
        trainer = finetuner(
            to_train(encoder, config), replace(task, test=asked), config, Path(folder)
        )
        clock = time.perf_counter if has_accelerator() else time.process_time
        start = clock()
        trainer.train()
        seconds = (clock() - start) / trainer.state.global_step
        # A Trainer that groups by length would return the logits in an order of its own.
        trainer.args.train_sampling_strategy = "random"
        logits_IC = trainer.predict(trainer.eval_dataset).predictions
    return np.split(logits_IC, np.cumsum([len(each) for each in wanted])[:-1]), seconds
