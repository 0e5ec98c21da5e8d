"""Which property of a corpus transfers? Blocks trained on artificial text, then on real text.

    python examples/artificial_transfer.py
    python examples/artificial_transfer.py --text='TEXT --task ag_news --hidden-size 64' \
        --arms 'none=' 'nested=dyck:kinds=32' 'nested, 1-3=dyck:kinds=32 --carried-blocks 1-3'

An arm is a name, a corpus that blocks are pre-trained on (none: they are fresh) and options of the
pre-training on the text that follows, which starts with these blocks and fresh embeddings. The task
is learnt without that text (direct) and after it. Blocks of all arms see as many tokens; `longer`
has the steps of both on text alone. What is in `<output_dir>` is not repeated.
"""

import json
import shlex
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import typer
from transformers import HfArgumentParser

from hf_apt.atomic import writing
from hf_apt.cli.run_options import run_options
from hf_apt.cli.spelling.arms import named_arms
from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
from hf_apt.runs.artificial.block_transfer import transferred
from hf_apt.stats.estimates import mean_estimate

NESTED, PLAIN = "dyck:kinds=32", "--heads none --no-untrained --no-sentences"
ALL = f"{PLAIN} --sequence-length 34 --hidden-size 32 --num-heads 2 --batch-size 16"

TABLES = {
    "task at once, loss on the text, task after it": lambda run: [
        *(run["direct"]["finetuned"], run["loss"], run["after"]["finetuned"])
    ],
    "mean APT after each block": lambda run: run["mean_apt"],
    "task at once by each frozen block": lambda run: run["direct"]["frozen"],
    "task after the text by each frozen block": lambda run: run["after"]["frozen"],
}


@dataclass
class Arguments:
    """What blocks are trained on first, and on what afterwards."""

    text: str = field(
        default="planted --task planted --steps 200",
        metadata={"help": "The text that follows: options of `hf-apt run`, the task included."},
    )
    first: str = field(
        default="--steps 500", metadata={"help": "Options of `hf-apt run` for the arms' corpora."}
    )
    both: str = field(default=ALL, metadata={"help": "Options of `hf-apt run` for all."})
    arms: list[str] = field(
        default_factory=lambda: [
            *("none=", "longer= --steps 700"),
            *("noise=noise:of=planted", "bigram=bigram:vocab_size=64"),
            f"nested={NESTED}",
            "flat=flat_pairs:kinds=32",
            *("automaton=automaton:rule=110", "shuffled=shuffle:of=planted"),
            "planted=planted",
            f"nested, 1-3={NESTED} --carried-blocks 1-3",
            f"nested, 4-6={NESTED} --carried-blocks 4-6",
            f"nested, attention={NESTED} --carried-parts attention",
        ],
        metadata={"help": "Arms: a name, a corpus, and options for the text that follows."},
    )
    num_documents: int = field(default=6000, metadata={"help": "Documents that are made."})
    num_seeds: int = field(default=2, metadata={"help": "Runs of each arm."})
    seed: int = field(default=42, metadata={"help": "The first one of the seeds."})
    output_dir: str = field(default="runs/artificial", metadata={"help": "Where runs are kept."})


def main(arguments: list[str] | None = None) -> None:
    """Train every arm with every seed, and print two tables."""
    (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses(arguments)  # pyright: ignore
    path = Path(args.output_dir) / "transfer.json"
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    arms = named_arms(args.arms)
    asked = []
    for seed in range(args.seed, args.seed + args.num_seeds):
        for name, arm in arms.items():
            corpus, _, own = arm.partition(" ")
            first = f"{corpus} --task none {args.both} {args.first} --seed {seed}" if corpus else ""
            after = f"{args.text} {args.both} --seed {seed} {own}"
            after += " --blocks-of FIRST" * bool(corpus)
            for command in filter(None, (first, after)):
                config_of(command, args)  # what cannot be read is said before hours of work
            run = {"arm": name, "commands": [first, after], "seed": seed}
            asked.append(run | {"num_documents": args.num_documents})
    for run in asked:
        if run not in [{key: each.get(key) for key in run} for each in runs]:
            runs.append(run | trained(run, args))
            with writing(path) as file:
                json.dump({"runs": runs}, file, indent=1)
    runs = [run for run in runs if {key: run.get(key) for key in asked[0]} in asked]
    print_tables(list(arms), sorted(runs, key=lambda run: run["seed"]))
    print(f"written: {path}")


def config_of(command: str, args: Arguments) -> Any:
    """The configuration that the options of `hf-apt run` spell."""
    (app := typer.Typer(add_completion=False)).command()(run_options)
    config = typer.main.get_command(app)(shlex.split(command), standalone_mode=False)[0]
    if not isinstance(config.corpus, GeneratedCorpus):
        return config
    size = {"num_documents": args.num_documents, "num_validation_documents": 1000}
    return replace(config, corpus=replace(config.corpus, **size))


def trained(run: dict[str, Any], args: Arguments) -> dict[str, Any]:
    """What the blocks of an arm are worth."""
    folder, (first, after) = Path(args.output_dir), run["commands"]
    own = folder / slug(f"{run['arm']} {run['seed']} {args.num_documents}")
    shared = folder / slug(f"{first} {args.num_documents}")
    config = config_of(first, args) if first else None
    return transferred(config, config_of(after, args), own, shared)


def slug(text: str) -> str:
    """`text` as the name of a folder; a checksum keeps texts of the same words apart."""
    words = "".join(each if each.isalnum() else " " for each in text).split()
    return "-".join([*words, f"{crc32(text.encode()):08x}"])


def print_tables(arms: list[str], runs: list[dict[str, Any]]) -> None:
    """What each arm reaches, and each figure per block; all rows but the first less the first."""
    of_arm = {name: [run for run in runs if run["arm"] == name] for name in arms}
    for title, figures in TABLES.items():
        print(f"\n{title}, less the first arm's")
        first_RF = np.array([figures(run) for run in of_arm[arms[0]]])
        for name, own in of_arm.items():
            gain_RF = np.array([figures(run) for run in own]) - first_RF * (name != arms[0])
            print(f"| {name} | {' | '.join(map(shown, gain_RF.T))} |")


def shown(values: np.ndarray) -> str:
    """A mean with its standard error over seeds."""
    estimate = mean_estimate(values)
    return f"{estimate.value:+.3f} ± {estimate.standard_error:.3f}"


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
