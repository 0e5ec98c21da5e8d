"""Measures a checkpoint and trains heads on it under several gloo processes.

Each process saves the counts and the heads that it was given.

A script: `measuring.py CHECKPOINT TOKENS FOLDER NUM_PROCESSES...`.
"""

import sys
from pathlib import Path

from accelerate import debug_launcher
from transformers import AutoModelForMaskedLM, Trainer  # noqa: F401  once, before the forks

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import Tokens
from hf_apt.depths.head_config import HeadConfig
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.bert6 import Bert6ForMaskedLM  # noqa: F401
from hf_apt.models.devices import process_state
from hf_apt.models.loading import load_masked_lm
from hf_apt.training.head_training import train_heads

# 13 batches, the last of them short.
CONFIG = MeasureConfig(batch_size=8)
HEADS = HeadConfig(num_steps=5, batch_size=12, num_distinct_steps=3)


def measured(checkpoint: str, tokens: str, folder: str) -> None:
    trunk = Trunk(load_masked_lm(checkpoint))
    head = OwnHead(trunk)
    decoders = {"own_head": head, "again": lambda hidden_DNH: head(hidden_DNH).flip(0)}
    readouts = measure(trunk, Tokens(Path(tokens)), decoders, CONFIG)
    state = process_state()
    rank = f"{state.process_index}-of-{state.num_processes}"
    for name, readout in readouts.items():
        readout.counts.save(Path(folder) / f"{name}-{rank}.npz")
    kinds = ("linear_head", "mlm_head")
    heads = train_heads(trunk, Tokens(Path(tokens)), kinds, HEADS, Path(folder) / "work")
    heads["mlm_head"].save(Path(folder) / f"heads-{rank}.safetensors")


if __name__ == "__main__":
    for number in sys.argv[4:]:
        debug_launcher(measured, args=tuple(sys.argv[1:4]), num_processes=int(number))
