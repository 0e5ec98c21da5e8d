"""What a notebook shows is small, valid and escaped."""

import math
from xml.etree import ElementTree

import numpy as np
import pytest

from hf_apt.stats.clusters import token_clusters
from hf_apt.stats.confusion import confusion
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.notebooks.shown import ShownAsText, ShownInNotebooks


def counts() -> DepthCounts:
    references = np.array([0, 0, 1, 1, 2])
    answers = np.array([[0, 1, 1, 1, 2], [0, 0, 1, 1, 2]])
    return DepthCounts.empty(2, 1000).update(references, answers, np.zeros(5, int))


def shown(result) -> list[str]:
    """The texts of what a notebook shows, which is well-formed and small."""
    html = result._repr_html_()
    assert len(html) < 2000
    return [text.strip() for text in ElementTree.fromstring(html).itertext() if text.strip()]  # noqa: S314


@pytest.mark.parametrize(
    ("result", "texts"),
    [
        (Estimate(0.31, 0.0031, 3000), ["Estimate", "value", "0.31 ± 0.0031", "over", "3,000"]),
        (Estimate(math.nan, math.nan, 0), ["Estimate", "value", "nan ± nan", "over", "0"]),
        (counts(), ["DepthCounts(2 depths, 5 positions of 3 tokens)"]),
        (
            confusion(counts().at(0)),
            [
                *("Confusion", "tokens", "3 asked for, of 1,000"),
                *("kept", "3, 1 of them tied", "distinct pairs", "4"),
            ],
        ),
        (
            token_clusters(confusion(counts().at(0)), 0.5, "weak"),
            [
                *("TokenClusters", "definition", "weak, from 0.5", "clusters", "1"),
                *("largest", "2", "kept tokens", "3, 1 with a strong match"),
            ],
        ),
    ],
)
def test_results_show_their_facts(result, texts: list[str]) -> None:
    assert shown(result) == texts


def test_no_text_is_markup() -> None:
    class Odd(ShownInNotebooks):
        def facts(self) -> dict[str, str]:
            return {"<b>": "</td><script>alert(1)</script>"}

    class Text(ShownAsText):
        def __repr__(self) -> str:
            return "<script>"

    assert shown(Odd()) == ["Odd", "<b>", "</td><script>alert(1)</script>"]
    assert "<script>" not in Odd()._repr_html_() + Text()._repr_html_()
