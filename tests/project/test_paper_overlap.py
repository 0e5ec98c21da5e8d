"""The choice of paragraphs for the overlap study: known answers, and what it writes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from script_modules import script_modules

SPORT = "the player won the game of the season "
SEA = "a small ship was lost in the deep sea "
PAPER = Path(__file__).parents[2] / "examples" / "paper"


@pytest.fixture(scope="module")
def overlap():
    """The script as a module, with its neighbours."""
    with script_modules(PAPER, "overlap") as (module,):
        yield module


def test_likeness_is_the_mean_log_odds_of_the_tokens(overlap) -> None:
    wanted_V, corpus_V = np.array([2, 0, 1]), np.array([0, 3, 3])
    # With a half added: 2.5, 0.5, 1.5 of 4.5, and 0.5, 3.5, 3.5 of 7.5.
    odds = np.log([(2.5 / 4.5) / (0.5 / 7.5), (0.5 / 4.5) / (3.5 / 7.5), (1.5 / 4.5) / (3.5 / 7.5)])
    found = overlap.likeness([[0], [1, 1, 2], [2, 0]], wanted_V, corpus_V)
    expected = [odds[0], (2 * odds[1] + odds[2]) / 3, (odds[2] + odds[0]) / 2]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.fixture
def texts(tmp_path, overlap) -> Path:
    """Paragraphs about the task's words and about others, long ones and short ones."""
    rows = [f"{text * 8}{number}" for number in range(4) for text in (SPORT, SEA)]
    pd.DataFrame({"text": [*rows, "the player won"]}).to_parquet(tmp_path / "wiki_train.parquet")
    pd.DataFrame({"text": ["held out"]}).to_parquet(tmp_path / "wiki_validation.parquet")
    for task in overlap.TASKS:
        frame = pd.DataFrame({"content": [SPORT] * 3})
        frame.to_parquet(tmp_path / f"{task}.parquet")
    return tmp_path


def test_paragraphs_like_the_tasks_are_told_from_others(overlap, texts, capsys) -> None:
    asked = ["--text", str(texts / "wiki_*.parquet"), "--data", str(texts), "--num_tokens"]
    overlap.main([*asked, "270"])  # a paragraph of sport has 65 tokens, one of the sea 73
    near, far = (pd.read_parquet(texts / f"{name}_train.parquet").text for name in ("near", "far"))
    assert all("player" in text for text in near)
    assert all("ship" in text for text in far)
    assert (len(near), len(far)) == (4, 3)
    held_out = pd.read_parquet(texts / "near_validation.parquet").text
    assert held_out.tolist() == ["held out"]
    assert "near: 4 paragraphs, 260 tokens" in capsys.readouterr().out
    with pytest.raises(
        ValueError, match="two choices of 277 tokens are not to be had: .* 552 toget"
    ):
        overlap.main([*asked, "277"])
