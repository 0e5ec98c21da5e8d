"""Laws of progress bars: the speed of this process's own steps, and all tokens measured."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from tqdm.auto import tqdm

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches
from hf_apt.training import progress
from hf_apt.training.progress import NamedProgress


@pytest.fixture
def clock(monkeypatch):
    """What time it is."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress, "perf_counter", lambda: now.seconds)
    return now


def state(step: int) -> SimpleNamespace:
    return SimpleNamespace(global_step=step, max_steps=100, is_world_process_zero=True)


@pytest.mark.parametrize("first_step", [0, 60])
def test_tokens_a_second_are_those_since_this_process_began(clock, first_step, capsys):
    """Resumed, too: steps of an earlier process took none of this one's time."""
    bar = NamedProgress("Training", 512)
    bar.on_train_begin(None, state(first_step), None)
    bar.on_log(None, state(first_step), None, logs={"loss": 3.0})
    assert "speed" not in bar.figures
    clock.seconds += 8
    bar.on_log(None, state(first_step + 25), None, logs={"eval_loss": 2.5})
    assert bar.figures == {"loss": "loss 3.00", "speed": "1.60k tok/s"}
    said = capsys.readouterr().err
    assert "1.60k tok/s" in said
    assert f"step {first_step + 25}: validation loss 2.500\n" in said
    bar.on_train_end(None, state(100), None)


def test_without_a_number_of_tokens_there_is_no_speed(clock):
    bar = NamedProgress("Training")
    bar.on_train_begin(None, state(0), None)
    clock.seconds += 8
    bar.on_log(None, state(25), None, logs={"loss": 3.0})
    assert bar.figures == {"loss": "loss 3.00"}
    bar.on_train_end(None, state(100), None)


@pytest.fixture
def devices(monkeypatch):
    """Each does 200 FLOPs a second in float32, 1,000 in bfloat16; another process has 500."""
    rates = {torch.float32: 200.0, torch.bfloat16: 1000.0}
    monkeypatch.setattr(progress, "fastest_rate", lambda device, dtype: rates[dtype])
    others: list[float] = []
    monkeypatch.setattr(progress, "gather_object", lambda own: own + others)
    return others


def arguments(*, bf16: bool = False, n_gpu: int = 0) -> SimpleNamespace:
    return SimpleNamespace(bf16=bf16, fp16=False, n_gpu=n_gpu, device=torch.device("cpu"))


def utilisation(clock, args: SimpleNamespace, first_step: int = 0) -> str:
    """That of 8 s in which 30 steps were done, number n of which takes n FLOPs."""
    bar = NamedProgress("Training", flops=lambda steps: steps * (steps + 1) / 2)
    bar.on_train_begin(args, state(first_step), None)
    bar.on_log(args, state(first_step), None, logs={"loss": 3.0})
    assert "MFU" not in bar.figures
    clock.seconds += 8
    bar.on_log(args, state(first_step + 30), None, logs={"loss": 3.0})
    bar.on_train_end(args, state(100), None)
    return bar.figures["MFU"]


def test_utilisation_is_flops_a_second_over_those_of_the_device(clock, devices):
    assert utilisation(clock, arguments()) == "MFU 29 %"  # 465 / 8 / 200
    assert utilisation(clock, arguments(bf16=True)) == "MFU 6 %"
    assert utilisation(clock, arguments(n_gpu=2)) == "MFU 15 %"  # two cards of one process


def test_utilisation_of_a_resumed_run_is_that_of_its_own_steps(clock, devices):
    assert utilisation(clock, arguments(), first_step=60) == "MFU 142 %"  # steps 61 to 90: 2,265


def test_utilisation_counts_the_devices_of_all_processes(clock, devices):
    devices.append(500.0)
    assert utilisation(clock, arguments()) == "MFU 8 %"  # 465 / 8 / 700


@pytest.fixture
def libraries(monkeypatch):
    """What float32 products are made by, and the rate of each; those of bfloat16 have 446."""
    rates = {"default": 103.0, "onednn": 230.0}
    used = ["default"]

    @contextmanager
    def by(matmul):
        used.append(matmul)
        yield
        used.pop()

    def rate(device, dtype):
        return rates[used[-1]] if dtype == torch.float32 else 446.0

    monkeypatch.setattr(progress, "float32_by", by)
    monkeypatch.setattr(progress, "matrix_rate", rate)
    monkeypatch.setattr(progress, "is_exact", lambda matmul: True)
    return rates


def fastest(device: str, dtype: torch.dtype) -> float:
    return progress.fastest_rate.__wrapped__(torch.device(device), dtype)


def test_the_rate_is_that_of_the_fastest_exact_library(libraries, monkeypatch):
    assert fastest("cpu", torch.float32) == 230
    assert fastest("cpu", torch.bfloat16) == 446
    assert fastest("meta", torch.float32) == 103  # a device that has one way
    monkeypatch.setattr(progress, "is_exact", lambda matmul: False)
    assert fastest("cpu", torch.float32) == 103


@pytest.mark.parametrize("rate", [50.0, 103.0])
def test_a_library_that_is_no_faster_changes_no_rate(libraries, rate):
    libraries["onednn"] = rate
    assert fastest("cpu", torch.float32) == 103


def test_trainings_of_any_model_show_it(tokens, tiny_model, tmp_path, monkeypatch, capsys):
    from transformers import BertConfig, BertForMaskedLM

    from hf_apt.depths.head_config import HeadConfig
    from hf_apt.depths.trunk import Trunk
    from hf_apt.models.devices import trains_in_bfloat16
    from hf_apt.training.head_training import train_heads
    from hf_apt.training.pretrain_config import PretrainConfig
    from hf_apt.training.pretraining import pretrain, pretrainer

    rates: list[torch.dtype] = []
    monkeypatch.setattr(progress, "fastest_rate", lambda _, dtype: rates.append(dtype) or 1e9)
    config = PretrainConfig(num_steps=2, batch_size=4, num_validation_sequences=4)
    heads = HeadConfig(num_steps=2, batch_size=4)
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
    stock = BertForMaskedLM(BertConfig(vocab_size=65, **sizes))
    for model in (tiny_model, stock):
        for train in (
            lambda folder, model=model: pretrain(pretrainer(model, tokens, tokens, config, folder)),
            lambda folder, model=model: train_heads(
                Trunk(model), tokens, ["linear_head"], heads, folder
            ),
        ):
            train(tmp_path / str(len(list(tmp_path.iterdir()))))
            bar = capsys.readouterr().err
            assert "tok/s" in bar
            assert "MFU " in bar
    of_training = torch.bfloat16 if trains_in_bfloat16() else torch.float32
    assert rates == [of_training] * 4


@pytest.mark.parametrize("num_parts", [1, 3])
def test_the_tokens_of_all_parts_are_those_that_are_read(tokens, num_parts):
    batches = MaskedBatches(tokens, MeasureConfig(batch_size=16, num_realisations=2))
    for index in range(num_parts):
        read = sum(tokens_BT.size for tokens_BT, _ in batches.part(index, num_parts))
        assert read == batches.num_tokens(index, num_parts) > 0
    parts = [batches.num_tokens(index, num_parts) for index in range(num_parts)]
    assert sum(parts) == 2 * len(tokens) * tokens.description.sequence_length


@pytest.mark.parametrize(("name", "steps"), [("Pre-training", 240_000), ("Linear heads", 99_000)])
def test_a_line_of_80_columns_holds_every_figure(name, steps):
    figures = ["21.2k tok/s", "MFU 37 %", "loss 10.99"]
    line = tqdm.format_meter(
        n=steps - 1,
        total=steps,
        elapsed=7000.0,
        ncols=80,
        prefix=f"{name}: ",
        bar_format=progress._BAR,
        postfix=", ".join(figures),
    )
    assert len(line) <= 80
    assert all(figure in line for figure in figures)
    assert line.endswith("]")
