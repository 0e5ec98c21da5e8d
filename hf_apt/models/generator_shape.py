"""Size of a generator beside its discriminator, and what the discriminator is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from hf_apt.stats.config_checks import require_one_of, require_positive, require_whole

Sharing = Literal["none", "shared", "disentangled"]
"""What a discriminator has of the generator's tables of words and positions."""

SHARINGS: tuple[str, ...] = get_args(Sharing)

HEADS = ("replaced_tokens", "word_selection", "multi_choice")
"""What a discriminator can be asked: the names of the objectives that train its heads."""


@dataclass(frozen=True, kw_only=True)
class GeneratorShape:
    """A generator, as shares of its discriminator, and the discriminator's heads.

    Raises:
        ValueError: for shares out of range, an unknown sharing, and too few candidates or choices.
    """

    width: float = 0.5
    """Its width and its attention heads, as a share of the discriminator's, above 0 and at most
    1."""

    depth: float = 1.0
    """Its blocks, as a share of the discriminator's, above 0 and at most 1."""

    embeddings: Sharing = "disentangled"
    """Tables of words and positions: `none` of the generator's is the discriminator's; `shared`,
    both have the same; or `disentangled`, the discriminator takes the generator's as constants and
    adds tables of its own, which begin at 0."""

    candidates: int = 5
    """Tokens among which `word_selection` finds the true one."""

    choices: int = 10
    """Answers of `multi_choice`, of which one rejects all other tokens."""

    heads: tuple[str, ...] = ()
    """What the discriminator is asked, of `HEADS`: each by an objective of that name."""

    def __post_init__(self) -> None:
        require_positive(self, "width", "depth")
        for name in ("width", "depth"):
            if getattr(self, name) > 1:
                raise ValueError(
                    f"the generator's {name} is {getattr(self, name)}: it is a share of the "
                    "discriminator's, above 0 and at most 1."
                )
        require_one_of(self, "embeddings", SHARINGS)
        require_whole(self, "candidates")
        require_whole(self, "choices", least=2)
        require_one_of(self, "heads", HEADS)
