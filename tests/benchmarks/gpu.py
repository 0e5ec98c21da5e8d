"""What only a graphics card shows: `python -m tests.benchmarks.gpu --output FILE`.

Pre-training, measuring and the head's product at the paper's size, in bfloat16, against the ways of
others, and the float32 arg-max screened in bfloat16; under ten minutes on one H200. It needs torch,
transformers, accelerate and NumPy, a checkout of this project, and no network. `--real` adds a
whole pre-training of 256 M tokens; `--tiny` shows on any processor that all of it runs, and no
more.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import types
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any


class _Shape:
    """Of an annotation."""

    def __class_getitem__(cls, _: Any) -> type:
        return cls


STAND_INS: dict[str, dict[str, Any]] = {
    "jaxtyping": dict.fromkeys(("Bool", "Float", "Int", "Integer", "Int64", "UInt64"), _Shape),
    "wrapt": {"register_post_import_hook": lambda *_: None},
}
"""What hf_apt annotates and registers with, where it is missing: nothing here depends on it."""

PARTS = ("sweeping", "screening", "measuring", "heads", "pretraining")


def main() -> int:
    """Run all of it; exit status 1 if a ratio is below its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, help="a JSON file for the lines")
    parser.add_argument("--real", action="store_true", help="pre-train on 256 M tokens, too")
    parser.add_argument("--tiny", action="store_true", help="show that it runs")
    asked = parser.parse_args()
    stand_in()
    return _run(asked)


def stand_in() -> None:
    """Put empty packages in the place of those that are missing."""
    for package, names in STAND_INS.items():
        try:
            import_module(package)
        except ModuleNotFoundError:
            sys.modules[package] = types.ModuleType(package)
            vars(sys.modules[package]).update(names)


def _run(asked: argparse.Namespace) -> int:
    from .card import data, pretraining, rates, sizes
    from .ratio import LINES

    size = sizes.TINY if asked.tiny else sizes.PAPER
    parts = {name: import_module(f"tests.benchmarks.card.{name}").run for name in PARTS}
    if asked.real:
        parts["a whole pre-training"] = pretraining.run_whole
    about = {"device": sizes.device_name(), "torch": version("torch")}
    passed = []
    with tempfile.TemporaryDirectory() as folder:
        tokens = data.zipfian(Path(folder) / "tokens", size)
        rate = rates.square_rate(size)
        for name, part in parts.items():
            start = time.perf_counter()
            passed.append(part(size, tokens, rate, Path(folder)))
            LINES.append({"benchmark": name, "seconds": round(time.perf_counter() - start, 1)})
            if asked.output:  # what is done stays if a later part fails
                lines = about | {"sizes": asdict(size), "lines": LINES}
                asked.output.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")
    return 0 if all(passed) or asked.tiny else 1


if __name__ == "__main__":
    sys.exit(main())
