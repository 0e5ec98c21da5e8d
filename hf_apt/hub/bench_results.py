"""The results of a benchmark as the Hub reads them: `.eval_results/<benchmark>.yaml`."""

from __future__ import annotations

from typing import Any

import yaml

TASKS = {
    "word_accuracy": "accuracy",
    "mean_word_apt": "mean_apt",
    "word_cross_entropy": "cross_entropy",
}
"""The tasks of the benchmark's `eval.yaml`, and the figure of words that each is."""


def bench_results_yaml(record: dict[str, Any], dataset: str) -> str:
    """The figures of words after the last block, as entries of the data set's tasks.

    Args:
        record: what `hf-apt bench` wrote, with `created`.
        dataset: Hub id of the data set that holds the benchmark.
    """
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    last = record["depths"][-1]["words"]
    entries = [
        EvalResultEntry(
            dataset_id=dataset,
            task_id=task,
            value=last[figure]["value"],
            date=record["created"],
            notes=f"{record['benchmark']} {record['version']}, sha256 {record['sha256'][:12]}, "
            f"own head after the last block, standard error {last[figure]['standard_error']:.2g}",
        )
        for task, figure in TASKS.items()
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False)
