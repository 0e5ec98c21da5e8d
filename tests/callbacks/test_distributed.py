"""One law: how many processes train changes no figure, no table, and nobody waits in vain."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from workers.callbacks import BROKEN_ROW, DATA, LOADERS, ROWS, trained

from trainer_callbacks.files import StepFiles

pytestmark = pytest.mark.slow


WORKER = Path(__file__).parents[1] / "support/workers" / "callbacks.py"
NUMBERS = (2, 3)
NUM_ROWS = {"prepared batch sampler": 9, "other batches": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Holds, by the number of processes, what each of them wrote down."""
    folder = tmp_path_factory.mktemp("callbacks")
    (folder / "1").mkdir()
    root, support = WORKER.parents[3], WORKER.parents[1]
    done = subprocess.Popen(
        [sys.executable, str(WORKER), str(folder), *map(str, NUMBERS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{root}{os.pathsep}{support}"},
    )
    trained(str(folder / "1"))
    said, _ = done.communicate(timeout=300)
    assert done.returncode == 0, said
    return folder


def told(folder: Path, number: int, rank: int) -> dict[str, Any]:
    return json.loads((folder / str(number) / f"{rank}-of-{number}.json").read_text())


def tables(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*/*-step-*")):
        name = f"{path.parent.name}/{path.name}"
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                found[name] = {key: arrays[key].tolist() for key in arrays.files}
        elif path.suffix == ".json":
            found[name] = json.loads(path.read_text())
    return found


def without_epoch(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An epoch is fewer steps of more processes."""
    return [{n: v for n, v in entry.items() if n != "epoch"} for entry in entries]


@pytest.mark.parametrize("kind", ["good", "broken"])
@pytest.mark.parametrize("number", NUMBERS)
def test_every_process_logs_the_figures_of_one(number, kind, folder):
    alone = told(folder, 1, 0)[kind]
    assert len(alone["scalars"]) == 2 * (2 * 2 if kind == "good" else 2) + 2
    assert sum("eval_listed_linear_head_mean_apt" in entry for entry in alone["scalars"]) == 1
    for rank in range(number):
        found = told(folder, number, rank)[kind]
        assert without_epoch(found["scalars"]) == without_epoch(alone["scalars"])
        assert found["warnings"] == alone["warnings"]
        # Nothing grows at a learning rate of 0: all stop together.
        assert found["step"] == alone["step"] == 2


@pytest.mark.parametrize("kind", ["good", "broken"])
@pytest.mark.parametrize("number", NUMBERS)
def test_tables_hold_the_integers_of_one(number, kind, folder):
    alone = tables(folder / "1" / kind)
    assert len(alone) == 2 * (8 if kind == "good" else 4) + 4
    assert tables(folder / str(number) / kind) == alone
    for name in DATA:
        assert StepFiles(folder / str(number) / kind / "apt").steps(f"eval_{name}") == [1, 2]
        support = alone[f"apt/eval_{name}-step-00000001.npz"]["support"]
        assert sum(support) > 20


@pytest.mark.parametrize("number", [1, *NUMBERS])
def test_every_file_is_written_once_and_by_the_main_process(number, folder):
    named = [told(folder, number, rank)["named"] for rank in range(number)]
    ours = [[path for path in of_rank if "-step-" in path] for of_rank in named]
    assert set(Counter(ours[0]).values()) == {1}
    # Tables and pictures, of heads too; of confusion where the last block has answered.
    assert len(ours[0]) == (16 + 8) + (8 + 4) + 2 * (4 + 2)
    assert ours[1:] == [[]] * (number - 1)


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("number", NUMBERS)
def test_whatever_serves_the_rows_they_are_counted_once(number, name, folder):
    alone = told(folder, 1, 0)["loaders"][name]
    assert alone["eval_num_positions"] == sum(
        label != -100 for row in ROWS[: NUM_ROWS.get(name, 23)] for label in row["labels"]
    )
    for rank in range(number):
        found = told(folder, number, rank)["loaders"][name]
        # Which batches are the same in each process cannot be told.
        assert found == ({} if name == "other batches" else pytest.approx(alone, nan_ok=True))


@pytest.mark.parametrize("number", [1, *NUMBERS])
def test_what_one_process_cannot_read_all_warn_of(number, folder):
    found = told(folder, number, number - 1)
    assert found["good"]["warnings"] == []
    sentence = "ConfusionCallback at step {}: input id 99 is outside the vocabulary of 65 tokens."
    of_data = [said for said in found["broken"]["warnings"] if said.startswith("Confusion")]
    assert of_data == [sentence.format(s) for s in (1, 1, 2, 2)]


def test_the_data_cannot_be_shared_equally():
    for num_rows in DATA.values():
        for number in NUMBERS:
            assert num_rows % number
            assert -(-num_rows // 4) % number
    assert {BROKEN_ROW // 4 % number for number in NUMBERS} == {1}
