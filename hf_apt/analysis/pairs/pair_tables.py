"""Tables and figures of pairs of masked tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hf_apt.analysis.pairs.pair_config import PairConfig
from hf_apt.analysis.pairs.pair_readings import PairReadings
from hf_apt.records.studies.study_record import StudyFigure, StudyTable
from hf_apt.stats.estimates import plain
from hf_apt.stats.pairs.joints import JOINT_NAMES, JointName

JOINT_TITLES: dict[JointName, str] = {
    "product": "product",
    "first_chained": "earlier first",
    "second_chained": "later first",
    "mrf_logits": "field of logits",
    "mrf": "field",
    "hcb": "pivot",
    "arnold_gokhale": "Arnold-Gokhale",
    "sampler": "sampling in turn",
}
"""What each joint law is called in tables."""

HEAD_TITLE = "pair head"
"""What the law of a trained head is called."""


def pair_tables(
    readings: PairReadings, names: Sequence[str], config: PairConfig
) -> list[StudyTable]:
    """The gap by depth, by distance after the last depth, and the joint laws there.

    Args:
        readings: what was read.
        names: what stands at each depth.
        config: what was asked for.

    Returns:
        Three tables; in a language that is known with the exact law as a row or column.
    """
    return [
        _by_depth(readings, names, config),
        _by_distance(readings, names[-1]),
        _of_joints(readings, names[-1], config),
    ]


def _by_depth(readings: PairReadings, names: Sequence[str], config: PairConfig) -> StudyTable:
    rows: list[list[Any]] = [
        [
            name,
            plain(readings.estimate(readings.gap_ND2[:, depth].mean(axis=1))),
            plain(readings.estimate(readings.gain_ND2[:, depth].mean(axis=1))),
            plain(readings.estimate(readings.order_ND[:, depth])),
            plain(readings.estimate(readings.tail_ND2[:, depth].mean(axis=1))),
        ]
        for depth, name in enumerate(names)
    ]
    if readings.exact_gap_N is not None:
        rows.append(
            [
                "exact law",
                plain(readings.estimate(readings.exact_gap_N)),
                plain(readings.estimate(readings.exact_gain_N)),
                0.0,
                0.0,
            ]
        )
    return StudyTable(
        title="The pair gap by depth, nats",
        header=["depth", "gap", "gain of true pairs", "orders apart", "tail"],
        rows=rows,
        notes=[
            f"{len(readings)} pairs of masked tokens, {', '.join(map(str, config.distances))} "
            "tokens apart; ± is the standard error over texts, both orders are averaged.",
            "Gap: KL of the chained joint from the product. Gain: by how much the chained joint "
            "makes the true pair likelier; where a model is right its mean is that of the gap.",
            "Orders apart: Jensen-Shannon divergence of the two chained joints, within the "
            f"{config.num_best} most probable tokens of either position; 0 where one joint law has "
            "the model's conditionals and its p(a), p(b).",
            f"Tail: probability of all others, for which {config.num_drawn} draws stand in the gap."
            if config.num_drawn
            else "Tail: probability of all others, which the gap leaves out.",
        ],
    )


def _by_distance(readings: PairReadings, last: str) -> StudyTable:
    columns: dict[str, Any] = {
        "gap": readings.gap_ND2[:, -1].mean(axis=1),
        "gain": readings.gain_ND2[:, -1].mean(axis=1),
        "orders apart": readings.order_ND[:, -1],
    }
    if readings.exact_gap_N is not None:
        columns["exact gap"] = readings.exact_gap_N
    distances = sorted({int(each) for each in readings.distances_N})
    return StudyTable(
        title=f"By distance, after {last}, nats",
        header=["distance", *columns],
        rows=[
            [
                str(distance),
                *(plain(readings.estimate(each, distance=distance)) for each in columns.values()),
            ]
            for distance in distances
        ],
        notes=["Distance: tokens from one masked token to the other."],
    )


def _of_joints(readings: PairReadings, last: str, config: PairConfig) -> StudyTable:
    product_N = readings.surprisal_NDJ[:, -1, 0]
    header = ["joint law", "surprisal", "less than product", "unfaithful"]
    header += ["from truth"] if readings.from_truth_NDJ is not None else []
    rows: list[list[Any]] = []
    for number, name in enumerate(JOINT_NAMES):
        surprisal_N = readings.surprisal_NDJ[:, -1, number]
        rows.append(
            [
                JOINT_TITLES[name],
                plain(readings.estimate(surprisal_N)),
                plain(readings.estimate(product_N - surprisal_N)),
                plain(readings.estimate(readings.unfaithful_NDJ[:, -1, number])),
            ]
        )
        if readings.from_truth_NDJ is not None:
            rows[-1].append(plain(readings.estimate(readings.from_truth_NDJ[:, -1, number])))
    if readings.head is not None:
        head = readings.head
        rows.append(
            [
                HEAD_TITLE,
                plain(readings.estimate(head.surprisal_N)),
                plain(readings.estimate(product_N - head.surprisal_N)),
                plain(readings.estimate(head.unfaithful_N)),
            ]
        )
        if readings.from_truth_NDJ is not None:
            rows[-1].append(plain(readings.estimate(head.from_truth_N)))
    if readings.exact_surprisal_N is not None:
        exact_N = readings.exact_surprisal_N
        rows.append(
            [
                "exact law",
                plain(readings.estimate(exact_N)),
                plain(readings.estimate(product_N - exact_N)),
                None,
                0.0,
            ]
        )
    notes = [
        f"Over the {config.num_best} most probable tokens of either position, the true ones among "
        "them.",
        "Earlier, later first: p(a) p(b | a), p(b) p(a | b). Field: a Markov random field of the "
        "conditionals, or of their logits. Pivot: that of Hammersley, Clifford and Besag, from the "
        "most probable earlier token.",
        "Surprisal: -log q(true pair). Unfaithful: mean KL of the model's conditionals from those "
        "of the joint law.",
    ]
    if readings.from_truth_NDJ is not None:
        notes.append("From truth: KL of the exact law from the joint law.")
    if readings.head is not None:
        num_out = int(np.isnan(readings.head.surprisal_N).sum())
        notes.append(
            "Pair head: the law of a head that was trained beside the model (masked_pairs). Tokens "
            "that it does not tell apart share their probability as in the model's own law."
            + (f" {num_out} pairs are further apart than it was trained for." if num_out else "")
        )
    notes += [
        f"{JOINT_TITLES[name]}: not found for {number} of {len(readings)} pairs, which its row "
        "leaves out."
        for name, number in zip(JOINT_NAMES, readings.not_found()[-1].tolist(), strict=True)
        if number
    ]
    return StudyTable(
        title=f"Joint laws of two masked tokens after {last}, nats",
        header=header,
        rows=rows,
        notes=notes,
    )


def pair_figures(readings: PairReadings, names: Sequence[str]) -> list[StudyFigure]:
    """The gap by depth and by distance, and how good joint laws are by depth.

    Args:
        readings: what was read.
        names: what stands at each depth.

    Returns:
        Three figures.
    """
    depths = range(len(names))
    distances = sorted({int(each) for each in readings.distances_N})
    gap_ND, gain_ND = readings.gap_ND2.mean(axis=2), readings.gain_ND2.mean(axis=2)
    by_depth: dict[str, Any] = {
        "gap": [plain(readings.estimate(gap_ND[:, depth])) for depth in depths],
        "gain of true pairs": [plain(readings.estimate(gain_ND[:, depth])) for depth in depths],
    }

    def at_distances(values_N: Any) -> list[Any]:
        return [plain(readings.estimate(values_N, distance=distance)) for distance in distances]

    by_distance = {"gap": at_distances(gap_ND[:, -1]), "gain": at_distances(gain_ND[:, -1])}
    if readings.exact_gap_N is not None:
        by_depth["exact gap"] = [plain(readings.estimate(readings.exact_gap_N))] * len(names)
        by_distance["exact gap"] = at_distances(readings.exact_gap_N)
    measured = readings.from_truth_NDJ
    label = "KL of the exact law, nats"
    if measured is None:
        measured, label = readings.surprisal_NDJ, "surprisal of true pairs, nats"
    short = ["emb" if depth == 0 else str(depth) for depth in depths]
    return [
        StudyFigure(
            title="The pair gap by depth",
            y_label="nats",
            x_labels=short,
            curves=by_depth,
            chance=0.0,
            over="texts",
            unit="texts",
        ),
        StudyFigure(
            title=f"The pair gap by distance, after {names[-1]}",
            y_label="nats",
            x_label="tokens apart",
            x_labels=[str(distance) for distance in distances],
            curves=by_distance,
            chance=0.0,
            over="texts",
            unit="texts",
        ),
        StudyFigure(
            title="Joint laws by depth",
            y_label=label,
            x_labels=short,
            curves={
                JOINT_TITLES[name]: [
                    plain(readings.estimate(measured[:, depth, number])) for depth in depths
                ]
                for number, name in enumerate(JOINT_NAMES)
            },
            over="texts",
            unit="texts",
        ),
    ]
