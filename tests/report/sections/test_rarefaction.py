"""The row of growth in the table of positions asked."""

from hf_apt.report.sections.rarefaction import _growth


def test_growth_stands_below_the_depth_it_is_at():
    step = {"value": 0.0123, "standard_error": 0.0011, "num": 500}
    assert _growth([{"rarefied_growth": None}, {"rarefied_growth": step}]) == [
        ["growth of 1,000", "", "–", "+0.012\xa0±\xa00.001"]
    ]
    assert _growth([{"rarefied_growth": None}, {}]) == []
