"""What a run's folder shows of itself in a notebook."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.stats.labels import default_depth_names
from hf_apt.stats.notebooks.shown import ShownInNotebooks

if TYPE_CHECKING:
    import pandas as pd


class RunInNotebooks(ShownInNotebooks):
    """The facts of `hf_apt.records.run.Run`: file names alone are read."""

    folder: Path

    @abstractmethod
    def readouts(self) -> list[str]:
        """The readouts that have been counted."""

    @abstractmethod
    def read_json(self, name: str, *keys: str) -> Any:
        """The content of one of the JSON files."""

    def to_pandas(self) -> pd.DataFrame:
        """A pandas table with a row for each readout and depth, from `summary.json`.

        Returns:
            `readout`, `depth`, and its `name`; of all treatments pooled `mean_apt` with
            `mean_apt_standard_error` over `num_tokens`, `growth` over the depth before, and
            `masked_accuracy` with its standard error over `num_positions`; NaN for what is not
            known. The exact best predictor, `bayes`, has no depth but 0.

        Raises:
            ValueError: if the run has no summary yet, or one that was changed.
        """
        import pandas as pd

        summary = self.read_json("summary.json", "model", "readouts")
        names = (summary["model"] or {}).get("depths") or []
        return pd.DataFrame(
            [
                _row(readout, figures, names)
                for readout, depths in summary["readouts"].items()
                for figures in depths
            ]
        )

    def facts(self) -> dict[str, str]:
        """The folder, what has been counted, and the page.

        Returns:
            The figures as text, by what they are called.
        """
        page = self.folder / "report.html"
        return {
            "folder": str(self.folder),
            "readouts": ", ".join(self.readouts()) or "none yet",
            "page": str(page) if page.exists() else "none yet",
        }


def _row(readout: str, figures: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    mean, accuracy = figures["mean_apt"]["pooled"], figures["masked_accuracy"]["pooled"]
    depth, growth = figures["depth"], figures["growth"]
    known = names if depth < len(names) else default_depth_names(depth + 1)
    return {
        "readout": readout,
        "depth": depth,
        "name": "exact best predictor" if readout == "bayes" else known[depth],
        "mean_apt": _number(mean["value"]),
        "mean_apt_standard_error": _number(mean["standard_error"]),
        "num_tokens": mean["num"],
        "growth": _number(growth and growth["value"]),
        "masked_accuracy": _number(accuracy["value"]),
        "masked_accuracy_standard_error": _number(accuracy["standard_error"]),
        "num_positions": accuracy["num"],
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
