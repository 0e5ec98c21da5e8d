"""The tokens, clusters and confusion pictures of the readouts that have room on the page."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from hf_apt.records.run import Run
from hf_apt.report.confusion_svg import confusion_cells, confusion_frame
from hf_apt.report.formats import shown_token
from hf_apt.report.lookup_data import (
    DETAIL_BYTES,
    Numbering,
    readout_details,
    size_in_page,
)

PHONE_TOKENS = 18
"""Tokens of a confusion picture that a phone shows."""


def lookup_and_pictures(
    run: Run, shown: list[str], thresholds: list[float], shown_threshold: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON of the page, and the confusion pictures of the readouts that are in it."""
    counted = [name for name in shown if name in run.readouts() and name != "untrained"]
    if not counted:
        return {}, {}
    support_V = run.counts(counted[0]).support()
    words = [shown_token(token) for token in run.vocabulary(len(support_V))]
    frequency_V, planted_V = run.frequency(len(support_V)), run.planted(len(support_V))
    numbering = Numbering(support_V)
    details: dict[str, Any] = {}
    pictures: dict[str, Any] = {}
    for name in counted:
        record, picture = readout_details(
            run.counts(name),
            frequency_V,
            numbering,
            thresholds=thresholds,
            shown_threshold=shown_threshold,
        )
        details[name] = record
        pictures[name] = _picture(name, picture, words)
        # The next readout takes about as much again.
        if size_in_page(details) + size_in_page(record) > DETAIL_BYTES:
            break
    ids = numbering.ids()
    lookup = {
        "tokens": [words[token] for token in ids.tolist()],
        "ids": ids.tolist(),
        "support": support_V[numbering.asked].tolist(),
        "frequency": frequency_V[ids].tolist(),
        "planted": None if planted_V is None else planted_V[ids].tolist(),
        "details": details,
        "shown_threshold": f"{shown_threshold:g}",
    }
    return lookup, pictures


def _picture(name: str, picture: dict[str, Any], words: list[str]) -> dict[str, Any]:
    tokens = [words[token] for token in picture["tokens"]]
    frames = {
        variant: confusion_frame(tokens, picture["clusters"], num_shown, variant)
        for variant, num_shown in (
            ("wide", len(tokens)),
            ("narrow", min(PHONE_TOKENS, len(tokens))),
        )
    }
    cells = [
        confusion_cells(share_KK, f"cells-{name}-{depth}")
        for depth, share_KK in enumerate(picture["shares"])
    ]
    return {"frames": Markup("").join(frames.values()), "cells": cells, "num_tokens": len(tokens)}
