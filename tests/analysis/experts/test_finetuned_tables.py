"""Laws of the figures of fine-tuned parts: those of a loop, paired by seed."""

from itertools import product

import numpy as np
import pytest

from hf_apt.analysis.experts.finetuned_tables import (
    finetuned_figures,
    finetuned_finding,
    finetuned_tables,
)

LABELS_X = np.repeat([0, 1, 3], 20)
"""No text is of class 2."""
NAMES = ["head 2", "head 1"]


def answers_of(num_seeds: int) -> dict:
    """Head 2 (number 1) knows class 0, head 1 class 1; all know both, none knows class 3."""
    knows = {"whole": (0, 1), "none": (3,), "1": (0,), "0": (1,)}
    one = {
        name: np.tile(np.where(np.isin(LABELS_X, classes), LABELS_X, 2), (num_seeds, 1))
        for name, classes in knows.items()
    }
    if num_seeds > 1:
        one["1"][1, :10] = 3  # in the second seed head 2 knows half of class 0
    read = {name: labels_RX for name, labels_RX in one.items() if name != "none"}
    return {"silenced": one, "read_out": read}


def test_figures_are_those_of_a_loop() -> None:
    answers = answers_of(2)
    figures = finetuned_figures(answers, LABELS_X, 4, [1, 0])
    assert (figures["num_seeds"], figures["num_test"]) == (2, 60)
    for protocol, (place, name) in product(answers, enumerate(("1", "0"))):
        got, labels_RX = figures[protocol]["parts"][place], answers[protocol][name]
        by_seed = [np.mean([a == b for a, b in zip(x, LABELS_X, strict=True)]) for x in labels_RX]
        assert got["accuracy"]["value"] == pytest.approx(np.mean(by_seed))
        assert got["accuracy"]["standard_error"] == pytest.approx(abs(by_seed[0] - by_seed[1]) / 2)
        assert got["by_label"][2] is None
        for label in (0, 1, 3):
            shares = [np.mean(x[label == LABELS_X] == label) for x in labels_RX]
            assert got["by_label"][label]["value"] == pytest.approx(np.mean(shares))
    first, second = (one["above_none"] for one in figures["silenced"]["parts"])
    assert first["value"] == pytest.approx(((1 / 3 + 1 / 6) / 2) - 1 / 3)
    assert first["standard_error"] == pytest.approx(1 / 12)
    assert (second["value"], second["standard_error"]) == (0, 0)
    assert "above_none" not in figures["read_out"]["parts"][0]
    assert figures["read_out"]["parts"][0]["above_whole"]["value"] == pytest.approx(0.25 - 2 / 3)
    assert "above_none" not in figures["silenced"]["whole"]


def test_heads_that_know_other_classes_gain_by_choice() -> None:
    """Asked for each class, the heads together know two of three; the best one knows one."""
    figures = finetuned_figures(answers_of(1), LABELS_X, 4, [1, 0])
    assert figures["silenced"]["choice_gain"]["value"] == pytest.approx(1 / 3)
    one = figures["silenced"]["parts"][0]
    assert one["accuracy"]["standard_error"] == pytest.approx((1 / 3 * 2 / 3 / 60) ** 0.5)
    assert one["above_none"]["standard_error"] is None


def test_tables_have_a_row_for_each_part_and_each_class() -> None:
    figures = finetuned_figures(answers_of(2), LABELS_X, 4, [1, 0])
    probes = [{"accuracy": number} for number in (0.3, 0.4)]
    main, silenced, read_out = finetuned_tables(
        figures, probes, 0.5, NAMES, ["a", "b", "c", "d"], "heads", "letters"
    )
    assert [row[0] for row in main["rows"]] == [*NAMES, "none of the block", "all of the block"]
    assert [row[1] for row in main["rows"]] == [0.3, 0.4, None, 0.5]
    assert main.get("notes", [])[2].startswith("Gain of choice among classes: others silenced 0.")
    assert silenced["header"] == ["class", *NAMES, "none", "all"]
    assert read_out["header"] == ["class", *NAMES, "all"]
    assert [row[0] for row in silenced["rows"]] == ["a", "b", "c", "d"]
    assert all(len(row) == len(table["header"]) for table in (main, silenced, read_out)
               for row in table["rows"])  # fmt: skip
    sentence = finetuned_finding(figures, NAMES, "heads")
    assert "0.250 ± 0.083 (head 2) to 0.333 ± 0.000 (head 1)" in sentence
    assert "with none 0.333 ± 0.000 and with all 0.667 ± 0.000" in sentence
