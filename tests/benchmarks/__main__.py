"""`python -m tests.benchmarks [name ...]`: exit status 1 if a ratio is below its bar."""

import sys
from importlib import import_module

import torch

NAMES = (
    "training",
    "attention",
    "finetuning",
    "measuring",
    "heads",
    "counting",
    "growth",
    "clustering",
    "reducing",
    "loading",
    "callback",
    "series",
    "metrics",
    "importing",
    "expecting",
    "scaling",
)


def main(names: list[str]) -> int:
    """Run the benchmarks named, or all."""
    torch.set_num_threads(1)
    results = [import_module(f"tests.benchmarks.{name}").run() for name in names or NAMES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
