"""The numbers of a chart are a table: a line for each value, known to five digits."""

from hf_apt.report.charts.chart_data import ChartData, estimates_data


def test_cells_are_kept_apart_whatever_is_in_a_name() -> None:
    data = ChartData(["name", "value"], [["a\tb\nc\xa0d", 12345678], ["e", 0.123456], ["f", None]])
    lines = [line.split("\t") for line in data.text().split("\n")]
    assert lines == [[" name", "value"], ["a b c d", "12345678"], ["e", "0.12346"], ["f", ""]]


def test_columns_of_text_are_marked_whatever_they_look_like() -> None:
    data = ChartData(
        ["run", "step", "value", "none"], [["001", 5, None, None], ["run", 5, 0.5, None]]
    )
    assert data.text().split("\n") == [" run\tstep\tvalue\tnone", "001\t5\t\t", "run\t^\t0.5\t"]


def test_an_estimate_gives_its_value_its_error_and_n() -> None:
    known = {"value": 0.5, "standard_error": 0.25, "num": 4}
    unknown = {"value": None, "standard_error": None, "num": 0}
    data = estimates_data(["depth"], "mean APT", [(["block 1"], known), (["block 2"], unknown)])
    assert data.header == ["depth", "mean APT", "standard error", "n"]
    assert data.rows == [["block 1", 0.5, 0.25, 4], ["block 2", None, None, 0]]
