"""A study's record to test with."""

from __future__ import annotations

from typing import Any

from hf_apt.records.studies.study_record import StudyRecord, study_record


def an_estimate(value: float, error: float | None = 0.01, num: int = 3) -> Any:
    return {"value": value, "standard_error": error, "num": num}


def a_study(**changes: Any) -> StudyRecord:
    """A study of two depths of the model that comes along, with `changes`."""
    content: dict[str, Any] = {
        "study": "kernels",
        "subject": "agnews",
        "title": "Kernels of fine-tuning",
        "question": "Does the kernel solve the task?",
        "checkpoint": "bert6-narrow-wikipedia",
        "findings": ["The kernel reaches 0.700 ± 0.010.", "It is nearest at block 1."],
        "tables": [
            {
                "title": "Accuracy by depth",
                "header": ["depth", "accuracy", "texts", "solved"],
                "rows": [
                    ["embeddings", an_estimate(0.5), 1200, False],
                    ["block 1", an_estimate(0.7, 0.0001), 1200, True],
                ],
                "notes": ["accuracy: of the kernel."],
            }
        ],
        "figures": [
            {
                "title": "Accuracy of the kernel by depth",
                "y_label": "accuracy",
                "x_labels": ["embeddings", "block 1"],
                "curves": {"kernel": [an_estimate(0.5), an_estimate(0.7)], "head": [None, None]},
                "chance": 0.25,
                "over": "draws",
                "unit": "draws",
            }
        ],
        "results": {"accuracy": [0.5, 0.7]},
        "config": {"num_draws": 3},
        "provenance": {"num_test": 1200},
    }
    return study_record(**(content | changes))
