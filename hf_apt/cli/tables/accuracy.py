"""What `hf-apt finetune` prints: accuracy per block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table, estimate_cell

if TYPE_CHECKING:
    from rich.table import Table


def block_tables(result: dict[str, Any]) -> list[Table]:
    """One table for each model and protocol of what `measure_blocks` found."""
    titles = {
        "frozen": "on the frozen trunk",
        "cut": "cut after the block, then fine-tuned",
        "finetuned": "on the fine-tuned trunk",
    }
    return [
        _table(
            f"Accuracy on {result['task']} {titles[protocol]}, {name}",
            result["depths"],
            [("own head", found["cut"])] if protocol == "cut" else _columns(found[protocol]),
        )
        for name, found in result["models"].items()
        for protocol in titles
        if protocol in found
    ]


def legend(result: dict[str, Any]) -> str:
    """What the tables leave unsaid."""
    texts = result["provenance"][0]
    lines = [
        f"{texts['num_train']:,} training and {texts['num_test']:,} test texts of "
        f"{texts['num_labels']} classes; chance {result['chance']:.3f}",
        "linear: logistic regression on [CLS], masked mean, maximum or all states side by side; "
        "± standard error",
    ]
    if "best_accuracy" in texts:
        lines.append(f"the exact best classifier of these texts: {texts['best_accuracy']:.3f}")
    for name, found in result["models"].items():
        if "classifier" in found:
            lines.append(f"fine-tuned classifier, {name}: {estimate_cell(found['classifier'])}")
    return "\n".join(lines)


def in_a_line(result: dict[str, Any]) -> str:
    """The accuracies of the fine-tuned classifiers, for where there is room for a line."""
    names = {"pretrained": "", "untrained": "without pre-training "}
    parts = [
        f"{before}{estimate_cell(result['models'][name]['classifier'])}"
        for name, before in names.items()
        if "classifier" in result["models"].get(name, {})
    ]
    best = result["provenance"][0].get("best_accuracy")
    parts += [f"at best {best:.3f}"] if best is not None else []
    parts.append(f"chance {result['chance']:.3f}")
    return f"fine-tuned on {result['task']}: {', '.join(parts)}"


def _columns(by_pooling: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Headers and estimates by depth; as many as 80 columns of text have room for."""
    columns = [
        (f"linear {pooling}", figures["linear"])
        for pooling, figures in by_pooling.items()
        if "linear" in figures
    ]
    mean = by_pooling.get("mean", {})
    columns += [(name, mean[name]) for name in ("prototype", "neighbours") if name in mean]
    return columns[: 4 if "flatten" in by_pooling else 5]


def _table(title: str, depths: list[str], columns: list[tuple[str, list[dict[str, Any]]]]) -> Table:
    table = bare_table(title, "depth", *(header for header, _ in columns))
    for depth, name in enumerate(depths):
        table.add_row(name, *(estimate_cell(estimates[depth]) for _, estimates in columns))
    return table
