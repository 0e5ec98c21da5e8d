"""A generator as the command line spells it: `width=0.5,embeddings=shared`."""

from __future__ import annotations

from hf_apt.cli.spelling.spelled import spelled
from hf_apt.models.generator_shape import GeneratorShape


def generator_of(text: str) -> GeneratorShape:
    """The generator that `key=value,key=value` spells; what is left out has its default.

    Raises ValueError for a key that there is not, and a value that cannot be read or used.

    >>> generator_of("width=0.25,embeddings=none").width
    0.25
    """
    if "heads=" in text:
        raise ValueError(
            "the generator has no heads: what its discriminator is asked, --objective says."
        )
    return spelled(f"generator:{text}", {"generator": GeneratorShape}, "model")
