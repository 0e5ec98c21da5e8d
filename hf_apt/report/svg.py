"""Figures as SVG that stands inside a page and follows its colours and fonts."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import matplotlib
import matplotlib.colors
from markupsafe import Markup, escape
from matplotlib.figure import Figure

# Placeholder colours: drawn by matplotlib, then replaced by the page's own (light, dark, print).
INK, MUTED, RULE = "#000001", "#000002", "#000003"
READOUT_COLOURS = {
    "own_head": "#000005",
    "linear_head": "#000006",
    "mlm_head": "#000007",
    "jacobian": "#000008",
    "translator": "#000009",
    "untrained": "#000002",
    "bayes": "#000001",
}
_PAGE_COLOURS = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    "#000005": "var(--accent)",
    "#000006": "var(--second)",
    "#000007": "var(--third)",
    "#000008": "var(--fourth)",
    "#000009": "var(--fifth)",
}
_FIRST_DEPTH_COLOUR = 0x100
WIDE_INCHES, NARROW_INCHES = 7.5, 3.5


def depth_colour(depth: int) -> str:
    """The placeholder of a depth's colour, `var(--depth-<depth>)` on the page."""
    return f"#{_FIRST_DEPTH_COLOUR + depth:06x}"


def depth_palette(num_depths: int, *, dark: bool) -> list[str]:
    """Viridis from the embeddings to the last block, without the end that the background hides."""
    low, high = (0.3, 1.0) if dark else (0.0, 0.88)
    viridis = matplotlib.colormaps["viridis"]
    steps = [low + (high - low) * depth / max(num_depths - 1, 1) for depth in range(num_depths)]
    return [matplotlib.colors.to_hex(viridis(step)) for step in steps]


def both_widths(name: str, description: str, draw: Callable[[float], Figure]) -> Markup:
    """The figure that `draw` makes, at a desktop's and at a phone's width; the page shows one.

    `name` is the figure's own on the page; `description` is read out in place of the picture.
    """
    variants = (("wide", WIDE_INCHES), ("narrow", NARROW_INCHES))
    return Markup("").join(
        page_svg(draw(width), f"{name}-{variant}", description, variant)
        for variant, width in variants
    )


def page_svg(figure: Figure, name: str, description: str, css_class: str) -> Markup:
    """One matplotlib figure as inline SVG without colours, fonts or addresses of its own."""
    buffer = io.StringIO()
    # Ids are hashed with the figure's name: two figures on a page must not share a clip path.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    text = buffer.getvalue()
    view_box = re.search(r'viewBox="([^"]*)"', text)
    assert view_box is not None
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    for pattern in (r"<metadata>.*?</metadata>", r"<style.*?</style>", r"<!--.*?-->"):
        body = re.sub(pattern, "", body, flags=re.DOTALL)
    body = body.replace("xlink:href", "href")
    used = set(re.findall(r"""(?:href="|url\()#([^")]+)""", body))
    body = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", body)
    # A tenth of a point is finer than a pixel. Only in tags: the texts are tick labels.
    body = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d+\.\d)\d+", r"\1", tag[0]), body)
    body = re.sub(r"font: (?:\w+ )?([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    body = re.sub(r" font-family: [^;\"]*;?| transform=\"rotate\(-0 [^)]*\)\"", "", body)
    body = re.sub(r"#000[0-9a-f]{3}\b", _page_colour, body)
    body = re.sub(r">\s+<", "><", re.sub(r"\s*\n\s*", " ", body))
    while "<g></g>" in body or "<g/>" in body:
        body = body.replace("<g></g>", "").replace("<g/>", "")
    head = (
        f'<svg class="plot {css_class}" viewBox="{view_box[1]}" role="img"'
        f' aria-label="{escape(description)}">'
    )
    return Markup(f"{head}{body}</svg>")  # noqa: S704 (matplotlib escapes what it draws)


def _page_colour(match: re.Match[str]) -> str:
    colour = match[0]
    if colour in _PAGE_COLOURS:
        return _PAGE_COLOURS[colour]
    return f"var(--depth-{int(colour[1:], 16) - _FIRST_DEPTH_COLOUR})"
