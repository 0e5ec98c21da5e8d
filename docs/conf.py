"""How the documentation is built: `make docs`.

The repository shows the same files, so that links lead to files there. Here the README is the first
page, and what lies beside it has a page of its own.
"""

from typing import Any

import hf_apt

project = "hf_apt"
author = "the hf_apt maintainers"
copyright = "the hf_apt maintainers, Apache 2.0"  # noqa: A001
release = version = hf_apt.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "hf_apt"
nitpicky = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # signatures have them
autodoc_member_order = "bysource"
default_role = "code"

LINKS = {
    "](../README.md)": "](index.md)",
    "](docs/": "](",
    "](CHANGELOG.md)": "](changes.md)",
    "](CONTRIBUTING.md)": "](contributing.md)",
    "](examples/README.md)": "](examples.md)",
    "](../examples/README.md)": "](examples.md)",
    "](hf_apt/": "](../hf_apt/",
}
"""Links of the repository, and where they lead on the pages."""


def setup(app: Any) -> None:
    """Make links of files those of pages, in what is read and in what is included."""
    app.connect("source-read", lambda _app, _name, source: _link(source))
    app.connect("include-read", lambda _app, _path, _parent, source: _link(source))


def _link(source: list[str]) -> None:
    for here, there in LINKS.items():
        source[0] = source[0].replace(here, there)
