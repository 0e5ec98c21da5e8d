"""One law: a run is the same on one process, on two machines, and with its weights sharded.

Two machines are two calls of torchrun, which meet on the loopback as they would in a network.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from workers.chain import config

from hf_apt.data.tokenizer import SPECIAL_TOKENS
from hf_apt.data.tokens import Tokens
from hf_apt.depths.decoded import SweepingDecoder
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.loading import load_masked_lm
from hf_apt.ownership import MARKER
from hf_apt.records.run import Run
from hf_apt.runs.pipeline import run_all

WORKER = Path(__file__).parents[1] / "support/workers" / "chain.py"
SHARDED = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_TRANSFORMER_CLS_TO_WRAP": "BertLayer",
    "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
}
"""What the command of docs/scale.md sets."""


@pytest.fixture(scope="module")
def text(documents, tmp_path_factory) -> list[str]:
    """A file of text and one of a vocabulary."""
    folder = tmp_path_factory.mktemp("text")
    (folder / "text.txt").write_text(
        "\n\n".join(f"{text} w{n}" for n, text in enumerate(documents))
    )
    words = [f"w{number}" for number in range(60)]
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL_TOKENS, *words]) + "\n")
    return [str(folder / "text.txt"), str(folder / "vocab.txt")]


def started(launch: list[str], arguments: list[str], **variables: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", *launch, str(WORKER), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | variables,
    )


def ended(*processes: subprocess.Popen) -> None:
    for process in processes:
        out, _ = process.communicate(timeout=300)
        assert process.returncode == 0, out[-4000:]


@pytest.fixture(scope="module")
def alone(text, tmp_path_factory) -> Run:
    return run_all(config(*text), tmp_path_factory.mktemp("alone") / "run")


@pytest.fixture(scope="module")
def two_machines(text, tmp_path_factory) -> Run:
    """Each with one process, on one file system."""
    folder = tmp_path_factory.mktemp("two-machines") / "run"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = ["--nnodes=2", "--nproc_per_node=1", "--master_addr=127.0.0.1"]
    together.append(f"--master_port={port}")
    ended(
        *(
            started([*together, f"--node_rank={machine}"], [*text, str(folder)])
            for machine in range(2)
        )
    )
    return Run(folder)


@pytest.fixture(scope="module")
def sharded(text, tmp_path_factory) -> Run:
    """Two processes, each with half of the weights."""
    folder = tmp_path_factory.mktemp("sharded") / "run"
    shard(text, folder)
    return Run(folder)


def shard(text: list[str], folder: Path) -> None:
    launch = ["--standalone", "--nproc_per_node=2"]
    ended(started(launch, [*text, str(folder), "sharded"], **SHARDED))


def files(run: Run, folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.path(folder).rglob("*") if path.is_file()}


def losses(run: Run) -> dict[str, float]:
    state = max(run.folder.glob("training/checkpoint-*/trainer_state.json"))
    return {
        f"{entry['step']}.{name}": entry[name]
        for entry in json.loads(state.read_text())["log_history"]
        for name in ("loss", "eval_loss")
        if name in entry
    }


def assert_same_run(found: Run, expected: Run) -> None:
    """The same text and files; what was learnt is the same but for rounding."""
    for side in ("train", "validation"):
        assert files(found, f"tokens/{side}") == files(expected, f"tokens/{side}")
    names = [{path.name for path in run.folder.iterdir()} for run in (found, expected)]
    assert names[0] == names[1]
    assert {path.name for path in found.folder.rglob(".*")} == {MARKER}
    assert files(found, "checkpoint").keys() == files(expected, "checkpoint").keys()
    assert losses(found).keys() == losses(expected).keys()
    assert sum(name.endswith(".loss") for name in losses(found)) == 8
    for name, loss in losses(expected).items():
        tolerance = 1e-5 if name.endswith(".loss") else 1e-2  # as in test_equivalence
        assert losses(found)[name] == pytest.approx(loss, rel=tolerance), name
    weights, wanted = (
        load_file(it.path("checkpoint/model.safetensors")) for it in (found, expected)
    )
    assert weights.keys() == wanted.keys()
    for name, weight in wanted.items():
        torch.testing.assert_close(weights[name], weight, rtol=1e-3, atol=1e-4, msg=name)


def assert_counted_right(run: Run, text: list[str]) -> None:
    """The counts of the run are those of one process that measures its checkpoint and heads."""
    trunk = Trunk(load_masked_lm(str(run.path("checkpoint"))))
    heads = DepthHeads.load(run.path("heads/linear_head.safetensors"), "linear_head")
    readers: dict[str, SweepingDecoder] = {"own_head": OwnHead(trunk), "linear_head": heads}
    asked = config(*text).measure
    readouts = measure(trunk, Tokens(run.path("tokens/validation")), readers, asked)
    for name, readout in readouts.items():
        expected = readout.counts
        found = run.counts(name)
        assert expected.at(0).total > 50
        for depth in range(3):
            one, other = found.at(depth), expected.at(depth)
            assert (one.keys == other.keys).all()
            assert (one.counts == other.counts).all()


@pytest.mark.slow
def test_two_machines_make_the_run_of_one_process(two_machines, alone, text):
    assert_same_run(two_machines, alone)
    assert_counted_right(two_machines, text)
    names = {path.name for path in two_machines.folder.glob("training/checkpoint-8/rng_state*")}
    assert names == {"rng_state_0.pth", "rng_state_1.pth"}


@pytest.mark.slow
def test_sharded_weights_make_the_run_of_one_process(sharded, alone, text):
    assert_same_run(sharded, alone)
    assert_counted_right(sharded, text)


@pytest.mark.slow
def test_weights_were_sharded(sharded):
    """Else nothing would have been tested above."""
    names = {path.name for path in sharded.path("training/checkpoint-8").iterdir()}
    assert "pytorch_model_fsdp.bin" in names


@pytest.mark.slow
def test_a_sharded_run_goes_on_from_its_checkpoint(sharded, text, tmp_path):
    """Killed after step 7: the last checkpoint is of step 6."""
    folder = tmp_path / "run"
    shutil.copytree(sharded.folder, folder)
    for name in ("checkpoint", "training/checkpoint-8", "counts", "heads"):
        shutil.rmtree(folder / name)
    for name in ("training.json", "model.json", "summary.json", "report.html"):
        (folder / name).unlink()
    shard(text, folder)
    assert losses(Run(folder)) == losses(sharded)
    assert files(Run(folder), "checkpoint") == files(sharded, "checkpoint")


# What is refused, and the command.


def test_the_first_version_of_fsdp_is_refused():
    from types import SimpleNamespace

    from hf_apt.training.sharding import is_sharded

    plugin = SimpleNamespace(fsdp_version=1)
    accelerator = SimpleNamespace(state=SimpleNamespace(fsdp_plugin=plugin))
    trainer = SimpleNamespace(is_fsdp_enabled=True, accelerator=accelerator)
    with pytest.raises(ValueError, match="version 1 is not supported: add --fsdp_version 2"):
        is_sharded(trainer)  # pyright: ignore[reportArgumentType]


def test_the_command_of_the_documentation_sets_what_is_tested():
    """As accelerate's launcher reads it; without graphics cards it would start nothing."""
    import re
    import shlex

    from accelerate.commands.launch import launch_command_parser
    from accelerate.utils.launch import prepare_multi_gpu_env

    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()
    command = re.search(r"^accelerate launch (.*--use_fsdp(?:.*\\\n)*.*)$", page, re.M)
    assert command
    words = shlex.split(command[1].replace("\\\n", " ").replace("...", ""))
    arguments = launch_command_parser().parse_args(words)
    # What the launcher fills in where there is no configuration file.
    for name, value in (("num_machines", 1), ("mixed_precision", "no"), ("dynamo_backend", "no")):
        setattr(arguments, name, value)
    arguments.gpu_ids = "all"
    variables = prepare_multi_gpu_env(arguments)
    assert {name: variables.get(name) for name in SHARDED} == SHARDED
