"""Laws of progress bars: tokens a second of this process's own steps, and all tokens measured."""

from types import SimpleNamespace

import pytest

from hf_apt import progress
from hf_apt.masked_batches import MaskedBatches, MeasureConfig
from hf_apt.progress import NamedProgress


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
    assert "tokens/s" not in bar.figures
    clock.seconds += 8
    bar.on_log(None, state(first_step + 25), None, logs={"eval_loss": 2.5})
    assert bar.figures == {"loss": "3.000", "validation": "2.500", "tokens/s": "1.60k"}
    assert "tokens/s=1.60k" in capsys.readouterr().err
    bar.on_train_end(None, state(100), None)


def test_without_a_number_of_tokens_there_is_no_speed(clock):
    bar = NamedProgress("Training")
    bar.on_train_begin(None, state(0), None)
    clock.seconds += 8
    bar.on_log(None, state(25), None, logs={"loss": 3.0})
    assert bar.figures == {"loss": "3.000"}
    bar.on_train_end(None, state(100), None)


@pytest.mark.parametrize("num_parts", [1, 3])
def test_the_tokens_of_all_parts_are_those_that_are_read(tokens, num_parts):
    batches = MaskedBatches(tokens, MeasureConfig(batch_size=16, num_realisations=2))
    for index in range(num_parts):
        read = sum(tokens_BT.size for tokens_BT, _ in batches.part(index, num_parts))
        assert read == batches.num_tokens(index, num_parts) > 0
    parts = [batches.num_tokens(index, num_parts) for index in range(num_parts)]
    assert sum(parts) == 2 * len(tokens) * tokens.description.sequence_length
