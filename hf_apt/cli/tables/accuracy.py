"""What `hf-apt finetune` prints: accuracy per block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table, estimate_cell
from hf_apt.records.task_record import ByPooling, TaskRecord
from hf_apt.report.tasks.enough import enough_sentences
from hf_apt.report.tasks.formats import made_harder
from hf_apt.stats.depth_figures import PlainEstimate

if TYPE_CHECKING:
    from rich.table import Table


def tables(result: TaskRecord) -> list[Table]:
    """One table for each model and protocol of what `measure_blocks` found."""
    titles = {
        "frozen": "on the frozen trunk",
        "cut": "cut after the block, then fine-tuned",
        "finetuned": "on the fine-tuned trunk",
    }
    tables = []
    for name, model in result["models"].items():
        columns = {"frozen": _columns(model["frozen"])}
        if "cut" in model:
            columns["cut"] = [("classifier", model["cut"])]
        if "finetuned" in model:
            columns["finetuned"] = _columns(model["finetuned"])
        tables += [
            _table(f"Accuracy on {result['task']} {titles[protocol]}, {name}", result["depths"], of)
            for protocol, of in columns.items()
        ]
    return tables


def footer(result: TaskRecord) -> str:
    """What the tables leave unsaid."""
    texts = result["provenance"][0]
    lines = [
        f"{texts['num_train']:,} training and {texts['num_test']:,} test texts of "
        f"{texts['num_labels']} classes; chance {result['chance']:.3f}",
        "linear: logistic regression on [CLS], masked mean, maximum or all states side by side; "
        "± standard error",
    ]
    if harder := made_harder(texts):
        lines.append(f"training texts {harder}; test texts are as they are")
    if "best_accuracy" in texts:
        lines.append(f"the exact best classifier of these texts: {texts['best_accuracy']:.3f}")
    for name, model in result["models"].items():
        if "classifier" in model:
            lines.append(f"fine-tuned classifier, {name}: {estimate_cell(model['classifier'])}")
        if "macro_f1" in model:
            lines.append(f"macro F1 of the same, {name}: {estimate_cell(model['macro_f1'])}")
    lines += [sentence.replace("\xa0", " ") for sentence in enough_sentences(result)]
    return "\n".join(lines)


def _columns(by_pooling: ByPooling) -> list[tuple[str, list[PlainEstimate]]]:
    """Headers and estimates by depth; as many as 80 columns of text have room for."""
    columns = [
        (f"linear {pooling}", figures["linear"])
        for pooling, figures in by_pooling.items()
        if "linear" in figures
    ]
    mean = by_pooling.get("mean", {})
    columns += [(name, mean[name]) for name in ("prototype", "neighbours") if name in mean]
    return columns[: 4 if "flatten" in by_pooling else 5]


def _table(title: str, depths: list[str], columns: list[tuple[str, list[PlainEstimate]]]) -> Table:
    table = bare_table(title, "depth", *(header for header, _ in columns))
    for depth, name in enumerate(depths):
        table.add_row(name, *(estimate_cell(estimates[depth]) for _, estimates in columns))
    return table
