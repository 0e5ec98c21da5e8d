"""Weights cut over the processes (FSDP2 through Accelerate): in pre-training alone.

For models that do not fit one device. What is trained is the same; measuring holds the whole model
in every process. Ours, around `torch.distributed.fsdp.fully_shard` as Accelerate applies it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import Trainer

_SWITCH = "ACCELERATE_USE_FSDP"
"""Set by `accelerate launch --use_fsdp`."""
_BIAS, _DECODER_BIAS = "cls.predictions.bias", "cls.predictions.decoder.bias"
"""Two names of one parameter in BERT's head."""


def is_asked_for() -> bool:
    """Whether `accelerate launch --use_fsdp` started this process."""
    return os.environ.get(_SWITCH, "false").lower() == "true"


def is_sharded(trainer: Trainer) -> bool:
    """Whether `trainer` cuts the weights over the processes.

    Raises ValueError for FSDP of version 1.
    """
    if not trainer.is_fsdp_enabled:
        return False
    plugin: Any = trainer.accelerator.state.fsdp_plugin
    version = plugin.fsdp_version
    if version != 2:
        raise ValueError(f"FSDP of version {version} is not supported: add --fsdp_version 2.")
    return True


def ready_for_sharding(trainer: Trainer) -> Trainer:
    """`trainer`; where it shards, its model is changed so that it can be.

    Each parameter is left with one owner. Accelerate 1.15 puts embeddings and decoder, which are
    tied, into one group, and the rest of the head into another. The bias of BERT's decoder is known
    to both, which torch 2.13 refuses: "is shared with a parameter already managed by another FSDP
    group". The head never reads it by its first name, which is therefore taken away, until
    `whole_model` gives it back.

    The last block is computed at all positions. Weights of a block are gathered when it is called
    as a whole, not when its parts are.

    Raises ValueError for another optimiser than the Trainer's own.
    """
    if is_sharded(trainer):
        if trainer.optimizer is not None:
            raise ValueError("sharded weights are trained by AdamW alone: leave out muon.")
        model: Any = trainer.model
        del model.cls.predictions.bias
        model._tied_weights_keys = {
            name: source
            for name, source in (model._tied_weights_keys or {}).items()
            if name != _DECODER_BIAS
        }
        model._shows_states = lambda _: True
    return trainer


def whole_model(trainer: Trainer) -> Any:
    """The trained model with all its weights, as one that was never sharded.

    To be called by all processes. Where weights are sharded they are gathered in the memory of the
    main process, which holds two copies of them for a moment, 8 bytes a parameter; the others get
    None.
    """
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    if not is_sharded(trainer):
        return model
    from transformers import AutoModelForMaskedLM

    weights = trainer.accelerator.get_state_dict(trainer.model)
    if not trainer.is_world_process_zero():
        return None
    # A new one: the class of a sharded model is made by torch, and its file would be saved with it.
    whole = AutoModelForMaskedLM.from_config(model.config)
    whole.load_state_dict(weights | {_BIAS: weights[_DECODER_BIAS]})
    return whole


@contextmanager
def unsharded() -> Iterator[None]:
    """Within the block, new Trainers hold their whole model in each process."""
    before = os.environ.get(_SWITCH)
    if before is not None:
        os.environ[_SWITCH] = "false"
    try:
        yield
    finally:
        if before is not None:
            os.environ[_SWITCH] = before
