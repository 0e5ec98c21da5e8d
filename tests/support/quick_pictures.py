"""Pictures that nobody looks at: made as ever, written as a single pixel, in none of the time."""

import io
from base64 import b64decode
from collections.abc import Callable
from typing import Any

PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""A PNG."""


def write_a_pixel(figure: Any, file: Any, **options: Any) -> None:
    """Stands for `Figure.savefig`, which takes a third of a second."""
    file.write(PIXEL)


def without_svg(savefig: Callable[..., None]) -> Callable[..., None]:
    """`Figure.savefig` that leaves a page's charts empty, which take half of the time of a run.

    They are written as text; pictures, and SVG files, are written as bytes.
    """

    def saved(figure: Any, file: Any, **options: Any) -> None:
        if isinstance(file, io.StringIO):
            file.write('<svg viewBox="0 0 1 1"></svg>')
        else:
            savefig(figure, file, **options)

    return saved
