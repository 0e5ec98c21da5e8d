"""The options of `run` and `pretrain`, and the configuration that they make."""

# Without postponed annotations: typer reads them.

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from hf_apt.arithmetic.precision import Precision
from hf_apt.cli.dataclass_options import Flag, changes_of, in_panel
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.objectives import objectives_of
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import (
    CORPUS,
    MEASURING,
    SEQUENCES,
    TEXT_HELP,
    Heads,
    Output,
    Paragraphs,
    ValidationShare,
    run_folder,
    text_source,
    with_heads,
)
from hf_apt.cli.spelling.generators import generator_of
from hf_apt.cli.spelling.lists import blocks_of, steps_of
from hf_apt.cli.spelling.masking_laws import masking_law_of
from hf_apt.data.artificial.names import LANGUAGE_NAMES, is_artificial
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.models.generator_shape import HEADS as DISCRIMINATOR_HEADS
from hf_apt.models.shapes import SHAPES, shape_like
from hf_apt.runs.recipes import RecipeName, RunConfig, named_recipe
from hf_apt.training.pretrain_config import CONTINUED_LEARNING_RATE

DEFAULTS: dict[str, str] = {
    "vocab_size": "8,192",
    "sequence_length": "demo 50, narrow 128, paper 128",
    "layout": "demo first, narrow packed, paper first",
    "shape.hidden_size": "demo 64, narrow 128, paper 768",
    "shape.num_heads": "demo 4, narrow 4, paper 12",
    "shape.num_blocks": "6",
    "shape.dropout": "demo 0.0, narrow 0.0, paper 0.1",
    "pretrain.num_steps": "demo 3,000, narrow 24,000, paper 62,500",
    "pretrain.batch_size": "demo 32, narrow 8, paper 32",
    "pretrain.accumulation_steps": "1",
    "pretrain.learning_rate": "demo 0.0028, narrow 0.001, paper 5e-05",
    "pretrain.masking_rate": "demo 0.3, narrow 0.3, paper 0.15",
    "pretrain.causal_share": "0.0",
    "pretrain.seed": "42",
    "pretrain.save_every": "1,000",
    "pretrain.optimizer": "adamw",
    "pretrain.carried_parts": "whole",
    "heads.num_steps": "demo 500, narrow 1,000, paper 1,000",
    "heads.num_distinct_steps": "never",
    "jacobian.num_sequences": "128",
    "measure.num_sequences": "all",
    "measure.num_realisations": "1",
    "measure.precision": "fp32",
    "untrained": "untrained",
    "sentences": "sentences",
}
"""What the recipes begin with, as the help shows it; a test compares it with them."""

_FLAGS = (
    *in_panel(
        "Corpus",
        Flag("tokenizer", shown="a WordPiece trained on the corpus; for paper BERT's"),
        Flag("vocab_size", min=100),
    ),
    *SEQUENCES,
    *in_panel(
        "Model",
        Flag("shape.hidden_size", min=1),
        Flag("shape.num_heads", min=1),
        Flag("shape.num_blocks", min=1),
        Flag("shape.feed_forward_size", min=1, shown="four times the hidden size"),
        Flag("shape.cls_norms", parse=blocks_of, metavar="1-6", shown="none"),
        Flag("shape.cls_projections", parse=blocks_of, metavar="1-2", shown="none"),
        Flag("shape.dropout", min=0.0, max=0.9),
    ),
    *in_panel(
        "Training",
        Flag("pretrain.num_steps", "--steps", min=1),
        Flag("pretrain.batch_size", min=1),
        Flag("pretrain.accumulation_steps", min=1),
        Flag("pretrain.learning_rate", min=0.0),
        "pretrain.masking_rate",
        Flag("pretrain.causal_share", min=0.0, max=1.0),
        Flag("pretrain.masking_law", parse=masking_law_of, metavar="name:key=value"),
        "pretrain.seed",
        Flag("pretrain.save_every", min=1),
        Flag("pretrain.keep_at", parse=steps_of, metavar="10,100,1000", shown="none"),
        "pretrain.optimizer",
        "pretrain.compile",
        "pretrain.compile_mode",
        "pretrain.report_to",
        "pretrain.blocks_of",
        "pretrain.carried_blocks",
        "pretrain.carried_parts",
        Flag("pretrain.objectives", "--objective", read=objectives_of, metavar="name:key=value"),
    ),
    *MEASURING,
)

RUN = changes_of(
    RunConfig, *(replace(each, shown=DEFAULTS.get(each.path, each.shown)) for each in _FLAGS)
)

DryRun = Annotated[
    bool,
    Option(
        "--dry-run",
        help="Print what each phase would take here, tokens, FLOPs, memory and time, and do no "
        "more; two seconds of trial, no corpus is read and no folder made.",
    ),
]


_LISTED = ", ".join(LANGUAGE_NAMES)
_BUILT_IN = f"`planted` (built in), an artificial corpus as `dyck:kinds=32` ({_LISTED})"


@with_options(CORPUS, RUN)
def run_options(
    source: CorpusSource,
    changed: Callable[[RunConfig], RunConfig],
    *,
    corpus: Annotated[str, Argument(help=f"{_BUILT_IN}, {TEXT_HELP}")] = "planted",
    recipe: Annotated[
        RecipeName,
        Option(
            help="Settings to begin with; `auto` is demo if planted, else narrow. `paper` reads "
            "40,000 documents unless told."
        ),
    ] = "auto",
    model: Annotated[
        str | None,
        Option(
            help=f"Model of arXiv 2507.14871, at the recipe's size: {', '.join(SHAPES)}. The other "
            "options of the model change it.",
            rich_help_panel="Model",
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        Option(
            help="Checkpoint of a masked LM to go on from, with its tokenizer and size: a folder, "
            "a shipped name or a Hub id. Sequences are read whole then, at a peak learning rate of "
            f"{CONTINUED_LEARNING_RATE:g} unless told. A generator and its discriminator both "
            "begin as it.",
            rich_help_panel="Model",
            show_default="fresh weights",
        ),
    ] = None,
    generator: Annotated[
        str | None,
        Option(
            help="A generator for the objectives of a discriminator, by its settings: "
            "`width=0.5,depth=1,embeddings=disentangled` (or shared, none), `candidates=5`, "
            "`choices=10`.",
            metavar="key=value",
            show_default="that, where such an objective is asked for; width=1 with --start-from",
            rich_help_panel="Model",
        ),
    ] = None,
    heads: Heads = None,
    validation_share: ValidationShare = None,
    paragraphs: Paragraphs = False,
    precision: Annotated[
        Precision | None,
        Option(
            help="Precision of products in all training, of the model, of heads and on the task: "
            "fp32, bf16, or auto, which takes bfloat16 on a graphics card that has it, and on a "
            "processor to pre-train where a trial of the step finds it at least 1.3 times as fast "
            "as float32.",
            rich_help_panel="Training",
            show_default="auto",
        ),
    ] = None,
    task: Annotated[
        str | None,
        Option(
            help="Task to fine-tune on in the end: `planted`, `sotu`, `dbpedia_14`, …, or `none`; "
            "more of it by `hf-apt finetune`.",
            rich_help_panel="Measuring",
            show_default="planted if that is the corpus, else none",
        ),
    ] = None,
    output: Output = None,
) -> tuple[RunConfig, Path]:
    """The configuration and folder that the options of `run` and `pretrain` ask for."""
    if model and start_from:
        raise ValueError(
            f"{start_from!r} has a size of its own, and --model {model} another: leave one out."
        )
    is_made = is_artificial(corpus)
    if not is_made:
        require_present(text=corpus)
        source = text_source(source, corpus, paragraphs=paragraphs)
    if validation_share is not None:
        source = replace(source, validation_share=validation_share)
    if is_made:
        from hf_apt.cli.spelling.corpora import artificial_language
        from hf_apt.runs.artificial.artificial_recipe import artificial_recipe

        source = replace(source, paragraphs=not paragraphs)  # on unless asked for
        config = artificial_recipe(artificial_language(corpus), source, recipe=recipe, task=task)
    else:
        config = named_recipe(recipe, source, task=task)
    if model:
        config = replace(config, shape=shape_like(model, config.shape))
    if start_from:
        from hf_apt.runs.starting.continuation import continued

        config = continued(config, start_from)
    config = with_precision(changed(with_heads(config, heads)), precision)
    config = _with_generator(config, generator)
    pretrain = replace(config.pretrain, windows=_fitting_windows(config))
    return replace(config, pretrain=pretrain), output or run_folder(corpus)


def _with_generator(config: RunConfig, spelled: str | None) -> RunConfig:
    """`config` with the generator that its objectives need, and with the heads that they train."""
    heads = tuple(
        each.name
        for each in config.pretrain.objectives
        if each.name in DISCRIMINATOR_HEADS and each.weight
    )
    if spelled is None and not heads:
        return config
    if config.pretrain.start_from and "width=" not in (spelled or ""):
        spelled = ",".join(filter(None, ("width=1", spelled)))
    generator = replace(generator_of(spelled or ""), heads=heads)
    return replace(config, shape=replace(config.shape, generator=generator))


def with_precision(config: RunConfig, precision: Precision | None) -> RunConfig:
    """`config` with that precision of all training, if one is given."""
    if precision is None:
        return config
    finetune = config.finetune
    if finetune is not None and finetune.finetune is not None:
        trained = replace(finetune.finetune, precision=precision)
        finetune = replace(finetune, finetune=trained)
    return replace(
        config,
        pretrain=replace(config.pretrain, precision=precision),
        heads=replace(config.heads, precision=precision),
        finetune=finetune,
    )


def _fitting_windows(config: RunConfig) -> tuple[tuple[int, float], ...]:
    """The recipe's windows that cut sequences of the length and layout asked for."""
    if config.layout != "packed":
        return ()
    length = config.sequence_length
    return tuple(
        (width, end)
        for width, end in config.pretrain.windows
        if width < length and not length % width
    )
