"""A generator and its discriminator that both begin as one trained masked LM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from hf_apt.models.generator_shape import GeneratorShape

if TYPE_CHECKING:
    from hf_apt.models.selection import SelectionForPreTraining

_NOT_OF_AN_ENCODER = ("model_type", "architectures", "auto_map", "_name_or_path", "id2label")
_OF_HEAD = {
    "cls.predictions.transform.": "generator_predictions.",
    "cls.predictions.decoder.": "generator_lm_head.",
}


def require_alike(name: str, config: Any, generator: GeneratorShape) -> None:
    """Raise ValueError unless a generator and a discriminator can both begin as a checkpoint.

    Args:
        name: the checkpoint, for the message.
        config: its configuration, of a BERT.
        generator: the size that is asked for.
    """
    for share in ("width", "depth"):
        if getattr(generator, share) != 1:
            raise ValueError(
                f"the generator's {share} is {getattr(generator, share):g}, and both it and its "
                f"discriminator begin as {name!r}: leave {share} out of --generator."
            )
    if config.hidden_act != "gelu" or not config.tie_word_embeddings:
        what = "another activation than gelu" if config.hidden_act != "gelu" else "an untied head"
        raise ValueError(
            f"{name!r} has {what}, which a generator of ELECTRA's form cannot have: leave "
            "--start-from or the objective of the discriminator out."
        )


def two_from_one(model: Any, generator: GeneratorShape, *, seed: int) -> SelectionForPreTraining:
    """A generator that answers as `model` does, and a discriminator with its states.

    The heads of the discriminator are fresh, and so are tables of embeddings that it adds to the
    generator's, which begin at 0.

    Args:
        model: a BERT with its head of masked words, as `require_alike` asks for.
        generator: the sharing of embeddings, the heads, and their numbers of answers.
        seed: of the fresh heads.

    Returns:
        Both as one model, in evaluation mode.
    """
    from hf_apt.models.selection import SelectionConfig, SelectionForPreTraining
    from hf_apt.models.selection.borrowed_embedding import BorrowedEmbedding

    own = model.config
    encoder = {key: value for key, value in own.to_dict().items() if key not in _NOT_OF_AN_ENCODER}
    config = SelectionConfig(
        discriminator_config=encoder,
        generator_config=encoder | {"embedding_size": own.hidden_size},
        embedding_sharing=generator.embeddings,
        heads=generator.heads,
        num_candidates=generator.candidates,
        num_choices=generator.choices,
        vocab_size=own.vocab_size,
        max_position_embeddings=own.max_position_embeddings,
        pad_token_id=own.pad_token_id,
        initializer_range=own.initializer_range,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        both = SelectionForPreTraining(config)
    states = model.base_model.state_dict()
    weights = {f"electra.{key}": value for key, value in states.items()}
    for theirs, ours in _OF_HEAD.items():
        weights |= {
            f"{ours}{key.removeprefix(theirs)}": value
            for key, value in model.state_dict().items()
            if key.startswith(theirs)
        }
    both.generator.load_state_dict(weights)
    begin_at_0 = {
        f"{name}.weight"
        for name, module in both.discriminator.named_modules()
        if isinstance(module, BorrowedEmbedding)
    }
    both.discriminator.load_state_dict(
        {key: value for key, value in states.items() if key not in begin_at_0}, strict=False
    )
    return both.eval()
