"""Laws of cellular automata: rows made by hand, Pascal's triangle, words of cells, refusals."""

from math import comb

import numpy as np
import pytest

from hf_apt.data.artificial.automaton import Automaton, next_row


def row_of(text: str) -> np.ndarray:
    return np.array([[int(cell == "#") for cell in text]])


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        (110, ["......#.", ".....##.", "....###.", "...##.#."]),
        (30, ["...#....", "..###...", ".##..#..", "##.####."]),
        (184, ["##.#..", "#.#.#.", ".#.#.#"]),  # traffic: a cell moves right where there is room
        (204, ["#.##.", "#.##."]),  # every cell stays
        (0, ["#.##.", "....."]),
    ],
)
def test_rows_made_by_hand(rule: int, rows: list[str]) -> None:
    for now, then in zip(rows, rows[1:], strict=False):
        np.testing.assert_array_equal(next_row(np.array([rule]), row_of(now)), row_of(then))


def test_rule_90_is_pascals_triangle_modulo_two() -> None:
    cells = row_of("." * 20 + "#" + "." * 20)
    for step in range(1, 20):
        cells = next_row(np.array([90]), cells)
        expected = np.zeros(41, int)
        for choice in range(step + 1):
            expected[20 - step + 2 * choice] = comb(step, choice) % 2
        np.testing.assert_array_equal(cells[0], expected)


def test_words_are_the_cells_of_the_rows() -> None:
    automaton = Automaton(rule=110, width=12, cells=4)
    assert automaton.words[5] == "p0101"
    for words in automaton.documents(range(20), 12, seed=1):
        bits = "".join(automaton.words[word][1:] for word in words)
        rows = [bits[at : at + 12] for at in range(0, 48, 12)]
        for now, then in zip(rows, rows[1:], strict=False):
            np.testing.assert_array_equal(
                next_row(np.array([110]), np.array([[int(cell) for cell in now]])),
                [[int(cell) for cell in then]],
            )


def test_a_document_keeps_the_rule_that_it_drew() -> None:
    automaton = Automaton(rule=(0, 204), width=8, cells=4)
    words = automaton.documents(range(200), 6, seed=2)
    goes = (words[:, 2:] == 0).all(axis=1)
    stays = (words[:, :2] == words[:, 2:4]).all(axis=1) & (words[:, 2:4] == words[:, 4:]).all(
        axis=1
    )
    assert (goes | stays).all()
    assert 60 < goes.sum() < 140


def test_what_follows_the_first_row_has_no_entropy() -> None:
    automaton = Automaton(rule=30, width=8, cells=4)
    assert automaton.entropy(2) == pytest.approx(8 * np.log(2))
    assert automaton.entropy(40) == pytest.approx(automaton.entropy(2))


def test_what_is_no_automaton_is_refused() -> None:
    with pytest.raises(ValueError, match="rule must be a whole number from 0 to 255, got 256"):
        Automaton(rule=256)
    with pytest.raises(ValueError, match="12 cells is no whole number of words of 5"):
        Automaton(cells=5)
    with pytest.raises(ValueError, match="rows of 24 cells make more than 1,048,576 documents"):
        Automaton(width=24)
    with pytest.raises(ValueError, match="density must lie between 0 and 1"):
        Automaton(density=0.0)
