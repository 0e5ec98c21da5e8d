"""Results that show themselves in a notebook: a few facts, every text of them escaped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape


class ShownInNotebooks(ABC):
    """A result whose facts a notebook shows as a small table."""

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """What is shown, by its name: cheap to find, and plain text."""

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th style="text-align:left">{escape(name)}</th><td>{escape(value)}</td></tr>'
            for name, value in self.facts().items()
        )
        return f"<table><caption>{escape(type(self).__name__)}</caption>{rows}</table>"


class ShownAsText:
    """A result whose `repr` is short and says all: a notebook shows it as it is, escaped."""

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>"
