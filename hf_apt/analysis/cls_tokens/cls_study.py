"""The study of [CLS] and tokens: a sentence of verdict, tables and figures of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.analysis.cls_tokens.cls_config import ClsConfig
from hf_apt.analysis.cls_tokens.cls_tokens import ClsTokens, PlaceCosines, cls_tokens
from hf_apt.data.text_fingerprints import texts_provenance
from hf_apt.records.studies.study_record import (
    StudyFigure,
    StudyRecord,
    StudyTable,
    study_record,
)
from hf_apt.stats.estimates import Estimate, plain

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PARTED = 0.5
"""Share of its cosine before that [CLS] keeps at most, on average, where it is called parted."""


def cls_study(
    checkpoint: str,
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    config: ClsConfig,
    *,
    text_name: str,
) -> StudyRecord:
    """Whether normalisations part [CLS] from the tokens of a text, as a study's record.

    Args:
        checkpoint: the model as it was named.
        model: the loaded encoder.
        tokenizer: its tokenizer.
        texts: the texts that it reads.
        config: how texts are read.
        text_name: what the texts are called.

    Returns:
        The record: cosines at every normalisation, a figure by block, twins with random weights.

    Raises:
        ValueError: as `hf_apt.cls_tokens`.
    """
    measured = cls_tokens(model, tokenizer, texts, config)
    tables = [
        _table(measured.places, "Cosine of [CLS] and tokens", ("cls_before", "cls_after")),
        _table(measured.places, "Cosine of tokens", ("tokens_before", "tokens_after")),
    ]
    if measured.twins:
        title = "Cosine of [CLS] and tokens, random weights"
        tables.append(_table(measured.twins[0], title, ("cls_before", "cls_after")))
    tables[0]["notes"] = [
        f"Mean cosines over {measured.num_texts} texts, whose errors they have: of [CLS] with the "
        "tokens of its text, and of these with one another, special ones left out."
    ]
    return study_record(
        study="cls",
        subject="",
        title="[CLS] and tokens",
        question="Do normalisations part the state of [CLS] from those of the tokens, as they do "
        "with the patches of an image?",
        checkpoint=checkpoint,
        findings=findings(measured),
        tables=tables,
        figures=_figures(measured),
        results={
            "num_blocks": measured.num_blocks,
            "places": [_as_json(each) for each in measured.places],
            "twins": [[_as_json(each) for each in twin] for twin in measured.twins],
        },
        config=asdict(config),
        provenance=texts_provenance(text_name, texts),
    )


def findings(measured: ClsTokens) -> list[str]:
    """The verdict, and what it is made of."""
    inside = of_blocks(measured.places, measured.num_blocks)
    before, after = _means(inside)
    falls = [each for each in inside if _is_below_zero(each.cls_change)]
    rises = [each for each in inside if _is_below_zero(_negative(each.cls_change))]
    verdict = (
        "Normalisations part [CLS] from the tokens, as those of vision transformers do: "
        if is_parted(inside)
        else "Normalisations do not part [CLS] from the tokens, unlike those of vision "
        "transformers: "
    )
    deepest = min(inside, key=lambda each: each.cls_change.value)
    lowest = f"{'falls most' if deepest.cls_change.value < 0 else 'rises least'} at"
    counted = "One text has no errors: which falls and rises are real is not told"
    if measured.num_texts > 1:
        counted = (
            f"The cosine of [CLS] falls at {len(falls)} of them and rises at {len(rises)}, each by "
            "more than two standard errors"
        )
    said = [
        f"{verdict}the mean cosine of [CLS] and tokens goes from {before[0]:.3f} to {after[0]:.3f} "
        f"over the {len(inside)} normalisations of blocks, that of tokens with one another from "
        f"{before[1]:.3f} to {after[1]:.3f}.",
        f"{counted}; that of [CLS] {lowest} {place_name(deepest)}, by "
        f"{_size(deepest.cls_change)}, to {deepest.cls_after.value:.3f}.",
    ]
    said += _by_name(inside)
    if measured.twins:
        twin = of_blocks(measured.twins[0], measured.num_blocks)
        first, last = _means(twin)
        said.append(
            f"With random weights it goes from {first[0]:.3f} to {last[0]:.3f}, that of tokens "
            f"from {first[1]:.3f} to {last[1]:.3f}."
        )
    said.append(
        f"Called parted: [CLS] keeps at most {PARTED:g} of its cosine on average, and loses more "
        "of it than tokens lose of theirs."
    )
    return said


def _by_name(places: Sequence[PlaceCosines]) -> list[str]:
    """What the normalisations of one name do, over the blocks; nothing where all have one name."""
    names = list(dict.fromkeys(each.place.name for each in places))
    if len(names) < 2:
        return []
    parts = []
    for name in names:
        before, after = _means([each for each in places if each.place.name == name])
        parts.append(f"from {before[0]:.3f} to {after[0]:.3f} at {name}")
    return [f"By its place in the block, the cosine of [CLS] goes {', '.join(parts)}."]


def is_parted(places: Sequence[PlaceCosines]) -> bool:
    """Whether [CLS] keeps at most half of its cosine on average, and less than tokens of theirs.

    False where [CLS] and tokens have no cosine above 0 before.
    """
    before, after = _means(places)
    if before[0] <= 0:
        return False
    kept = abs(after[0]) / before[0]
    return bool(kept <= PARTED and (before[1] <= 0 or kept < after[1] / before[1]))


def of_blocks(places: Sequence[PlaceCosines], num_blocks: int) -> list[PlaceCosines]:
    """The normalisations of blocks; all of them where there is none in any block."""
    inside = [each for each in places if 1 <= each.place.block <= num_blocks]
    return inside or list(places)


def place_name(cosines: PlaceCosines) -> str:
    """What a place is called in a sentence."""
    return f"{cosines.place.name} of block {cosines.place.block}"


def _means(places: Sequence[PlaceCosines]) -> tuple[np.ndarray, np.ndarray]:
    """Means over places of the two cosines, before and after."""
    before = [(each.cls_before.value, each.tokens_before.value) for each in places]
    after = [(each.cls_after.value, each.tokens_after.value) for each in places]
    return np.mean(before, axis=0), np.mean(after, axis=0)


def _is_below_zero(estimate: Estimate) -> bool:
    return estimate.value + 2 * np.nan_to_num(estimate.standard_error) < 0


def _negative(estimate: Estimate) -> Estimate:
    return Estimate(-estimate.value, estimate.standard_error, estimate.num)


def _size(change: Estimate) -> str:
    error = change.standard_error
    size = f"{abs(change.value):.3f}"
    return f"{size} ± {error:.3f}" if np.isfinite(error) else size


def _table(places: Sequence[PlaceCosines], title: str, fields: tuple[str, str]) -> StudyTable:
    return StudyTable(
        title=title,
        header=["block and normalisation", "before", "after"],
        rows=[[_label(each), *(plain(getattr(each, name)) for name in fields)] for each in places],
    )


def _label(cosines: PlaceCosines) -> str:
    return f"{cosines.place.block} {cosines.place.name}"


def _figures(measured: ClsTokens) -> list[StudyFigure]:
    labels = [_label(each) for each in measured.places]
    curves: dict[str, Any] = {
        "[CLS] before": [plain(each.cls_before) for each in measured.places],
        "[CLS] after": [plain(each.cls_after) for each in measured.places],
        "tokens after": [plain(each.tokens_after) for each in measured.places],
    }
    if measured.twins and len(measured.twins[0]) == len(measured.places):
        curves["[CLS] after, random weights"] = [plain(x.cls_after) for x in measured.twins[0]]
    return [
        StudyFigure(
            title="Cosine of [CLS] and tokens at every normalisation",
            y_label="cosine",
            x_labels=labels,
            x_label="block and normalisation",
            curves=curves,
            chance=0.0,
            over="texts",
            unit="texts",
        )
    ]


def _as_json(cosines: PlaceCosines) -> dict[str, Any]:
    return plain(cosines)
