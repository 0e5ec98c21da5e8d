"""Tokens that a model was asked often and never answered right, as callbacks write them."""
# V vocabulary.

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import Parameter
from transformers import PreTrainedModel

from hf_apt.data.tokenizer import vocabulary
from hf_apt.depths.decoded import DecodedTotal
from hf_apt.models.token_rows import token_rows
from hf_apt.stats.apt import ASKED_OFTEN, never_right
from hf_apt.stats.token_rows.row_figures import row_figures
from hf_apt.stats.token_rows.token_rows import TokenRows
from hf_apt.training.adversary.whole_weights import is_whole

_OF_ROWS = (
    *("norms", "biases", "look_untrained", "num_untrained"),
    *("unused", "right", "is_reliable"),
)


def never_right_at_last(total: DecodedTotal) -> list[int] | None:
    """Ids of tokens never right after the last block, most asked first; None without answers."""
    if total.unanswered_D[-1]:
        return None
    counts = total.readout.counts
    return never_right(counts.hits()[-1], counts.support(), min_support=ASKED_OFTEN).tolist()


def never_right_entry(
    total: DecodedTotal, tokenizer: Any, model: PreTrainedModel | None
) -> dict[str, Any]:
    """For JSON: `min_support`, `ids`, `support`, `rows` and, where there is a tokenizer, `words`.

    None where answers are missing. `rows` are `row_figures` of the first `NUM_SHOWN` ids, which say
    whether a token's row looks as if it was never trained; None where the weights of `model` are
    shared out among processes, and without a model.
    """
    ids = never_right_at_last(total)
    support = None if ids is None else total.readout.counts.support()[ids].tolist()
    rows = None if ids is None or model is None else _rows_entry(total, tokenizer, model)
    entry = {"min_support": ASKED_OFTEN, "ids": ids, "support": support, "rows": rows}
    convert = getattr(tokenizer, "convert_ids_to_tokens", None)
    return entry if convert is None else entry | {"words": None if ids is None else convert(ids)}


def whole_rows(model: PreTrainedModel) -> TokenRows | None:
    """The rows of the model's vocabulary as it reads them now.

    None where any of its weights is shared out among processes (FSDP, DeepSpeed, tensor parallel),
    where adapters that are not merged change the embeddings, and as `token_rows`.
    """
    embeddings = model.get_input_embeddings()
    weight = getattr(embeddings, "weight", None)
    if not isinstance(weight, Tensor) or type(weight) not in (Tensor, Parameter):
        return None
    if not weight.is_floating_point():
        return None
    is_merged = getattr(embeddings, "merged", True)
    are_whole = is_merged and all(map(is_whole, (weight, *model.parameters())))
    return token_rows(model) if are_whole else None


def _rows_entry(
    total: DecodedTotal, tokenizer: Any, model: PreTrainedModel
) -> dict[str, Any] | None:
    counts, rows = total.readout.counts, whole_rows(model)
    if rows is None or rows.vocab_size != counts.vocab_size:
        return None
    figures = row_figures(
        rows,
        counts.hits()[-1],
        counts.support(),
        vocabulary=_names(tokenizer, rows.vocab_size),
        # What a training text never held is not known here: ids are unused by name alone.
        frequency_V=np.ones(rows.vocab_size, np.int64),
    )
    return {key: figures[key] for key in _OF_ROWS}


def _names(tokenizer: Any, vocab_size: int) -> list[str]:
    """Tokens as text, `<id>` where a tokenizer has none; empty without a tokenizer."""
    if not hasattr(tokenizer, "get_vocab"):
        return [""] * vocab_size
    names = vocabulary(tokenizer)[:vocab_size]
    return names + [f"<{index}>" for index in range(len(names), vocab_size)]
