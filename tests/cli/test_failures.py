"""What a user can mend is one sentence and an exit code, before the first byte; a bug is not."""

import errno
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hf_apt.cli.failures import failure_of, require_folder_possible, writes_into, writes_nothing
from hf_apt.training.interruption import Stopped

CODES = (
    *("EEXIST", "ENOTDIR", "EISDIR", "ENOENT", "ELOOP", "ENAMETOOLONG", "EIO", "ESTALE"),
    *("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EMFILE"),
)


@pytest.fixture(autouse=True)
def _no_output():
    writes_nothing()
    yield
    writes_nothing()


def told(error: BaseException) -> str:
    failure = failure_of(error)
    assert failure is not None
    assert failure.code == 2
    assert "\n" not in failure.sentence
    return failure.sentence


def raised(function, *arguments) -> BaseException:
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("name", CODES)
def test_every_error_of_the_system_names_its_file(name) -> None:
    number = getattr(errno, name)
    sentence = told(OSError(number, os.strerror(number), "the/file"))
    assert os.strerror(number) in sentence
    assert "the/file" in sentence


@pytest.mark.parametrize("name", CODES)
def test_without_a_file_it_names_the_output(name, tmp_path) -> None:
    writes_into(tmp_path / "run")
    number = getattr(errno, name)
    assert str(tmp_path / "run") in told(OSError(number, os.strerror(number)))


def test_a_full_disk_says_how_much_is_free_there(tmp_path) -> None:
    writes_into(tmp_path / "run")
    sentence = told(OSError(errno.ENOSPC, "No space left on device"))
    assert " MiB free" in sentence
    assert "goes on from here" in sentence


def test_a_broken_pipe_is_left_to_click() -> None:
    assert failure_of(BrokenPipeError(errno.EPIPE, "Broken pipe")) is None


def test_a_missing_package_comes_with_its_pip_line() -> None:
    missing = ModuleNotFoundError("No module named 'sklearn.svm'", name="sklearn.svm")
    assert "pip install scikit-learn" in told(missing)
    tracker = RuntimeError("WandbCallback requires wandb to be installed. Run `pip install wandb`.")
    assert "pip install wandb" in told(tracker)
    assert failure_of(ImportError("cannot import name 'x'", name="hf_apt.stats")) is None


def test_files_that_are_broken_are_told(tmp_path) -> None:
    from safetensors.numpy import load_file

    path = tmp_path / "file"
    path.write_bytes(b"")
    errors = [raised(np.load, path)]
    path.write_bytes(b"no file of tensors")
    errors += [raised(load_file, path), raised(zipfile.ZipFile, path)]
    writes_into(tmp_path)
    for error in errors:
        sentence = told(error)
        assert "broken or cut off" in sentence
        assert str(tmp_path) in sentence


def test_memory_that_is_used_up_says_what_to_lower() -> None:
    import torch

    errors = [
        raised(np.empty, 2**55),
        raised(torch.empty, 2**55),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    ]
    for error in errors:
        assert "smaller --batch-size" in told(error)


def test_signals_have_their_exit_codes() -> None:
    for signum, code, name in ((15, 143, "SIGTERM"), (1, 129, "SIGHUP")):
        failure = failure_of(Stopped(signum))
        assert failure is not None
        assert failure.code == code
        assert failure.sentence == f"stopped by {name}; the same command goes on from here."
    interrupted = failure_of(KeyboardInterrupt())
    assert interrupted is not None
    assert interrupted.code == 130


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_in_any_phase_is_a_sentence(call, tmp_path, monkeypatch, signum, code) -> None:
    """In the middle of tokenising, where there is no checkpoint to save."""
    from hf_apt.data import tokens

    before = signal.getsignal(signum)
    monkeypatch.setattr(tokens, "fingerprint", lambda *_, **__: signal.raise_signal(signum))
    lines = [f'{{"text": "one two three four five w{number}"}}' for number in range(1500)]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines))
    ended, _, error = call(
        *("run", tmp_path / "texts.jsonl", "--vocab-size=100", "--sequence-length=8"),
        *("--layout=first", "--steps=2", "-o", tmp_path / "run"),
    )
    assert ended == code, error
    name = signal.Signals(signum).name
    assert error.splitlines()[-1] == (
        f"hf-apt: stopped by {name}; the same command goes on from here."
    )
    assert "Traceback" not in error
    assert signal.getsignal(signum) == before


# What gloo, NCCL and torch's stores say, word for word but for what is left out.
LOST = [
    "[gloo/transport/tcp/pair.cc:537] Read error [127.0.0.1]:4485: Connection reset by peer. This",
    "[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:4485. This is",
    "[gloo/transport/tcp/pair.cc:444] writev [127.0.0.1]:4485: Broken pipe",
]
SILENT = [
    "[gloo/transport/tcp/unbound_buffer.cc:78] Timed out waiting 5000ms for recv operation to",
    "[gloo/transport/tcp/unbound_buffer.cc:119] Timed out waiting 5000ms for send operation to",
    "[gloo/transport/tcp/pair.cc:538] Application timeout caused pair closure",
    "Gloo connectFullMesh failed with [gloo/transport/tcp/pair.cc:144] timed out connecting: SO",
]


def of_torch(name: str, words: str) -> RuntimeError:
    import torch.distributed

    return getattr(torch.distributed, name)(words)


def lost(error: BaseException) -> str:
    failure = failure_of(error)
    assert failure is not None
    assert failure.code == 1
    return failure.sentence


def test_a_lost_process_is_a_sentence() -> None:
    errors = [RuntimeError(words) for words in LOST]
    errors.append(of_torch("DistNetworkError", "failed to recv, got 0 bytes"))
    errors.append(of_torch("DistBackendError", "NCCL error: ncclRemoteError: A call failed"))
    for error in errors:
        assert lost(error) == (
            "another process of this run was lost; the same command goes on from what was saved "
            "last."
        )


def test_a_process_that_does_not_answer_is_a_sentence_with_the_time(monkeypatch) -> None:
    monkeypatch.setenv("HF_APT_PATIENCE", "5")
    errors = [RuntimeError(words) for words in SILENT]
    errors.append(of_torch("DistStoreError", "wait timeout after 5000ms, keys: /default_pg/0"))
    timed_out = "The client socket has timed out after 5000ms while trying to connect to (host, 1)"
    errors.append(of_torch("DistNetworkError", timed_out))
    for error in errors:
        assert "has not answered for 5 seconds, as long as HF_APT_PATIENCE lets" in lost(error)


def test_processes_that_do_not_reach_one_another_say_why() -> None:
    used = "The server socket has failed to listen on any local network address. EADDRINUSE"
    assert used in lost(of_torch("DistNetworkError", used))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Connection reset by peer"),
        of_torch("DistBackendError", "NCCL error: invalid usage, duplicate GPU detected"),
    ],
)
def test_what_no_other_process_has_brought_about_keeps_its_traceback(error) -> None:
    assert failure_of(error) is None


@pytest.mark.parametrize("error", [KeyError("corpus"), TypeError("x"), RuntimeError("y")])
def test_a_bug_keeps_its_traceback(error) -> None:
    assert failure_of(error) is None
    assert failure_of(SystemExit(1)) is None


# Folders.


def test_a_folder_that_can_be_made_leaves_nothing(tmp_path) -> None:
    require_folder_possible(tmp_path)
    require_folder_possible(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


def impossible(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "astray").symlink_to("nowhere")
    return {
        "file": tmp_path / "file",
        "below a file": tmp_path / "file" / "sub",
        "loop": tmp_path / "loop",
        "astray": tmp_path / "astray",
        "long": tmp_path / ("x" * 300),
        "proc": Path("/proc/nothing"),
    }


KINDS = ("file", "below a file", "loop", "astray", "long", "proc")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "command",
    [
        ["run", "planted"],
        ["pretrain", "planted"],
        ["measure", "bert6-narrow-wikipedia", "sotu"],
        ["finetune", "bert6-narrow-wikipedia"],
        ["committee", "bert6-narrow-wikipedia"],
        ["compare", "."],
    ],
    ids=lambda command: command[0],
)
def test_an_impossible_output_is_refused_at_once(call, tmp_path, kind, command) -> None:
    if kind == "proc" and not Path("/proc").exists():
        pytest.skip("no /proc")
    folder = impossible(tmp_path)[kind]
    before = sorted(tmp_path.rglob("*"))
    code, out, error = call(*command, "-o", folder)
    assert (code, out) == (2, "")
    assert error.startswith("hf-apt: ")
    assert error.count("\n") == 1
    assert "choose another --output" in error
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "mine"


# The table of bad inputs.

RUN = ("run", "planted", "--steps=2", "--task=none")
NARROW = ("run", "x/y", "--steps=2")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((*RUN, "--masking-rate=1.5"), "masking_rate must lie between 0 and 1, got 1.5"),
        ((*RUN, "--masking-rate=-0.1"), "masking_rate"),
        ((*RUN, "--masking-rate=0"), "masking_rate"),
        ((*RUN, "--masking-rate=nan"), "got nan"),
        ((*RUN, "--learning-rate=inf"), "learning_rate must be a finite number above 0, got inf"),
        ((*RUN, "--learning-rate=0"), "learning_rate"),
        ((*RUN, "--seed=-1"), "seed must be a whole number from 0 to"),
        ((*RUN, f"--seed={10**20}"), "seed must be a whole number from 0 to"),
        ((*RUN, "--hidden-size=18", "--num-heads=4"), "18 is no multiple of 4"),
        ((*NARROW, "--hidden-size=15", "--num-heads=3"), "choose an even --hidden-size"),
        ((*RUN, "--compile", "--compile-mode=nosuch"), "choose one of default"),
        ((*RUN, "--compile-mode=default"), "add --compile"),
        ((*RUN, "--report-to=nosuch"), "there is no tracker 'nosuch'"),
        ((*RUN, "--batch-size=6", "--accumulation-steps=4"), "cannot be divided into 4"),
        (("run", "planted", "--sequence-length=16"), "reads texts of 32 tokens"),
        (("pretrain", "planted", "--report-to=nosuch"), "there is no tracker"),
        (("measure", "nosuch", "sotu"), "there is no checkpoint 'nosuch'"),
        (("finetune", "nosuch", "--task=fewrel"), "there is no checkpoint 'nosuch'"),
        (("finetune", "./nosuch", "--task=fewrel"), "there is no checkpoint folder './nosuch'"),
        (("finetune", "bert6-narrow-wikipedia", "--learning-rate=nan"), "learning_rate"),
        (("finetune", "bert6-narrow-wikipedia", "--seed=4294967295", "--seeds=2"), "seed"),
        (("committee", "nosuch", "--task=fewrel"), "there is no checkpoint 'nosuch'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_bad_input_is_one_sentence_and_makes_no_file(call, tmp_path, arguments, named) -> None:
    code, out, error = call(*arguments, "-o", tmp_path / "out")
    assert (code, out) == (2, ""), error
    lines = error.splitlines()
    if len(lines) == 1:
        assert lines[0].startswith("hf-apt: ")
        assert named in lines[0]
    else:  # typer's own, which has the usage above it
        assert named.split()[0].replace("_", "-") in error
    assert not list(tmp_path.iterdir())


def test_a_foreign_folder_is_no_run_and_nothing_heavy_is_imported(call, tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    code, _, error = call("report", tmp_path)
    assert code == 2
    assert "is no hf_apt run" in error
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    code = (
        "import sys; from hf_apt import cli\n"
        "try: cli.main()\n"
        "except SystemExit as stop: print(stop.code)\n"
        "print(sorted({'torch', 'transformers', 'datasets', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "report", tmp_path], capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["2", "[]"], done.stderr


@pytest.mark.parametrize("command", ["lens", "check", "rates", "score", "similarity"])
def test_what_keeps_nothing_is_said_to_start_anew(
    call, checkpoint, command, documents, tmp_path, monkeypatch
) -> None:
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    text = tmp_path / "text.txt"
    text.write_text("\n".join(documents))
    arguments = {
        "lens": ["w1 [MASK]", "--model", checkpoint],
        "check": [checkpoint],
        "similarity": [checkpoint, "--text", text],
    }
    monkeypatch.setattr("hf_apt.models.loading.from_checkpoint", stop)
    code, _, error = call(command, *arguments.get(command, [checkpoint, text]))
    assert code == 130
    assert error.strip().endswith("nothing of it was kept, so that the same command starts over.")
