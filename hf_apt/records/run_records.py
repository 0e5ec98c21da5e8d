"""A run's folder read once, into one object that everything made of it shares."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Int

from hf_apt.records.run import READOUTS, Run
from hf_apt.records.schemas import SUMMARY, in_present_form
from hf_apt.records.summary_record import Summary
from hf_apt.records.task_record import CommitteeRecord, TaskRecord
from hf_apt.records.task_records import own_tasks
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.readout_analysis import ReadoutAnalysis


class RunRecords:
    """The records of a run, each read when it is first asked for and kept from then on.

    Summary, page and card are made of the same object, so that confusion tables and clusters are
    formed once. Every part raises ValueError where its file is missing or not valid.
    """

    def __init__(self, run: Run):
        self.run = run
        """The run that the records are read from."""
        self._analyses: dict[str, ReadoutAnalysis] = {}

    @cached_property
    def summary(self) -> Summary:
        """The content of `summary.json`."""
        record = self.run.read_json("summary.json")
        return in_present_form(record, SUMMARY, self.run.path("summary.json"))  # pyright: ignore

    @cached_property
    def readouts(self) -> dict[str, list[DepthFigures]]:
        """The figures by depth of every readout in the summary, in the order of `READOUTS`."""
        readouts = self.summary["readouts"]
        return {name: readouts[name] for name in READOUTS if readouts.get(name)}

    @cached_property
    def config(self) -> dict[str, Any]:
        """What was asked for; empty where that is not recorded."""
        return self._optional("config.json")

    @cached_property
    def environment(self) -> dict[str, Any]:
        """What the run was made with; empty where that is not recorded."""
        return self._optional("environment.json")

    @cached_property
    def tasks(self) -> dict[str, TaskRecord]:
        """The records of fine-tuning by task."""
        return self.run.finetuned()

    @cached_property
    def own_tasks(self) -> dict[str, TaskRecord]:
        """The records of fine-tuning of the checkpoint that was measured, by task."""
        return own_tasks(self.tasks, self.summary)

    @cached_property
    def committees(self) -> dict[str, CommitteeRecord]:
        """The records of committees by task."""
        return self.run.committees()

    @cached_property
    def vocab_size(self) -> int:
        """Ids of the model that was counted, which can be more than its tokens."""
        return self.analysis(self.run.readouts()[0]).counts.vocab_size

    @cached_property
    def frequency_V(self) -> Int[np.ndarray, " vocab"]:
        """Occurrences of each id in the training corpus."""
        return self.run.frequency(self.vocab_size)

    @cached_property
    def planted_V(self) -> Int[np.ndarray, " vocab"] | None:
        """The known class of each id, -1 for none; None unless the language is planted."""
        return self.run.planted(self.vocab_size)

    @cached_property
    def vocabulary(self) -> list[str]:
        """The tokens as text, by id."""
        return self.run.vocabulary(self.vocab_size)

    def analysis(self, readout: str) -> ReadoutAnalysis:
        """The counts of one readout, and what is formed of them."""
        if readout not in self._analyses:
            self._analyses[readout] = ReadoutAnalysis(self.run.readout(readout))
        return self._analyses[readout]

    def _optional(self, name: str) -> dict[str, Any]:
        return self.run.read_json(name) if self.run.path(name).exists() else {}
