"""The study of a generator and its discriminator: sentences, tables and a figure by depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.analysis.selection.planted_detection import PlantedDetection, planted_detection
from hf_apt.analysis.selection.selection_counts import SelectionCounts, selection_counts
from hf_apt.analysis.selection.selection_tables import (
    HEAD_NAMES,
    accuracy_figure,
    any_often,
    detection_table,
    false_alarms,
    generator_table,
    mean_over_tokens,
    means_table,
    planted_table,
    share_of,
    tokens_table,
)
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import Tokens
from hf_apt.models.description import depth_names
from hf_apt.records.studies.study_record import StudyRecord, study_record
from hf_apt.stats.estimates import Estimate, plain

if TYPE_CHECKING:
    from hf_apt.data.planted.language import PlantedLanguage
    from hf_apt.models.selection import SelectionForPreTraining


def selection_study(
    checkpoint: str,
    model: SelectionForPreTraining,
    tokens: Tokens,
    config: MeasureConfig,
    *,
    vocabulary: Sequence[str],
    provenance: Mapping[str, Any],
    language: PlantedLanguage | None = None,
) -> StudyRecord:
    """APT of a generator, and what its discriminator tells of each token, as a study's record.

    Args:
        checkpoint: the model of both as it was named.
        model: the loaded model.
        tokens: the held-out text.
        config: sequences, masks and seed, as of any measurement.
        vocabulary: the tokens as text, by id.
        provenance: the text: its name and fingerprints.
        language: the planted language, where the text is of it: the best detector stands beside.

    Returns:
        The record: means over tokens at every depth with a figure, detection of replaced and of
        unchanged tokens, and the tokens that are told best and worst at the last block.

    Raises:
        ValueError: as `hf_apt.analysis.selection.selection_counts.selection_counts`.
    """
    counts = selection_counts(model, tokens, config)
    encoders = model.config.encoders()
    names = depth_names(encoders[1], len(counts.false_alarms_D))
    of_generator = depth_names(encoders[0], counts.generator.num_depths)
    known = None
    if language is not None and "replaced_tokens" in counts.heads:
        known = planted_detection(
            model, tokens, language, num_documents=len(tokens), seed=config.seed
        )
    tables = [generator_table(counts, of_generator), means_table(counts, names)]
    if "replaced_tokens" in counts.heads:
        tables.append(detection_table(counts, names))
    if known is not None:
        tables.append(planted_table(known, names))
    tables += [
        tokens_table(head, each, vocabulary)
        for head, each in counts.heads.items()
        if any_often(each)
    ]
    return study_record(
        study="selection",
        subject="",
        title="Generator and discriminator",
        question="Which tokens does the generator know, and at which block does the discriminator "
        "tell its samples from the text?",
        checkpoint=checkpoint,
        findings=findings(counts, names, known),
        tables=tables,
        figures=[accuracy_figure(counts, names)],
        results=_results(counts, known),
        config=asdict(config),
        provenance=provenance,
    )


def findings(
    counts: SelectionCounts, names: Sequence[str], known: PlantedDetection | None
) -> list[str]:
    """The answer in sentences, the last block first."""
    apt_of_generator = mean_over_tokens(counts.generator, counts.generator.num_depths - 1)
    said = [f"The generator's mean APT after its last block is {_said(apt_of_generator)}."]
    last = len(names) - 1
    for head, each in counts.heads.items():
        means = [mean_over_tokens(each, depth).value for depth in range(len(names))]
        best = int(np.nanargmax(means))
        said.append(
            f"The discriminator's {HEAD_NAMES[head]} accuracy, mean over tokens, is "
            f"{_said(mean_over_tokens(each, last))} after {names[last]}"
            + (
                "."
                if best == last
                else f", and largest after {names[best]}: {_said(mean_over_tokens(each, best))}."
            )
        )
    if "replaced_tokens" in counts.heads:
        each = counts.heads["replaced_tokens"]
        found, left = (mean_over_tokens(each, last, kind) for kind in ("replaced", "unchanged"))
        said.append(
            f"Of replaced tokens it finds {_said(found)}, of samples that are the original it "
            f"leaves {_said(left)}, and elsewhere it calls {_said(false_alarms(counts, last))} of "
            "the tokens replaced."
        )
    if known is not None:
        own, best = share_of(known.is_right_DB[-1]), share_of(known.is_best_right_B)
        said.append(
            f"With one masked word a document it is right on {_said(own)} of the samples, and the "
            f"best detector, which knows the language and the place, on {_said(best)} (expected: "
            f"{known.best_B.mean():.3f})."
        )
    return said


def _results(counts: SelectionCounts, known: PlantedDetection | None) -> dict[str, Any]:
    heads = {}
    for head, each in counts.heads.items():
        support_V = each.support()
        asked = np.flatnonzero(support_V)
        heads[head] = {
            "mean": [plain(mean_over_tokens(each, depth)) for depth in range(each.num_depths)],
            "token_ids": asked,
            "support": support_V[asked],
            "hits": each.hits()[:, asked],
        }
    generator = counts.generator
    results: dict[str, Any] = {
        "generator": [
            plain(mean_over_tokens(generator, depth)) for depth in range(generator.num_depths)
        ],
        "heads": heads,
        "false_alarms": counts.false_alarms_D,
        "num_elsewhere": counts.num_elsewhere,
    }
    if known is not None:
        results["one_masked_word"] = {
            "right": [plain(share_of(right)) for right in known.is_right_DB],
            "best": plain(share_of(known.is_best_right_B)),
            "best_expected": float(known.best_B.mean()),
            "replaced": plain(share_of(known.is_replaced_B)),
        }
    return results


def _said(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ± {estimate.standard_error:.3f}"
