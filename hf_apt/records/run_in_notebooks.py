"""What a run's folder shows of itself in a notebook."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from hf_apt.stats.notebooks.shown import ShownInNotebooks


class RunInNotebooks(ShownInNotebooks):
    """The facts of `hf_apt.records.run.Run`: file names alone are read."""

    folder: Path

    @abstractmethod
    def readouts(self) -> list[str]:
        """The readouts that have been counted."""

    def facts(self) -> dict[str, str]:
        """The folder, what has been counted, and the page."""
        page = self.folder / "report.html"
        return {
            "folder": str(self.folder),
            "readouts": ", ".join(self.readouts()) or "none yet",
            "page": str(page) if page.exists() else "none yet",
        }
