"""The options that say on which texts to fine-tune and how: of every command that does."""

# Without postponed annotations: typer reads them.

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

if TYPE_CHECKING:
    from hf_apt.data.tasks.task import TaskConfig
    from hf_apt.training.finetuning import FinetuneConfig

task_option = partial(Option, rich_help_panel="Task")
training_option = partial(Option, rich_help_panel="Training")

_TASK_HELP = (
    "`fewrel`, `dbpedia_14`, `ag_news`, `planted`, `sotu`, a Hub data set id, or a local .parquet, "
    ".json, .jsonl or .csv file, folder or quoted glob with a text and a label column."
)


@dataclass(frozen=True)
class Given:
    """What these options ask for."""

    task: "TaskConfig"
    """The texts."""

    finetune: "FinetuneConfig"
    """How a classifier is trained on them."""


def task_options(
    task: Annotated[str, task_option(help=_TASK_HELP)] = "planted",
    data: Annotated[
        str | None, task_option(help="Local rows of `fewrel`, `dbpedia_14` or `ag_news`.")
    ] = None,
    text_column: Annotated[str | None, task_option(help="Column of the text.")] = None,
    label_column: Annotated[str | None, task_option(help="Column of the label.")] = None,
    train_per_class: Annotated[
        int | None, task_option(min=1, help="Training texts of a class.")
    ] = None,
    test_per_class: Annotated[int | None, task_option(min=1, help="Test texts of a class.")] = None,
    entity_markers: Annotated[
        bool, task_option("--entity-markers", help="Mark FewRel's two entities.")
    ] = False,
    epochs: Annotated[
        int, training_option(min=0, help="Of fine-tuning; 0 for the models as they are.")
    ] = 50,
    batch_size: Annotated[int, training_option(min=1, help="Texts in a step.")] = 32,
    learning_rate: Annotated[float, training_option(help="At the first step.")] = 5e-5,
    sequence_length: Annotated[
        int, training_option(min=8, help="Tokens of a text that are read.")
    ] = 128,
    lora_rank: Annotated[
        int, training_option(min=0, help="Train LoRA adapters of this rank; 0 for all weights.")
    ] = 0,
    seed: Annotated[int, training_option(help="The first one.")] = 42,
) -> Given:
    """The task, and how to fine-tune on it."""
    from hf_apt.data.tasks.task import TaskConfig
    from hf_apt.training.finetuning import FinetuneConfig

    return Given(
        TaskConfig(
            name=task,
            data=data,
            text_column=text_column,
            label_column=label_column,
            train_per_class=train_per_class,
            test_per_class=test_per_class,
            entity_markers=entity_markers,
            seed=seed,
        ),
        FinetuneConfig(
            num_epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            sequence_length=sequence_length,
            seed=seed,
            lora_rank=lora_rank,
        ),
    )


def on_a_task(options: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command's options those of `task_options`, too; what they give comes first."""
    shared = inspect.signature(task_options).parameters
    _, *own = inspect.signature(options).parameters.values()

    def parsed(*arguments: Any, **values: Any) -> Any:
        given = task_options(**{name: values.pop(name) for name in shared if name in values})
        return options(given, *arguments, **values)

    parsed.__doc__ = options.__doc__
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in (*own[:1], *shared.values(), *own[1:])
    ]
    parsed.__signature__ = inspect.Signature(parameters)  # pyright: ignore
    return parsed
