"""Pre-trains and measures, small, on each of several corpora, as one of torchrun's processes.

A script: `pretokenised.py VOCABULARY FOLDER CORPUS...`; the runs are `FOLDER/0`, `FOLDER/1`, ...
"""

import sys
from pathlib import Path

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.models.shapes import ModelShape
from hf_apt.records.run import Run
from hf_apt.runs.pipeline import begun, measure_run, pretrain_run
from hf_apt.runs.recipes import RunConfig
from hf_apt.training.pretrain_config import PretrainConfig


def config(corpus: str, vocabulary: str) -> RunConfig:
    return RunConfig(
        corpus=CorpusSource(name=corpus, validation_share=0.3),
        tokenizer=vocabulary,
        sequence_length=24,
        shape=ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0),
        pretrain=PretrainConfig(
            num_steps=2, batch_size=8, learning_rate=1e-2, save_every=2, num_validation_sequences=16
        ),
        head_kinds=(),
        measure=MeasureConfig(batch_size=4),
        untrained=False,
        sentences=False,
    )


def measured(corpus: str, vocabulary: str, folder: Path) -> Run:
    asked = config(corpus, vocabulary)
    with begun(asked, folder) as run:
        pretrain_run(asked, run)
        measure_run(asked, run, str(run.path("checkpoint")))
        return run


if __name__ == "__main__":
    vocabulary, folder, *corpora = sys.argv[1:]
    for number, corpus in enumerate(corpora):
        measured(corpus, vocabulary, Path(folder) / str(number))
