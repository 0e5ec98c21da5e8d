"""What a Trainer's tokenizer, or one that its collator holds, says of token ids."""

from __future__ import annotations

from typing import Any

from hf_apt.depths.collated_batches import RepeatableBatches


def known_tokenizer(event: dict[str, Any], data: RepeatableBatches) -> Any:
    """The Trainer's tokenizer, or the first that the collator can reach, if it has a mask token.

    None where there is none. `event` is what the Trainer gives to a callback.
    """
    own = event.get("processing_class")
    if getattr(own, "mask_token_id", None) is not None:
        return own
    return data.state().first(lambda thing: isinstance(_mask_of(thing), int))


def mask_id(tokenizer: Any) -> int | None:
    """The id of its mask token, None where it is not known."""
    return None if tokenizer is None else _mask_of(tokenizer)


def special_ids(tokenizer: Any) -> list[int]:
    """The ids of its special tokens; none where they are not known."""
    return list(getattr(tokenizer, "all_special_ids", None) or ())


def _mask_of(thing: Any) -> Any:
    return None if isinstance(thing, type) else getattr(thing, "mask_token_id", None)
