"""The figures of a card as the Hub reads them: `model-index`.

`.eval_results` are for tasks of a benchmark alone: see `hf_apt.hub.bench_results`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.records.summary_record import Summary
from hf_apt.records.task_record import TaskRecord
from hf_apt.records.training.training_origin import base_on_hub
from hf_apt.stats.labels import READOUT_LABELS

if TYPE_CHECKING:
    from huggingface_hub import EvalResult


def front_matter(
    summary: Summary,
    config: dict[str, Any],
    tasks: dict[str, TaskRecord],
    *,
    repo: str,
    license_id: str | None,
    language: str | None,
    dataset: str | None,
    text: str,
) -> str:
    """The card's YAML, with the figures of every readout and depth as `model-index`.

    A metric's `config` says the depth: `depth=0` is the embeddings. `tasks` are records of
    fine-tuning; of each the accuracy of the classifier follows. `text` is what to call the corpus,
    `dataset` its Hub id. What is not known is left out.
    """
    from huggingface_hub import ModelCardData

    return ModelCardData(
        license=license_id,
        base_model=base_on_hub(summary["training"]),
        language=language,
        library_name="transformers",
        pipeline_tag="fill-mask",
        tags=[summary["model"]["model_type"], "hf_apt", "accuracy-per-token", "token-confusion"],
        datasets=[dataset] if dataset else None,
        model_name=repo.partition("/")[2],
        eval_results=[*_eval_results(summary, config, dataset, text), *_of_tasks(tasks)],
    ).to_yaml()


def _eval_results(
    summary: Summary, config: dict[str, Any], dataset: str | None, text: str
) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    where: dict[str, Any] = {
        "task_type": "fill-mask",
        "dataset_type": dataset or "other",
        "dataset_name": f"held-out part of {text}",
        "dataset_config": config["corpus"].get("config") if dataset else None,
        "dataset_split": config["corpus"].get("split")
        if dataset == summary["corpus"]["name"]
        else None,
    }
    return [
        EvalResult(
            **where,
            metric_type=metric,
            metric_name=f"{name}, {READOUT_LABELS[readout]}",
            metric_config=f"depth={figures['depth']}",
            metric_args={"readout": readout, **_error(figures[key]["pooled"])},
            metric_value=figures[key]["pooled"]["value"],
        )
        for readout, depths in summary["readouts"].items()
        if readout != "bayes"
        for key, metric, name in (
            ("mean_apt", "apt", "mean APT"),
            ("masked_accuracy", "accuracy", "accuracy of modified positions"),
        )
        for figures in depths
    ]


def _of_tasks(tasks: dict[str, TaskRecord]) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    accuracies = {
        task: record["models"]["pretrained"].get("classifier") for task, record in tasks.items()
    }
    return [
        EvalResult(
            task_type="text-classification",
            **_texts(task, tasks[task]["provenance"][0]["source"]),
            metric_type="accuracy",
            metric_name="accuracy after fine-tuning",
            metric_args={
                "standard_error": accuracy["standard_error"],
                "num_seeds": accuracy["num"],
                "num_test": tasks[task]["provenance"][0]["num_test"],
            },
            metric_value=accuracy["value"],
        )
        for task, accuracy in accuracies.items()
        if accuracy is not None
    ]


def _texts(task: str, source: str | list[str]) -> dict[str, Any]:
    """Where a task's texts are from: local files, and texts of our own, have no Hub id.

    Results of one id and configuration become one entry, under one name.
    """
    name: dict[str, Any] = {"dataset_name": f"test texts of {task}"}
    if isinstance(source, str) and "/" in source:
        return name | {"dataset_type": source}
    return name | {"dataset_type": "other", "dataset_config": task}


def _error(estimate: dict[str, Any]) -> dict[str, Any]:
    return {"standard_error": estimate["standard_error"], "num": estimate["num"]}
