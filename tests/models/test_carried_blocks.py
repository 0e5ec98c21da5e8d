"""Blocks carried over: equal to the bit, and nothing else changed; what does not fit is refused."""

import pytest
import torch

from hf_apt.models.carried_blocks import block_numbers, carry_blocks
from hf_apt.models.fresh import sized_model
from hf_apt.models.shapes import ModelShape

SHAPE = ModelShape(hidden_size=16, num_heads=2, num_blocks=3)


def fresh(seed: int, *, vocab_size: int = 20, shape: ModelShape = SHAPE):
    torch.manual_seed(seed)
    return sized_model(shape, vocab_size=vocab_size, num_positions=12)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source") / "checkpoint"
    model = fresh(1, vocab_size=50)
    model.save_pretrained(folder)
    return str(folder), model.state_dict()


def changed_keys(model, before) -> set[str]:
    return {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}


def weights_before(model) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


@pytest.mark.parametrize(
    ("blocks", "parts"),
    [(None, "whole"), ([2], "whole"), ([1, 3], "attention"), ([1, 2, 3], "feed_forward")],
)
def test_what_is_carried_is_equal_to_the_bit_and_the_rest_is_left(source, blocks, parts) -> None:
    folder, theirs = source
    model = fresh(2)
    before = weights_before(model)
    numbers = carry_blocks(model, folder, blocks=blocks, parts=parts)
    assert numbers == (blocks or [1, 2, 3])
    expected = {
        key
        for key in before
        for number in numbers
        if key.startswith(f"bert.encoder.layer.{number - 1}.")
        and (parts == "whole" or (".attention." in key) == (parts == "attention"))
    }
    for key, value in model.state_dict().items():
        assert torch.equal(value, theirs[key] if key in expected else before[key]), key
    # Zeros of biases and ones of norms are the same in all fresh models.
    assert changed_keys(model, before) == {
        key for key in expected if not torch.equal(before[key], theirs[key])
    }
    assert any("attention.self.query.weight" in key for key in expected) == (
        parts != "feed_forward"
    )


def test_numbers_of_blocks_are_read() -> None:
    assert block_numbers("2") == [2]
    assert block_numbers("5, 1-3,2") == [1, 2, 3, 5]
    for text in ("", "0-2", "3-1", "a", "1-", "-1"):
        with pytest.raises(ValueError, match="names no blocks: write numbers from 1 on"):
            block_numbers(text)


def test_what_does_not_fit_is_refused(source, tmp_path) -> None:
    folder, _ = source
    with pytest.raises(ValueError, match="blocks 2, 4 cannot be carried over: the model has 3"):
        carry_blocks(fresh(2), folder, blocks=[2, 4])
    wide = fresh(2, shape=ModelShape(hidden_size=32, num_heads=2, num_blocks=3))
    with pytest.raises(ValueError, match=r"shape \(16, 16\), and that of the model \(32, 32\)"):
        carry_blocks(wide, folder)
    with pytest.raises(ValueError, match="nowhere"):
        carry_blocks(fresh(2), str(tmp_path / "nowhere"))
