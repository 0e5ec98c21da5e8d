"""Depths can be told from the page, light and dark, and the last block best of all."""

import pytest

from hf_apt.stats.pictures.depth_palette import depth_palette

PAGES = {False: ("#fcfcfa", "#ffffff"), True: ("#14161a", "#1c1f25")}


def luminance(colour: str) -> float:
    """Relative luminance, by the formula of WCAG 2.2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("num_depths", [1, 2, 7, 13, 25])
def test_every_depth_stands_out_and_the_last_most(num_depths, dark):
    colours = depth_palette(num_depths, dark=dark)
    assert len(colours) == len(set(colours)) == num_depths
    for page in PAGES[dark]:
        against = [contrast(colour, page) for colour in colours]
        assert min(against) >= 3
        assert against == sorted(against)
