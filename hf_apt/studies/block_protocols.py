"""The protocols by which accuracy at a depth is measured, of one model on one choice of texts.

`frozen`: a head for each depth on the trunk as it is. `cut`: the trunk is cut after each block, and
what is left is fine-tuned. `finetuned`: the trunk is fine-tuned whole, then a head for each depth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float

from hf_apt.atomic import writing_folder
from hf_apt.data.tasks.read_texts import texts_of_tasks, write_read_texts
from hf_apt.data.tasks.task import Task
from hf_apt.depths.feature_config import Pooling
from hf_apt.depths.head_leep import leep_per_depth, masked_lm_head
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.text_features import features
from hf_apt.depths.truncation import cut
from hf_apt.depths.trunk import Trunk
from hf_apt.models.dropout import set_dropout
from hf_apt.models.encoders import Encoder
from hf_apt.models.lora import num_trained
from hf_apt.stats.classes.macro_f1 import macro_f1
from hf_apt.stats.flattened_probes import flat_accuracies, require_few
from hf_apt.stats.probe_config import Probe
from hf_apt.stats.probes import probe_accuracies
from hf_apt.stats.transfer_scores import SCORES, score_per_depth
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetune, to_train
from hf_apt.training.methods.kept_files import keep_files


@dataclass(frozen=True)
class ModelFigures:
    """The figures of one model on one choice of texts."""

    by_pooling: dict[str, dict[str, dict[str, Float[np.ndarray, " depth"]]]]
    """Figures by protocol with a head for each depth, by pooling, and by name of probe or score."""

    classifier: float | None = None
    """Test accuracy of the fine-tuned classifier."""

    logits_IC: Float[np.ndarray, "inputs classes"] | None = None
    """Test logits of the fine-tuned classifier; not kept on disk."""

    cut: Float[np.ndarray, " depth"] | None = None
    """Test accuracy of the classifier that was cut after each block and then fine-tuned."""

    num_trained: int | None = None
    """Number of parameters that fine-tuning changed."""

    macro_f1: float | None = None
    """Macro F1 of the fine-tuned classifier on the test texts."""


@dataclass(frozen=True)
class Protocols:
    """All protocols on one choice of texts."""

    task: Task
    """The texts to train and test on."""

    config: BlockAccuracyConfig
    """What is measured of a checkpoint."""

    number: int
    """Number of the repetition, from 0: added to the seed of the fine-tuning."""

    scratch: Path
    """A folder for features, and for the Trainer's files."""

    checkpoint: str | None = None
    """The checkpoint whose own masked-LM head is asked for LEEP; None for a model that is none."""

    def of(self, encoder: Encoder, saved: Path | None) -> ModelFigures:
        """The figures of one model; it is fine-tuned in place and left in the folder `saved`.

        Beside it there are the files that methods of the training have written, and the record of
        what its objectives and its checkpoint's read of tasks.

        A cut model has the head of the whole one and the same seed. Cut after the last block, it is
        the whole one, and is not trained twice.

        Raises ValueError for what cannot be cut, for more training texts than `flatten` takes, and
        for what `features` and `finetune` refuse.
        """
        if "flatten" in self.config.features.poolings:
            require_few(len(self.task.train))
        if self.config.finetune is not None:  # before models are cut from it, and hours of work
            set_dropout(encoder.model, self.config.finetune.dropout)
        depths = range(Trunk(encoder.model).num_depths - 1) if self.config.cut else ()
        for depth in depths:  # what cannot be cut is refused before hours of work
            cut(encoder, depth)
        head = None if self.checkpoint is None else masked_lm_head(self.checkpoint)
        by_pooling = {"frozen": self._by_pooling(encoder, "frozen", head)}
        del head
        if self.config.finetune is None:
            return ModelFigures(by_pooling)
        config = replace(self.config.finetune, seed=self.config.finetune.seed + self.number)
        accuracies = [
            self._accuracy(self._finetuned(cut(encoder, depth), config)) for depth in depths
        ]
        encoder = to_train(encoder, config)
        logits_IC = self._finetuned(encoder, config)
        accuracy = self._accuracy(logits_IC)
        by_pooling["finetuned"] = self._by_pooling(encoder, "fine-tuned")
        if saved is not None:
            with writing_folder(saved) as partial:
                encoder.save(partial)
                keep_files(self._training, partial)
                before = () if self.checkpoint is None else (Path(self.checkpoint),)
                write_read_texts(partial, texts_of_tasks(config.objectives), *before)
        cut_D = np.array([*accuracies, accuracy]) if self.config.cut else None
        return ModelFigures(
            by_pooling,
            accuracy,
            logits_IC,
            cut_D,
            num_trained(encoder.model),
            macro_f1(self.task.test.labels, logits_IC.argmax(axis=1), self.task.num_labels),
        )

    def _finetuned(self, encoder: Encoder, config: FinetuneConfig) -> np.ndarray:
        """The test logits (I, C) of `encoder`, which is fine-tuned in place."""
        return finetune(encoder, self.task, config, self._training)

    @property
    def _training(self) -> Path:
        """Where the Trainer works."""
        return self.scratch / "training"

    def _accuracy(self, logits_IC: np.ndarray) -> float:
        return float((logits_IC.argmax(axis=1) == self.task.test.labels).mean())

    def _by_pooling(
        self, encoder: Encoder, protocol: str, head: OwnHead | None = None
    ) -> dict[str, dict[str, np.ndarray]]:
        """Arrays (D,) by the names of probes and scores, by pooling; LEEP, where there is a `head`.

        There are no scores of flattened states: these have more features than texts, and then the
        H-score is the number of classes minus one, whatever the texts.
        """
        from tqdm.auto import tqdm

        train, test = (
            features(
                encoder,
                part.texts,
                self.config.features,
                self.scratch / side,
                label=f"Reading {side} texts, {protocol}",
            )
            for side, part in (("train", self.task.train), ("test", self.task.test))
        )
        train_labels_I, test_labels_I = self.task.train.labels, self.task.test.labels
        scored = (*self.config.probes, *SCORES, *(() if head is None else ("leep",)))
        pairs: list[tuple[Pooling, str]] = [
            (pooling, name)
            for pooling in self.config.features.poolings
            for name in (("all",) if pooling == "flatten" else scored)
        ]
        by_pooling: dict[str, dict[str, np.ndarray]] = {}
        for pooling, name in tqdm(pairs, desc=f"Heads on texts, {protocol}", unit=" heads"):
            of_pooling = by_pooling.setdefault(pooling, {})
            both = train[pooling], train_labels_I, test[pooling], test_labels_I
            if pooling == "flatten":
                of_pooling |= flat_accuracies(
                    self.config.probes,
                    *both,
                    hidden_size=Trunk(encoder.model).hidden_size,
                    config=self.config.probe,
                )
            elif name in SCORES:
                of_pooling[name] = score_per_depth(name, train[pooling], train_labels_I)
            elif name == "leep":
                assert head is not None
                of_pooling[name] = leep_per_depth(head, train[pooling], train_labels_I)
            else:
                of_pooling[name] = probe_accuracies(cast(Probe, name), *both, self.config.probe)
        return by_pooling
