"""Does masking what is not yet known save tokens? Masking laws, over seeds, beside uniform masks.

    python examples/masking_laws.py    # the planted language
    python examples/masking_laws.py --options='wiki.parquet --steps 6000'

An arm is a name and options of `hf-apt run`. Arms of a seed start from the same weights and read
the same sequences in the same order; others are held against the first. `arms.json` keeps them.
"""

import json
import shlex
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import typer
from transformers import HfArgumentParser

import hf_apt
from hf_apt.atomic import writing
from hf_apt.cli.run_options import run_options
from hf_apt.cli.spelling.arms import named_arms
from hf_apt.runs.preparation import prepare
from hf_apt.runs.starting.starting_model import starting_model
from hf_apt.stats.acquisition.steps_to_reach import steps_to_reach
from hf_apt.stats.estimates import mean_estimate
from hf_apt.training.pretraining import pretrain, pretrainer


@dataclass
class Arguments:
    """What is compared, and on what."""

    options: str = field(
        default="planted --steps 500 --num-blocks 2 --batch-size 16 --measure-sequences 500",
        metadata={"help": "A text and options of `hf-apt run` that all arms have."},
    )
    arms: list[str] = field(
        default_factory=lambda: ["uniform=", "ability=--masking-law ability"],
        metadata={"help": "Arms, each a name and its own options; the first is the plain one."},
    )
    num_seeds: int = field(default=3, metadata={"help": "Trainings of each arm."})
    seed: int = field(default=42, metadata={"help": "The first seed: of weights, order and masks."})
    output_folder: str = field(
        default="runs/masking_laws", metadata={"help": "Where tokens and the record are kept."}
    )


def main(arguments: list[str] | None = None) -> None:
    """Train every arm with every seed, and print where each ends and how soon it gets there."""
    (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses(arguments)  # pyright: ignore
    arms = named_arms(args.arms)
    path = Path(args.output_folder) / "arms.json"
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    commands = {
        (arm, seed): f"{args.options} {arms[arm]} --seed={seed}"
        for seed in range(args.seed, args.seed + args.num_seeds)
        for arm in arms
    }
    configs = {command: config_of(command) for command in commands.values()}
    for (arm, seed), command in commands.items():
        run = {"arm": arm, "seed": seed, "command": command}
        if run not in [{key: each[key] for key in run} for each in runs]:
            runs.append(run | trained(configs[command], path.parent / "text"))
            with writing(path) as file:
                json.dump({"runs": runs}, file, indent=1)
    asked = [run for run in runs if run["command"] == commands.get((run["arm"], run["seed"]))]
    print_tables(list(arms), sorted(asked, key=lambda run: run["seed"]))


def config_of(command: str) -> Any:
    """The configuration that the options of `hf-apt run` spell."""
    (app := typer.Typer(add_completion=False)).command()(run_options)
    return typer.main.get_command(app)(shlex.split(command), standalone_mode=False)[0]


def trained(config: Any, folder: Path) -> dict[str, Any]:
    """The curve of mean APT, what the model ends with, and what it has with another prior.

    The prior of an arm's rates is taken back; the plain one is given that of rare tokens, f^-0.5.
    """
    train, validation = prepare(config, hf_apt.Run(folder))
    pretrained, law, ceiling_V = config.pretrain, config.pretrain.masking_law, None
    if law is not None and law.needs_ceiling:
        ceiling_V = config.corpus.ceiling(validation, rate=pretrained.masking_rate)
    model, _ = starting_model(config, train)
    trainer: Any = pretrainer(
        *(model, train, validation, pretrained, folder / "work"),
        callbacks=[hf_apt.AptCallback(every=max(pretrained.num_steps // 12, 1))],
        ceiling_V=ceiling_V,
    )
    pretrain(trainer)
    shutil.rmtree(folder / "work")  # of our own, within the text's
    curve = [each for each in trainer.state.log_history if "eval_mean_apt" in each]
    figures = measured(model.eval(), validation, config)
    figures["steps"] = [each["step"] for each in curve]
    figures["curve"] = [each["eval_mean_apt"] for each in curve]
    factors_V = np.maximum(train.frequency(), 1) ** -0.5
    if law is not None:
        factors_V = 1 / np.maximum(trainer.token_rates.rates.rates_V, 1e-9)
    bias = model.get_output_embeddings().bias.data
    bias += bias.new_tensor(np.log(factors_V))
    other = measured(model, validation, config).items()
    return figures | {f"{name}_with_other_prior": value for name, value in other}


def measured(model: Any, validation: Any, config: Any) -> dict[str, Any]:
    """Mean APT over tokens and accuracy over positions, of uniform masks, after the last block."""
    trunk = hf_apt.Trunk(model)
    readouts = hf_apt.measure(trunk, validation, {"own": hf_apt.OwnHead(trunk)}, config.measure)
    pairs = readouts["own"].counts.at(trunk.num_depths - 1)
    mean = hf_apt.mean_apt(pairs.hits(), pairs.support()).value
    return {"mean_apt": mean, "accuracy": float(pairs.hits().sum() / pairs.support().sum())}


def print_tables(arms: list[str], runs: list[dict[str, Any]]) -> None:
    """For each figure a row an arm: mean over seeds, and differences of the same seed."""
    plain, *_ = of_arm = [[run for run in runs if run["arm"] == arm] for arm in arms]
    for name in [name for name in plain[0] if name.startswith(("mean_apt", "accuracy"))]:
        print(f"\n{name}; minus {arms[0]}")
        for arm, runs_S in zip(arms, of_arm, strict=True):
            pairs = [(one[name], other[name]) for one, other in zip(runs_S, plain, strict=True)]
            values, others = np.array(pairs).T
            print(f"{arm:<12}{shown(values)}  {shown(values - others, '+')}")
    print(f"\ntokens until the last mean APT of {arms[0]}, as a share of its tokens")
    for arm, runs_S in zip(arms, of_arm, strict=True):
        shares = [
            steps_to_reach(np.array(one["curve"]), np.array(one["steps"]), other["curve"][-1])
            / other["steps"][-1]
            for one, other in zip(runs_S, plain, strict=True)
        ]
        reached = np.array([each for each in shares if each < np.inf])
        print(f"{arm:<12}{shown(reached)} ({len(reached)} of {len(shares)} seeds reach it)")


def shown(values: np.ndarray, sign: str = "") -> str:
    """A mean with its standard error over seeds."""
    estimate = mean_estimate(values)
    return f"{estimate.value:{sign}.3f} ± {estimate.standard_error:.3f}"


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
