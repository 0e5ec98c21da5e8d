"""What `hf-apt ner --dry-run` prints: trainings, steps, what is asked, and expected time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.costs import amount, time_range
from hf_apt.cli.tables.style import bare_table
from hf_apt.spans.ner_costs import NerCosts
from hf_apt.spans.ner_record import NAMES

if TYPE_CHECKING:
    from rich.table import Table


def tables(costs: NerCosts) -> list[Table]:
    """The costs of each arm, over all draws."""
    table = bare_table(
        f"What finding names would cost: {amount(costs.num_parameters)} parameters, "
        f"{costs.num_draws} draws",
        *("arm", "trainings", "steps", "asked", "expected time"),
    )
    for arm in costs.arms:
        table.add_row(
            NAMES[arm.arm],
            str(arm.num_trainings),
            f"{arm.num_steps:,}",
            f"{arm.num_asked:,}",
            time_range(arm.seconds_training + arm.seconds_testing),
        )
    table.add_section()
    whole = sum(arm.seconds_training + arm.seconds_testing for arm in costs.arms)
    table.add_row("in all", "", "", "", time_range(whole))
    return [table]


def footer(costs: NerCosts) -> str:
    """What is counted, and what the times rest on."""
    return "\n".join(
        [
            "asked: spans in testing; of tags and prototypes sentences",
            "time: from a trial of one batch and a few sentences on this machine as busy as it is "
            "now",
            "not estimated: the optimiser, reading the data, the page",
        ]
    )
