"""What a generator and its discriminator are made of."""

from __future__ import annotations

from typing import Any

from transformers import ElectraConfig, PretrainedConfig

from hf_apt.models.bert6 import Bert6Config
from hf_apt.models.generator_shape import HEADS, SHARINGS


class SelectionConfig(PretrainedConfig):
    """Configuration of a `SelectionForPreTraining`: its two encoders and what the second is asked.

    Raises:
        ValueError: for a sharing or a head that there is not, for fewer than one candidate or
            choice or more than the vocabulary has, and for encoders that cannot share embeddings.
    """

    model_type = "apt_selection"

    discriminator_config: dict | None = None
    """The configuration of the discriminator, a `Bert6Config`, as a dictionary."""

    generator_config: dict | None = None
    """The configuration of the generator, an `ElectraConfig`, as a dictionary."""

    embedding_sharing: str = "disentangled"
    """What the discriminator has of the generator's tables of words and positions: `none`;
    `shared`, the tables themselves; or `disentangled`, constants to which tables of its own add."""

    heads: tuple[str, ...] | list[str] = ("replaced_tokens",)
    """What the discriminator is asked, names of `hf_apt.models.generator_shape.HEADS`."""

    num_candidates: int = 5
    """Tokens among which `word_selection` finds the true one."""

    num_choices: int = 10
    """Answers of `multi_choice`, the one that rejects all other tokens among them."""

    vocab_size: int | None = None
    """Number of token ids of both."""

    max_position_embeddings: int | None = None
    """Number of positions of both."""

    pad_token_id: int | None = None
    """Padding id of both."""

    initializer_range: float = 0.02
    """Standard deviation of the fresh weights of the discriminator's heads."""

    def __post_init__(self, **kwargs: Any):
        super().__post_init__(**kwargs)
        self.heads = tuple(self.heads)
        if self.embedding_sharing not in SHARINGS:
            raise ValueError(
                f"embedding_sharing is {self.embedding_sharing!r}: give one of "
                f"{', '.join(SHARINGS)}."
            )
        for head in self.heads:
            if head not in HEADS:
                raise ValueError(f"there is no head {head!r}: there are {', '.join(HEADS)}.")
        if self.vocab_size is None:
            return  # transformers makes an empty one to compare with
        for name, least in (("num_candidates", 1), ("num_choices", 2)):
            value = getattr(self, name)
            if not least <= value <= self.vocab_size:
                raise ValueError(
                    f"{name} is {value}: give a number from {least} to the {self.vocab_size} "
                    "tokens of the vocabulary."
                )

    def encoders(self) -> tuple[ElectraConfig, Bert6Config]:
        """The configurations of generator and discriminator.

        Returns:
            Both, made anew.

        Raises:
            ValueError: if one is missing, if they do not read the same ids and positions, or if
                embeddings are to be shared that are not of one width.
        """
        if not self.generator_config or not self.discriminator_config:
            raise ValueError(
                "a SelectionConfig holds two encoders: give generator_config and "
                "discriminator_config."
            )
        generator = ElectraConfig(**_plain(self.generator_config))
        discriminator = Bert6Config(**_plain(self.discriminator_config))
        for name in ("vocab_size", "max_position_embeddings", "pad_token_id"):
            both = getattr(generator, name), getattr(discriminator, name)
            if both != (getattr(self, name),) * 2:
                raise ValueError(
                    f"generator and discriminator have {name} {both[0]} and {both[1]}, and the "
                    f"configuration {getattr(self, name)}: give one and the same."
                )
        widths = generator.embedding_size, discriminator.hidden_size
        if self.embedding_sharing != "none" and widths[0] != widths[1]:
            raise ValueError(
                f"the generator's embeddings are {widths[0]} wide and the discriminator's "
                f"{widths[1]}, and only alike ones are shared: give the generator the "
                f"embedding_size {widths[1]}."
            )
        return generator, discriminator


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != "model_type"}
