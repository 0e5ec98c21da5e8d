"""The model that a pre-training starts from: fresh, with carried blocks, or a whole checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.data.tokenizer import fingerprint, load_tokenizer
from hf_apt.data.tokens import Tokens
from hf_apt.models.carried_blocks import block_numbers, carry_blocks
from hf_apt.models.fresh import new_model
from hf_apt.models.loading import load_masked_lm, require_room
from hf_apt.records.fingerprints import checkpoint_identity

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig


def starting_model(config: RunConfig, tokens: Tokens) -> tuple[Any, dict[str, Any]]:
    """The model, and what the record of its training says of where its weights are from.

    Nothing is said of a model that is all fresh. Raises ValueError for a checkpoint that is none,
    blocks that do not fit, and tokens that another tokenizer made than the checkpoint's.
    """
    settings = config.pretrain
    if settings.start_from is not None:
        model = _whole(settings.start_from, tokens)
        record = {"checkpoint": settings.start_from, **checkpoint_identity(settings.start_from)}
        return model, {"started": record}
    model = new_model(config.shape, tokens, seed=settings.seed)
    if settings.blocks_of is None:
        return model, {}
    wanted = None if settings.carried_blocks is None else block_numbers(settings.carried_blocks)
    numbers = carry_blocks(model, settings.blocks_of, blocks=wanted, parts=settings.carried_parts)
    record = {
        "checkpoint": settings.blocks_of,
        "blocks": numbers,
        "parts": settings.carried_parts,
        **checkpoint_identity(settings.blocks_of),
    }
    return model, {"carried": record}


def _whole(checkpoint: str, tokens: Tokens) -> Any:
    made = tokens.description
    model = load_masked_lm(checkpoint)
    require_room(model, made.vocab_size, made.sequence_length)
    try:
        tokenizer = load_tokenizer(checkpoint)
    except ValueError:  # none is kept beside the weights: the one that was named is taken
        return model
    if fingerprint(tokenizer) != made.tokenizer:
        raise ValueError(
            f"the tokens were made by another tokenizer than that of {checkpoint!r}, which knows "
            f"each id as another token: leave --tokenizer out, and --start-from brings its own."
        )
    return model
