"""Which block is enough for a task, and where an earlier block beats the last: sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hf_apt.records.task_record import TaskRecord
from hf_apt.report.formats import estimate
from hf_apt.report.tasks.formats import SHORT_POOLINGS, pooled
from hf_apt.stats.labels import PROTOCOL_LABELS


def enough_sentences(record: TaskRecord) -> list[str]:
    """The advice of a record: a sentence on enough, and one for each earlier block that is better.

    Empty for records of versions that did not say it.
    """
    enough = record.get("enough") or {}
    if not enough:
        return []
    advice = "; ".join(
        f"{PROTOCOL_LABELS[protocol]}: {_by_pooling(record, by_pooling)}"
        for protocol, by_pooling in enough.items()
    )
    return [
        f"The first depth within one standard error of the best is enough. {_capital(advice)}.",
        *_earlier(record, enough),
    ]


def enough_of(record: TaskRecord, protocol: str, pooling: str) -> str | None:
    """The name of the depth that is enough; None where that is not recorded."""
    said = (record.get("enough") or {}).get(protocol, {}).get(pooling)
    return None if said is None else record["depths"][said["enough"]]


def _by_pooling(record: TaskRecord, by_pooling: Mapping[str, Any]) -> str:
    return ", ".join(
        record["depths"][said["enough"]] + (f" ({SHORT_POOLINGS[name]})" if name else "")
        for name, said in by_pooling.items()
    )


def _earlier(record: TaskRecord, enough: Mapping[str, Any]) -> list[str]:
    """Where the interval of the difference between an earlier depth and the last lies above 0."""
    last = record["depths"][-1]
    sentences = [
        f"{_capital(PROTOCOL_LABELS[protocol])}{f', on {pooled(pooling)}' if pooling else ''}, an"
        f" earlier depth ({record['depths'][said['earlier']]}) beats {last} by"
        f" {estimate(said['earlier_minus_last'])}, paired by seed."
        for protocol, by_pooling in enough.items()
        for pooling, said in by_pooling.items()
        if said["low"] is not None and said["low"] > 0
    ]
    if record["config"]["num_seeds"] < 2:
        return ["Whether an earlier depth beats the last, one seed cannot tell: ask for more."]
    return sentences or [f"At no pooling can an earlier depth be told to beat {last}."]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
