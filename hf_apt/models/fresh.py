"""Models of our own types with fresh weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.data.tokens import Tokens
from hf_apt.models.generator_shape import GeneratorShape
from hf_apt.models.shapes import ModelShape, require_shape, size_of_generator

if TYPE_CHECKING:
    import torch


def new_model(shape: ModelShape, tokens: Tokens, *, seed: int) -> Any:
    """A model for masked language modelling with fresh weights, drawn from `seed`.

    It is a `Bert6ForMaskedLM`, of any number of blocks, a `Bert6ClsForMaskedLM` where [CLS] has
    weights of its own, a `BertConvForMaskedLM` where the shape has convolutions, or a
    `SelectionForPreTraining` where it has a generator. Raises ValueError for a
    shape that no model can have.
    """
    about = tokens.description
    return fresh_model(
        shape,
        vocab_size=about.vocab_size,
        num_positions=about.sequence_length,
        pad_id=about.pad_id,
        seed=seed,
    )


def fresh_model(
    shape: ModelShape, *, vocab_size: int, num_positions: int, pad_id: int = 0, seed: int
) -> Any:
    """`new_model` by numbers, where there are no tokens yet."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = sized_model(
            shape, vocab_size=vocab_size, num_positions=num_positions, pad_id=pad_id
        )
    if shape.sinusoidal_positions:
        for name, positions in model.named_parameters():
            # A discriminator's own table may begin at 0, beside its generator's.
            if name.endswith("position_embeddings.weight") and positions.any():
                positions.data.copy_(_sinusoids(*positions.shape) * shape.initializer_range)
    return model


def sized_model(shape: ModelShape, *, vocab_size: int, num_positions: int, pad_id: int = 0) -> Any:
    """A model of that shape with fresh weights, drawn from torch's own state.

    Raises ValueError for a shape that no model can have.
    """
    require_shape(shape)
    sizes = {
        "vocab_size": vocab_size,
        "hidden_size": shape.hidden_size,
        "num_hidden_layers": shape.num_blocks,
        "num_attention_heads": shape.num_heads,
        "intermediate_size": shape.intermediate_size,
        "initializer_range": shape.initializer_range,
        "hidden_dropout_prob": shape.dropout,
        "attention_probs_dropout_prob": shape.dropout,
        "max_position_embeddings": num_positions,
        "pad_token_id": pad_id,
    }
    if shape.generator is not None:
        size = size_of_generator(shape, shape.generator)
        return _selection_model(shape.generator, sizes, size)
    if shape.cls_norms:
        from hf_apt.models.bert6 import Bert6ClsConfig, Bert6ClsForMaskedLM

        of_cls = Bert6ClsConfig(
            **sizes, cls_norms=shape.cls_norms, cls_projections=shape.cls_projections
        )
        return Bert6ClsForMaskedLM(of_cls)
    if shape.conv is None:
        from hf_apt.models.bert6 import Bert6Config, Bert6ForMaskedLM

        return Bert6ForMaskedLM(Bert6Config(**sizes))
    from hf_apt.models.bert6 import BertConvConfig, BertConvForMaskedLM

    return BertConvForMaskedLM(
        BertConvConfig(
            **sizes,
            conv_layers=shape.conv.num_layers,
            conv_channels=shape.conv.num_channels,
            conv_kernel=shape.conv.kernel,
        )
    )


def _selection_model(generator: GeneratorShape, sizes: dict[str, Any], size: ModelShape) -> Any:
    from hf_apt.models.selection import SelectionConfig, SelectionForPreTraining

    width = size.hidden_size
    of_generator = {
        "embedding_size": width if generator.embeddings == "none" else sizes["hidden_size"],
        "hidden_size": width,
        "num_hidden_layers": size.num_blocks,
        "num_attention_heads": size.num_heads,
        "intermediate_size": size.intermediate_size,
    }
    both = ("vocab_size", "max_position_embeddings", "pad_token_id", "initializer_range")
    return SelectionForPreTraining(
        SelectionConfig(
            discriminator_config=sizes,
            generator_config=sizes | of_generator,
            embedding_sharing=generator.embeddings,
            heads=generator.heads,
            num_candidates=generator.candidates,
            num_choices=generator.choices,
            **{name: sizes[name] for name in both},
        )
    )


def _sinusoids(num_positions: int, width: int) -> torch.Tensor:
    """Sines and cosines of the position at geometric wavelengths, of unit mean square: (T, H)."""
    import torch

    rates = (num_positions / 4) ** -(torch.arange(0, width, 2) / width)
    angles = torch.arange(num_positions)[:, None] * rates
    return 2**0.5 * torch.stack([angles.sin(), angles.cos()], dim=2).reshape(num_positions, width)


def untrained_twin(model: Any, *, seed: int = 0) -> Any:
    """A model of the same class and configuration with fresh weights, drawn from `seed`.

    All are drawn as the class draws them: positions do not begin as sines, as those of `new_model`
    can.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return type(model)(model.config).eval()
