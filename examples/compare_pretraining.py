"""Does a way of pre-training help? Several, over seeds, beside the plain one, at every block.

    python examples/compare_pretraining.py    # the planted language
    python examples/compare_pretraining.py --arms 'plain=' 'rare=--masking-law frequency'

An arm is a name and options of `hf-apt run`. Arms of a seed read the same tokens in the same order
and, if alike, start from the same weights. What `arms.json` holds is not repeated; a training that
stopped goes on, and its seconds are not told.
"""

import shlex
import shutil
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import typer
from transformers import HfArgumentParser

import hf_apt
from hf_apt.cli.run_options import run_options
from hf_apt.cli.spelling.arms import named_arms
from hf_apt.models.devices import has_accelerator
from hf_apt.models.loading import load_masked_lm
from hf_apt.records.run_folder import writing_run
from hf_apt.runs.option_checks import require_valid
from hf_apt.runs.pipeline import pretrain_run, require_task
from hf_apt.runs.preparation import prepare
from hf_apt.runs.trained_models import PARTS
from hf_apt.stats.clusters import HEADLINE
from hf_apt.stats.estimates import mean_estimate

OF_AN_ARM = ("arm.json", "training.json", "training", "checkpoint", *PARTS, "task")
TASK = {"accuracy": "finetuned mean", "cls_accuracy": "finetuned cls", "cls_frozen": "frozen cls"}
FIGURES = ("apt", "clusters", *TASK, "validation_loss", "seconds")  # but for the last two by depth


@dataclass
class Arguments:
    """What is compared, and on what."""

    options: str = field(default="planted --steps 300", metadata={"help": "Options of all arms."})
    arms: list[str] = field(
        default_factory=lambda: ["plain=", "contrast=--objective token_contrast:weight=0.1"],
        metadata={"help": "Arms, each a name and its own options: 'wide=--hidden-size 128'."},
    )
    train_per_class: int = field(default=32, metadata={"help": "Labelled texts of each class."})
    num_epochs: int = field(default=15, metadata={"help": "Passes over them."})
    num_seeds: int = field(default=2, metadata={"help": "Trainings of each arm."})
    seed: int = field(default=42, metadata={"help": "The first seed: of weights, order and masks."})
    output_folder: str = field(default="runs/arms", metadata={"help": "Keeps text and record."})


def main(arguments: list[str] | None = None) -> None:
    """Train every arm with every seed, and print what each has at every block."""
    (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses(arguments)  # pyright: ignore
    arms = named_arms(args.arms)
    run = hf_apt.Run(Path(args.output_folder))
    runs = run.read_json("arms.json")["runs"] if run.path("arms.json").exists() else []
    of_task = {"train_per_class": args.train_per_class, "num_epochs": args.num_epochs}
    asked = [
        {"arm": name, "seed": seed, "command": f"{args.options} {arm} --seed={seed}", **of_task}
        for seed in range(args.seed, args.seed + args.num_seeds)
        for name, arm in arms.items()
    ]
    configs = [config_of(each["command"], args) for each in asked]  # before all work
    with writing_run(run):
        for each, config in zip(asked, configs, strict=True):
            if each not in [{key: done.get(key) for key in each} for done in runs]:
                clear(run, unless=each)
                runs = sorted([*runs, each | trained(config, run)], key=lambda r: r["seed"])
                run.write_json("arms.json", {"runs": runs})
    print_tables(list(arms), [done for done in runs if {k: done.get(k) for k in asked[0]} in asked])
    print(f"written: {run.path('arms.json')}")


def config_of(command: str, args: Arguments) -> Any:
    """The configuration that the options of `hf-apt run` spell, with the task's labelled texts."""
    (app := typer.Typer()).command()(run_options)
    config = typer.main.get_command(app)(shlex.split(command), standalone_mode=False)[0]
    if own := config.finetune:
        rows = replace(own.task, train_per_class=args.train_per_class)
        how = replace(own.finetune, num_epochs=args.num_epochs)
        own = replace(own, task=rows, finetune=how, untrained=False, confidence=None)
    require_valid(config := replace(config, finetune=own))
    require_task(config)
    return config


def clear(run: hf_apt.Run, *, unless: dict[str, Any]) -> None:
    """Take away what an arm left, but for a training of `unless` that was interrupted."""
    if not run.path("arm.json").exists() or run.read_json("arm.json") != unless:
        for path in filter(Path.exists, map(run.path, OF_AN_ARM)):
            path.unlink() if path.is_file() else shutil.rmtree(path)
        run.write_json("arm.json", unless)


def trained(config: Any, run: hf_apt.Run) -> dict[str, Any]:
    """`FIGURES`; seconds are of the processor, or of the clock where there is an accelerator.

    Of two models the generator is measured and the discriminator fine-tuned.
    """
    _, validation = prepare(config, run)
    clock = time.perf_counter if has_accelerator() else time.process_time
    start, is_whole = clock(), not run.path("training").exists()
    pretrain_run(config, run)
    loss = run.read_json("training.json")["validation_loss"]
    figures: dict = {"seconds": clock() - start if is_whole else None, "validation_loss": loss}
    measured, tuned = PARTS if config.shape.generator else ("checkpoint", "checkpoint")
    trunk = hf_apt.Trunk(load_masked_lm(str(run.path(measured))))
    read = hf_apt.measure(trunk, validation, {"own": hf_apt.OwnHead(trunk)}, config.measure)
    pairs = list(map(read["own"].counts.at, range(trunk.num_depths)))
    figures["apt"] = [hf_apt.mean_apt(each.hits(), each.support()).value for each in pairs]
    kind, at = HEADLINE
    clusters = [hf_apt.token_clusters(hf_apt.confusion(each), at, kind) for each in pairs]
    figures["clusters"] = [len(each.members) for each in clusters]
    if (asked := config.finetune) is not None:
        task = hf_apt.measure_blocks(str(run.path(tuned)), asked, hf_apt.Run(run.path("task")))
        for name, (protocol, pooling) in ((name, read.split()) for name, read in TASK.items()):
            linear = task["models"]["pretrained"][protocol][pooling]["linear"]
            figures[name] = [each["value"] for each in linear]
    return figures


def print_tables(arms: list[str], runs: list[dict[str, Any]]) -> None:
    """For each figure a row an arm, and what it has more than the first: over depths, at each."""
    for key in [name for name in FIGURES if name in runs[0]]:
        of_arm = {arm: [run[key] for run in runs if run["arm"] == arm] for arm in arms}
        plain_SD = np.array(of_arm[arms[0]], float)
        for arm, values in of_arm.items():
            for what, minus_SD in ((arm, 0 * plain_SD), (f"{arm} - {arms[0]}", plain_SD)):
                rows = np.atleast_2d((np.array(values, float) - minus_SD).T)
                cells = [rows.mean(axis=0), *rows] if len(rows) > 1 else rows
                print(f"{key:<16}{what:<30}{'  '.join(map(shown, cells))}")


def shown(values: np.ndarray) -> str:
    """A mean with its standard error over seeds."""
    estimate = mean_estimate(values)
    return f"{estimate.value:.3f} ± {estimate.standard_error:.3f}"


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
