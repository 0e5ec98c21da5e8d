"""`hf-apt rademacher`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from hf_apt.analysis.bound_terms.bound_config import BoundConfig
from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import TEXT_HELP, Paragraphs, TaskOutput

RADEMACHER = made_from(
    BoundConfig,
    *in_panel(
        "Texts",
        Flag("num_texts", min=10),
        Flag("sequence_length", min=4),
        "pooling",
        Flag("batch_size", min=1),
    ),
    *in_panel(
        "Measuring",
        Flag("num_draws", min=2),
        Flag("num_sequences", min=1),
        Flag("num_twins", "--twins", min=0),
        "seed",
    ),
)


@with_options(RADEMACHER)
def rademacher_command(
    config: BoundConfig,
    *,
    model: Annotated[
        str,
        Argument(help="A run's folder, which has its text, or a masked-LM checkpoint by its name."),
    ],
    task: Annotated[
        str,
        Option(help=f"The task's texts, unlabelled: task:NAME, its training texts; or {TEXT_HELP}"),
    ] = "task:planted",
    text: Annotated[
        str | None,
        Option(
            help=f"Text of the kind that it was pre-trained on. {TEXT_HELP}",
            show_default="that of the run",
        ),
    ] = None,
    column: Annotated[
        str | None, Option(help="The column of the texts, in a table.", show_default="text")
    ] = None,
    paragraphs: Paragraphs = False,
    output: TaskOutput = None,
) -> None:
    """Measure the terms of a bound on transfer at every depth: complexity, distance, gap."""
    is_run = (Path(model) / "tokens").is_dir()
    if text is None and not is_run:
        raise ValueError(
            f"{model!r} is no run's folder with its tokens: name text of its pre-training, --text."
        )
    require_present(checkpoints=(model,), text=text)
    from hf_apt.analysis.bound_terms.bound_study import bound_study
    from hf_apt.analysis.bound_terms.bound_terms import bound_terms
    from hf_apt.analysis.bound_terms.run_text import decoded_texts, tokens_of
    from hf_apt.cli.analysis.studied import loaded_model, place_of, study_into, texts_of
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show
    from hf_apt.data.tasks.named_task import TASK
    from hf_apt.data.text_fingerprints import texts_provenance
    from hf_apt.training.representation.text_source import own_texts

    name, folder = place_of(model, output, "rademacher")
    run = study_into(folder)
    task_texts = own_texts(task, column=column, max_texts=config.num_texts)
    loaded, tokenizer = loaded_model(name)
    tokens = tokens_of(Path(model)) if is_run else None
    if text is not None:
        others = texts_of(
            text, column=column or "text", paragraphs=paragraphs, max_texts=config.num_texts
        )
    else:
        assert tokens is not None
        others = decoded_texts(tokens[1], tokenizer, config.num_texts)
    terms = bound_terms(loaded, tokenizer, task_texts, others, config, tokens=tokens)
    stem = Path(task.removeprefix(TASK)).stem
    record = bound_study(
        name,
        terms,
        config,
        task_name="".join(each if each.isalnum() or each in "._-" else "-" for each in stem),
        provenance={
            "task": texts_provenance(task, task_texts),
            "pretraining": texts_provenance(text or "the run's held-out text", others),
        },
    )
    show(record, (study,))
    end_of_study(run, record)
