"""What has a state at every depth, by name."""

from typing import Literal

Things = Literal["tokens", "texts"]
"""Each token; or each text, whose state is the mean over its tokens."""
