"""Whole runs as functions that return their configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Literal

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.sequences import Layout
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.depths.head_config import DecoderKind, HeadConfig
from hf_apt.depths.lenses.jacobian_config import JacobianConfig
from hf_apt.models.shapes import ModelShape
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.pretrain_config import PretrainConfig

if TYPE_CHECKING:
    from hf_apt.data.artificial.generated_corpus import GeneratedCorpus

RecipeName = Literal["auto", "demo", "narrow", "paper"]
"""A whole configuration by name: `auto` is demo if planted, narrow otherwise."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that a run is asked for.

    Raises:
        ValueError: where something is to be trained and all of the text is held out.
    """

    corpus: CorpusSource | GeneratedCorpus
    """Text that the run learns from and is measured on."""

    tokenizer: str | None = None
    """Hub id, folder, shipped name or `vocab.txt` of the tokenizer; None for a WordPiece trained on
    the corpus."""

    vocab_size: int = 8192
    """Tokens of the WordPiece that is trained on the corpus."""

    sequence_length: int = 128
    """Tokens in a sequence, special ones included."""

    layout: Layout = "packed"
    """How documents become sequences: the first tokens of each, or all of them, packed."""

    shape: ModelShape = field(default_factory=ModelShape)
    """Size of the model."""

    pretrain: PretrainConfig
    """How the model is pre-trained."""

    head_kinds: tuple[DecoderKind, ...] = ("linear_head",)
    """Heads to train and lenses to fit for every depth, beside the model's own head."""

    heads: HeadConfig = field(default_factory=HeadConfig)
    """How heads and a translator are trained."""

    jacobian: JacobianConfig = field(default_factory=JacobianConfig)
    """Positions at which a Jacobian lens is fitted."""

    measure: MeasureConfig = field(default_factory=MeasureConfig)
    """What is asked of the model."""

    untrained: bool = True
    """Measure an untrained twin, too."""

    sentences: bool = True
    """Show held-out text on the page, word for word: five sentences with what each block answers,
    and stretches in which tokens stand."""

    finetune: BlockAccuracyConfig | None = None
    """The task to fine-tune on, and how; None for none."""

    def __post_init__(self) -> None:
        if self.tokenizer is not None:
            object.__setattr__(self, "tokenizer", os.fspath(self.tokenizer))
        law = self.pretrain.masking_law
        if law is not None and law.needs_ceiling and not hasattr(self.corpus, "ceiling"):
            raise ValueError(
                f"the masking law {law.name} is for the planted language, whose best accuracy is "
                "known: take ability for other text."
            )
        trained = self.pretrain.num_steps or self.head_kinds
        if trained and getattr(self.corpus, "validation_share", 0) == 1:
            raise ValueError(
                "with a validation share of 1 no text is left for training: give a smaller "
                "--validation-share, or leave the heads out by --heads none."
            )


def demo_recipe(*, task: str | None = "planted") -> RunConfig:
    """Minutes on two cores: a narrow BERT-6 on the planted language, beside the exact ceiling.

    It is asked for 30 % of the positions while it learns, and positions start as sines and cosines.

    Args:
        task: task to fine-tune on afterwards; none if None.

    Returns:
        A configuration for `run_all`.
    """
    from hf_apt.data.planted.corpus import PlantedCorpus

    return RunConfig(
        corpus=PlantedCorpus(),
        sequence_length=50,
        layout="first",
        shape=ModelShape(
            hidden_size=64,
            num_heads=4,
            dropout=0.0,
            initializer_range=0.05,
            sinusoidal_positions=True,
        ),
        pretrain=PretrainConfig(
            num_steps=3000,
            batch_size=32,
            learning_rate=2.8e-3,
            warmup_share=0.03,
            masking_rate=0.3,
            beta2=0.98,
            save_every=1000,
            num_validation_sequences=512,
        ),
        heads=HeadConfig(num_steps=500),
        finetune=_on(task, FinetuneConfig(num_epochs=5, learning_rate=1e-3, sequence_length=32)),
    )


def narrow_recipe(corpus: CorpusSource, *, task: str | None = None) -> RunConfig:
    """About an hour on one core: BERT-6, 128 wide, with a WordPiece of its own.

    It sees little text for its size, so it is asked for 30 % of the positions while it learns:
    twice the answers from the same trunk. It is measured at 15 %, as every model. Before whole
    sequences it reads windows of 8, 16 and 32 tokens.

    Args:
        corpus: the text.
        task: task to fine-tune on afterwards; none if None.

    Returns:
        A configuration for `run_all`.
    """
    return RunConfig(
        corpus=corpus,
        shape=ModelShape(
            hidden_size=128,
            num_heads=4,
            dropout=0.0,
            initializer_range=0.02 * (768 / 128) ** 0.5,
            sinusoidal_positions=True,
        ),
        pretrain=PretrainConfig(
            num_steps=24_000,
            batch_size=8,
            learning_rate=1e-3,
            warmup_share=0.01,
            masking_rate=0.3,
            beta2=0.98,
            windows=((8, 0.2), (16, 0.3), (32, 0.8)),
            save_every=1000,
        ),
        finetune=_on(task, FinetuneConfig(num_epochs=8, learning_rate=5e-4, sequence_length=64)),
    )


def paper_recipe(
    corpus: CorpusSource, *, num_epochs: int = 50, task: str | None = None
) -> RunConfig:
    """The size of arXiv 2507.14871: BERT-6, 768 wide, first 128 tokens of each article.

    40,000 articles, unless the corpus says otherwise by `max_documents`.

    Args:
        corpus: the text.
        num_epochs: passes over the training text; 50 in the paper.
        task: task to fine-tune on afterwards; none if None.

    Returns:
        A configuration for `run_all`.
    """
    num_articles = corpus.max_documents or 40_000
    return RunConfig(
        corpus=replace(corpus, max_documents=num_articles),
        tokenizer="google-bert/bert-base-uncased",
        layout="first",
        pretrain=PretrainConfig(num_steps=num_articles * num_epochs // 32),
        finetune=_on(task, FinetuneConfig()),
    )


def named_recipe(name: RecipeName, corpus: CorpusSource, *, task: str | None = None) -> RunConfig:
    """The recipe `name` for `corpus`; `auto` is demo if planted, narrow otherwise.

    `task` is what to fine-tune on: None for the recipe's own, `none` for nothing.

    Raises ValueError if the recipe is not for this corpus, and for settings that the planted
    language, which is made and not read, does not take.
    """
    planted = corpus.name == "planted"
    if planted and (ignored := _settings_of_text(corpus)):
        raise ValueError(
            f"the planted language is made, not read: {', '.join(ignored)} says nothing about it; "
            "leave it out."
        )
    if name == "auto":
        name = "demo" if planted else "narrow"
    if planted != (name == "demo"):
        raise ValueError(
            f"the recipe {name} is not for the corpus {corpus.name!r}: demo belongs to "
            "`planted`, narrow and paper to all others."
        )
    if planted:
        task = task or "planted"
    task = None if task == "none" else task
    if planted:
        return demo_recipe(task=task)
    return paper_recipe(corpus, task=task) if name == "paper" else narrow_recipe(corpus, task=task)


def _settings_of_text(corpus: CorpusSource) -> list[str]:
    """The settings of `corpus` that differ from their defaults, besides its name and seed."""
    plain = CorpusSource(name=corpus.name, seed=corpus.seed)
    return [
        each.name
        for each in fields(corpus)
        if getattr(corpus, each.name) != getattr(plain, each.name)
    ]


def measurement_recipe(
    corpus: CorpusSource,
    tokenizer: str,
    *,
    head_kinds: tuple[DecoderKind, ...] = (),
    validation_share: float | None = None,
) -> RunConfig:
    """The measurement of a checkpoint that is there already, with the model's own head.

    Of a text without validation files of its own, `validation_share` is measured: without one all
    of it, or the corpus's own share where heads are trained on the rest.
    """
    if validation_share is None:
        validation_share = corpus.validation_share if head_kinds else 1.0
    return RunConfig(
        corpus=replace(corpus, validation_share=validation_share),
        tokenizer=tokenizer,
        layout="packed",
        pretrain=PretrainConfig(num_steps=0),
        head_kinds=head_kinds,
        untrained=False,
    )


def _on(task: str | None, config: FinetuneConfig) -> BlockAccuracyConfig | None:
    """Fine-tuning on the task of that name, with and without pre-training."""
    if task is None:
        return None
    return BlockAccuracyConfig(
        task=TaskConfig(name=task),
        features=FeatureConfig(sequence_length=config.sequence_length),
        finetune=config,
        untrained=True,
    )
