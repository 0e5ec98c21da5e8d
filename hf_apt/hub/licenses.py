"""The licences that a card may name: the identifiers that the Hub documents."""

from __future__ import annotations

from difflib import get_close_matches

_CREATIVE_COMMONS = (
    *("cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0"),
    *("cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0"),
    *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
)
_GNU = (
    *("gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr"),
    *("agpl-3.0", "gfdl"),
)
_OF_SOFTWARE = (
    *("apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear"),
    *("afl-3.0", "artistic-2.0", "bsl-1.0", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0"),
    *("eupl-1.1", "eupl-1.2", "isc", "lppl-1.3c", "ms-pl", "mpl-2.0", "ncsa", "ofl-1.1"),
    *("osl-3.0", "postgresql", "unlicense", "wtfpl", "zlib"),
)
_OF_DATA = (
    *("c-uda", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0"),
    *("odbl", "odc-by", "pddl"),
)
_OF_MODELS = (
    *("openrail", "openrail++", "bigscience-openrail-m", "creativeml-openrail-m"),
    *("bigscience-bloom-rail-1.0", "bigcode-openrail-m", "deepfloyd-if-license"),
    *("apple-amlr", "apple-ascl", "gemma", "llama2", "llama3", "llama3.1", "llama3.2"),
    *("llama3.3", "llama4", "intel-research", "fair-noncommercial-research-license"),
    *("h-research", "open-mdw", "grok2-community"),
)
LICENSES = frozenset(
    (*_CREATIVE_COMMONS, *_GNU, *_OF_SOFTWARE, *_OF_DATA, *_OF_MODELS, "unknown", "other")
)
"""The identifiers; `other` is for every licence that has none."""

_LIST = "https://huggingface.co/docs/hub/repositories-licenses"


def require_license(identifier: str) -> None:
    """Raise ValueError, with what to give instead, unless the Hub knows `identifier`."""
    if identifier in LICENSES:
        return
    words = "-".join(identifier.lower().split())
    similar = get_close_matches(words, sorted(LICENSES), n=1) or ["apache-2.0"]
    raise ValueError(
        f"the Hub knows no licence {identifier!r}: give --license an identifier of its list, such "
        f"as {similar[0]}, or other for a licence that is not on it ({_LIST})."
    )
