"""The model that a pre-training starts from: fresh, or with blocks of another checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.data.tokens import Tokens
from hf_apt.models.carried_blocks import block_numbers, carry_blocks
from hf_apt.models.fresh import new_model
from hf_apt.records.fingerprints import checkpoint_identity

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig


def starting_model(config: RunConfig, tokens: Tokens) -> tuple[Any, dict[str, Any]]:
    """The model, and what the record of its training says of where its blocks are from.

    Nothing is said of a model that is all fresh. Raises ValueError for a checkpoint that is none
    and blocks that do not fit.
    """
    settings = config.pretrain
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
