"""What trackers are told: read back from event files and from Trackio's database, offline."""

import os
import socket
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from small_trainers import scalars, trainer_of
from transformers import Trainer, TrainerCallback

from hf_apt.models.bert6.configuration_bert_conv import BertConvConfig
from hf_apt.stats.measures.registry import COLUMNS
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
    pictures = board.Images(PICTURE)
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
    pictures = [(e["train/global_step"], e[PICTURE]["file_path"]) for e in told if PICTURE in e]
    assert [step for step, _ in pictures] == STEPS
    for step, path in pictures:
        ours_too = tmp_path / "apt" / f"eval-step-{step:08}.png"
        assert Image.open(MEDIA_DIR / path).tobytes() == Image.open(ours_too).tobytes()


PICTURE = "eval/mean_apt_by_depth"


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


def test_depths_of_a_picture_are_called_as_the_model_says():
    config = BertConvConfig(num_hidden_layers=2)
    (axes,) = draw(history(4, 2), config=config).axes
    names = [line.get_label() for line in axes.get_lines()]
    assert names == ["embeddings", "conv", "block 1", "block 2"]


def test_each_evaluation_leaves_a_picture(tokenizer, tmp_path):
    trainer_of(tmp_path, tokenizer, callbacks=callbacks()).train()
    paths = sorted((tmp_path / "apt").glob("*.png"))
    assert [path.name for path in paths] == [f"eval-step-{step:08}.png" for step in STEPS]
    for path in paths:
        image = Image.open(path)
        image.verify()
        assert (image.format, *image.size) == ("PNG", 960, 600)
    # More is drawn each time.
    assert len({path.read_bytes() for path in paths}) == 3
