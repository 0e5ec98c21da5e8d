"""What `hf-apt finetune` prints: accuracy per block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def block_tables(result: dict[str, Any]) -> list[Table]:
    """One table for each model and protocol of what `measure_blocks` found."""
    titles = {"frozen": "on the frozen trunk", "finetuned": "on the fine-tuned trunk"}
    return [
        _table(
            f"Accuracy on {result['task']} {titles[protocol]}, {name}",
            result["depths"],
            found[protocol],
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
        "linear: logistic regression on [CLS], masked mean or maximum; ± standard error",
    ]
    if "best_accuracy" in texts:
        lines.append(f"the exact best classifier of these texts: {texts['best_accuracy']:.3f}")
    for name, found in result["models"].items():
        if "own_head" in found:
            lines.append(f"fine-tuned classifier, {name}: {_cell(found['own_head'])}")
    return "\n".join(lines)


def _table(title: str, depths: list[str], by_pooling: dict[str, Any]) -> Table:
    from rich import box
    from rich.table import Table

    columns = [
        (f"linear {pooling}", figures["linear"])
        for pooling, figures in by_pooling.items()
        if "linear" in figures
    ]
    last = by_pooling.get("mean", {})
    columns += [(name, last[name]) for name in ("prototype", "neighbours") if name in last]
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=0
    )
    table.add_column("depth", no_wrap=True)
    for header, _ in columns:
        table.add_column(header, justify="right", no_wrap=True)
    for depth, name in enumerate(depths):
        table.add_row(name, *(_cell(estimates[depth]) for _, estimates in columns))
    return table


def _cell(estimate: dict[str, Any]) -> str:
    return f"{estimate['value']:.3f} ± {estimate['standard_error']:.3f}"
