"""Sizes of models, and those of arXiv 2507.14871 by name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hf_apt.models.generator_shape import GeneratorShape
from hf_apt.stats.config_checks import require_not_negative, require_positive, require_whole


@dataclass(frozen=True, kw_only=True)
class ConvShape:
    """A convolutional front-end, between the embeddings and the first block."""

    num_layers: int = 2
    """Number of convolutions, without the last one, back to a single channel."""

    num_channels: int = 64
    """Number of channels between the convolutions."""

    kernel: tuple[int, int] = (3, 3)
    """Positions and units that each convolution spans."""


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """The size of a BERT encoder; the defaults are those of BERT-6."""

    hidden_size: int = 768
    """Width of the hidden states."""

    num_heads: int = 12
    """Number of attention heads in each block."""

    num_blocks: int = 6
    """Number of transformer blocks."""

    conv: ConvShape | None = None
    """Front-end before the first block; None for none."""

    generator: GeneratorShape | None = None
    """A generator whose answers this encoder, its discriminator, is to tell from the text; None for
    an encoder alone, which fills masks itself."""

    dropout: float = 0.1
    """Dropout rate of hidden states and attention in training."""

    initializer_range: float = 0.02
    """Standard deviation of fresh weights. BERT's 0.02 is made for a width of 768: with it a narrow
    model's attention starts out all but uniform."""

    sinusoidal_positions: bool = False
    """Whether the learnt position embeddings start as sinusoids (Vaswani et al. 2017, section 3.5)
    instead of noise: a head can then learn "the word before" once, not for every position. Their
    wavelengths end at about one and a half sequences: longer ones hardly tell positions apart."""

    feed_forward_size: int | None = None
    """Width inside the feed-forward layers; None for four times the hidden size, as in BERT."""

    cls_norms: tuple[int, ...] = ()
    """Numbers of the blocks that normalise [CLS] by weights of its own, copies of the shared ones
    at first; after arXiv 2602.08626."""

    cls_projections: tuple[int, ...] = ()
    """Numbers of those among them that also make query, key and value of [CLS] by weights of its
    own."""

    @property
    def intermediate_size(self) -> int:
        """Width inside the feed-forward layers."""
        return 4 * self.hidden_size if self.feed_forward_size is None else self.feed_forward_size


def size_of_generator(shape: ModelShape, generator: GeneratorShape) -> ModelShape:
    """The size of a generator beside a discriminator of `shape`.

    Its heads are as wide as the discriminator's, and its feed-forward layers four times its width.
    """
    num_heads = max(round(shape.num_heads * generator.width), 1)
    return replace(
        shape,
        hidden_size=num_heads * (shape.hidden_size // shape.num_heads),
        num_heads=num_heads,
        num_blocks=max(round(shape.num_blocks * generator.depth), 1),
        generator=None,
        feed_forward_size=None,
    )


def require_shape(shape: ModelShape) -> None:
    """Raise ValueError unless a model can be made of `shape`: the field and its value.

    Sizes are whole numbers of at least 1, the heads divide the hidden size, sinusoids come in
    pairs, dropout is at least 0 and less than 1, fresh weights have a positive spread, and [CLS]
    has weights of its own in blocks that there are, of an encoder alone.
    """
    require_whole(shape, "hidden_size", "num_heads", "num_blocks")
    if shape.feed_forward_size is not None:
        require_whole(shape, "feed_forward_size")
    require_not_negative(shape, "dropout")
    require_positive(shape, "initializer_range")
    if shape.dropout >= 1:
        raise ValueError(f"dropout must be less than 1, got {shape.dropout!r}.")
    if shape.sinusoidal_positions and shape.hidden_size % 2:
        raise ValueError(
            "sinusoidal positions come in pairs, a sine and a cosine, and the hidden size is "
            f"{shape.hidden_size}: choose an even --hidden-size."
        )
    if shape.generator and shape.conv:
        raise ValueError(
            "a discriminator has no convolutional front-end: choose --model bert-6 or bert-1, or "
            "leave the generator and its objectives out."
        )
    if shape.hidden_size % shape.num_heads:
        raise ValueError(
            f"hidden size {shape.hidden_size} is no multiple of {shape.num_heads} heads."
        )
    _require_cls_blocks(shape)


def _require_cls_blocks(shape: ModelShape) -> None:
    for name in ("cls_norms", "cls_projections"):
        if len({*getattr(shape, name)}) < len(getattr(shape, name)):
            raise ValueError(f"{name} is {getattr(shape, name)}: name each block once.")
        for number in getattr(shape, name):
            if type(number) is not int or not 1 <= number <= shape.num_blocks:
                raise ValueError(
                    f"{name} names block {number}, and the model has the blocks 1 to "
                    f"{shape.num_blocks}: choose of these."
                )
    without = sorted({*shape.cls_projections} - {*shape.cls_norms})
    if without:
        raise ValueError(
            f"block {without[0]} is to project [CLS] by weights of its own, and to normalise it by "
            "shared ones: name it in cls_norms, too (--cls-norms)."
        )
    if shape.cls_norms and (shape.conv or shape.generator):
        what = "a convolutional front-end" if shape.conv else "a generator"
        raise ValueError(
            f"a model with {what} has no weights of its own for [CLS]: leave one of the two out."
        )


BERT_6 = ModelShape()
_BERT_1 = ModelShape(num_blocks=1)

SHAPES = {
    "bert-6": BERT_6,
    "bert-1": _BERT_1,
    "bert-1-wide": replace(_BERT_1, hidden_size=1536, num_heads=24),
    "bert-1-conv2": replace(_BERT_1, conv=ConvShape()),
    "bert-1-conv2-8heads": replace(_BERT_1, hidden_size=512, num_heads=8, conv=ConvShape()),
    "bert-1-conv3": replace(_BERT_1, conv=ConvShape(num_layers=3, num_channels=32)),
    "bert-1-conv2-tall": replace(_BERT_1, conv=ConvShape(kernel=(16, 3))),
}
"""The models of arXiv 2507.14871 whose configurations its code publishes. "tall" is the kernel that
it calls 16x3, read as 16 positions by 3 units."""

MIN_CHANNELS = 4
"""Smallest number of channels of a front-end that is made narrower."""


def shape_like(name: str, size: ModelShape) -> ModelShape:
    """The model `name` of the paper, at the size at which `size` stands for BERT-6.

    Its blocks are those of the model. Heads have the width that they have in `size`, and there are
    as many of them as the model has for each of BERT-6's, rounded: 8 of 12 are 3 of 4. The channels
    of a front-end shrink with the width, to no fewer than `MIN_CHANNELS`. The rest is that of
    `size`. Raises ValueError for an unknown name.

    >>> narrow = ModelShape(hidden_size=128, num_heads=4)
    >>> wide, eight = shape_like("bert-1-wide", narrow), shape_like("bert-1-conv2-8heads", narrow)
    >>> wide.num_heads, wide.hidden_size, eight.num_heads, eight.hidden_size, eight.conv
    (8, 256, 3, 96, ConvShape(num_layers=2, num_channels=11, kernel=(3, 3)))
    """
    if name not in SHAPES:
        raise ValueError(f"there is no model {name!r}: choose one of {', '.join(SHAPES)}.")
    shape = SHAPES[name]
    num_heads = max(round(size.num_heads * shape.num_heads / BERT_6.num_heads), 1)
    conv = shape.conv
    if conv is not None:
        num_channels = round(conv.num_channels * size.hidden_size / BERT_6.hidden_size)
        conv = replace(conv, num_channels=max(num_channels, MIN_CHANNELS))
    return replace(
        size,
        hidden_size=num_heads * size.hidden_size // size.num_heads,
        num_heads=num_heads,
        num_blocks=shape.num_blocks,
        conv=conv,
    )
