"""Laws of ending early: a signal saves first, a training that diverges leaves nothing."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from transformers import TrainerCallback

from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.models.shapes import ModelShape
from hf_apt.runs.pipeline import begin, pretrain_run
from hf_apt.runs.recipes import RunConfig
from hf_apt.training import pretraining
from hf_apt.training.interruption import Stopped, stopping_later, stopping_signals
from hf_apt.training.pretrain_config import PretrainConfig

CONFIG = RunConfig(
    corpus=PlantedCorpus(num_documents=200, num_validation_documents=48),
    sequence_length=16,
    layout="first",
    shape=ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.1),
    pretrain=PretrainConfig(num_steps=8, batch_size=8, save_every=6, num_validation_sequences=8),
)


class Sending(TrainerCallback):
    """Sends this process a signal at the end of a step."""

    def __init__(self, signum: int, step: int):
        self.signum, self.step = signum, step

    def on_step_begin(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        if state.global_step == self.step:
            os.kill(os.getpid(), self.signum)


def trained(folder: Path, config: RunConfig = CONFIG) -> Path:
    """The weights that pre-training leaves in `folder`."""
    run = begin(config, folder)
    pretrain_run(config, run)
    return run.path("checkpoint/model.safetensors")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_raises_and_handlers_are_given_back(signum) -> None:
    before = signal.getsignal(signum)
    with pytest.raises(Stopped) as stopped, stopping_signals():
        os.kill(os.getpid(), signum)
    assert stopped.value.signum == signum
    assert not isinstance(stopped.value, Exception), "what handles errors would keep it"
    assert signal.getsignal(signum) == before


def test_where_it_can_wait_it_is_noted_and_the_second_one_raises() -> None:
    with pytest.raises(Stopped), stopping_signals(), stopping_later() as request:  # noqa: PT012
        os.kill(os.getpid(), signal.SIGTERM)
        assert request.signum == signal.SIGTERM
        os.kill(os.getpid(), signal.SIGTERM)


def test_handlers_of_another_program_are_kept() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping_later():
        assert signal.getsignal(signal.SIGTERM) == before


def test_a_stopped_pretraining_saves_its_step_and_goes_on_to_the_same_weights(
    tmp_path, monkeypatch, capsys
) -> None:
    alone = load_file(trained(tmp_path / "alone"))
    original = pretraining.pretrainer

    def sending(*args: Any, **options: Any) -> Any:
        return original(*args, callbacks=[Sending(signal.SIGTERM, 2)], **options)

    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "pretrainer", sending)
        with pytest.raises(Stopped), stopping_signals():
            trained(tmp_path / "stopped")
    training = tmp_path / "stopped/training"
    assert [path.name for path in training.glob("checkpoint-*")] == ["checkpoint-3"]
    again = load_file(trained(tmp_path / "stopped"))
    assert "goes on from step 3 of 8" in capsys.readouterr().err
    assert all((again[name] == weight).all() for name, weight in alone.items())


def test_a_stopped_pretraining_with_carried_blocks_goes_on_to_the_same_weights(
    tmp_path, monkeypatch, capsys
) -> None:
    """Blocks are carried into the fresh model alone, and not once more into the trained one."""
    trained(tmp_path / "first", replace(CONFIG, pretrain=replace(CONFIG.pretrain, num_steps=1)))
    first = str(tmp_path / "first/checkpoint")
    steps = replace(CONFIG.pretrain, seed=1, blocks_of=first, carried_blocks="1")
    config = replace(CONFIG, pretrain=steps)
    original, taken = pretraining.pretrainer, []

    class Counting(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **event: Any) -> None:
            taken.append(state.global_step)

    def watched(*callbacks: Any) -> Any:
        return lambda *args, **options: original(*args, callbacks=callbacks, **options)

    alone = load_file(trained(tmp_path / "alone", config))
    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "pretrainer", watched(Sending(signal.SIGTERM, 2)))
        with pytest.raises(Stopped), stopping_signals():
            trained(tmp_path / "stopped", config)
        patch.setattr(pretraining, "pretrainer", watched(Counting()))
        again = load_file(trained(tmp_path / "stopped", config))
    assert "goes on from step 3 of 8" in capsys.readouterr().err
    assert taken == [3, 4, 5, 6, 7]
    assert all((again[name] == weight).all() for name, weight in alone.items())
    records = [
        json.loads((tmp_path / each / "training.json").read_text()) for each in ("alone", "stopped")
    ]
    assert records[0]["carried"] == records[1]["carried"]
    assert records[0]["carried"]["blocks"] == [1]


def test_a_killed_pretraining_logs_the_losses_of_one_that_was_not(tmp_path, monkeypatch) -> None:
    """Its checkpoint, of step 3, is in the middle of the steps between two logs."""
    steps = replace(CONFIG.pretrain, num_steps=100, save_every=3)
    config = replace(CONFIG, pretrain=steps)
    original = pretraining.pretrainer
    trainers: list[Any] = []

    class Killing(Sending):
        def on_step_end(self, args: Any, state: Any, control: Any, **event: Any) -> None:
            if state.global_step == 5:
                raise KeyboardInterrupt

    def kept(*args: Any, **options: Any) -> Any:
        callbacks = [] if trainers else [Killing(0, 99)]
        trainers.append(original(*args, callbacks=callbacks, **options))
        return trainers[-1]

    monkeypatch.setattr(pretraining, "pretrainer", kept)
    with pytest.raises(KeyboardInterrupt):
        pretrain_run(config, begin(config, tmp_path / "killed"))
    for name in ("killed", "alone"):
        pretrain_run(config, begin(config, tmp_path / name))
    assert trainers[1].args.logging_steps == 2
    killed, alone = (
        {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
        for trainer in trainers[1:]
    )
    assert list(alone)[:4] == [2, 3, 4, 6]
    assert killed == alone


def test_a_signal_in_the_last_step_is_heeded(tmp_path, monkeypatch) -> None:
    original = pretraining.pretrainer

    def sending(*args: Any, **options: Any) -> Any:
        return original(*args, callbacks=[Sending(signal.SIGTERM, 7)], **options)

    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "pretrainer", sending)
        with pytest.raises(Stopped), stopping_signals():
            trained(tmp_path)
    assert trained(tmp_path).exists()


def test_weights_that_are_not_finite_are_not_saved_for_a_signal(tmp_path, monkeypatch) -> None:
    original = pretraining.pretrainer

    class Breaking(Sending):
        def on_step_end(self, args: Any, state: Any, control: Any, **event: Any) -> None:
            next(event["model"].parameters()).data.fill_(float("nan"))

    def breaking(*args: Any, **options: Any) -> Any:
        return original(*args, callbacks=[Breaking(signal.SIGTERM, 0)], **options)

    monkeypatch.setattr(pretraining, "pretrainer", breaking)
    with pytest.raises(ValueError, match="has diverged: the weight .* at step 1"):
        with stopping_signals():
            trained(tmp_path)
    assert not list((tmp_path / "training").glob("checkpoint-*"))


def test_a_diverged_pretraining_names_the_step_and_leaves_the_folder_usable(tmp_path) -> None:
    rate = replace(CONFIG.pretrain, learning_rate=1e30, save_every=1, warmup_share=0.0)
    config = replace(CONFIG, pretrain=rate)
    run = begin(config, tmp_path)
    with pytest.raises(ValueError, match=r"has diverged: .* at step \d of 8.*lower the learning"):
        pretrain_run(config, run)
    assert not list(run.path("training").glob("checkpoint-*"))
    pretrain_run(CONFIG, begin(CONFIG, tmp_path))
    assert run.read_json("training.json")["num_steps"] == 8
