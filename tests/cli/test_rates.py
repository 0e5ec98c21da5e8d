"""`hf-apt rates`: table, figure and record of a checkpoint, and what it refuses."""

import json

import pytest
from typer.testing import CliRunner

from hf_apt.cli.app import app

NAME = "bert6-narrow-wikipedia"


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("The river flows through the city and into the sea.\n" * 30)
    return path


def test_rates_writes_table_record_and_figure(text, tmp_path) -> None:
    folder = tmp_path / "run"
    arguments = ["rates", NAME, str(text), "--rate", "0.15", "--rate", "1", "-o", str(folder)]
    done = CliRunner().invoke(app, [*arguments, "--only-masks"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "Accuracy by masking rate" in done.output
    assert "100%" in done.output
    assert "cannot be told" in done.output.replace("\n", " ")
    record = json.loads((folder / "masking-rates.json").read_text())
    assert record["only_masks"]
    assert len(record["rates"]) == 2 * 7
    assert {row["rate"] for row in record["rates"]} == {0.15, 1.0}
    assert (folder / "masking-rates.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--rate", "15"], "a masking rate is above 0 and at most 1, got 15.0"),
        (["--heads", "linear", "--layout", "first"], "leave out --heads"),
    ],
)
def test_what_has_no_rate_is_refused_before_anything_is_written(
    text, tmp_path, options, problem
) -> None:
    folder = tmp_path / "run"
    done = CliRunner().invoke(app, ["rates", NAME, str(text), *options, "-o", str(folder)])
    assert done.exit_code == 2
    assert problem in done.output.replace("\n", " ")
    assert not folder.exists()
