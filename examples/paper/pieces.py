"""The trainings and measurements that the papers' claims ask for, each one a command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STEPS = 9_000
SIZES = (2_500, 10_000, 40_000, 160_000)
SEEDS = (1, 2)
KEPT = "90,270,900,2700"
TOKENIZER = "bert6-narrow-wikipedia"
NARROW = f"--recipe narrow --tokenizer {TOKENIZER} --heads none --no-sentences --no-untrained"
PROTOCOL = "--epochs 8 --learning-rate 5e-4 --sequence-length 64 --seeds 3 --pooling cls"
PROTOCOL += " --pooling mean --no-group-by-length"
TASKS = {
    "dbpedia_14": "--data DBPEDIA --train-per-class 40 --test-per-class 50",
    "fewrel": "--data FEWREL --train-per-class 20 --test-per-class 20",
    "ag_news": "--data AG_NEWS --text-column content --train-per-class 250 --test-per-class 250",
}


@dataclass(frozen=True)
class Piece:
    """One command of `hf-apt`, the folder it writes to, and what has to be there before it."""

    study: str
    name: str
    command: str
    needs: tuple[str, ...] = ()

    @property
    def task(self) -> str | None:
        """The task that a model is fine-tuned on; None where one is trained."""
        words = self.command.split()
        return words[words.index("--task") + 1] if words[0] == "finetune" else None

    @property
    def folder(self) -> str:
        """Name of the folder: that of the model, in which its tasks are kept as well."""
        return (self.needs or (self.name,))[0]


def pieces() -> Iterator[Piece]:
    """All pieces, in the order in which they are to be done."""
    for seed in SEEDS:
        for size in SIZES:
            yield from _corpus_size(size, seed)
    yield from _committees()


def _corpus_size(size: int, seed: int) -> Iterator[Piece]:
    name = f"size-{size}-seed-{seed}"
    command = f"run TEXT {NARROW} --max-documents {size} --steps {STEPS} --seed {seed} --task none"
    yield Piece("corpus size", name, f"{command} --keep-at {KEPT}")
    yield from _tasks("corpus size", name, untrained=(size, seed) == (SIZES[0], SEEDS[0]))


def _committees() -> Iterator[Piece]:
    for seed in range(1, 7):
        command = f"run TEXT {NARROW} --num-blocks 1 --max-documents {SIZES[-1]} --steps {STEPS}"
        yield Piece("committees", f"shallow-seed-{seed}", f"{command} --seed {seed}")


def _tasks(study: str, model: str, *, untrained: bool) -> Iterator[Piece]:
    for task, data in TASKS.items():
        twin = " --untrained" if untrained else ""
        command = f"finetune FOLDER/{model}/checkpoint --task {task} {data} {PROTOCOL}{twin}"
        yield Piece(study, f"{model}-{task}", command, (model,))
