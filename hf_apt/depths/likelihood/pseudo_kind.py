"""The kinds of pseudo-log-likelihood, by name."""

from typing import Literal

PseudoKind = Literal["original", "within_word_l2r"]
"""What is masked with a token: nothing else, or the later tokens of its word, too."""
