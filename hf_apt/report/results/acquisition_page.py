"""The page of `hf-apt acquisition`: mean APT over a training, and what each step brought."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hf_apt.report.formats import short_path
from hf_apt.report.results.curves import depths_by_step
from hf_apt.report.results.result_page import ResultPage
from hf_apt.report.results.steps import MeasuredTraining, means_by_step, steps_content
from hf_apt.report.section import TextTable
from hf_apt.stats.labels import default_depth_names


def acquisition_page(
    name: str,
    training: MeasuredTraining,
    *,
    answer: str,
    tables: Sequence[TextTable],
    notes: Sequence[str],
    command: str | None = None,
) -> ResultPage:
    """The answer, a line for each depth over the steps, a slider, and all tables.

    `name` is the path of the training's folder, or of the callback's in it; receipts end with it
    and with the `command`.
    """
    means_SD, steps = means_by_step(training.measured), training.measured.steps_S.tolist()
    labels = [
        label.replace(" ", "\xa0")
        for label in default_depth_names(training.measured.hits_SDV.shape[1])
    ]
    folder = Path(name)
    training_folder = folder.parent if folder.name == "apt" else folder
    curves = [list(means_S) for means_S in zip(*means_SD, strict=True)]
    return ResultPage(
        title=f"When tokens are learnt in {training_folder.name}",
        question="Which tokens are learnt when, and at which block?",
        answer=answer,
        chart=depths_by_step(curves, steps, labels),
        caption="Mean APT over all tokens that were asked for; bars are one standard error over"
        " tokens.",
        tables=tables,
        notes=notes,
        receipts_end="; ".join(filter(None, (short_path(name), command))),
        depths=labels,
        steps=steps_content(training, means_SD, labels),
    )
