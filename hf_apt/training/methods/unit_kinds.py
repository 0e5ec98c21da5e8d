"""The kinds of units of a transformer's block."""

from __future__ import annotations

from typing import Literal

Units = Literal["feed_forward", "heads", "both"]
"""Neurons of the feed-forward part, attention heads, or both."""
