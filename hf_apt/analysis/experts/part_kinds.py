"""What parts of a block can be told apart."""

from typing import Literal

Parts = Literal["heads", "nodes", "feed_forward"]
"""Attention heads; single numbers that heads hand on; intermediate units of the feed-forward
part."""
