"""The live view, drawn on a recorded terminal of 80 columns."""

import io
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from small_trainers import premasked, stacked, trainer_of
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.models.bert6.configuration_bert_conv import BertConvConfig
from trainer_callbacks import AptCallback, AptLiveView

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


def terminal(*, force: bool = True) -> Console:
    return Console(file=io.StringIO(), force_terminal=force, width=80, height=40)


def shown(console: Console) -> str:
    return console.file.getvalue()  # type: ignore[reportAttributeAccessIssue]


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def trained(console: Console, tokenizer: Any, folder: Path, *others: Any) -> Any:
    trainer = trainer_of(
        folder, tokenizer, callbacks=[AptCallback(detail="all"), AptLiveView(console), *others]
    )
    trainer.train()
    return trainer


def test_at_the_end_every_depth_is_on_the_screen(tokenizer, tmp_path):
    console = terminal()
    trainer = trained(console, tokenizer, tmp_path)
    (last,) = [e for e in trainer.state.log_history if e["step"] == 6 and "eval_mean_apt" in e]
    (before,) = [e for e in trainer.state.log_history if e["step"] == 4 and "eval_mean_apt" in e]
    text = plain(shown(console))
    end = text[text.rindex("training") :]
    assert "6/6" in end
    assert "eval mean APT" in end
    assert f"eval loss {trainer.state.log_history[-3]['eval_loss']:.3f}" in end
    for depth, name in enumerate(("embeddings", "1", "2")):
        value = last[f"eval_mean_apt_depth_{depth}"]
        change = value - before[f"eval_mean_apt_depth_{depth}"]
        assert re.search(rf"^{name} +{value:.3f} +{re.escape(f'{change:+.3f}')} +━", end, re.M)
    assert max(len(line) for line in text.splitlines()) <= 80
    # What others print goes where they print it.
    assert "{'eval_loss'" not in text
    assert shown(console).rindex(SHOW) > shown(console).rindex(HIDE)


def test_depths_are_called_as_the_model_says(tmp_path):
    console = terminal()
    view, args = AptLiveView(console), TrainingArguments(str(tmp_path))
    state, control = TrainerState(max_steps=1), TrainerControl()
    model = SimpleNamespace(config=BertConvConfig(num_hidden_layers=2))
    view.on_train_begin(args, state, control, model=model)
    view.on_mean_apt(args, state, prefix="eval", means_D=[d / 10 for d in range(4)])
    view.on_train_end(args, state, control)
    text = plain(shown(console))
    rows = re.findall(r"^(\w+) +(0\.\d00)", text[text.rindex("training") :], re.M)
    assert rows == [("embeddings", "0.000"), ("conv", "0.100"), ("1", "0.200"), ("2", "0.300")]


def test_several_data_sets_have_a_table_each(tokenizer, tmp_path):
    console = terminal()
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        train_dataset=premasked(20),
        eval_dataset={"few": premasked(5), "many": premasked(9, seed=1)},
        data_collator=stacked,
        callbacks=[AptCallback(), AptLiveView(console)],
    )
    trainer.train()
    text = plain(shown(console))
    end = text[text.rindex("training") :]
    assert end.index("eval few mean APT") < end.index("eval many mean APT")
    assert end.count("embeddings") == 2


def test_nothing_is_shown_where_there_is_no_terminal(tokenizer, tmp_path):
    console = terminal(force=False)
    trained(console, tokenizer, tmp_path)
    assert shown(console) == ""


def test_nothing_is_shown_by_other_processes():
    console = terminal()
    view = AptLiveView(console)
    args, control = TrainingArguments(use_cpu=True, report_to="none"), TrainerControl()
    state = TrainerState(is_world_process_zero=False, max_steps=3)
    view.on_train_begin(args, state, control)
    view.on_step_end(args, state, control)
    view.on_log(args, state, control, logs={"loss": 1.0})
    view.on_mean_apt(args, state, prefix="eval", means_D=[0.5])
    view.on_train_end(args, state, control)
    assert shown(console) == ""


class Raising(TrainerCallback):
    def __init__(self, error: BaseException):
        self.error = error

    def on_step_begin(self, args, state, control, **event):
        if state.global_step == 3:
            raise self.error


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_the_terminal_is_given_back_when_training_raises(error, tokenizer, tmp_path):
    """No event tells of it."""
    console = terminal()
    streams = sys.stdout, sys.stderr
    with pytest.raises(type(error)):
        trained(console, tokenizer, tmp_path, Raising(error))
    within(2.0, lambda: shown(console).endswith(SHOW))
    text = plain(shown(console))
    assert "3/6" in text[text.rindex("training") :]
    assert (sys.stdout, sys.stderr) == streams
    console.print("after it")
    assert shown(console).endswith("after it\n")


def within(seconds: float, condition: Any) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_second_training_has_a_view_of_its_own(tokenizer, tmp_path):
    console = terminal()
    trainer = trainer_of(tmp_path, tokenizer, callbacks=[AptCallback(), AptLiveView(console)])
    trainer.add_callback(Raising(RuntimeError("broken")))
    with pytest.raises(RuntimeError):
        trainer.train()
    trainer.remove_callback(Raising)
    trainer.train()
    assert shown(console).count(HIDE) == shown(console).count(SHOW) == 2
    assert "6/6" in plain(shown(console)).splitlines()[-6]


UNCAUGHT = """
import sys
from rich.console import Console
from transformers import TrainerControl, TrainerState
from trainer_callbacks import AptLiveView

def loop():
    view = AptLiveView(Console(file=sys.stdout, force_terminal=True, width=80))
    view.on_train_begin(None, TrainerState(max_steps=3), TrainerControl())
    raise KeyboardInterrupt

loop()
"""


@pytest.mark.slow
def test_the_terminal_is_given_back_when_the_process_ends():
    done = subprocess.run(
        [sys.executable, "-c", UNCAUGHT], capture_output=True, text=True, timeout=100
    )
    assert done.returncode != 0
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
    assert done.stdout.endswith(SHOW)
    assert done.stdout.count(HIDE) == done.stdout.count(SHOW) == 1
