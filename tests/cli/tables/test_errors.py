"""The table of errors that a measurement prints, from a summary alone."""

from typing import Any, cast

import numpy as np
from finished import write_finished_run
from rich.console import Console

from hf_apt.cli.tables import errors, measurement
from hf_apt.stats.clusters import ERRORS_HEADLINE

ROWS = {
    "min_support": 10,
    "num_tokens": 31_000,
    "num_untrained": 30_000,
    "tokens": list(range(20)),
    "texts": ["x" * 40, "[b]red[/b]"] * 10,
    "support": [123_456] * 20,
    "norms": [12.345] * 20,
    "biases": [-12.345] * 20,
    "look_untrained": [True] * 20,
    "unused_are": "unseen",
    "unused": {"num": 30_000, "norm": 0.67, "bias": -1.35, "share_alike": 1.0},
    "right": {"num": 30_000, "norm": 1.01, "bias": 0.11, "share_alike": 0.0},
    "is_reliable": True,
}


def printed(summary, capsys) -> str:
    console = Console(width=80, highlight=False)
    for table in errors.tables(summary):
        console.print(table)
    console.print(errors.footer(summary))
    return capsys.readouterr().out


def test_every_depth_has_its_errors(tmp_path, capsys) -> None:
    run = write_finished_run(tmp_path)
    summary = cast(Any, run.read_json("summary.json"))
    out = printed(summary, capsys)
    counts = run.counts("own_head")
    for depth, figures in enumerate(summary["readouts"]["own_head"]):
        never = (counts.hits()[depth] == 0) & (counts.support() >= 10)
        entry = next(
            e for e in figures["clusters"] if (e["definition"], e["threshold"]) == ERRORS_HEADLINE
        )
        row = [str(entry["num_clusters"]), str(np.count_nonzero(never))]
        assert any(line.split()[-2:] == row for line in out.splitlines()), row
    assert "never right" in out
    assert "by errors" in out
    assert len(errors.tables(summary)) == 2  # of two heads; the twin and rows have none


def test_the_rows_are_below_and_everything_fits(tmp_path, capsys) -> None:
    summary = cast(Any, write_finished_run(tmp_path).read_json("summary.json"))
    for depths in summary["readouts"].values():
        for figures in depths:
            figures["confusion"] |= {"num_kept": 30_522, "num_rows": 30_522}
            figures["never_right"]["num_tokens"] = 30_522
            for entry in figures["clusters"]:
                entry["num_clusters"] = 12_345
    out = printed(summary | {"token_rows": ROWS}, capsys)
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert "[b]red[/b]" in out  # a token is no markup
    assert "−12.345" in out
    assert "30,000 of these 31,000 tokens look as if they were never" in out


def test_a_summary_of_before_has_no_errors(tmp_path) -> None:
    summary = cast(Any, write_finished_run(tmp_path).read_json("summary.json"))
    for depths in summary["readouts"].values():
        for figures in depths:
            figures["clusters"] = [e for e in figures["clusters"] if e["definition"] != "errors"]
    assert errors.tables(summary) == []
    assert errors.footer(summary) == ""
    assert len(measurement.tables(summary)) == 2
