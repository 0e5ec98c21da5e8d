"""Runs the whole chain, small, as one of the processes that torchrun started.

A script: `chain.py TEXT VOCABULARY FOLDER [sharded]`. `sharded` lets Accelerate shard on the
processor, too, which it does on accelerators alone: there the same two assignments are made, and
all that follows is Accelerate's and torch's own.
"""

import sys
from pathlib import Path
from typing import Any

from accelerate.state import AcceleratorState, DistributedType, PartialState

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.head_config import HeadConfig
from hf_apt.models.shapes import ModelShape
from hf_apt.runs.pipeline import run_all
from hf_apt.runs.recipes import RunConfig
from hf_apt.training.pretrain_config import PretrainConfig


def config(text: str, vocabulary: str) -> RunConfig:
    return RunConfig(
        corpus=CorpusSource(name=text, validation_share=0.3),
        tokenizer=vocabulary,
        sequence_length=24,
        shape=ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0),
        pretrain=PretrainConfig(
            num_steps=8,
            batch_size=8,
            learning_rate=1e-2,
            save_every=3,
            num_validation_sequences=16,
        ),
        heads=HeadConfig(num_steps=3, batch_size=8),
        measure=MeasureConfig(batch_size=4),
    )


def shard_on_the_processor() -> None:
    begin = AcceleratorState.__init__

    def begun(self: Any, *args: Any, fsdp_plugin: Any = None, **options: Any) -> None:
        begin(self, *args, fsdp_plugin=fsdp_plugin, **options)
        if fsdp_plugin is not None and self.distributed_type == DistributedType.MULTI_CPU:
            self.fsdp_plugin = fsdp_plugin
            self.distributed_type = DistributedType.FSDP
            PartialState._shared_state["distributed_type"] = DistributedType.FSDP

    AcceleratorState.__init__ = begun


if __name__ == "__main__":
    text, vocabulary, folder, *how = sys.argv[1:]
    if how == ["sharded"]:
        shard_on_the_processor()
    run_all(config(text, vocabulary), Path(folder))
