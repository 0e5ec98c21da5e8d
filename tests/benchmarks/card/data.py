"""Random tokens in the files that corpora become."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hf_apt.data.tokens import Tokens, TokensDescription

from .sizes import Sizes


def zipfian(folder: Path, sizes: Sizes) -> Tokens:
    """Sequences of random ids, as common as words are, in the files that corpora become."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    shape = (sizes.num_sequences, sizes.length)
    ids = generator.random(shape, np.float32)
    ids = (5 + (sizes.vocab_size - 5) ** ids - 1).astype(np.uint16)  # log-uniform: Zipf's law
    ids[:, 0], ids[:, -1] = 2, 3
    (folder / "ids.bin").write_bytes(ids.tobytes())
    np.save(folder / "starts.npy", np.arange(0, ids.size + 1, sizes.length))
    description = TokensDescription(
        vocab_size=sizes.vocab_size,
        sequence_length=sizes.length,
        layout="packed",
        num_sequences=sizes.num_sequences,
        num_tokens=ids.size,
        pad_id=0,
        mask_id=4,
        special_ids=(0, 1, 2, 3, 4),
        tokenizer="none",
    )
    (folder / "description.json").write_text(json.dumps(asdict(description)))
    return Tokens(folder)
