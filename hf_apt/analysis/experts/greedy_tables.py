"""Parts kept in greedy order beside random ones: figures, a table, a sentence, a drawing."""
# T tokens.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from hf_apt.analysis.experts.greedy_sets import GreedySets
from hf_apt.records.studies.study_record import StudyFigure, StudyTable
from hf_apt.stats.estimates import mean_estimate, plain
from hf_apt.stats.experts.halves import apt_of_halves
from hf_apt.stats.experts.part_answers import PartAnswers


def greedy_figures(greedy: GreedySets, kept: Sequence[tuple[int, PartAnswers]]) -> dict[str, Any]:
    """What parts kept in greedy order are worth, beside as many that are drawn at random.

    Args:
        greedy: the two orders, each judged on the texts that it was not chosen on.
        kept: how many parts were kept, and the answers of random sets of so many, of none and of
            all among them.

    Returns:
        `orders`: the numbers of the parts, from 0, of both orders. `num_asked`: sets that were
        asked for. `rows`: for each number `num_kept`, 0 and all parts included where the orders
        are whole: mean APT `greedy`, `random`, None where no random set is of that size, and their
        difference `gain`, paired by token. All are over the tokens that are asked for in both
        halves of the texts, with errors over these.
    """
    random = {num: _over_halves(answers) for num, answers in kept}
    num_parts, most = max(random), len(greedy.judged_KT)
    judged = dict(enumerate(greedy.judged_KT, start=1)) | {0: random[0]}
    rows = [
        {
            "num_kept": num,
            "greedy": mean_estimate(judged[num]),
            "random": mean_estimate(random[num]) if num in random else None,
            "gain": mean_estimate(judged[num] - random[num])
            if num in random and 0 < num < num_parts
            else None,
        }
        for num in range(most + 1)
    ]
    return plain({"orders": list(greedy.orders), "num_asked": greedy.num_asked, "rows": rows})


def _over_halves(answers: PartAnswers) -> Float[np.ndarray, " tokens"]:
    """Mean APT of each token over sets and over halves of the texts, tokens of both halves."""
    return apt_of_halves(answers).mean(axis=(0, 1))


def greedy_table(figures: Mapping[str, Any], names: Sequence[str], kinds: str) -> StudyTable:
    """The table of `greedy_figures`; `names` are those of all parts."""
    even, odd = figures["orders"]
    rows: list[list[Any]] = []
    for row in figures["rows"]:
        at = row["num_kept"] - 1
        added = ["", ""] if at < 0 else [names[even[at]], names[odd[at]]]
        rows.append([row["num_kept"], *added, row["greedy"], row["random"], row["gain"]])
    return {
        "title": f"{kinds[0].upper()}{kinds[1:]} kept in greedy order",
        "header": ["kept", "by even texts", "by odd texts", "APT", "of random sets", "gain"],
        "rows": rows,
        "notes": [
            "Each step keeps the part that raises mean APT most on one half of the texts; APT is "
            "that on the other half, the mean of both ways, over the tokens asked for in both "
            "halves; errors over tokens. gain: paired by token.",
        ],
    }


def greedy_figure(figures: Mapping[str, Any], kinds: str) -> StudyFigure:
    """Mean APT against the number of parts kept, in greedy and in random order."""
    rows = figures["rows"]
    return {
        "title": f"Mean APT against the number of {kinds} kept, on texts that had no part in the "
        "choice",
        "y_label": "mean APT",
        "x_label": f"{kinds} kept",
        "x_labels": [str(row["num_kept"]) for row in rows],
        "curves": {
            "greedy order": [row["greedy"] for row in rows],
            "random sets": [row["random"] for row in rows],
        },
        "over": "tokens",
        "unit": "tokens",
    }


def greedy_finding(figures: Mapping[str, Any], kinds: str, num_parts: int) -> str:
    """A sentence on half of the parts, or on as many as the orders have if these are fewer."""
    rows = [row for row in figures["rows"] if row["gain"] is not None]
    if not rows:
        return ""
    row = min(rows, key=lambda one: abs(one["num_kept"] - num_parts // 2))
    gain = row["gain"]
    error = "" if gain["standard_error"] is None else f" ± {gain['standard_error']:.4f}"
    return (
        f"{row['num_kept']} of {num_parts} {kinds} kept in greedy order, judged on other texts, "
        f"reach a mean APT of {row['greedy']['value']:.4f}; as many at random reach "
        f"{row['random']['value']:.4f} ({gain['value']:+.4f}{error})."
    )
