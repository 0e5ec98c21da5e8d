"""The options of `run` and what others share with it; the configuration that they make."""

# Without postponed annotations: typer reads them.

from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from hf_apt.cli.shared_options import (
    HEAD_KINDS,
    TEXT_HELP,
    Column,
    ConfigName,
    HeadDistinctSteps,
    Heads,
    HeadSteps,
    Layout,
    MaxDocuments,
    MeasureSequences,
    Output,
    Realisations,
    SequenceLength,
    Split,
    Untrained,
    changed,
    corpus_option,
    measuring_option,
    run_folder,
)

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig


class RecipeName(StrEnum):
    """A whole configuration by name."""

    auto = "auto"
    demo = "demo"
    narrow = "narrow"
    paper = "paper"


class OptimizerName(StrEnum):
    """What steps in pre-training."""

    adamw = "adamw"
    muon = "muon"


_model_option = partial(Option, rich_help_panel="Model")
_training_option = partial(Option, rich_help_panel="Training")

DryRun = Annotated[
    bool,
    Option(
        "--dry-run",
        help="Print what each phase would take here, tokens, FLOPs, memory and time, and do no "
        "more; two seconds of trial, no corpus is read and no folder made.",
    ),
]


def run_options(
    corpus: Annotated[str, Argument(help=f"`planted` (built in), {TEXT_HELP}")] = "planted",
    recipe: Annotated[
        RecipeName, Option(help="Where to begin; `auto` is demo if planted, narrow otherwise.")
    ] = RecipeName.auto,
    config_name: ConfigName = None,
    split: Split = "train",
    column: Column = "text",
    max_documents: MaxDocuments = None,
    tokenizer: Annotated[
        str | None,
        corpus_option(
            help="Hub id, folder, shipped name or vocab.txt. Left out: a WordPiece is trained."
        ),
    ] = None,
    vocab_size: Annotated[
        int | None, corpus_option(min=100, help="Of a WordPiece trained here.")
    ] = None,
    sequence_length: SequenceLength = None,
    layout: Layout = None,
    model: Annotated[
        str | None,
        _model_option(
            help="Of arXiv 2507.14871, at the recipe's size: bert-6, bert-1, bert-1-wide, "
            "bert-1-conv2, bert-1-conv2-8heads, bert-1-conv3, bert-1-conv2-tall. Options below "
            "change it."
        ),
    ] = None,
    hidden_size: Annotated[int | None, _model_option(min=1, help="Width of the model.")] = None,
    num_heads: Annotated[
        int | None, _model_option(min=1, help="Attention heads in a block.")
    ] = None,
    num_blocks: Annotated[int | None, _model_option(min=1, help="Transformer blocks.")] = None,
    dropout: Annotated[float | None, _model_option(min=0.0, max=0.9, help="In training.")] = None,
    steps: Annotated[int | None, _training_option(min=1, help="Pre-training steps.")] = None,
    batch_size: Annotated[int | None, _training_option(min=1, help="Sequences in a step.")] = None,
    accumulation_steps: Annotated[
        int | None,
        _training_option(min=1, help="Parts in which a process takes its share of a batch."),
    ] = None,
    learning_rate: Annotated[float | None, _training_option(min=0.0, help="Its peak.")] = None,
    masking_rate: Annotated[
        float | None, _training_option(help="In pre-training; measuring keeps to 0.15.")
    ] = None,
    seed: Annotated[
        int | None, _training_option(help="Of weights, order, masks and dropout in pre-training.")
    ] = None,
    save_every: Annotated[
        int | None, _training_option(min=1, help="Steps between checkpoints.")
    ] = None,
    optimizer: Annotated[
        OptimizerName | None,
        _training_option(help="Fused AdamW, or Muon for the matrices of the blocks."),
    ] = None,
    compile_model: Annotated[
        bool, _training_option("--compile", help="torch.compile the training.")
    ] = False,
    compile_mode: Annotated[
        str | None,
        _training_option(help="Of --compile: `reduce-overhead` (CUDA graphs), `max-autotune`, …"),
    ] = None,
    report_to: Annotated[
        list[str] | None,
        _training_option(help="Tracker: tensorboard, trackio, …; can be repeated."),
    ] = None,
    heads: Heads = None,
    head_steps: HeadSteps = None,
    head_distinct_steps: HeadDistinctSteps = None,
    measure_sequences: MeasureSequences = None,
    realisations: Realisations = None,
    untrained: Untrained = None,
    task: Annotated[
        str | None,
        measuring_option(
            help="Fine-tune on it in the end: `planted`, `sotu`, `dbpedia_14`, …, or `none`; "
            "more of it by `hf-apt finetune`.",
            show_default="planted if that is the corpus, else none",
        ),
    ] = None,
    output: Output = None,
) -> "tuple[RunConfig, Path]":
    """The configuration and folder that the options of `run` and `pretrain` ask for."""
    from hf_apt.data.corpora import CorpusSource
    from hf_apt.models.shapes import shape_like
    from hf_apt.runs.recipes import named_recipe

    source = CorpusSource(
        name=corpus, config=config_name, split=split, column=column, max_documents=max_documents
    )
    config = named_recipe(recipe.value, source, task=task)
    config = changed(
        config,
        tokenizer=tokenizer,
        vocab_size=vocab_size,
        sequence_length=sequence_length,
        layout=layout and layout.value,
        head_kinds=heads and HEAD_KINDS[heads.value],
        untrained=untrained,
    )
    config = replace(
        config,
        shape=changed(
            shape_like(model, config.shape) if model else config.shape,
            hidden_size=hidden_size,
            num_heads=num_heads,
            num_blocks=num_blocks,
            dropout=dropout,
        ),
        pretrain=changed(
            config.pretrain,
            num_steps=steps,
            batch_size=batch_size,
            accumulation_steps=accumulation_steps,
            learning_rate=learning_rate,
            masking_rate=masking_rate,
            seed=seed,
            save_every=save_every,
            optimizer=optimizer and optimizer.value,
            compile=compile_model or None,
            compile_mode=compile_mode,
            report_to=tuple(report_to) if report_to else None,
            windows=_fitting_windows(config),
        ),
        heads=changed(config.heads, num_steps=head_steps, num_distinct_steps=head_distinct_steps),
        measure=changed(
            config.measure, num_sequences=measure_sequences, num_realisations=realisations
        ),
    )
    return config, output or run_folder(corpus)


def _fitting_windows(config: "RunConfig") -> tuple[tuple[int, float], ...]:
    """The recipe's windows that cut sequences of the length and layout asked for."""
    if config.layout != "packed":
        return ()
    length = config.sequence_length
    return tuple(
        (width, end)
        for width, end in config.pretrain.windows
        if width < length and not length % width
    )
