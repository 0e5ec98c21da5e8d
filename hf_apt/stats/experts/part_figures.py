"""The figures of parts that were asked one by one, as plain JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from hf_apt.stats.apt import masked_accuracy, mean_apt
from hf_apt.stats.estimates import plain
from hf_apt.stats.experts.expert_tokens import expert_tokens, known_tokens
from hf_apt.stats.experts.part_answers import PartAnswers
from hf_apt.stats.experts.specialisation import choice_gain, mean_cosine, mean_jaccard


def part_figures(
    answers: PartAnswers,
    *,
    min_support: int = 10,
    min_lead: float = 0.1,
    false_discovery_rate: float = 0.05,
) -> dict[str, Any]:
    """What parts know, each and together, in plain JSON.

    Args:
        answers: what at least two parts answered.
        min_support: how often a token has to be asked for to be looked at one by one.
        min_lead: how far an expert's APT is above that of every other part, at least.
        false_discovery_rate: expected share of false ones among the experts that are named.

    Returns:
        `parts`, one for each part: `mean_apt`, over all tokens asked for, pooled and at `masked`
        positions (`mean_apt_masked`); `accuracy` of positions; `num_answers`, how many different
        tokens it answers; `num_experts`, in how many tokens it is an expert. `experts`, the fields
        of `Expert`, and `num_looked_at`; `cosine`, `jaccard` and `choice_gain` of all parts;
        `num_known`, tokens that some part is right about in half of the cases or more, and
        `num_known_to_one`, those that just one part is.
    """
    counts = answers.counts
    hits_UV, support_V = counts.hits(), counts.support()
    masked_UV, masked_V = counts.hits("masked"), counts.support("masked")
    experts, num_looked_at = expert_tokens(
        answers,
        min_support=min_support,
        min_lead=min_lead,
        false_discovery_rate=false_discovery_rate,
    )
    num_experts_U = np.bincount([one.part for one in experts], minlength=answers.num_parts)
    num_answers_U = (answers.answered() > 0).sum(axis=1)
    known_UT = known_tokens(answers, min_support=min_support)
    parts = [
        {
            "mean_apt": mean_apt(hits_UV[part], support_V),
            "mean_apt_masked": mean_apt(masked_UV[part], masked_V),
            "accuracy": masked_accuracy(hits_UV[part], support_V),
            "num_answers": int(num_answers_U[part]),
            "num_experts": int(num_experts_U[part]),
        }
        for part in range(answers.num_parts)
    ]
    return plain(
        {
            "parts": parts,
            "experts": [asdict(one) for one in experts],
            "num_looked_at": num_looked_at,
            "cosine": mean_cosine(answers.apt(min_support)),
            "jaccard": mean_jaccard(known_UT),
            "choice_gain": choice_gain(answers, min_support=min_support),
            "num_known": int(known_UT.any(axis=0).sum()),
            "num_known_to_one": int((known_UT.sum(axis=0) == 1).sum()),
        }
    )
