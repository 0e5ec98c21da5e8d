"""`python -m tests.attacks.corrupted`: every file of a run's folder, damaged in every way.

Before each trial, what came after a stage is deleted, so that the same command reads the damaged
file. A trial ends as one of these, of which the last three are faults:

- healed: the figures are those of a run left alone, and the file is whole again;
- unread: the figures are those of a run left alone, and the file was not read;
- named: refused by a sentence with the name of the file;
- unnamed, a traceback, or silent: the command ended well with other figures.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .small_run import SMALL, content, differences, end, start

Damage = Callable[[Path], None]

_FIGURES = ("summary.json", "report.html")
_TASKS = (*_FIGURES, "finetune")
_COUNTED = (*_TASKS, "counts", "measures", "model.json")
_TRAINED = (*_COUNTED, "heads", "training/heads")
_TOKENS = (*_TRAINED, "checkpoint", "training.json")
AFTER = {
    "tokenised": (*_TOKENS, "training"),
    "training": _TOKENS,
    "trained": _TRAINED,
    "heads": _COUNTED,
    "counted": _TASKS,
    "finished": _FIGURES,
}
"""What is deleted for each stage."""


def halved(path: Path) -> None:
    """Cut to half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    """Cut to nothing."""
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    """Another bit in the middle."""
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 4
    path.write_bytes(changed)


def removed(path: Path) -> None:
    """Missing."""
    path.unlink()


def doubled(path: Path) -> None:
    """Twice its content."""
    path.write_bytes(path.read_bytes() * 2)


def as_text(text: str, path: Path) -> None:
    """Another text."""
    path.write_text(text, encoding="utf-8")


def with_keys(changes: dict[str, Any], path: Path) -> None:
    """Other values of some keys of a JSON object; None takes a key away."""
    read = json.loads(path.read_text(encoding="utf-8")) | changes
    text = json.dumps({key: value for key, value in read.items() if value is not None})
    path.write_text(text, encoding="utf-8")


def shorter(path: Path) -> None:
    """A JSON list of its first ten entries."""
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))[:10]))


def with_arrays(change: Callable[[np.ndarray], np.ndarray], path: Path) -> None:
    """Every array of a `.npz` file changed."""
    with np.load(path) as read:
        arrays = {name: change(read[name]) for name in read.files}
    np.savez_compressed(path, allow_pickle=False, **arrays)


GENERAL: tuple[Damage, ...] = (halved, emptied, flipped, removed)
LIST, OBJECT = (partial(as_text, text) for text in ("[]", "{}"))
TEXT: tuple[Damage, ...] = (halved, emptied, removed, LIST, OBJECT)
COUNTS: tuple[Damage, ...] = (
    *(partial(with_arrays, change) for change in (np.negative, np.flip, lambda array: array * 2)),
    *(
        partial(with_arrays, change)
        for change in (lambda array: array[:-1] if array.ndim else array, lambda array: array * 1.0)
    ),
)

TRIALS: tuple[tuple[str, str, tuple[Damage, ...]], ...] = (
    ("tokenised", "config.json", TEXT),
    ("tokenised", "tokenizer/tokenizer.json", GENERAL),
    ("tokenised", "tokens/train/ids.bin", (*GENERAL, doubled)),
    ("tokenised", "tokens/train/starts.npy", GENERAL),
    ("tokenised", "tokens/validation/text.json", TEXT),
    ("tokenised", "tokens/validation/ids.bin", (*GENERAL, doubled)),
    (
        "tokenised",
        "tokens/train/description.json",
        (
            *TEXT,
            *(partial(with_keys, {"mask_id": value}) for value in (0, 10**6, None)),
            *(partial(with_keys, {"vocab_size": value}) for value in (10, 10**9, None)),
            partial(with_keys, {"sequence_length": 16}),
        ),
    ),
    ("tokenised", "vocabulary.json", (*TEXT, shorter)),
    ("tokenised", "frequency.npy", GENERAL),
    ("tokenised", "planted.npy", GENERAL),
    ("tokenised", "fingerprints.json", TEXT),
    ("training", "training/checkpoint-30/model.safetensors", GENERAL),
    ("training", "training/checkpoint-30/optimizer.pt", GENERAL),
    ("training", "training/checkpoint-30/scheduler.pt", GENERAL),
    ("training", "training/checkpoint-30/rng_state.pth", GENERAL),
    ("training", "training/checkpoint-30/training_args.bin", GENERAL),
    ("training", "training/checkpoint-30/config.json", TEXT),
    ("training", "training/checkpoint-30/SHA256SUMS", GENERAL),
    (
        "training",
        "training/checkpoint-30/trainer_state.json",
        (*TEXT, partial(with_keys, {"global_step": 3})),
    ),
    ("trained", "checkpoint/model.safetensors", GENERAL),
    (
        "trained",
        "checkpoint/config.json",
        (
            *TEXT,
            *(partial(with_keys, {"num_hidden_layers": value}) for value in (0, 1, 10**7)),
            *(partial(with_keys, {"num_attention_heads": value}) for value in (1, 4)),
            partial(with_keys, {"layer_norm_eps": 0.5}),
            partial(with_keys, {"hidden_size": 10**8}),
        ),
    ),
    ("trained", "training.json", TEXT),
    ("heads", "heads/linear_head.safetensors", GENERAL),
    ("heads", "heads/mlm_head.safetensors", GENERAL),
    ("counted", "model.json", (*TEXT, partial(as_text, '{"name": NaN}'))),
    ("counted", "counts/own_head.npz", (*GENERAL, *COUNTS)),
    ("counted", "counts/bayes.npz", (*GENERAL, *COUNTS)),
    ("counted", "measures/own_head-cross_entropy.npz", (*GENERAL, *COUNTS)),
    ("finished", "finetune/planted.json", (*TEXT, partial(with_keys, {"models": None}))),
    ("finished", "finetune/planted-seed-0.json", TEXT),
    ("finished", "finetune/planted-inputs.npz", GENERAL),
    ("finished", "finetune/planted/model.safetensors", GENERAL),
)


def called(damage: Damage) -> str:
    """What a damage is called in a line."""
    if isinstance(damage, partial):
        return f"{damage.func.__name__} {getattr(damage.args[0], '__name__', damage.args[0])}"
    return getattr(damage, "__name__", str(damage))


def outcome(
    reference: dict[str, Any], kept: Path, folder: Path, trial: tuple[str, str, Damage]
) -> tuple[str, str]:
    """How the command ends after one damage, in one word, and what it said last."""
    stage, name, damage = trial
    shutil.copytree(kept, folder)
    for later in AFTER[stage]:
        path = folder / later
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path = folder / name
    damage(path)
    damaged = path.read_bytes() if path.exists() else None
    said = folder.with_name("said")
    process = multiprocessing.get_context("fork").Process(target=_again, args=(folder, said))
    process.start()
    process.join(300)
    if process.exitcode is None:
        process.kill()
        return "hangs", ""
    text = said.read_text(encoding="utf-8", errors="replace")
    last = text.strip().splitlines()[-1] if text.strip() else ""
    if process.exitcode:
        if "Traceback" in text:
            return "a traceback", last
        is_named = any(part in " ".join(text.split()) for part in (path.name, path.parent.name))
        return ("named" if is_named else "unnamed"), last
    others = [other for other in differences(reference, folder) if other != name]
    if others:
        return "silent", f"{others[:4]} of {len(others)} differ"
    now = path.read_bytes() if path.exists() else None
    return ("unread" if now == damaged else "healed"), ""


def _again(folder: Path, said: Path) -> None:
    """Give the small run's command again for `folder`; what it says goes to the file `said`."""
    from hf_apt.cli import main

    with said.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder.parent)
    sys.argv = ["hf-apt", *SMALL.split(), "-o", folder.name]
    main()


def trials(chosen: list[str]) -> Iterator[tuple[str, str, Damage]]:
    """Every stage with a file of it and a damage, of the files whose names hold one of `chosen`."""
    for stage, name, damages in TRIALS:
        if any(part in name for part in chosen):
            yield from ((stage, name, damage) for damage in damages)


def main() -> None:
    """Damage the files whose names hold one of the arguments, or all."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="hf_apt-corrupted-") as scratch:
        kept = Path(scratch) / "kept" / "run"  # as in every trial: records hold the name
        kept.parent.mkdir()
        code, error = end(start(kept))
        if code:
            sys.exit(f"the run that is left alone fails: {error}")
        reference = content(kept)
        # What every trial imports, once.
        import transformers  # noqa: F401

        import hf_apt.runs.pipeline
        import hf_apt.training.pretraining  # noqa: F401

        ends: Counter[str] = Counter()
        for number, trial in enumerate(trials(sys.argv[1:] or [""])):
            folder = Path(scratch) / f"{number}" / "run"
            folder.parent.mkdir()
            word, said = outcome(reference, kept, folder, trial)
            ends[word] += 1
            stage, name, damage = trial
            print(f"{word}: {name} {called(damage)} ({stage}). {said}", flush=True)
            shutil.rmtree(folder.parent)
    print(", ".join(f"{word} {num}" for word, num in ends.most_common()))
    sys.exit(any(word not in ("healed", "unread", "named") for word in ends))


if __name__ == "__main__":
    main()
