"""How the documentation is built: `make docs`."""

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
suppress_warnings = ["myst.xref_missing"]  # links to files outside of docs/, which tests check

autodoc_typehints = "none"  # signatures have them
autodoc_member_order = "bysource"
default_role = "code"
