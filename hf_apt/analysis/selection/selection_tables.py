"""Tables and the figure of the study of a generator and its discriminator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hf_apt.analysis.selection.planted_detection import PlantedDetection
from hf_apt.analysis.selection.selection_counts import SelectionCounts
from hf_apt.records.studies.study_record import StudyFigure, StudyTable
from hf_apt.stats.apt import ASKED_OFTEN, apt, masked_accuracy, mean_apt
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate, plain, share_estimate

HEAD_NAMES = {
    "replaced_tokens": "detection",
    "word_selection": "selection",
    "multi_choice": "multi-choice",
}
"""What the tables call the heads."""
_NUM_TOKENS = 8
"""Tokens that are told best, and worst, in the table of tokens."""


def mean_over_tokens(counts: DepthCounts, depth: int, treatment: str | None = None) -> Estimate:
    """The mean over tokens of their accuracy."""
    pairs = counts.at(depth, treatment)
    return mean_apt(pairs.hits(), pairs.support())


def share_of(values: np.ndarray) -> Estimate:
    """The share of what is true."""
    return share_estimate(int(values.sum()), len(values))


def false_alarms(counts: SelectionCounts, depth: int) -> Estimate:
    """The share of tokens called replaced where nothing was masked."""
    return share_estimate(int(counts.false_alarms_D[depth]), counts.num_elsewhere)


def generator_table(counts: SelectionCounts, names: Sequence[str]) -> StudyTable:
    """APT of the generator by depth."""
    rows = []
    for depth, name in enumerate(names):
        pairs = counts.generator.at(depth)
        accuracy = masked_accuracy(pairs.hits(), pairs.support())
        rows.append([name, plain(mean_over_tokens(counts.generator, depth)), plain(accuracy)])
    return StudyTable(
        title="The generator: accuracy per token",
        header=["depth", "mean APT", "masked accuracy"],
        rows=rows,
        notes=["By the generator's own head, as `hf-apt measure` has it."],
    )


def means_table(counts: SelectionCounts, names: Sequence[str]) -> StudyTable:
    """Accuracy per token of each head by depth, mean over tokens."""
    return StudyTable(
        title="The discriminator: accuracy per token, mean over tokens",
        header=["depth", *(HEAD_NAMES[head] for head in counts.heads)],
        rows=[
            [name, *(plain(mean_over_tokens(each, depth)) for each in counts.heads.values())]
            for depth, name in enumerate(names)
        ],
        notes=[
            "At masked positions, by the discriminator's own heads at every depth. Detection: "
            "replaced or not is said rightly; selection: the true token is chosen among the "
            "candidates; multi-choice: the token that is told, which is the one shown where all "
            "others are rejected, is the true one.",
            "Of equal scores the lowest id is the answer. Errors are over tokens.",
        ],
    )


def detection_table(counts: SelectionCounts, names: Sequence[str]) -> StudyTable:
    """Detection by what the sample was, and false alarms."""
    each = counts.heads["replaced_tokens"]
    rows = []
    for depth, name in enumerate(names):
        pairs = each.at(depth)
        rows.append(
            [
                name,
                plain(mean_over_tokens(each, depth, "replaced")),
                plain(mean_over_tokens(each, depth, "unchanged")),
                plain(masked_accuracy(pairs.hits(), pairs.support())),
                plain(false_alarms(counts, depth)),
            ]
        )
    num_replaced = each.at(0, "replaced").support().sum()
    share = num_replaced / max(each.at(0).support().sum(), 1)
    return StudyTable(
        title="Detection, by what the sample was",
        header=["depth", "replaced", "the original", "masked positions", "false alarms"],
        rows=rows,
        notes=[
            "Replaced, the original: means over tokens where the sample is another token, and "
            f"where it is the true one; {share:.1%} of the samples are another. Masked positions: "
            "share of all of them. False alarms: share of the tokens where nothing was masked that "
            "are called replaced.",
        ],
    )


def planted_table(known: PlantedDetection, names: Sequence[str]) -> StudyTable:
    """Detection of one sample a document, beside the best."""
    rows: list[list[Any]] = [
        [name, plain(share_of(right))] for name, right in zip(names, known.is_right_DB, strict=True)
    ]
    rows.append(["the best detector", plain(share_of(known.is_best_right_B))])
    rows.append(["the best, expected", float(known.best_B.mean())])
    rows.append(["always “replaced”", plain(share_of(known.is_replaced_B))])
    return StudyTable(
        title="Detection with one masked word a document",
        header=["detector", "right"],
        rows=rows,
        notes=[
            "The best detector knows the language and which word was masked, which the "
            "discriminator is not told: no detector is right more often on average.",
        ],
    )


def any_often(counts: DepthCounts) -> bool:
    """Whether any token was asked often."""
    return bool((counts.support() >= ASKED_OFTEN).any())


def tokens_table(head: str, counts: DepthCounts, vocabulary: Sequence[str]) -> StudyTable:
    """The tokens that a head tells best and worst at the last block."""
    pairs = counts.at(counts.num_depths - 1)
    hits_V, support_V = pairs.hits(), pairs.support()
    often = np.flatnonzero(support_V >= ASKED_OFTEN)
    ordered = often[np.argsort(-apt(hits_V, support_V)[often], kind="stable")]
    shown = [*ordered[:_NUM_TOKENS], *ordered[max(_NUM_TOKENS, len(ordered) - _NUM_TOKENS) :]]
    rows: list[list[Any]] = [
        [
            vocabulary[token],
            plain(share_estimate(int(hits_V[token]), int(support_V[token]))),
            int(support_V[token]),
        ]
        for token in map(int, shown)
    ]
    return StudyTable(
        title=f"Tokens by their {HEAD_NAMES[head]} accuracy at the last block",
        header=["token", "accuracy", "asked"],
        rows=rows,
        notes=[
            f"The best and the worst {_NUM_TOKENS} of the {len(often)} tokens that were asked at "
            f"least {ASKED_OFTEN} times."
        ],
    )


def accuracy_figure(counts: SelectionCounts, names: Sequence[str]) -> StudyFigure:
    """The means over tokens of each head by depth."""
    return StudyFigure(
        title="Accuracy per token of the discriminator, mean over tokens",
        y_label="accuracy",
        x_labels=["emb" if depth == 0 else str(depth) for depth in range(len(names))],
        curves={
            HEAD_NAMES[head]: [plain(mean_over_tokens(each, depth)) for depth in range(len(names))]
            for head, each in counts.heads.items()
        },
        over="tokens",
        unit="tokens",
    )
