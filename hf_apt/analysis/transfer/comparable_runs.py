"""Whether runs can be compared: the same texts, and the same settings of all that was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hf_apt.analysis.transfer.transfer_run import TransferRun
from hf_apt.records.fingerprints import is_same_checkpoint

_SAME_TEXTS = ("num_train", "num_test", "num_labels", "train_fingerprint", "test_fingerprint")
_OF_ANCHORS = (
    *("positions", "masking_rate", "bulk", "top_k", "tail_mass", "words"),
    *("ridge", "sequence_length", "seed"),
)
_OF_KERNELS = (
    *("prompt", "words", "num_shots", "num_validation", "num_draws"),
    *("sequence_length", "selection", "seed"),
)
"""Settings that a predictor of transfer depends on; those of arms and errors are not among them."""


def require_comparable(runs: Sequence[TransferRun], tasks: Sequence[str]) -> None:
    """Refuse runs that were not measured on the same texts with the same settings.

    What a run has not, as fine-tuning, mean APT or a study, is not compared.

    Args:
        runs: what runs left of the tasks.
        tasks: the tasks that are compared.

    Raises:
        ValueError: with the setting, both values and the command to give again.
    """
    for task in tasks:
        _require_same(runs, [_of_task(run, task) for run in runs], task, "finetune")
    measured = [_of_measurement(run, tasks) for run in runs]
    _require_same(runs, measured, "a text by its own head", "measure")
    for study, names in (("anchors", _OF_ANCHORS), ("kernels", _OF_KERNELS)):
        for subject in ("", *tasks):
            of_runs = [_of_study(run, study, subject, tasks, names) for run in runs]
            _require_same(runs, of_runs, subject or "a text", study)


def _require_same(
    runs: Sequence[TransferRun], settings: Sequence[dict[str, Any]], of: str, command: str
) -> None:
    known: dict[str, tuple[str, Any]] = {}
    for run, own in zip(runs, settings, strict=True):
        for what, value in own.items():
            name, before = known.setdefault(what, (run.name, value))
            if before != value:
                raise ValueError(
                    f"{run.name} was measured on {of} with another {what} ({value}) than {name} "
                    f"({before}): give both the same options of hf-apt {command}."
                )


def _of_task(run: TransferRun, task: str) -> dict[str, Any]:
    texts, config = run.tasks[task]["provenance"][0], run.tasks[task]["config"]
    settings = {name: texts.get(name) for name in _SAME_TEXTS} | {
        "num_seeds": config["num_seeds"],
        "probe": _given(config.get("probe")),
        "sequence_length": config["features"]["sequence_length"],
    }
    if config["finetune"] is not None:
        settings["finetune"] = _given(config["finetune"])
    return settings


def _of_measurement(run: TransferRun, tasks: Sequence[str]) -> dict[str, Any]:
    """What was asked of the own head; a text is told by the name of its file, not by its folder."""
    if run.summary is None or not any(run.depths_of(task) for task in tasks):
        return {}
    corpus, masking = run.summary.get("corpus") or {}, run.summary.get("masking") or {}
    known: dict[str, Any] = {
        name: corpus.get(name) for name in ("sequences", "sequence_length") if name in corpus
    }
    if "name" in corpus:
        known["text"] = Path(str(corpus["name"])).name
    return known | {name: masking[name] for name in ("rate", "num_realisations") if name in masking}


def _of_study(
    run: TransferRun, study: str, subject: str, tasks: Sequence[str], names: Sequence[str]
) -> dict[str, Any]:
    return dict(_settings_of_study(run, study, subject, tasks, names))


def _settings_of_study(
    run: TransferRun, study: str, subject: str, tasks: Sequence[str], names: Sequence[str]
) -> Iterator[tuple[str, Any]]:
    for record in run.studies:
        is_read = record["study"] == study and record["subject"] == subject
        if is_read and any(is_same_checkpoint(record, run.tasks[task]) for task in tasks):
            yield from ((name, record["config"].get(name)) for name in names)
            texts = record["provenance"]
            for name in ("fingerprint", "train_fingerprint"):
                if name in texts:
                    yield name, texts[name]


def _given(setting: Any) -> Any:
    """A setting without options that are null, which records of versions before them lack."""
    if not isinstance(setting, dict):
        return setting
    return {name: value for name, value in setting.items() if value is not None}
