"""The study of pairs of masked tokens: sentences, tables and figures of what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.analysis.pairs.head_laws import HeadReadings
from hf_apt.analysis.pairs.pair_config import PairConfig
from hf_apt.analysis.pairs.pair_readings import PairReadings, read_pairs
from hf_apt.analysis.pairs.pair_tables import JOINT_TITLES, pair_figures, pair_tables
from hf_apt.analysis.pairs.pair_truth import MOST_WORDS, KnownLanguage
from hf_apt.models.description import depth_names
from hf_apt.records.studies.study_record import StudyRecord, study_record
from hf_apt.stats.estimates import Estimate, plain
from hf_apt.stats.pairs.joints import JOINT_NAMES
from hf_apt.training.pairs.head_file import WordPairHead

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def pair_study(
    checkpoint: str,
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    config: PairConfig,
    *,
    provenance: Mapping[str, Any],
    language: KnownLanguage | None = None,
    head: WordPairHead | None = None,
) -> StudyRecord:
    """How much masked tokens say about each other at every depth, as a study's record.

    Args:
        checkpoint: the model as it was named.
        model: the loaded model.
        tokenizer: its tokenizer.
        texts: the texts that it reads.
        config: which pairs are asked about.
        provenance: what the texts are.
        language: the planted or artificial language that they are of; with more words than
            `MOST_WORDS` its exact law is left out, and the first finding says so.
        head: a head over pairs that was trained with the model.

    Returns:
        The record: tables and figures by depth and distance, and of joint laws.

    Raises:
        ValueError: as `hf_apt.read_pairs`.
    """
    left_out = []
    if language is not None and language.num_words > MOST_WORDS:
        left_out = [
            f"The exact law is left out: the language has {language.num_words:,} words, and the "
            f"law of a pair is made for {MOST_WORDS:,} at most."
        ]
        language = None
    readings = read_pairs(model, tokenizer, texts, config, language=language, head=head)
    names = depth_names(model.config, readings.gap_ND2.shape[1])
    return study_record(
        study="pairs",
        subject="",
        title="Pairs of masked tokens",
        question="How much do two masked tokens say about each other, and is there a joint law "
        "that holds what the model says of each?",
        checkpoint=checkpoint,
        findings=left_out + findings(readings, names),
        tables=pair_tables(readings, names, config),
        figures=pair_figures(readings, names),
        results=_results(readings),
        config=asdict(config),
        provenance=provenance,
    )


def findings(readings: PairReadings, names: Sequence[str]) -> list[str]:
    """The answer in sentences.

    Args:
        readings: what was read.
        names: what stands at each depth.

    Returns:
        The gap first, then the joint laws.
    """
    gap = readings.estimate(readings.gap_ND2[:, -1].mean(axis=1))
    gain = readings.estimate(readings.gain_ND2[:, -1].mean(axis=1))
    beside = ""
    if readings.exact_gap_N is not None:
        beside = f"; of the exact law the gap is {_said(readings.estimate(readings.exact_gap_N))}"
    said = [
        f"After {names[-1]} the joint law of two masked tokens is {_said(gap)} nats from the "
        f"product of their own laws, and makes the true pair {_said(gain)} nats likelier{beside}.",
        _of_distances(readings),
        "The two orders of chaining are "
        f"{_said(readings.estimate(readings.order_ND[:, -1]))} nats apart (Jensen-Shannon); this "
        "is 0 where one joint law has the model's conditionals and its p(a), p(b).",
        _of_joints(readings),
    ]
    if readings.head is not None:
        said.append(_of_head(readings, readings.head))
    tail = float(readings.tail_ND2[:, -1].mean())
    if tail > 0:
        said.append(
            f"Of the probability {tail:.1%} is of tokens that stand in the gap by draws, or not at "
            "all; joint laws leave them out."
        )
    return said


def _of_distances(readings: PairReadings) -> str:
    gap_N = readings.gap_ND2[:, -1].mean(axis=1)
    distances = sorted({int(each) for each in readings.distances_N})
    parts = [
        f"{_said(readings.estimate(gap_N, distance=distance))} at {distance}"
        for distance in distances
    ]
    return f"By distance in tokens the gap is {', '.join(parts)}."


def _of_joints(readings: PairReadings) -> str:
    """Which joint law is best, with its lead over the next one and over the product.

    Pair by pair, over pairs of which all laws were found.
    """
    measured = readings.from_truth_NDJ
    what = "nearest to the exact law"
    if measured is None:
        measured, what = readings.surprisal_NDJ, "that makes the true pairs likeliest"
    is_whole_N = np.asarray(~np.isnan(measured[:, -1]).any(axis=-1))
    measured = np.where(is_whole_N[:, None, None], measured, np.nan)
    if not is_whole_N.any():
        return "Of no pair all joint laws were found: they are not compared."
    means = [readings.estimate(measured[:, -1, number]) for number in range(len(JOINT_NAMES))]
    order = np.argsort([mean.value for mean in means], kind="stable")
    best, second = int(order[0]), int(order[1])
    difference = readings.estimate(measured[:, -1, second] - measured[:, -1, best])
    product = readings.estimate(measured[:, -1, 0] - measured[:, -1, best])
    num_out = int((~is_whole_N).sum())
    left_out = f", {num_out} of {len(readings)} pairs left out" if num_out else ""
    return (
        f"The joint law {what} is: {JOINT_TITLES[JOINT_NAMES[best]]}, {_said(means[best])} nats; "
        f"next is {JOINT_TITLES[JOINT_NAMES[second]]}, {_said(difference)} behind, and the product "
        f"of independent tokens is {_said(product)} behind, pair by pair{left_out}."
    )


def _of_head(readings: PairReadings, head: HeadReadings) -> str:
    """How the law of a trained head stands beside the product, pair by pair."""
    measured, what = readings.from_truth_NDJ, "from the exact law"
    own_N = head.from_truth_N
    if measured is None or own_N is None:
        measured, own_N, what = readings.surprisal_NDJ, head.surprisal_N, "of surprisal"
    if np.isnan(own_N).all():
        return "Every pair is further apart than the head over pairs was trained for."
    lead = readings.estimate(measured[:, -1, 0] - own_N)
    return (
        f"The law of the trained head over pairs is {_said(readings.estimate(own_N))} nats {what}, "
        f"{_said(lead)} less than the product, pair by pair; its own gap is "
        f"{_said(readings.estimate(head.gap_N))}."
    )


def _results(readings: PairReadings) -> dict[str, Any]:
    num_depths = readings.gap_ND2.shape[1]

    def by_joint(values_NDJ: Any) -> Any:
        if values_NDJ is None:
            return None
        return {
            name: [
                plain(readings.estimate(values_NDJ[:, depth, number]))
                for depth in range(num_depths)
            ]
            for number, name in enumerate(JOINT_NAMES)
        }

    def by_depth(values_ND: Any) -> Any:
        return [plain(readings.estimate(values_ND[:, depth])) for depth in range(num_depths)]

    exact = None
    if readings.exact_gap_N is not None:
        exact = {
            "gap": plain(readings.estimate(readings.exact_gap_N)),
            "gain": plain(readings.estimate(readings.exact_gain_N)),
            "surprisal": plain(readings.estimate(readings.exact_surprisal_N)),
        }
    return {
        "num_pairs": len(readings),
        "gap": by_depth(readings.gap_ND2.mean(axis=2)),
        "gap_earlier_first": by_depth(readings.gap_ND2[:, :, 0]),
        "gap_later_first": by_depth(readings.gap_ND2[:, :, 1]),
        "gain": by_depth(readings.gain_ND2.mean(axis=2)),
        "orders_apart": by_depth(readings.order_ND),
        "tail": by_depth(readings.tail_ND2.mean(axis=2)),
        "surprisal": by_joint(readings.surprisal_NDJ),
        "unfaithful": by_joint(readings.unfaithful_NDJ),
        "from_truth": by_joint(readings.from_truth_NDJ),
        "not_found": {
            name: readings.not_found()[:, number].tolist()
            for number, name in enumerate(JOINT_NAMES)
        },
        "exact": exact,
        "pair_head": _of_values(readings, readings.head),
    }


def _of_values(readings: PairReadings, head: HeadReadings | None) -> dict[str, Any] | None:
    if head is None:
        return None
    named = {
        "gap": head.gap_N,
        "surprisal": head.surprisal_N,
        "unfaithful": head.unfaithful_N,
        "from_truth": head.from_truth_N,
    }
    return {
        name: None if values_N is None else plain(readings.estimate(values_N))
        for name, values_N in named.items()
    }


def _said(estimate: Estimate) -> str:
    value = round(estimate.value, 3) + 0.0  # no minus before nothing
    return f"{value:.3f} ± {estimate.standard_error:.3f}"
