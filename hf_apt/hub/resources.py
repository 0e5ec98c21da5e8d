"""Where the metric modules and model cards are: in the installed package, or beside a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def resource(path: str) -> Path:
    """The absolute path of a folder or file that comes with the package.

    Args:
        path: such as `metrics/apt`.

    Returns:
        The path in the checkout or in the installed wheel.

    Raises:
        ValueError: if there is none.
    """
    roots = [_PACKAGE]
    if (_PACKAGE.parent / "pyproject.toml").exists():  # site-packages may hold others' `metrics`
        roots.append(_PACKAGE.parent)
    for root in roots:
        if (root / path).exists():
            return (root / path).resolve()
    raise ValueError(f"hf_apt has no {path}: looked in {' and in '.join(map(str, roots))}.")
