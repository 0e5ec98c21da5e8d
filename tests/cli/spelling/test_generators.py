"""A generator spelled on the command line."""

import pytest

from hf_apt.cli.spelling.generators import generator_of
from hf_apt.models.generator_shape import GeneratorShape


def test_what_is_left_out_has_its_default():
    assert generator_of("") == GeneratorShape()
    spelled = generator_of("width=0.25,depth=0.5,embeddings=none,candidates=3,choices=4")
    assert spelled == GeneratorShape(
        width=0.25, depth=0.5, embeddings="none", candidates=3, choices=4
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("size=2", "'size=2' in .* is no setting of generator"),
        ("width=broad", "the width of generator is 'broad'"),
        ("embeddings=tied", "give one of none, shared, disentangled"),
        ("heads=replaced_tokens", "what its discriminator is asked, --objective says"),
    ],
)
def test_what_cannot_be_read_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        generator_of(text)
