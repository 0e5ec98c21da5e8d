"""What can be carried of a block from one model to another, by name."""

from typing import Literal

CarriedParts = Literal["whole", "attention", "feed_forward"]
"""All of a block; its attention with the projection and normalisation that follow it; or its
feed-forward layers with theirs."""
