"""The report: one self-contained page about a run, made from its folder alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hf_apt.atomic import writing
from hf_apt.records.run import Run
from hf_apt.records.run_records import RunRecords
from hf_apt.report.page_content import page_content

__all__ = ["rendered", "write_report"]


def write_report(run: Run, records: RunRecords | None = None) -> Path:
    """The path of `report.html`, written into the run's folder, whole or not at all.

    `records` are those of the run, where they have been read already. The page needs nothing else:
    style, script, figures and data are in it, and it loads nothing. The same run gives the same
    bytes. Raises ValueError if the run is not finished.
    """
    page = rendered("page.html.jinja", page_content(records or RunRecords(run)))
    path = run.path("report.html")
    with writing(path) as file:
        file.write(page)
    return path


def rendered(template: str, content: dict[str, Any]) -> str:
    """One of the templates, filled."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = script_json
    environment.filters["bare_lines"] = bare_lines
    return environment.get_template(template).render(content)


def bare_lines(source: str) -> Markup:
    """Style or script without indentation, empty lines and lines of comment."""
    lines = (line.strip() for line in source.splitlines())
    kept = "\n".join(line for line in lines if line and not line.startswith("//"))
    return Markup(kept)  # noqa: S704 (the package's own)


def script_json(content: object) -> Markup:
    """`content` as JSON that is safe between `<script>` tags, whatever the vocabulary holds."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 (nothing that HTML gives a meaning to is left)
