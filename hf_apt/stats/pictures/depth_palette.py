"""A colour for each depth, the same in the page and in the pictures of callbacks."""

from __future__ import annotations

import matplotlib
import matplotlib.colors

_LIGHT, _DARK = (0.6, 0.0), (0.45, 1.0)
"""The part of the colour map that stands out by 3 : 1 from a page."""


def depth_palette(num_depths: int, *, dark: bool = False) -> list[str]:
    """Colours from the embeddings to the last block, as "#rrggbb".

    The last block stands out most from the page, light or `dark`, and the embeddings least: by
    3 : 1 at least, as WCAG 2.2 asks of pictures (1.4.11). Matplotlib's "plasma", without the end
    that the page hides.
    """
    first, last = _DARK if dark else _LIGHT
    plasma = matplotlib.colormaps["plasma"]
    places = [
        first + (last - first) * depth / (num_depths - 1) if num_depths > 1 else last
        for depth in range(num_depths)
    ]
    return [matplotlib.colors.to_hex(plasma(place)) for place in places]
