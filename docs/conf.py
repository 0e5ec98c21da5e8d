"""How the documentation is built: `make docs`.

The repository shows the same files, so that links lead to files there. Here the README is the first
page, and what lies beside it has a page of its own. The pages of the gallery are made by the
commands that it states, and formulas become MathML, which browsers show without any script.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.ext.napoleon.docstring import GoogleDocstring

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

myst_enable_extensions = ["colon_fence", "dollarmath"]
html_math_renderer = "mathml"
myst_heading_anchors = 3

autodoc_typehints = "none"  # signatures have them
autodoc_member_order = "bysource"
default_role = "code"

LINKS = {
    "](../README.md)": "](index.md)",
    "](../../README.md)": "](../index.md)",
    "](docs/": "](",
    "](CHANGELOG.md)": "](changes.md)",
    "](CONTRIBUTING.md)": "](contributing.md)",
    "](examples/README.md)": "](examples.md)",
    "](../examples/README.md)": "](examples.md)",
    "](../../examples/README.md)": "](../examples.md)",
    "](hf_apt/": "](../hf_apt/",
    "](examples/notebooks/": "](https://github.com/hf-apt/hf-apt/blob/main/examples/notebooks/",
}
"""Links of the repository, and where they lead on the pages."""


LARGEST_PAGE = 1_000_000
"""Bytes that a page of the gallery may have."""


def setup(app: Any) -> None:
    """Connect what is made of links, docstrings and formulas, and the pages of the gallery."""
    app.connect("source-read", lambda _app, name, source: _link(source, name))
    app.connect("include-read", lambda _app, _path, _parent, source: _link(source))
    app.connect("autodoc-process-docstring", _read_sections)
    app.connect("build-finished", _make_gallery)
    app.add_html_math_renderer("mathml", (_inline_math, None), (_block_math, None))


def _link(source: list[str], name: str = "") -> None:
    """Make links of files those of pages, in what is read and in what is included."""
    for here, there in LINKS.items():
        source[0] = source[0].replace(here, there)
    if name == "gallery":
        source[0] = re.sub(r"`(pages/[\w/.-]+\.html)`", r'<a href="\1">\1</a>', source[0])


def _read_sections(_app: Any, what: Any, _name: str, _object: Any, _options: Any, lines: list[str]):
    """Make `Args:`, `Returns:` and `Raises:` of functions and classes lists of fields.

    Attributes are left alone: Napoleon would take what stands before a colon for their type.
    """
    if what not in ("attribute", "data", "property"):
        lines[:] = GoogleDocstring(list(lines), what=what).lines()


def _make_gallery(app: Any, exception: Exception | None) -> None:
    """Run the commands of the gallery, in order, and keep their pages under `pages/`.

    They run in a copy of `gallery/`, which holds the records of what takes longer than a build may,
    with the examples beside them.
    """
    if exception is not None:
        return
    text = Path(app.srcdir, "gallery.md").read_text(encoding="utf-8")
    commands = "\n".join(re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S))
    # The commands of the environment that builds.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with tempfile.TemporaryDirectory(prefix="hf_apt-docs-") as folder:
        shutil.copytree(Path(app.srcdir, "gallery"), folder, dirs_exist_ok=True)
        Path(folder, "examples").symlink_to(Path(app.srcdir).parent / "examples")
        done = subprocess.run(
            ["bash", "-euc", commands],
            cwd=folder,
            env=os.environ | {"PATH": path, "HF_HUB_OFFLINE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"a command of docs/gallery.md failed:\n{done.stdout[-2000:]}")
        for name in re.findall(r"`pages/([\w/.-]+\.html)`", text):
            page = Path(folder, name)
            if page.stat().st_size > LARGEST_PAGE:
                raise RuntimeError(f"{name} of docs/gallery.md is larger than 1 MB.")
            kept = Path(app.outdir, "pages", name)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page, kept)


def _inline_math(writer: Any, node: Any) -> None:
    _write(writer, node, tex2mathml(node.astext()))


def _block_math(writer: Any, node: Any) -> None:
    _write(writer, node, tex2mathml(node.astext(), as_block=True))


def _write(writer: Any, node: Any, mathml: str) -> None:
    writer.body.append(mathml)
    raise nodes.SkipNode
