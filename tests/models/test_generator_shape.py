"""The size of a generator: shares, and what they make of a discriminator."""

import pytest
from small_selection import LENGTH, VOCAB

from hf_apt.models.fresh import new_model, sized_model
from hf_apt.models.generator_shape import GeneratorShape
from hf_apt.models.shapes import ConvShape, ModelShape


def sizes(width: float, depth: float, embeddings: str = "shared") -> tuple[int, ...]:
    shape = ModelShape(
        hidden_size=48,
        num_heads=4,
        num_blocks=3,
        generator=GeneratorShape(width=width, depth=depth, embeddings=embeddings),  # pyright: ignore
    )
    config = sized_model(shape, vocab_size=VOCAB, num_positions=LENGTH).generator.config
    return (
        config.embedding_size,
        config.hidden_size,
        config.num_attention_heads,
        config.num_hidden_layers,
        config.intermediate_size,
    )


def test_a_generator_has_shares_of_heads_and_blocks():
    assert sizes(0.5, 1.0) == (48, 24, 2, 3, 96)
    assert sizes(0.25, 0.34) == (48, 12, 1, 1, 48)
    assert sizes(1.0, 0.01) == (48, 48, 4, 1, 192)
    assert sizes(0.5, 1.0, "none")[0] == 24, "nothing is shared, and nothing projected"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"width": 1.5}, "the generator's width is 1.5"),
        ({"depth": 0.0}, "depth must be"),
        ({"embeddings": "tied"}, "embeddings is 'tied': choose one of none, shared"),
        ({"candidates": 0}, "candidates"),
        ({"choices": 1}, "choices"),
        ({"heads": ("rtd",)}, "heads is 'rtd'"),
    ],
)
def test_what_is_no_generator_is_refused(values, said):
    with pytest.raises(ValueError, match=said):
        GeneratorShape(**values)


def test_a_discriminator_has_no_convolutions(tokens):
    shape = ModelShape(hidden_size=16, num_heads=2, conv=ConvShape(), generator=GeneratorShape())
    with pytest.raises(ValueError, match="no convolutional front-end"):
        new_model(shape, tokens, seed=0)


def test_sinusoids_are_in_the_tables_that_are_read(tokens):
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=1, sinusoidal_positions=True)
    plain = new_model(shape, tokens, seed=0).bert.embeddings.position_embeddings.weight
    for sharing in ("shared", "disentangled", "none"):
        generator = GeneratorShape(width=1.0, embeddings=sharing)
        of_two = ModelShape(**vars(shape) | {"generator": generator})
        handed = new_model(of_two, tokens, seed=0).discriminator_model()
        assert (handed.embeddings.position_embeddings.weight == plain).all(), sharing
