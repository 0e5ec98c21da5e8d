"""Small generators with discriminators, and batches for them."""

from typing import Any

import torch

from hf_apt.models.fresh import sized_model
from hf_apt.models.generator_shape import HEADS, GeneratorShape
from hf_apt.models.shapes import ModelShape

VOCAB = 23
LENGTH = 9


def small_selection(
    *, heads: tuple[str, ...] = HEADS, dropout: float = 0.0, seed: int = 0, **generator: Any
) -> Any:
    """A model of two blocks, 16 wide, whose weights are all other than they begin."""
    shape = ModelShape(
        hidden_size=16,
        num_heads=4,
        num_blocks=2,
        dropout=dropout,
        initializer_range=0.3,
        generator=GeneratorShape(heads=heads, **generator),
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = sized_model(shape, vocab_size=VOCAB, num_positions=LENGTH)
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape))
    return model


def selection_batch(num: int = 4, *, padded: bool = False, seed: int = 0) -> dict[str, Any]:
    """Masked texts with labels and keys; where `padded`, the last two tokens are none."""
    generator = torch.Generator().manual_seed(seed)
    text = torch.randint(5, VOCAB, (num, LENGTH), generator=generator)
    asked = torch.rand(num, LENGTH, generator=generator) < 0.4
    if padded:
        text[:, -2:] = 0
        asked[:, -2:] = False
    batch = {
        "input_ids": torch.where(asked, 4, text),
        "labels": torch.where(asked, text, -100),
        "sampling_keys": torch.randint(-(2**63), 2**63 - 1, (num, LENGTH), generator=generator),
    }
    return batch | ({"attention_mask": (text != 0).long()} if padded else {})


def true_text(batch: dict[str, Any]) -> torch.Tensor:
    """The text that was masked."""
    return torch.where(batch["labels"] != -100, batch["labels"], batch["input_ids"])
