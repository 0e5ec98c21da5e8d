"""What `hf-apt ner` prints: span F1 by arm, and by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table, estimate_cell

if TYPE_CHECKING:
    from rich.table import Table

_CALLED = {
    "spans": "spans between masks",
    "no_mask": "  without masks",
    "no_brackets": "  without brackets",
    "merged": "  one mask for both",
    "tokens": "tags of words",
    "prototypes": "nearest prototype",
}


def tables(record: dict[str, Any]) -> list[Table]:
    """F1, precision, recall and time of each arm; F1 at each depth where there is one."""
    made = bare_table("Names found, strict F1", "arm", "F1", "precision", "recall", "steps", "s")
    for arm, figures in record["arms"].items():
        estimates = (estimate_cell(figures[name]) for name in ("f1", "precision", "recall"))
        seconds = figures["seconds_training"] + figures["seconds_testing"]
        made.add_row(_CALLED[arm], *estimates, f"{figures['num_steps']:.0f}", f"{seconds:.0f}")
    by_depth = {arm: one for arm, one in record["arms"].items() if "f1_by_depth" in one}
    if not by_depth:
        return [made]
    depths = bare_table("F1 by depth", "depth", *by_depth)
    for number, name in enumerate(record["depths"]):
        cells = (estimate_cell(one["f1_by_depth"][number]) for one in by_depth.values())
        depths.add_row(name, *cells)
    return [made, depths]


def footer(record: dict[str, Any]) -> str:
    """How many sentences and mentions there were, and which cannot be found."""
    told, config = record["provenance"], record["config"]
    shots = f"{config['num_shots']}-shot" if config["num_shots"] else "all sentences"
    sizes = sorted({*told["num_train_sentences"]})
    parts = [
        f"{shots}, {len(record['labels'])} types: {_range(sizes)} sentences to learn from, "
        f"{told['num_test_sentences']} with {told['num_test_mentions']} mentions to test.",
        f"± is the standard error over {config['num_draws']} draws."
        if config["num_draws"] > 1
        else "One draw has no error: ask for more --draws.",
    ]
    if told["num_too_long_to_find"]:
        parts.append(
            f"{told['num_too_long_to_find']} mentions have more than {config['max_span_words']} "
            "words and cannot be found as spans."
        )
    return "\n".join(parts)


def _range(sizes: list[int]) -> str:
    return str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
