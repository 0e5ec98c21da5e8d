"""The language of a run's text as the Hub names it: where it is stated, and never by a guess."""

from __future__ import annotations

import re
from typing import Any

_CODE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?|code|multilingual")
"""A language by ISO 639, maybe with its script and region, or one of the Hub's two other words."""

_OF_CORPORA = {"sotu": "en"}
"""Languages of the corpora that hf_apt knows."""

_WIKIPEDIA = re.compile(r"\d{8}\.([a-z]{2})")
"""A configuration of `wikimedia/wikipedia`, day and language; codes of two letters are those of ISO
639-1, longer ones are Wikipedia's own."""


def require_language(language: str) -> None:
    """Raise ValueError unless `language` is a code that the Hub takes, as `en` or `zh-Hans`."""
    if not _CODE.fullmatch(language):
        raise ValueError(
            f"{language!r} is no code of a language: give one of ISO 639 such as en, or "
            "multilingual."
        )


def stated_language(corpus: dict[str, Any]) -> str | None:
    """The language that the `corpus` of a run's configuration states; None where it does not.

    >>> stated_language({"name": "wikimedia/wikipedia", "config": "20231101.de"})
    'de'
    >>> stated_language({"name": "wikimedia/wikipedia", "config": "20231101.simple"})
    >>> stated_language({"name": "texts/en.txt"})
    """
    name = corpus.get("name")
    if name == "wikimedia/wikipedia":
        stated = _WIKIPEDIA.fullmatch(corpus.get("config") or "")
        return stated[1] if stated else None
    return _OF_CORPORA.get(str(name))
