"""What trackers are told: read back from event files and from Trackio's database, offline."""

import os
import re
import socket
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_trainers import scalars, trainer_of
from transformers import Trainer, TrainerCallback

from hf_apt.models.bert6.configuration_bert_conv import BertConvConfig
from hf_apt.stats.measures.registry import COLUMNS
from hf_apt.stats.pictures.depth_palette import depth_palette
from trainer_callbacks import AptCallback, AptPlotCallback, ConfusionCallback
from trainer_callbacks.plot import draw

STEPS = [2, 4, 6]


@pytest.fixture
def on_loopback(monkeypatch):
    """Whoever tries to leave this machine fails, and is noted."""
    tried: list[Any] = []
    connect = socket.socket.connect

    def checked(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "::1",
            "localhost",
        ):
            tried.append(address)
            raise OSError(f"{address} is outside")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked)
    yield
    assert tried == []


def callbacks() -> list[TrainerCallback]:
    return [AptCallback(detail="all"), ConfusionCallback(detail="all"), AptPlotCallback()]


def ours(trainer: Trainer) -> set[str]:
    names = {name for entry in trainer.state.log_history for name in entry}
    found = {name for name in names if "depth" in name or "mean_apt" in name}
    assert len(found) == 2 + 3 * (6 + len(COLUMNS))
    found |= {"eval_num_tokens", "eval_masked_accuracy", "eval_num_clusters", "eval_noise_mass"}
    return found


def test_tensorboard_has_every_scalar_and_picture(tokenizer, tmp_path, monkeypatch, on_loopback):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "board"))
    trainer = trainer_of(
        tmp_path / "out", tokenizer, report_to="tensorboard", callbacks=callbacks()
    )
    trainer.train()
    board = EventAccumulator(str(tmp_path / "board"), size_guidance={"images": 0})
    board.Reload()
    for name in ours(trainer):
        events = board.Scalars(as_shown(name))
        logged = scalars(trainer, name)
        assert [event.step for event in events] == STEPS == list(logged)
        values = [event.value for event in events]
        assert values == pytest.approx(list(logged.values()), nan_ok=True)
    assert set(board.Tags()["images"]) == set(PICTURES)
    for name in PICTURES:
        pictures = board.Images(name)
        assert [picture.step for picture in pictures] == STEPS
        for picture in pictures:
            image = Image.open(BytesIO(picture.encoded_image_string))
            assert image.format == "PNG"
            assert image.size[0] > 300


def test_trackio_has_every_scalar_and_picture(tokenizer, tmp_path, on_loopback):
    from trackio.sqlite_storage import SQLiteStorage
    from trackio.utils import MEDIA_DIR, TRACKIO_DIR

    assert TRACKIO_DIR.is_relative_to(os.environ["HF_HOME"])  # a folder of these tests
    named = {"project": "measured", "run_name": tmp_path.name, "report_to": "trackio"}
    trainer = trainer_of(tmp_path, tokenizer, callbacks=callbacks(), **named)
    trainer.train()
    told = SQLiteStorage.get_logs("measured", tmp_path.name)
    for name in ours(trainer):
        found = [(e["train/global_step"], e[key]) for e in told if (key := as_shown(name)) in e]
        logged = scalars(trainer, name)
        assert [step for step, _ in found] == STEPS == list(logged)
        values = [value for _, value in found]
        assert values == pytest.approx(list(logged.values()), nan_ok=True)
    for name, folder in PICTURES.items():
        pictures = [(e["train/global_step"], e[name]["file_path"]) for e in told if name in e]
        assert [step for step, _ in pictures] == STEPS
        for step, path in pictures:
            ours_too = tmp_path / folder / f"eval-step-{step:08}.png"
            assert Image.open(MEDIA_DIR / path).tobytes() == Image.open(ours_too).tobytes()


def test_mlflow_has_every_scalar_and_picture(tokenizer, tmp_path, monkeypatch, on_loopback):
    mlflow = pytest.importorskip("mlflow", reason="mlflow-skinny, or mlflow, is not installed")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file://{tmp_path / 'store'}")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow.set_tracking_uri(f"file://{tmp_path / 'store'}")
    trainer = trainer_of(tmp_path / "out", tokenizer, report_to="mlflow", callbacks=callbacks())
    trainer.train()
    mlflow.flush_async_logging()
    client = mlflow.MlflowClient()
    (run,) = client.search_runs(["0"])
    for name in ours(trainer):
        logged = scalars(trainer, name)
        told = {each.step: each.value for each in client.get_metric_history(run.info.run_id, name)}
        assert list(told) == STEPS == list(logged)
        assert list(told.values()) == pytest.approx(list(logged.values()), nan_ok=True)
    images = {path.name: path for path in (tmp_path / "store").rglob("images/*.png")}
    assert len(images) == len(PICTURES) * len(STEPS)
    for name, folder in PICTURES.items():
        for step in STEPS:
            begins = re.compile(rf"{name.replace('/', '.')}.step.{step}\D")
            (path,) = (images[each] for each in images if begins.match(each))
            ours_too = tmp_path / "out" / folder / f"eval-step-{step:08}.png"
            assert Image.open(path).tobytes() == Image.open(ours_too).tobytes()


def test_wandb_offline_has_every_picture(tokenizer, tmp_path, monkeypatch, on_loopback):
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")

    folders = {name: str(tmp_path) for name in ("DIR", "CACHE_DIR", "CONFIG_DIR", "DATA_DIR")}
    for name, value in {"MODE": "offline", "SILENT": "true", **folders}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    trainer = trainer_of(tmp_path / "out", tokenizer, report_to="wandb", callbacks=callbacks())
    trainer.train()
    wandb.finish()
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    for name, folder in PICTURES.items():
        kept = sorted((run / "files/media/images").glob(f"{name}_*.png"), key=_number)
        assert len(kept) == len(STEPS)
        for step, path in zip(STEPS, kept, strict=True):
            ours_too = tmp_path / "out" / folder / f"eval-step-{step:08}.png"
            assert Image.open(path).tobytes() == Image.open(ours_too).tobytes()


def _number(path: Path) -> int:
    """What W&B numbers its pictures by."""
    return int(path.stem.split("_")[-2])


PICTURES = {"eval/mean_apt_by_depth": "apt", "eval/token_confusion": "confusion"}
"""What trackers call the pictures, and the folders that these are in."""


def as_shown(name: str) -> str:
    return name.replace("eval_", "eval/", 1)


# The picture.


def history(num_depths: int, num_steps: int) -> dict[int, list[float]]:
    """Mean APT at every depth by step, in no order."""
    steps = range(num_steps, 0, -1)
    return {step: [0.01 * depth * step for depth in range(num_depths)] for step in steps}


@pytest.mark.parametrize(("num_depths", "num_steps"), [(1, 1), (3, 1), (7, 5), (25, 40)])
def test_a_picture_has_a_line_for_each_depth(num_depths, num_steps):
    figure = draw(history(num_depths, num_steps))
    (axes,) = figure.axes
    lines = axes.get_lines()
    assert [line.get_label() for line in lines] == [
        "embeddings",
        *(f"block {depth}" for depth in range(1, num_depths)),
    ]
    for depth, line in enumerate(lines):
        assert line.get_xdata().tolist() == list(range(1, num_steps + 1))
        expected = [0.01 * depth * step for step in range(1, num_steps + 1)]
        assert line.get_ydata().tolist() == pytest.approx(expected)
    assert len({line.get_color() for line in lines}) == num_depths
    (legend,) = figure.legends
    assert len(legend.get_texts()) == num_depths
    assert axes.get_xlabel() == "step"
    assert axes.get_ylabel() == "mean APT"
    assert axes.get_ylim()[0] == 0


def test_bars_of_a_picture_are_one_standard_error_in_the_colours_of_the_page():
    errors = {2: [0.001, 0.003], 1: [0.002, float("nan")]}
    figure = draw({1: [0.1, 0.2], 2: [0.3, 0.4], 3: [0.5, 0.6]}, errors=errors)
    (axes,) = figure.axes
    assert [line.get_color() for line in axes.get_lines()] == depth_palette(2)
    bars = [
        {
            tuple(np.round([segment[0][0], segment[0][1], segment[1][1]], 6).tolist())
            for segment in of_depth.get_segments()
            if np.isfinite(segment).all() and len(segment) == 2
        }
        for of_depth in axes.collections
    ]
    assert bars == [{(1, 0.098, 0.102), (2, 0.299, 0.301)}, {(2, 0.397, 0.403)}]
    figure.savefig(BytesIO(), format="png")  # what is not known breaks nothing


def test_depths_of_a_picture_are_called_as_the_model_says():
    config = BertConvConfig(num_hidden_layers=2)
    (axes,) = draw(history(4, 2), config=config).axes
    names = [line.get_label() for line in axes.get_lines()]
    assert names == ["embeddings", "conv", "block 1", "block 2"]


def test_each_evaluation_leaves_a_picture(tokenizer, tmp_path):
    trainer_of(tmp_path, tokenizer, callbacks=callbacks()).train()
    for folder, size in (("apt", (960, 600)), ("confusion", (2070, 735))):
        paths = sorted((tmp_path / folder).glob("*.png"))
        assert [path.name for path in paths] == [f"eval-step-{step:08}.png" for step in STEPS]
        for path in paths:
            image = Image.open(path)
            image.verify()
            assert (image.format, image.size) == ("PNG", size)
        # More is drawn, or learnt, each time.
        assert len({path.read_bytes() for path in paths}) == 3
