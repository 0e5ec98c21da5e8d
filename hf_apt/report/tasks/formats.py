"""Words about tasks: poolings, depths, checkpoints, errors."""

from __future__ import annotations

from typing import Any

from hf_apt.records.task_record import TaskRecord
from hf_apt.records.training.training_methods import PLAIN, method_label
from hf_apt.report.formats import PlainEstimate

POOLINGS = {
    "cls": "[CLS]",
    "mean": "the mean over tokens",
    "max": "the maximum over tokens",
    "flatten": "all states side by side",
}
SHORT_POOLINGS = {"cls": "[CLS]", "mean": "mean", "max": "max", "flatten": "all"}


def pooled(pooling: str) -> str:
    """The words for what a head with this pooling reads."""
    return POOLINGS.get(pooling, pooling)


def main_pooling(record: TaskRecord) -> str:
    """The pooling that figures are of: the mean, or the first where that was not measured."""
    poolings = list(record["models"]["pretrained"]["frozen"])
    return "mean" if "mean" in poolings else poolings[0]


def estimate_of(
    record: TaskRecord, model: str, protocol: str, pooling: str, name: str
) -> list[PlainEstimate] | None:
    """One column of a record of fine-tuning, by depth; None where it was not measured."""
    return record["models"].get(model, {}).get(protocol, {}).get(pooling, {}).get(name)


def depth_place(label: str) -> str:
    """The words for where a depth is.

    >>> depth_place("embeddings"), depth_place("block 2")
    ('at the embeddings', 'after block 2')
    """
    return "at the embeddings" if label == "embeddings" else f"after {label}"


def made_harder(texts: dict[str, Any]) -> str:
    """What was done to the training texts of a task, by its provenance; empty where nothing was.

    >>> made_harder({"imbalance": 100.0, "label_noise": 0.2})
    'made long-tailed, the largest class 100 times the smallest; 20 % of their labels made wrong'
    """
    done = []
    if "imbalance" in texts:
        times = f"{texts['imbalance']:g} times the smallest"
        done.append(f"made long-tailed, the largest class {times}")
    if "label_noise" in texts:
        done.append(f"{100 * texts['label_noise']:g} % of their labels made wrong")
    return "; ".join(done)


def seeds_and_errors(record: TaskRecord) -> str:
    """The settings of fine-tuning, and what ± stands for."""
    config, num_seeds = record["config"], record["config"]["num_seeds"]
    parts = []
    if config["finetune"]:
        epochs = config["finetune"]["num_epochs"]
        parts.append(
            f"{epochs} epoch{'' if epochs == 1 else 's'} of batches of"
            f" {config['finetune']['batch_size']} at {config['finetune']['learning_rate']:g}"
        )
        if (how := method_label(config["finetune"])) != PLAIN:
            parts.append(f"by {how}")
    parts.append(f"the first {config['features']['sequence_length']} tokens of a text")
    if num_seeds > 1:
        error = f"one standard error over {num_seeds} seeds, each with its own choice of texts"
    else:
        error = "one standard error, binomial over the test texts of one seed"
    return f"{_capital(', '.join(parts))}; ± is {error}."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
