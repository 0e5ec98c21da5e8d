"""The rows of a self-test, as they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from hf_apt.depths.checks.outcome import Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CheckRow:
    """One check of a model."""

    name: str
    """What was checked, such as `padding`."""

    status: Status
    """`passed`, `failed` or `skipped`."""

    sentence: str
    """The value that was seen and, where it failed, the remedy."""


@dataclass(frozen=True, repr=False)
class CheckReport:
    """The self-test of one model. A notebook shows it as a table."""

    model: str
    """The name of the model's class."""

    rows: tuple[CheckRow, ...]
    """Its checks, in the order in which they were made."""

    @property
    def passed(self) -> bool:
        """Whether no check failed; some may have been skipped."""
        return not self.failures

    @property
    def failures(self) -> tuple[CheckRow, ...]:
        """The checks that failed."""
        return tuple(row for row in self.rows if row.status == "failed")

    @property
    def sentence(self) -> str:
        """How many checks passed, failed and were skipped."""
        counts = {status: 0 for status in ("passed", "failed", "skipped")}
        for row in self.rows:
            counts[row.status] += 1
        return f"{self.model}: " + ", ".join(f"{num} {status}" for status, num in counts.items())

    def __repr__(self) -> str:
        lines = [f"{row.status:7}  {row.name:14}  {row.sentence}" for row in self.rows]
        return "\n".join([self.sentence, *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{row.status}</td><th>{escape(row.name)}</th>"
            f'<td style="text-align:left">{escape(row.sentence)}</td></tr>'
            for row in self.rows
        )
        return f"<table><caption>{escape(self.sentence)}</caption>{rows}</table>"

    def to_pandas(self) -> pd.DataFrame:
        """A row for each check, with the columns `name`, `status` and `sentence`."""
        import pandas as pd

        columns = ["name", "status", "sentence"]
        return pd.DataFrame(
            [[row.name, row.status, row.sentence] for row in self.rows], columns=columns
        )
