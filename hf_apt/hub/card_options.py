"""What a model card says that no record holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CardOptions:
    """What a card says that no record holds."""

    repo: str
    """Repository to send to, as OWNER/NAME."""

    license: str | None = None
    """Licence of the weights, an identifier of the Hub such as `apache-2.0`."""

    language: str | None = None
    """Language of the text, a code of ISO 639 such as `en`; None for what its corpus states."""

    dataset: str | None = None
    """Hub data set that a text read from local files is from."""

    data: str | None = None
    """Description of a text read from local files, in words."""

    data_license: str | None = None
    """Terms of the text, in words, where hf_apt does not know them."""
