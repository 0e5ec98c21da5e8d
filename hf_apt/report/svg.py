"""Figures as SVG that stands inside a page and follows its colours and fonts."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from hf_apt.report.charts.chart_data import ChartData

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


@dataclass(frozen=True)
class Point:
    """A value that can be pointed at, or reached by the tab key, in a figure."""

    x: float
    y: float
    said: str
    """What it says of itself: the value with its receipt."""

    panel: int = 0
    """Which of the figure's axes it is in."""


def both_widths(
    name: str,
    description: str,
    draw: Callable[[float], Figure],
    points: Sequence[Point] = (),
    data: ChartData | None = None,
) -> Markup:
    """The figure that `draw` makes, at a desktop's and at a phone's width; the page shows one.

    `name` is the figure's own on the page; `description` is read out in place of the picture;
    `data` are the numbers of the figure, which the page can save.
    """
    return Markup("").join(
        [
            page_svg(draw(WIDE_INCHES), f"{name}-wide", description, "wide", points, data),
            page_svg(draw(NARROW_INCHES), f"{name}-narrow", description, "narrow", points),
        ]
    )


def page_svg(
    figure: Figure,
    name: str,
    description: str,
    css_class: str,
    points: Sequence[Point] = (),
    data: ChartData | None = None,
) -> Markup:
    """One matplotlib figure as inline SVG without colours, fonts or addresses of its own.

    Ids are made from `name`, which no other figure of the page may have; `description` is read out
    in place of the picture; `css_class` is `wide`, `narrow` or the page's own. `points`, in the
    coordinates of their axes' data, become circles without colour that can be pointed at; those of
    a `narrow` figure say nothing themselves: the page's script gives them the texts of the wide one
    before it. `data` are kept as text in an attribute of the picture.
    """
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
    body = re.sub(r'(#|id=")([a-z])([0-9a-f]{10})\b', _short_id, body)
    # A tenth of a point is finer than a pixel. Only in tags: the texts are tick labels.
    body = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d+\.\d)\d+", r"\1", tag[0]), body)
    body = re.sub(r"font: (?:\w+ )?([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    body = re.sub(r" font-family: [^;\"]*;?| transform=\"rotate\(-0 [^)]*\)\"", "", body)
    body = re.sub(r"#000[0-9a-f]{3}\b", _page_colour, body)
    body = re.sub(r">\s+<", "><", re.sub(r"\s*\n\s*", " ", body))
    body = _compact(body)
    # What is read out as one picture has nothing inside that can be reached.
    role = "group" if points else "img"
    table = "" if data is None else f' data-table="{escape(data.text())}"'
    head = (
        f'<svg class="plot {css_class}" viewBox="{view_box[1]}" role="{role}"'
        f' aria-label="{escape(description)}"{table}>'
    )
    targets = _targets(figure, points, is_said=css_class != "narrow")
    return Markup(f"{head}{body}{targets}</svg>")  # noqa: S704 (matplotlib escapes what it draws)


def _short_id(id_: re.Match[str]) -> str:
    """The id in 7 letters instead of 11: one of 36^6, of which a page has some hundred."""
    return id_[1] + id_[2] + np.base_repr(int(id_[3], 16) % 36**6, 36).lower()


def _targets(figure: Figure, points: Sequence[Point], *, is_said: bool) -> str:
    """Invisible circles over the points, where the layout has put them."""
    if not points:
        return ""
    width, height = figure.get_size_inches() * 72
    circles = []
    for point in points:
        to_figure = figure.axes[point.panel].transData + figure.transFigure.inverted()
        x, y = to_figure.transform((point.x, point.y))
        title = f"<title>{escape(point.said)}</title>" if is_said else ""
        circles.append(
            f'<circle class="point" cx="{x * width:.1f}" cy="{(1 - y) * height:.1f}" r="8"'
            f' tabindex="0" role="img">{title}</circle>'
        )
    return "".join(circles)


def _compact(body: str) -> str:
    """The same drawing in fewer letters: without what is not seen, and without empty groups."""
    body = re.sub(r'<path d="[^"]*" style="fill: none"/>', "", body)
    body = re.sub(r' style="[^"]*"', lambda style: re.sub(r"([:;]) ", r"\1", style[0]), body)
    body = re.sub(r"(\d)\.0\b(?=[^<>]*>)", r"\1", body)
    body = re.sub(r' d="[^"]*"', lambda d: re.sub(r" ?([A-Za-z]) ", r"\1", f"{d[0]}"), body)
    for said_by_the_page in (";stroke-linecap:square", ";stroke-linejoin:miter"):
        body = body.replace(said_by_the_page, "")
    body = re.sub(r'(<g clip-path="[^"]*")>((?:<use [^>]*/>)+)</g>', _one_style, body)
    kept: list[bool] = []

    def of_group(tag: re.Match[str]) -> str:
        if tag[0] == "</g>":
            return tag[0] if kept.pop() else ""
        kept.append(tag[0] != "<g>")
        return tag[0] if kept[-1] else ""

    body = re.sub(r"</?g\b[^>]*>", of_group, body.replace("<g/>", ""))
    return body.replace("<defs></defs>", "")


def _one_style(markers: re.Match[str]) -> str:
    """The markers of a line, their style said once where it is one."""
    styles = set(re.findall(r' style="[^"]*"', markers[2]))
    if len(styles) != 1:
        return markers[0]
    style = styles.pop()
    return f"{markers[1]}{style}>{markers[2].replace(style, '')}</g>"


def _page_colour(match: re.Match[str]) -> str:
    colour = match[0]
    if colour in _PAGE_COLOURS:
        return _PAGE_COLOURS[colour]
    return f"var(--depth-{int(colour[1:], 16) - _FIRST_DEPTH_COLOUR})"
