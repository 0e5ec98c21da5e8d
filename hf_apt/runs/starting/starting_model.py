"""The model that a pre-training starts from: fresh, with carried blocks, or a whole checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.data.tokens import Tokens
from hf_apt.models.carried_blocks import block_numbers, carry_blocks
from hf_apt.models.checkpoint_config import checkpoint_shape
from hf_apt.models.dropout import set_dropout
from hf_apt.models.fresh import new_model
from hf_apt.models.loading import load_masked_lm, require_room
from hf_apt.models.shapes import ModelShape
from hf_apt.records.fingerprints import recorded_identity
from hf_apt.runs.starting.continuation import gets_paths_of_cls

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig


def starting_model(config: RunConfig, tokens: Tokens) -> tuple[Any, dict[str, Any]]:
    """The model, and what the record of its training says of where its weights are from.

    Nothing is said of a model that is all fresh. Raises ValueError for a checkpoint that is none or
    has fewer ids or positions than the tokens, and for blocks that do not fit.
    """
    settings = config.pretrain
    if settings.start_from is not None:
        model = _whole(settings.start_from, config.shape, tokens, seed=settings.seed)
        record = {"checkpoint": settings.start_from, **recorded_identity(settings.start_from)}
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
        **recorded_identity(settings.blocks_of),
    }
    return model, {"carried": record}


def _whole(checkpoint: str, shape: ModelShape, tokens: Tokens, *, seed: int) -> Any:
    made, own = tokens.description, checkpoint_shape(checkpoint)
    model = load_masked_lm(checkpoint)
    if gets_paths_of_cls(own, shape):
        model = _with_paths_of_cls(model, shape)
    if shape.dropout != own.dropout:
        set_dropout(model, shape.dropout)
    require_room(model, made.vocab_size, made.sequence_length)
    if shape.generator is not None:
        from hf_apt.runs.starting.two_from_one import two_from_one

        return two_from_one(model, shape.generator, seed=seed)
    return model


def _with_paths_of_cls(model: Any, shape: ModelShape) -> Any:
    """`model`, a BERT, with weights for [CLS] that begin as copies: it answers as before."""
    from hf_apt.models.bert6 import Bert6ClsConfig, Bert6ClsForMaskedLM
    from hf_apt.models.bert6.cls_blocks import begin_as_copies

    settings: dict[str, Any] = model.config.to_dict()
    settings |= {"cls_norms": shape.cls_norms, "cls_projections": shape.cls_projections}
    settings.pop("model_type")
    own = Bert6ClsForMaskedLM(Bert6ClsConfig(**settings))
    own.load_state_dict(model.state_dict(), strict=False)
    begin_as_copies(own)
    return own.eval()
