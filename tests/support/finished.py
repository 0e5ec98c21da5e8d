"""A finished run's folder, written from random counts: what a card is made of, without a model."""
# D depths, N modified positions, V vocabulary.

from pathlib import Path
from typing import Any

import numpy as np

import hf_apt
from hf_apt.records.fingerprints import file_fingerprint
from hf_apt.records.run import Run
from hf_apt.records.schemas import SUMMARY
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.depth_summary import summarise_depths
from hf_apt.stats.readout_analysis import ReadoutAnalysis

VOCAB_SIZE, NUM_DEPTHS = 60, 4
WEIGHTS = b"the weights " * 5000
CHECKPOINT = {
    "model.safetensors": WEIGHTS,
    "config.json": b'{"model_type": "bert6"}\n',
    "tokenizer.json": b"{}\n",
    "tokenizer_config.json": b"{}\n",
    **{
        name: (Path(hf_apt.__file__).parent / "models/bert6" / name).read_bytes()
        for name in ("configuration_bert6.py", "modeling_bert6.py")
    },
}


def write_finished_run(
    folder: Path, *, corpus: str = "wikimedia/wikipedia", planted: bool = False
) -> Run:
    """The run in `folder`; of the planted language it has the exact best predictor, too."""
    run = Run(folder)
    frequency_V = np.arange(VOCAB_SIZE)[::-1] ** 2 + 7
    readouts = {}
    for skill, readout in enumerate(("untrained", "own_head", "linear_head")):
        counts = _counts(skill / 2)
        counts.save(run.counts_path(readout))
        readouts[readout] = summarise_depths(ReadoutAnalysis.of_counts(counts), frequency_V)
    if planted:
        readouts["bayes"] = readouts["own_head"][-1:]
    run.write_array("frequency.npy", frequency_V)
    run.write_json(
        "vocabulary.json", [f"w{number}" for number in range(VOCAB_SIZE - 2)] + ["|", "$"]
    )
    for name, content in CHECKPOINT.items():
        run.path("checkpoint").mkdir(exist_ok=True)
        (run.path("checkpoint") / name).write_bytes(content)
    run.write_json("config.json", _config(corpus))
    run.write_json("environment.json", _ENVIRONMENT)
    run.path("report.html").write_text("<p>the page</p>\n")
    run.write_json("summary.json", _summary(run, corpus, readouts))
    return run


def change_summary(run: Run, **changes: Any) -> None:
    run.write_json("summary.json", run.read_json("summary.json") | changes)


def _counts(skill: float) -> DepthCounts:
    """The right token more often the deeper, else its neighbour or a random one."""
    rng = np.random.default_rng(5)
    num_positions = 9000
    references_N = rng.integers(0, VOCAB_SIZE, num_positions)
    treatments_N = rng.choice(3, num_positions, p=(0.8, 0.1, 0.1))
    luck_DN = rng.random((NUM_DEPTHS, num_positions))
    right = skill * (np.arange(NUM_DEPTHS)[:, None] + 1) / (NUM_DEPTHS + 2)
    wrong_DN = rng.integers(0, VOCAB_SIZE, (NUM_DEPTHS, num_positions))
    wrong_DN = np.where(luck_DN > 0.8, references_N ^ 1, wrong_DN)
    predictions_DN = np.where(luck_DN < right, references_N, wrong_DN)
    counts = DepthCounts.empty(NUM_DEPTHS, VOCAB_SIZE)
    return counts.update(references_N, predictions_DN, treatments_N)


def _summary(run: Run, corpus: str, readouts: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": SUMMARY,
        "title": f"BERT-6 on {corpus}",
        "command": f"hf-apt run {corpus}",
        "created": "2026-03-02T14:05:09+00:00",
        "corpus": {
            "name": corpus,
            "sequences": "packed",
            "sequence_length": 32,
            "num_train_sequences": 40_321,
            "num_train_tokens": 1_290_272,
            "num_validation_sequences": 811,
            "num_validation_tokens": 25_952,
        },
        "model": {
            "name": "BERT-6",
            "model_type": "bert6",
            "num_blocks": NUM_DEPTHS - 1,
            "hidden_size": 48,
            "num_attention_heads": 4,
            "vocab_size": VOCAB_SIZE,
            "num_parameters": 123_456,
            "weights": file_fingerprint(run.path("checkpoint/model.safetensors")),
        },
        "training": {
            "num_steps": 2345,
            "seconds": 67.8,
            "train_loss": 3.21,
            "validation_loss": 3.4567,
            "num_sequences_seen": 18_760,
            "num_tokens_seen": 600_320,
        },
        "masking": {
            "rate": 0.15,
            "seed": 2509,
            "num_realisations": 3,
            "num_sequences": 750,
            "num_modified": {"masked": 7204, "replaced": 901, "unchanged": 895},
        },
        "readouts": readouts,
    }


def _config(corpus: str) -> dict[str, Any]:
    return {
        "corpus": {"name": corpus, "config": "20231101.en", "split": "train"},
        "pretrain": {"batch_size": 8, "learning_rate": 0.0007, "masking_rate": 0.3, "seed": 42},
    }


_ENVIRONMENT = {
    "hf_apt": "0.1.0",
    "torch": "2.13.0+cpu",
    "transformers": "5.23.0",
    "commit": "0123456789ab",
    "processor": "a processor at 2.60 GHz",
    "device": "cpu",
}
