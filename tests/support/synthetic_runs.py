"""Finished runs of made-up counts, and what a page says."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from hf_apt.records.run import Run
from hf_apt.records.schemas import SUMMARY
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.depth_summary import summarise_depths
from hf_apt.stats.readout_analysis import ReadoutAnalysis

NUM_BLOCKS = 6


def planted_classes(vocab_size: int, rng: np.random.Generator) -> np.ndarray:
    """Classes of two to seven tokens for about two thirds of the vocabulary, -1 for the others."""
    class_V = np.full(vocab_size, -1)
    tokens = rng.permutation(vocab_size)[: vocab_size * 2 // 3]
    start, label = 0, 0
    while start < len(tokens):
        size = int(rng.integers(2, 8))
        class_V[tokens[start : start + size]] = label
        start, label = start + size, label + 1
    return class_V


def synthetic_counts(
    class_V: np.ndarray, num_depths: int, num_positions: int, skill: float
) -> tuple[DepthCounts, np.ndarray]:
    """Counts of a model that learns frequent tokens first, then classes; and the frequencies."""
    rng = np.random.default_rng(0)
    vocab_size = len(class_V)
    share_V = 1 / (np.arange(vocab_size) + 3.0)
    share_V /= share_V.sum()
    frequency_V = rng.poisson(share_V * num_positions * 40)
    references_N = rng.choice(vocab_size, num_positions, p=share_V)
    treatments_N = rng.choice(3, num_positions, p=(0.8, 0.1, 0.1))
    by_class = np.argsort(class_V, kind="stable")
    first_V = np.searchsorted(class_V[by_class], class_V)
    size_V = np.bincount(class_V + 1)[class_V + 1]
    in_class_N = by_class[
        first_V[references_N] + rng.integers(0, 1 << 20, num_positions) % size_V[references_N]
    ]
    alone_N = class_V[references_N] < 0
    in_class_N[alone_N] = references_N[alone_N]
    common_N = rng.choice(vocab_size, num_positions, p=share_V)
    known_N = (share_V[references_N] / share_V[0]) ** 0.2
    luck_N, second_N = rng.random((2, num_positions))
    predictions_DN = np.empty((num_depths, num_positions), np.int64)
    for depth in range(num_depths):
        right = skill * (0.08 + 0.5 * np.tanh(depth / 3)) * known_N
        right = np.where(treatments_N == 2, 0.75 + 0.2 * right, right * (treatments_N + 1) ** -0.3)
        matched = skill * 0.75 * np.tanh(depth / 2)
        guess_N = np.where(second_N < matched, in_class_N, common_N)
        predictions_DN[depth] = np.where(luck_N < right, references_N, guess_N)
    counts = DepthCounts.empty(num_depths, vocab_size)
    return counts.update(references_N, predictions_DN, treatments_N), frequency_V


def vocabulary(vocab_size: int) -> list[str]:
    """Words of the three usual kinds of tokenizer."""
    rng = np.random.default_rng(3)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "the", "of", "##s"]
    parts = "ba ne ti ro lu ka se mo vi da po re shi ga tu le na".split()
    parts += ["fo", "wi", "ke"]  # codespell:ignore fo
    words = list(dict.fromkeys(special))
    seen = set(words)
    while len(words) < vocab_size:
        stem = "".join(rng.choice(parts, int(rng.integers(1, 5))))
        word = ("", "", "", "##", "Ġ", "▁")[int(rng.integers(6))] + stem
        if word not in seen:
            seen.add(word)
            words.append(word)
    return words[:vocab_size]


def make_run(
    folder: Path,
    *,
    vocab_size: int = 300,
    num_positions: int = 40_000,
    readouts: tuple[str, ...] = ("own_head", "linear_head", "mlm_head", "untrained", "bayes"),
    planted: bool = True,
    trained: bool = True,
    title: str = "BERT-6 on the planted language",
    num_blocks: int = NUM_BLOCKS,
) -> Run:
    """A finished run in `folder`, made of random counts."""
    run = Run(folder)
    class_V = planted_classes(vocab_size, np.random.default_rng(1))
    skills = dict(own_head=0.8, linear_head=0.9, mlm_head=1.0, untrained=0.02, bayes=1.25)
    depths = {}
    for readout in readouts:
        counts, frequency_V = synthetic_counts(
            class_V, num_blocks + 1, num_positions, skills[readout]
        )
        if readout == "bayes":
            counts = DepthCounts(counts.pairs[-1:])
        counts.save(run.counts_path(readout))
        depths[readout] = summarise_depths(
            ReadoutAnalysis.of_counts(counts),
            frequency_V,
            planted_V=class_V if planted else None,
        )
    run.write_json("vocabulary.json", vocabulary(vocab_size))
    run.write_array("frequency.npy", frequency_V)
    if planted:
        run.write_array("planted.npy", class_V)
    model = {
        "name": "bert6",
        "model_type": "bert",
        "num_blocks": num_blocks,
        "hidden_size": 256,
        "num_attention_heads": 4,
        "vocab_size": vocab_size,
        "num_parameters": 11_170_560,
    }
    training = {
        "num_steps": 20_000,
        "num_sequences_seen": 640_000,
        "num_tokens_seen": 81_920_000,
        "seconds": 5412.3,
        "train_loss": 2.91,
        "validation_loss": 2.97,
    }
    run.write_json(
        "summary.json",
        {
            "schema": SUMMARY,
            "title": title,
            "command": "hf-apt run --corpus planted --num-blocks 6 --out runs/planted-6",
            "created": "2026-03-02T14:05:09+00:00",
            "corpus": {
                "name": "planted",
                "sequences": "packed",
                "sequence_length": 128,
                "num_train_sequences": 90_000 if trained else None,
                "num_train_tokens": 11_520_000 if trained else None,
                "num_validation_sequences": 2_083,
                "num_validation_tokens": 266_624,
            },
            "model": model,
            "training": training if trained else None,
            "masking": {
                "rate": 0.15,
                "seed": 0,
                "num_realisations": 1,
                "num_modified": {"masked": 32_000, "replaced": 4_000, "unchanged": 4_000},
            },
            "readouts": depths,
        },
    )
    run.write_json("config.json", {"model": {"num_blocks": num_blocks}, "training": {"lr": 1e-4}})
    run.write_json(
        "environment.json",
        {"python": "3.11.9", "torch": "2.13.0", "device": "cpu", "commit": "0123abc"},
    )
    return run


class Page(HTMLParser):
    """The tags and texts of a page, as a browser would find them."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).replace("\xa0", " ").split())

    def lookup(self) -> dict:
        found = re.search(r'id="lookup">(.*?)</script>', self.source, re.DOTALL)
        assert found is not None
        return json.loads(found[1])
