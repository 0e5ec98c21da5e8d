"""Tokens a second of pre-training and of measuring, on one process and on two of one core each.

On a machine with other work, or with fewer cores than processes, it says little: no bar.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import Tokens
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from hf_apt.models.fresh import new_model
from hf_apt.runs.recipes import narrow_recipe
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrainer

from .expecting import _random_tokens

_NUMBERS = (1, 2)
_STEPS, _BATCH_SIZE = 40, 16
_CONFIG = replace(narrow_recipe(CorpusSource(name="x")), vocab_size=8192)


def run() -> bool:
    """True: there is no bar."""
    speeds: dict[int, dict[str, float]] = {}
    with _random_tokens(_CONFIG) as tokens, tempfile.TemporaryDirectory() as folder:
        for number in _NUMBERS:
            launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={number}"]
            place = [str(Path(str(tokens.ids.filename)).parent), str(Path(folder) / str(number))]
            done = subprocess.run(
                [sys.executable, *launch, "-m", "tests.benchmarks.scaling", *place],
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise RuntimeError(done.stderr[-2000:])
            speeds[number] = json.loads(Path(f"{place[1]}.json").read_text())
    for name in speeds[1]:
        figures: dict[str, object] = {
            "benchmark": f"{name}, 6 x 128, V 8,192: tokens/s by processes",
            "cores": len(os.sched_getaffinity(0)),
        }
        figures |= {str(number): round(speeds[number][name]) for number in _NUMBERS}
        figures["ratio"] = round(speeds[2][name] / speeds[1][name], 3)
        print(json.dumps(figures), flush=True)
    return True


def _timed(tokens: Tokens, folder: Path) -> dict[str, float]:
    """Tokens a second of wall time, over all processes, after a first call of each."""
    asked = PretrainConfig(
        num_steps=_STEPS, batch_size=_BATCH_SIZE, save_every=10**6, num_validation_sequences=8
    )
    model = new_model(_CONFIG.shape, tokens, seed=0)
    pretrainer(model, tokens, tokens, replace(asked, num_steps=2), folder / "first").train()
    # The Trainer leaves a model wrapped and on its device: take the second one fresh.
    model = new_model(_CONFIG.shape, tokens, seed=0)
    trained = pretrainer(model, tokens, tokens, asked, folder / "second").train()
    length = tokens.description.sequence_length
    training = _STEPS * _BATCH_SIZE * length / trained.metrics["train_runtime"]
    trunk = Trunk(new_model(_CONFIG.shape, tokens, seed=0)).prepare()
    readers = {"own_head": OwnHead(trunk)}
    measure(trunk, tokens, readers, MeasureConfig(num_sequences=128))
    process_state().wait_for_everyone()
    start = time.perf_counter()
    measure(trunk, tokens, readers, MeasureConfig())
    return {
        "pre-training": training,
        "measuring": len(tokens) * length / (time.perf_counter() - start),
    }


if __name__ == "__main__":
    process_state()
    found = _timed(Tokens(sys.argv[1]), Path(sys.argv[2]))
    if process_state().is_main_process:
        Path(f"{sys.argv[2]}.json").write_text(json.dumps(found))
