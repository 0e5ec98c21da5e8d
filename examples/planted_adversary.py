"""Does it help to train where a model's regret is largest? Planted languages moved by an adversary.

    python examples/planted_adversary.py --num_seeds 2

Arms: languages drawn uniformly within bounds, the one hardest language (that on which the model of
the uniform arm has the largest regret), and an adversary. All are asked on languages that no arm
has seen. Each training goes on where it was interrupted.
"""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from transformers import HfArgumentParser

from hf_apt.atomic import writing
from hf_apt.data.planted.parameters import LanguageParameters
from hf_apt.training.languages.language_adversary import AdversaryConfig
from hf_apt.training.languages.language_training import (
    LanguageTraining,
    train_on_languages,
    trained_model,
)
from hf_apt.training.languages.regret import AskedTexts, model_answers, regret

HARDEST = 3
"""Stream of the languages among which the hardest one is looked for."""
FIGURES = ("mean_nats", "worst_nats", "accuracy_lost")


@dataclass
class Arguments:
    """How long is trained, and how far the adversary moves."""

    num_rounds: int = field(default=60, metadata={"help": "Rounds of a training."})
    steps_a_round: int = field(default=25, metadata={"help": "Steps on one language."})
    num_candidates: int = field(default=8, metadata={"help": "Places the adversary looks at."})
    step_size: float = field(default=0.25, metadata={"help": "Its step as a share of the bounds."})
    num_seeds: int = field(default=3, metadata={"help": "Seeds of every arm."})
    num_hardest: int = field(default=32, metadata={"help": "Languages the hardest is one of."})
    output_dir: str = field(
        default="planted-adversary", metadata={"help": "Folder of the trainings and the record."}
    )


def training(arguments: Arguments, seed: int, **changes: Any) -> LanguageTraining:
    """The training of an arm."""
    return LanguageTraining(
        num_rounds=arguments.num_rounds,
        steps_a_round=arguments.steps_a_round,
        seed=seed,
        adversary=AdversaryConfig(
            num_candidates=arguments.num_candidates, step_size=arguments.step_size, seed=seed
        ),
        **changes,
    )


def hardest(config: LanguageTraining, folder: Path, num: int) -> LanguageParameters:
    """The drawn language on which the model of the uniform arm has the largest regret."""
    answers, bounds = model_answers(trained_model(config, folder)), config.bounds
    drawn = [bounds.at(bounds.drawn(HARDEST, number)) for number in range(num)]
    texts = AskedTexts(seed=HARDEST)
    return max(drawn, key=lambda each: regret(answers, each.language(), texts).nats)


def of_seed(arguments: Arguments, seed: int) -> dict[str, Any]:
    """The records of all arms of a seed; the uniform one comes first."""
    folder, records = Path(arguments.output_dir) / f"seed-{seed}", {}
    uniform = training(arguments, seed, choice="uniform")
    records["uniform"] = train_on_languages(uniform, folder / "uniform")
    start = hardest(uniform, folder / "uniform", arguments.num_hardest)
    arms = {
        "hardest": training(arguments, seed, choice="fixed", start=start),
        "adversary": training(arguments, seed, choice="adversary"),
    }
    for name, config in arms.items():
        print(f"seed {seed}: {name}", file=sys.stderr)
        records[name] = train_on_languages(config, folder / name)
    return records


def table(seeds: list[dict[str, Any]]) -> str:
    """Figures on unseen languages in the end, and paired differences from the uniform arm."""
    lines = ["| arm | mean regret, nats | worst regret, nats | accuracy lost | accuracy |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    ends: dict[str, list[dict[str, float]]] = {
        name: [records[name]["tests"][-1] for records in seeds] for name in seeds[0]
    }
    for tests in ends.values():
        for test in tests:
            test["accuracy_lost"] = test["ceiling"] - test["accuracy"]
    for name, tests in ends.items():
        cells = [shown([test[key] for test in tests]) for key in (*FIGURES, "accuracy")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for name in list(ends)[1:]:
        pairs = list(zip(ends[name], ends["uniform"], strict=True))
        cells = [shown([a[key] - b[key] for a, b in pairs], "+") for key in (*FIGURES, "accuracy")]
        lines.append(f"| {name} - uniform | {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(values: list[float], sign: str = "") -> str:
    """A mean over seeds, with its standard error where there are several."""
    text = f"{np.mean(values):{sign}.4f}"
    if len(values) > 1:
        text += f" ± {np.std(values, ddof=1) / len(values) ** 0.5:.4f}"
    return text


def main(arguments_list: list[str] | None = None) -> None:
    """Train what is not trained yet, write the record, and print the table."""
    (arguments,) = HfArgumentParser(Arguments).parse_args_into_dataclasses(arguments_list)  # pyright: ignore
    if arguments.num_seeds < 1:
        raise ValueError(f"at least one seed is needed, got --num_seeds {arguments.num_seeds}.")
    seeds = [of_seed(arguments, seed) for seed in range(arguments.num_seeds)]
    record = {"options": asdict(arguments), "seeds": seeds}
    with writing(Path(arguments.output_dir) / "record.json") as file:
        json.dump(record, file, indent=1)
    print(table(seeds))
    for name in seeds[0]:
        tests = zip(*(records[name]["tests"] for records in seeds), strict=True)
        course = [f"{same[0]['round']}: {shown([t['mean_nats'] for t in same])}" for same in tests]
        print(f"{name}, mean regret by round: {', '.join(course)}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
