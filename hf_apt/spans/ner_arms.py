"""One way to find names, trained on one draw and tested: an arm of the comparison."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing_folder
from hf_apt.depths.truncation import cut
from hf_apt.models.devices import to_device
from hf_apt.models.dropout import set_dropout
from hf_apt.models.encoders import Encoder
from hf_apt.spans.mentions import Mention, Sentence
from hf_apt.spans.ner_config import NerConfig
from hf_apt.spans.prototypes import prototype_mentions
from hf_apt.spans.score import scores_by_type, span_score
from hf_apt.spans.span_draws import SpanDraws
from hf_apt.spans.span_model import SpanModel
from hf_apt.spans.span_rows import SpanRows
from hf_apt.spans.span_tagger import AskedSpans, SpanTagger
from hf_apt.spans.token_tags import TokenRows, tagged_mentions
from hf_apt.spans.training import TrainingWays, span_trainer, tag_trainer
from hf_apt.training.methods.kept_files import keep_files


@dataclass(frozen=True)
class Shots:
    """One draw of sentences, and what is to be found."""

    train: tuple[Sentence, ...]
    """Sentences to learn from."""

    test: tuple[Sentence, ...]
    """Sentences to test with."""

    labels: tuple[str, ...]
    """The types by number."""

    config: NerConfig
    """How arms are trained; its seed is that of this draw."""

    scratch: Path
    """A folder for the Trainer's files."""

    def sentences(self) -> list[tuple[str, ...]]:
        """The words of the sentences to test with."""
        return [each.words for each in self.test]

    def draws(self, encoder: Encoder, arm: str) -> SpanDraws:
        """The rows that a span model of `arm` is trained on."""
        training = self.config.finetune
        return SpanDraws(
            self.train,
            SpanRows(encoder.tokenizer, self.config.form(arm)),
            self.labels,
            num_epochs=training.num_epochs,
            seed=training.seed,
            max_rows=self.config.max_rows,
            batch_size=training.batch_size if training.group_by_length else None,
        )


def span_figures(
    shots: Shots, encoder: Encoder, arm: str, depth: int | None = None, saved: Path | None = None
) -> dict[str, Any]:
    """The figures of a span model on `encoder`, which is trained in place.

    Args:
        shots: the draw.
        encoder: a tagger of words with its tokenizer.
        arm: the form of the rows.
        depth: the block after which the trunk is cut first; None for the whole.
        saved: folder that the trained model, its tokenizer, and what methods have recorded are left
            in, if any.

    Returns:
        What `_figures` says, and of the spans how many were too long and how many shortened.
    """
    set_dropout(encoder.model, shots.config.finetune.dropout)
    encoder = encoder if depth is None else cut(encoder, depth)
    trunk: Any = encoder.model.base_model
    training = shots.config.finetune
    model = to_device(
        SpanModel.on_trunk(trunk, shots.labels, shots.config.form(arm), seed=training.seed)
    )
    draws = shots.draws(encoder, arm)
    trainer = span_trainer(model, draws, training, shots.scratch)  # pyright: ignore
    seconds = _trained(trainer)
    tagger = SpanTagger(model, encoder.tokenizer)  # pyright: ignore
    if saved is not None:
        with writing_folder(saved) as partial:
            tagger.save(partial)
            keep_files(shots.scratch, partial)
    asked, began = AskedSpans(), time.perf_counter()
    predicted = tagger.mentions(shots.sentences(), asked)
    figures = _figures(shots, predicted, seconds, began, trainer.state.max_steps)
    return figures | {"num_mentions_left_out": draws.num_too_long, "asked": asked.as_json()}


def token_figures(shots: Shots, encoder: Encoder, depth: int | None = None) -> dict[str, Any]:
    """The figures of a tagger of words, trained in place for as many steps as a span model.

    `depth` is the block after which the trunk is cut first; None for the whole.
    """
    set_dropout(encoder.model, shots.config.finetune.dropout)
    encoder = encoder if depth is None else cut(encoder, depth)
    model: Any = to_device(encoder.model)
    training, pad_id = shots.config.finetune, encoder.tokenizer.pad_token_id
    rows = TokenRows(encoder.tokenizer, training.sequence_length)
    tags = [model.config.id2label[index] for index in range(model.config.num_labels)]
    num_steps = -(-len(shots.draws(encoder, "spans")) // training.batch_size)
    trainer = tag_trainer(
        model,
        [rows.labelled(each, tags) for each in shots.train],
        training,
        shots.scratch,
        pad_id=pad_id,
        ways=TrainingWays(num_steps=num_steps),
    )
    seconds, began = _trained(trainer), time.perf_counter()
    predicted = tagged_mentions(model, rows, shots.sentences(), pad_id=pad_id)
    return _figures(shots, predicted, seconds, began, num_steps)


def prototype_figures(shots: Shots, encoder: Encoder) -> dict[str, Any]:
    """The figures of prototypes at the last depth, and `f1_by_depth`; nothing is trained."""
    rows = TokenRows(encoder.tokenizer, shots.config.finetune.sequence_length)
    began, pad_id = time.perf_counter(), encoder.tokenizer.pad_token_id
    model = to_device(encoder.model)
    by_depth = prototype_mentions(model, rows, shots.train, shots.sentences(), pad_id=pad_id)
    figures = _figures(shots, by_depth[-1], 0.0, began, 0)
    true = [each.mentions for each in shots.test]
    return figures | {"f1_by_depth": [span_score(true, mentions).f1 for mentions in by_depth]}


def with_seed(config: NerConfig, number: int) -> NerConfig:
    """`config` with the seed of repetition `number`."""
    training = config.finetune
    return replace(config, finetune=replace(training, seed=training.seed + number))


def _trained(trainer: Any) -> float:
    began = time.perf_counter()
    trainer.train()
    trainer.model.eval()
    return time.perf_counter() - began


def _figures(
    shots: Shots,
    predicted: Sequence[Sequence[Mention]],
    seconds: float,
    began: float,
    num_steps: int,
) -> dict[str, Any]:
    """Score of all types and of each, steps, and seconds of training and testing."""
    true = [each.mentions for each in shots.test]
    by_type = scores_by_type(true, predicted)
    return {
        "score": span_score(true, predicted).as_json(),
        "by_type": {label: score.as_json() for label, score in by_type.items()},
        "num_steps": num_steps,
        "seconds_training": seconds,
        "seconds_testing": time.perf_counter() - began,
    }
