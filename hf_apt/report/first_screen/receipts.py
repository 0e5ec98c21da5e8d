"""Receipts: a value with all that is needed to find it again, to be pointed at and copied."""

from __future__ import annotations

from hf_apt.records.summary_record import Summary, asks_next_tokens
from hf_apt.report.first_screen.answer import readable_title
from hf_apt.report.formats import NOTHING, counted, number
from hf_apt.stats.depth_figures import PlainEstimate
from hf_apt.stats.labels import READOUT_LABELS

_OVER = {"mean APT": "tokens"}
_ERRORS = {"mean APT": "standard error over tokens"}


def receipt(
    figure: str,
    readout: str,
    depth: str,
    value: PlainEstimate | None,
    seed: int | None = None,
    *,
    error: str = "",
    over: str = "",
) -> str:
    """One value in full: what it is, where, its error, n, and the seed of the masks.

    `error` says what kind of error it is and `over` what n counts: without them a mean APT is over
    tokens, and everything else a share of positions.

    >>> mean = {"value": 0.16224, "standard_error": 0.00231, "num": 604}
    >>> receipt("mean APT", "own_head", "block 6", mean)
    'mean APT, own head, block 6: 0.1622 ± 0.0023 (standard error over tokens), n = 604 tokens'
    """
    where = READOUT_LABELS[readout] + (f", {depth}" if depth else "")
    if value is None or value["value"] is None:
        return f"{figure}, {where}: {NOTHING}"
    parts = [f"{figure}, {where}: {number(value['value'], 4)}"]
    if value["standard_error"] is not None:
        kind = error or _ERRORS.get(figure, "binomial standard error")
        parts[0] += f" ± {number(value['standard_error'], 4)} ({kind})"
    parts.append(f"n = {counted(value['num'], over or _OVER.get(figure, 'positions'))}")
    if seed is not None:
        parts.append(f"seed {seed}")
    return ", ".join(parts)


def receipts_end(summary: Summary) -> str:
    """What all receipts of a page end with: the run, its text and its command."""
    masking = summary["masking"] or {}
    parts = [readable_title(summary)]
    if asks_next_tokens(summary["model"]):
        parts.append("next tokens, nothing masked")
    elif masking.get("rate") is not None:
        parts.append(f"masking rate {masking['rate']:g}")
    command = summary["command"]
    return ", ".join(parts) + (f"; {command}" if command else "")
