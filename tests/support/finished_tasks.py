"""Records of a finished run about tasks, with made-up figures: without a model."""

from typing import Any

from finished import NUM_DEPTHS

from hf_apt.records.run import Run


def task_record(run: Run, task: str = "topics", **changes: Any) -> dict[str, Any]:
    """A task's record as `hf_apt.studies.block_accuracy` writes it, made up; also put on disk."""
    record = {
        "schema": "hf_apt.block_accuracy/2",
        "task": task,
        "checkpoint": "runs/x/checkpoint",
        "weights": run.read_json("summary.json")["model"]["weights"],
        "label_names": ["a", "b", "c", "d"],
        "depths": ["embeddings", *(f"block {number}" for number in range(1, NUM_DEPTHS))],
        "chance": 0.25,
        "provenance": [
            {"source": "them/topics", "num_train": 1200, "num_test": 345, "num_labels": 4}
        ],
        "config": {
            "num_seeds": 1,
            "task": {"name": task, "data": None},
            "features": {"sequence_length": 48},
            "finetune": {"num_epochs": 5, "batch_size": 16, "learning_rate": 0.0003},
        },
        "models": {"pretrained": _model(0.7), "untrained": _model(0.5)},
        "agreement": {
            protocol: {
                "mean": {"logme": estimate(0.8, 0.21, 4), "mean_apt": estimate(-0.4, 0.5, 4)}
            }
            for protocol in ("frozen", "finetuned")
        },
        "overlap": {
            "types": 0.876,
            "occurrences": 0.9543,
            "num_types": 4321,
            "num_occurrences": 98_765,
        },
        "confidence": confidence_record(),
    } | changes
    run.write_json(f"finetune/{task}.json", record)
    return record


def _model(base: float) -> dict[str, Any]:
    def by_depth(start: float) -> list[dict[str, Any]]:
        # Best after block 2.
        values = [start + 0.05 * depth - 0.09 * (depth == 3) for depth in range(NUM_DEPTHS)]
        return [estimate(value, 0.0123) for value in values]

    def protocol(start: float) -> dict[str, Any]:
        probes = {"linear": 0.0, "prototype": -0.08, "neighbours": -0.11, "logme": -0.5}
        return {
            pooling: {name: by_depth(start + shift + less) for name, shift in probes.items()}
            for pooling, less in (("cls", -0.04), ("mean", 0.0))
        }

    return {
        "frozen": protocol(base - 0.1),
        "finetuned": protocol(base),
        "cut": by_depth(base + 0.01),
        "classifier": estimate(base + 0.111, 0.0234),
    }


def estimate(value: float | None, error: float | None = 0.01, num: int = 1) -> dict[str, Any]:
    return {"value": value, "standard_error": error, "num": num}


def line(value: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    error = None if low is None or high is None else (high - low) / 4
    return {"value": value, "standard_error": error, "low": low, "high": high, "num": 345}


def confidence_record(low: float = -0.061) -> dict[str, Any]:
    bins = [
        {
            "low": 0.1 * place,
            "high": 0.1 * place + 0.09,
            "confidence": estimate(0.7 + 0.01 * place, 0.02, 115),
            "accuracy": estimate(0.8 - 0.02 * place, 0.03, 115),
        }
        for place in range(3)
    ]
    curve = [{name: part[name] for name in ("confidence", "accuracy")} for part in bins]
    calibration = {
        "error": 0.0876,
        "error_if_calibrated": 0.0456,
        "error_if_calibrated_95": 0.0654,
        "curve": curve,
    }
    effects = {
        "changed_labels": estimate(0.1234, 0.0112, 345),
        "accuracy_change": estimate(-0.0345, 0.0098, 345),
        "confidence_change": estimate(-0.0123, 0.0045, 345),
    }
    replaced = {"num": 99, "identical": 0.3, "strong_match": 0.11, "other": 0.25, "not_kept": 0.34}
    control = effects | {"less_prediction": {"changed_labels": estimate(0.0567, 0.0089, 345)}}
    dose = {
        "prediction": effects | {"replaced": replaced},
        "random": control | {"replaced": replaced},
        "random_by_frequency": control | {"replaced": replaced},
    }
    return {
        "num_inputs": 345,
        "mean_confidence": estimate(0.7111, 0.0065, 345),
        "accuracy": estimate(0.811, 0.0211, 345),
        "calibration": {
            "equal_width": calibration,
            "equal_count": calibration,
            "negative_log_likelihood": estimate(0.5432, 0.0301, 345),
            "brier_score": estimate(0.2345, 0.0151, 345),
        },
        "apt_source": {"source": "run", "num_asked": 9000, "num_tokens": 60, "covered": 0.93},
        "mean_apt": estimate(0.15, 0.002, 345),
        "bins": bins,
        "slope": {
            "value": 0.1357,
            "standard_error": 0.1,
            "low": low,
            "high": 0.3321,
            "num": 345,
        },
        "within_class_slope": line(-0.0246, -0.1234, 0.0742),
        "corrected": {
            "pooled": {"slope": line(0.2109, -0.0987, 0.5207), "reliability": 0.6543},
            "within_class": {"slope": line(-0.0391, -0.1987, 0.1205), "reliability": 0.6291},
            "grouped_by": "sequences",
            "covered": 0.91,
        },
        "pearson": estimate(0.0987, 0.0543, 345),
        "spearman": estimate(0.0876, 0.0532, 345),
        "substitution": {
            "num_groups": 7,
            "strong_match_threshold": 0.1,
            "num_draws": 3,
            "doses": {"all": dose, "one_group": dose},
        },
    }


def committee_record(run: Run, task: str = "topics", **changes: Any) -> dict[str, Any]:
    """What `hf_apt.studies.committee` leaves of a committee of three; also put on disk."""

    def member(accuracy: float, **others: Any) -> dict[str, Any]:
        return {
            "checkpoint": "/home/somebody/runs/small/checkpoint",
            "finetuned_here": True,
            "num_trained_parameters": 14_916,
            "accuracy": estimate(accuracy, 0.0222, 345),
        } | others

    def cost(times: int, parallel_ms: float | None) -> dict[str, Any]:
        return {
            "num_parameters": 14_916 * times,
            "flops": 657_664_000 * times,
            "sequence_length": 48,
            "latencies": [
                {"batch_size": 1, "in_sequence_ms": 1.31 * times, "in_parallel_ms": parallel_ms},
                {"batch_size": 32, "in_sequence_ms": 4.81 * times, "in_parallel_ms": parallel_ms},
            ],
            "num_repeats": 20,
            "num_threads": 1,
            "device": "cpu",
        }

    points = [
        {
            "size": size,
            "num_subsets": (3, 3, 1)[size - 1],
            "accuracy": 0.7 + 0.0211 * size,
            "subset_spread": None if size == 3 else 0.0345 / size,
            "binomial_error": 0.0246 - 0.0008 * size,
            "cross_entropy": 1 - 0.1 * size,
        }
        for size in (1, 2, 3)
    ]
    record = {
        "schema": "hf_apt.committee/1",
        "task": task,
        "label_names": ["a", "b", "c", "d"],
        "chance": 0.25,
        "provenance": {"num_train": 1200, "num_test": 345, "num_labels": 4},
        "combination": "mean_softmax",
        "members": [member(0.7211), member(0.7011), member(0.7411)],
        "curves": {name: points for name in ("mean_softmax", "mean_logits", "majority")},
        "reference": member(0.7777, checkpoint="owner/deep", finetuned_here=False),
        "cost": {"committee": cost(3, 2.22), "member": cost(1, None), "reference": cost(2, None)},
    } | changes
    run.write_json(f"finetune/{task}-committee.json", record)
    return record
