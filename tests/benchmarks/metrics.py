"""Metric modules that count as they are fed, against evaluate's way through an Arrow table."""

import tempfile
from collections.abc import Callable

import datasets
import evaluate
import numpy as np

from hf_apt.hub.resources import resource

from .memory import peak_bytes
from .ratio import limit, medians, report, setting_of
from .text import zipf_ids

_VOCAB_SIZE = 30_522
_BATCH = 16_384
_PAIRS, _MANY = 1_000_000, 10_000_000


class _Accuracy(evaluate.Metric):
    """Accuracy as evaluate's own module does it: two integer columns, then one comparison."""

    def _info(self) -> evaluate.MetricInfo:
        ids = {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="", features=datasets.Features(ids)
        )

    def _compute(self, predictions: list[int], references: list[int]) -> dict[str, float]:
        return {"accuracy": float((np.array(predictions) == np.array(references)).mean())}


def run() -> bool:
    """Whether a million pairs are counted quickly, and ten million in less than a second."""
    references = zipf_ids(_MANY, _VOCAB_SIZE, seed=1)
    wrong = zipf_ids(_MANY, _VOCAB_SIZE, seed=2)
    right = np.random.default_rng(3).random(_MANY) < 0.54
    predictions = np.where(right, references, wrong)
    with tempfile.TemporaryDirectory() as cache:
        arrow = _Accuracy(cache_dir=cache)

        def fed(metric: evaluate.EvaluationModule, num_pairs: int) -> Callable[[], object]:
            def run() -> object:
                for start in range(0, num_pairs, _BATCH):
                    part = slice(start, min(start + _BATCH, num_pairs))
                    metric.add_batch(predictions=predictions[part], references=references[part])
                return metric.compute()

            return run

        apt, token_confusion = (
            evaluate.load(str(resource(f"metrics/{name}"))) for name in ("apt", "token_confusion")
        )
        times = medians(
            {"arrow": fed(arrow, _PAIRS), "apt": fed(apt, _PAIRS)},
            rounds=3,
        )
        many = medians({"apt": fed(apt, _MANY), "confusion": fed(token_confusion, _MANY)}, rounds=3)
        apt.add_batch(predictions=predictions, references=references)
        assert len(apt) == _MANY
        apt.compute()
        peaks = {
            "arrow": peak_bytes(fed(arrow, _PAIRS)) / 1024**3,
            "apt": peak_bytes(fed(apt, _PAIRS)) / 1024**3,
            "many": peak_bytes(fed(apt, _MANY)) / 1024**3,
        }
    return all(
        [
            report(
                "metric apt, 1 M pairs: evaluate's Arrow accuracy / ours",
                ours=times["apt"],
                peer=times["arrow"],
                at_least=15.0,
                setting=setting_of("evaluate"),
            ),
            limit("metric apt, 10 M pairs in batches", ours=many["apt"], at_most=0.4),
            limit(
                "metric token_confusion, 10 M pairs in batches", ours=many["confusion"], at_most=1.0
            ),
            report(
                "metric apt, peak memory, 1 M pairs: evaluate's Arrow accuracy / ours",
                ours=peaks["apt"],
                peer=peaks["arrow"],
                at_least=1.0,
                unit="GiB",
                setting=setting_of("evaluate"),
            ),
            limit(
                "metric apt, peak memory, 10 M pairs", ours=peaks["many"], at_most=0.1, unit="GiB"
            ),
        ]
    )
