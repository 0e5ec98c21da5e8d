"""What several checkpoints were measured to be: a row for each, with what was left out."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.records.run import Run
from hf_apt.report.formats import NOTHING, estimates, number
from hf_apt.report.section import TextTable
from hf_apt.stats.depth_figures import PlainEstimate
from hf_apt.stats.notebooks.shown import ShownInNotebooks

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MeasuredCheckpoint:
    """One checkpoint that was measured, by its own head after the last block."""

    revision: str
    """What it is called among the others."""

    folder: Path
    """The folder of its run."""

    mean_apt: PlainEstimate
    """Mean APT over tokens, in [0, 1]."""

    rarefied: PlainEstimate
    """Mean APT expected of 1,000 asked positions; its value is null where fewer were asked."""

    accuracy: float
    """Accuracy over asked positions, in [0, 1]."""

    seconds: float | None
    """How long it took, reading the tokens included; None where it was measured before."""

    @property
    def step(self) -> int | None:
        """The last number in the name of the revision; None without one."""
        numbers = re.findall(r"\d+", self.revision)
        return int(numbers[-1]) if numbers else None


@dataclass(frozen=True)
class MeasuredCheckpoints(ShownInNotebooks):
    """Several checkpoints, each measured on the same text."""

    output: Path
    """The folder with the folders of their runs."""

    measured: tuple[MeasuredCheckpoint, ...]
    """The checkpoints that were measured, now or in an earlier call, in order."""

    left_out: dict[str, str] = field(default_factory=dict)
    """Why a checkpoint was left out, by its revision."""

    def facts(self) -> dict[str, str]:
        """Mean APT by revision, and why others have none."""
        return {
            each.revision: f"mean APT {each.mean_apt['value']:.3f}" for each in self.measured
        } | self.left_out

    def to_pandas(self) -> pd.DataFrame:
        """A pandas table with a row for each measured checkpoint.

        Columns: `revision`, `step`, `mean_apt`, `standard_error`, `num_tokens`,
        `rarefied_mean_apt`, `accuracy`, `folder`.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "revision": each.revision,
                    "step": each.step,
                    "mean_apt": each.mean_apt["value"],
                    "standard_error": each.mean_apt["standard_error"],
                    "num_tokens": each.mean_apt["num"],
                    "rarefied_mean_apt": each.rarefied["value"],
                    "accuracy": each.accuracy,
                    "folder": str(each.folder),
                }
                for each in self.measured
            ]
        )

    def tables(self) -> list[TextTable]:
        """The table that the terminal shows."""
        rows = zip(
            (each.revision for each in self.measured),
            estimates([each.mean_apt for each in self.measured]),
            estimates([each.rarefied for each in self.measured]),
            (number(each.mean_apt["num"], 0) for each in self.measured),
            (number(each.accuracy) for each in self.measured),
            (
                "before" if each.seconds is None else f"{each.seconds:.1f} s"
                for each in self.measured
            ),
            strict=True,
        )
        missing = [[name, *[NOTHING] * 5] for name in self.left_out]
        header = ["checkpoint", "mean APT", "of 1,000", "tokens", "accuracy", "measured in"]
        title = "Accuracy per token after the last block, by the model's own head"
        return [TextTable(title, header, [*map(list, rows), *missing])]

    def notes(self) -> list[str]:
        """What the table leaves unsaid, and what can follow."""
        notes = [
            "mean APT: over tokens, ± standard error; of 1,000: expected of 1,000 asked positions",
            *(f"{name} was left out: {why}" for name, why in self.left_out.items()),
        ]
        steps = [each.step for each in self.measured]
        if len(steps) > 1 and None not in steps and len(set(steps)) == len(steps):
            folder = shlex.quote(str(self.output))
            notes.append(f"when each token is learnt: hf-apt acquisition {folder}/*")
        return notes


def measured_checkpoint(revision: str, run: Run, seconds: float | None) -> MeasuredCheckpoint:
    """The figures of a finished run. Raises ValueError if its summary was changed."""
    last: Any = run.read_json("summary.json", "readouts")["readouts"]["own_head"][-1]
    return MeasuredCheckpoint(
        revision,
        run.folder,
        last["mean_apt"]["pooled"],
        last["rarefied_mean_apt"],
        last["masked_accuracy"]["pooled"]["value"],
        seconds,
    )
