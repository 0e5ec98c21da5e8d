"""What all sections of the page have in common: the readouts shown, names of depths, thresholds."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from hf_apt.records.run_records import RunRecords
from hf_apt.report.formats import depth_labels, short_depth
from hf_apt.report.lookup import lookup_and_pictures
from hf_apt.report.sentences import readout_label
from hf_apt.stats.clusters import DEFINITIONS, HEADLINE
from hf_apt.stats.depth_figures import DepthFigures


class PageView:
    """A run's records, and the choices that its page is made with.

    Raises ValueError if the run is not finished.
    """

    def __init__(self, records: RunRecords):
        self.records = records
        self.summary = records.summary
        self.readouts = records.readouts
        if not self.readouts:
            folder = records.run.folder
            raise ValueError(f"{folder} has no readout in its summary.json: nothing to report.")
        self.shown = [name for name in self.readouts if name != "bayes"] or ["bayes"]
        """The readouts with a choice of their own, the first one chosen at the beginning."""
        self.labels = depth_labels(self.summary)
        """What stands at each depth."""
        clusters = self.readouts[self.shown[0]][0]["clusters"]
        self.thresholds = sorted({entry["threshold"] for entry in clusters})
        """Thresholds of strong matches, ascending."""
        there = {entry["definition"] for entry in clusters}
        self.definitions = [name for name in DEFINITIONS if name in there]
        """Definitions of clusters, which were fewer once."""
        usual = HEADLINE[1]
        is_there = usual in self.thresholds
        self.threshold = usual if is_there else self.thresholds[len(self.thresholds) // 2]
        """The threshold of figures that stand for one alone."""

    @property
    def seed(self) -> int | None:
        """The seed of the masks; None where nothing was masked or it is not known."""
        return (self.summary["masking"] or {}).get("seed")

    @property
    def ceiling(self) -> list[DepthFigures] | None:
        """The figures of the exact best predictor, where they are known."""
        return self.readouts.get("bayes")

    @property
    def short_labels(self) -> list[str]:
        """What stands at each depth, where there is little room."""
        return [short_depth(label) for label in self.labels]

    @cached_property
    def lookup_and_pictures(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The JSON of the page's script, and the confusion pictures by readout."""
        return lookup_and_pictures(self.records, self.shown, self.thresholds, self.threshold)

    @property
    def pictures(self) -> dict[str, Any]:
        """The confusion pictures by readout; none where a run has no counts."""
        return self.lookup_and_pictures[1]

    def by_readout(self, **contents: dict[str, Any]) -> list[dict[str, Any]]:
        """For each readout shown its `key` and `label`, and what `contents` have of it by name."""
        return [
            {"key": name, "label": readout_label(name)}
            | {key: values.get(name) for key, values in contents.items()}
            for name in self.shown
        ]
