"""The table of measures: every column that was measured, and none that was not."""

from hf_apt.report.measures_table import measures_table
from hf_apt.stats.measures.registry import COLUMNS

LABELS = ["embeddings", "block 1"]


def depths(**figures) -> list:
    return [{"depth": depth, **figures} for depth in range(2)]


def estimate(value: float) -> dict:
    return {"value": value, "standard_error": 0.01, "num": 7}


def test_it_has_every_column_of_the_registry():
    figures = {column.key: estimate(number) for number, column in enumerate(COLUMNS)}
    table = measures_table("own_head", depths(**figures), LABELS)
    assert table.header == ["depth", *(column.heading for column in COLUMNS)]
    assert [row[0] for row in table.rows] == LABELS
    assert table.rows[0][1:] == [f"{number}.000\xa0±\xa00.010" for number in range(len(COLUMNS))]
    assert len(table.notes) == len(COLUMNS)
    assert table.title == "Measures of the answers, own head"


def test_what_was_not_measured_is_left_out():
    first = COLUMNS[0]
    table = measures_table("bayes", depths(**{first.key: estimate(1.0)}), LABELS)
    assert table.header == ["depth", first.heading]
    nothing = {column.key: None for column in COLUMNS}
    assert measures_table("bayes", depths(**nothing), LABELS) is None
    assert measures_table("bayes", depths(), LABELS) is None
