"""The trainings and measurements that the papers' claims ask for, each one a command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STEPS = 9_000
SIZES = (2_500, 10_000, 40_000, 160_000)
SEEDS = (1, 2)
RATES = (0.15, 0.4)
"""Masking rates beside that of the narrow recipe, 0.3."""

WHOLE = "bert6-narrow-wikipedia-100m"
"""A longer training, on the whole text: four times the steps of the recipe."""

WHOLE_STEPS, KEPT = 98_000, (980, 2_940, 9_800, 29_400)
"""Its steps, and those after which the model is kept, too: 1, 3, 10 and 30 % of them."""

GROWTH = "growth"
"""When each token is learnt in that training."""

MEMBERS = range(1, 7)
SHALLOW = {"shallow": "--num-blocks 1", "convolutional": "--model bert-1-conv2"}
"""The kinds of members of committees, and their options."""

CORPORA = ("near", "far")
"""Which paragraphs `overlap.py` chooses: those most like the tasks' texts, and those least."""

TOKENIZER = "bert6-narrow-wikipedia"
NARROW = f"--recipe narrow --tokenizer {TOKENIZER} --precision fp32"
BRIEF = "--heads none --no-sentences --no-untrained"
PROTOCOL = "--epochs 8 --learning-rate 5e-4 --sequence-length 64"
BLOCKS = "--seeds 3 --pooling cls --pooling mean --no-group-by-length"
TASKS = {
    "dbpedia_14": "--data DBPEDIA --train-per-class 40 --test-per-class 50",
    "fewrel": "--data FEWREL --train-per-class 20 --test-per-class 20",
    "ag_news": "--data AG_NEWS --text-column content --train-per-class 250 --test-per-class 250",
}


@dataclass(frozen=True)
class Piece:
    """One command of `hf-apt`, and the pieces that have to be done before it."""

    study: str
    name: str
    command: str
    needs: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the command."""
        return self.command.split()[0]

    @property
    def task(self) -> str:
        """The task that models are fine-tuned on."""
        words = self.command.split()
        return words[words.index("--task") + 1]

    @property
    def folder(self) -> str:
        """Name of the folder: that of the model for its tasks, else the piece's own."""
        return self.needs[0] if self.kind == "finetune" and self.needs else self.name


def pieces() -> Iterator[Piece]:
    """All pieces, in the order in which they are to be done."""
    for seed in SEEDS:
        for size in SIZES:
            name = of_size(size, seed)
            yield _training("corpus size", name, seed, f"--max-documents {size}")
            yield from _tasks("corpus size", name, untrained=(size, seed) == (SIZES[0], SEEDS[0]))
    yield from _checkpoint()
    yield _transfer()
    yield from _overlap()
    yield from _committees()
    yield from _masking_rates()


def _checkpoint() -> Iterator[Piece]:
    """A longer training, step after step, and its tasks beside those of the shipped checkpoint."""
    kept = ",".join(map(str, KEPT))
    command = f"run WIKIPEDIA --recipe narrow --tokenizer {TOKENIZER} --precision bf16"
    command += f" --steps {WHOLE_STEPS} --keep-at {kept} --task none"
    yield Piece("checkpoint", WHOLE, command)
    names = [of_step(step) for step in KEPT]
    for name, step in zip(names, KEPT, strict=True):
        command = f"measure FOLDER/{WHOLE}/steps/step-{step} WIKIPEDIA --layout packed {BRIEF}"
        yield Piece("checkpoint", name, command, (WHOLE,))
    folders = " ".join(f"FOLDER/{name}" for name in (*names, WHOLE))
    steps = " ".join(f"--step {step}" for step in (*KEPT, WHOLE_STEPS))
    yield Piece("checkpoint", GROWTH, f"acquisition {folders} {steps}", (*names, WHOLE))
    yield from _tasks("checkpoint", WHOLE)
    for task in TASKS:
        command = _finetune(TOKENIZER, task)
        yield Piece("checkpoint", f"{TOKENIZER}-{task}", command)


def _transfer() -> Piece:
    """All models of the corpus sizes, their blocks and tasks."""
    models = [of_size(size, seed) for seed in SEEDS for size in SIZES]
    folders = " ".join(f"FOLDER/{model}" for model in models)
    needs = (*models, *(f"{model}-{task}" for model in models for task in TASKS))
    return Piece("transfer", "transfer", f"transfer {folders}", needs)


def _overlap() -> Iterator[Piece]:
    """As much text as the second size has, like the tasks' texts and unlike them."""
    for seed in SEEDS:
        for corpus in CORPORA:
            name = f"{corpus}-seed-{seed}"
            yield _training("overlap", name, seed, text=corpus.upper())
            yield from _tasks("overlap", name)


def _committees() -> Iterator[Piece]:
    """Members of one block, and how many of them answer as the deep model does."""
    for kind, options in SHALLOW.items():
        members = [f"{kind}-seed-{seed}" for seed in MEMBERS]
        for seed, name in zip(MEMBERS, members, strict=True):
            text = f"--max-documents {SIZES[-1]} {options}"
            yield _training("committees", name, seed, text)
        deep = of_size(SIZES[-1], SEEDS[0])
        folders = " ".join(f"FOLDER/{each}/checkpoint" for each in members)
        for task, data in TASKS.items():
            command = f"committee {folders} --against FOLDER/{deep}/checkpoint --task {task} {data}"
            needs = (*members, deep)
            yield Piece("committees", f"{kind}-{task}", f"{command} {PROTOCOL}", needs)


def _masking_rates() -> Iterator[Piece]:
    """The largest corpus at other masking rates."""
    for seed in SEEDS:
        for rate in RATES:
            name = f"masked-{rate}-seed-{seed}"
            options = f"--max-documents {SIZES[-1]} --masking-rate {rate}"
            yield _training("masking rates", name, seed, options)
            yield from _tasks("masking rates", name)


def of_size(size: int, seed: int) -> str:
    """The name of the training on so many paragraphs."""
    return f"size-{size}-seed-{seed}"


def of_step(step: int) -> str:
    """The name of the measurement after so many steps of the checkpoint's training."""
    return f"{WHOLE}-step-{step}"


def _training(study: str, name: str, seed: int, options: str = "", text: str = "TEXT") -> Piece:
    last = f"--steps {STEPS} --seed {seed} --task none"
    return Piece(study, name, " ".join(f"run {text} {NARROW} {BRIEF} {options} {last}".split()))


def _tasks(study: str, model: str, *, untrained: bool = False) -> Iterator[Piece]:
    for task in TASKS:
        twin = " --untrained" if untrained else ""
        command = _finetune(f"FOLDER/{model}/checkpoint", task)
        yield Piece(study, f"{model}-{task}", f"{command}{twin}", (model,))


def _finetune(checkpoint: str, task: str) -> str:
    return f"finetune {checkpoint} --task {task} {TASKS[task]} {PROTOCOL} {BLOCKS}"
