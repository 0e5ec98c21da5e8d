"""Whether model and tokenizer mean the same tokens."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from hf_apt.data.special_tokens import surroundings
from hf_apt.depths.checks.outcome import Outcome, failed, judged, passed, skipped
from hf_apt.depths.checks.subject import Subject


def tied_head(subject: Subject) -> Outcome:
    """Whether the head's matrix is that of the embeddings where the configuration says so."""
    decoder = _weight(subject.model, "get_output_embeddings")
    embeddings = _weight(subject.model, "get_input_embeddings")
    if decoder is None or embeddings is None or decoder.shape != embeddings.shape:
        return skipped("its head has no matrix of the shape of its embeddings")
    is_one = decoder.data_ptr() == embeddings.data_ptr()
    if not getattr(subject.config, "tie_word_embeddings", False):
        return judged(
            not is_one,
            "not tied, as its configuration says",
            "its head is its embedding matrix, and config.tie_word_embeddings is False: load the "
            "checkpoint's own head, or set it to True",
        )
    if is_one:
        return passed("tied, as its configuration says")
    if not _may_be_tied(subject.model, decoder):
        return skipped(f"{type(subject.model).__name__} never ties its head")
    share = subject.difference(embeddings.detach(), decoder.detach())
    return failed(
        f"config.tie_word_embeddings is True, and its head is another matrix than its embeddings "
        f"(they differ by {share:.1g} of the largest weight): call model.tie_weights(), or set "
        "config.tie_word_embeddings=False if the head was trained by itself"
    )


def rows(subject: Subject) -> Outcome:
    """Whether there is a row of the embeddings, and a logit, for each token of the tokenizer."""
    size = subject.config.vocab_size
    embeddings = _weight(subject.model, "get_input_embeddings")
    num_rows = size if embeddings is None else embeddings.shape[0]
    width = subject.logits_BTV.shape[-1]
    if num_rows < size or width < size:
        return failed(
            f"config.vocab_size is {size}, with {num_rows} rows of embeddings and {width} logits: "
            "call model.resize_token_embeddings"
        )
    if subject.tokenizer is None:
        return passed(f"{num_rows} rows and {width} logits for {size} tokens; no tokenizer given")
    needed = max(subject.tokenizer.get_vocab().values()) + 1
    return judged(
        needed <= min(size, num_rows, width),
        f"{num_rows} rows for the {needed} tokens of the tokenizer",
        f"the tokenizer has {needed} tokens and the model {min(size, num_rows, width)}: take the "
        "tokenizer of the checkpoint, or call model.resize_token_embeddings(len(tokenizer))",
    )


def mask_token(subject: Subject) -> Outcome:
    """Whether the tokenizer has one mask token, which is in the vocabulary and known to both."""
    tokenizer = subject.tokenizer
    if tokenizer is None:
        return skipped("no tokenizer given")
    mask_id = tokenizer.mask_token_id
    if subject.is_causal:
        return skipped("it predicts the next token, and is shown no mask")
    if mask_id is None:
        return failed("the tokenizer has no mask token: set tokenizer.mask_token")
    if mask_id >= subject.config.vocab_size:
        return failed(
            f"the mask token has the id {mask_id}, and the model {subject.config.vocab_size} "
            "tokens: take the tokenizer of the checkpoint"
        )
    for name in ("unk", "pad", "cls", "sep", "bos", "eos"):
        if mask_id == getattr(tokenizer, f"{name}_token_id", None):
            return failed(
                f"the mask token is the {name} token {tokenizer.mask_token}: set "
                "tokenizer.mask_token to the one that the model was trained with"
            )
    own = getattr(subject.config, "mask_token_id", None)
    if isinstance(own, int) and own != mask_id:
        return failed(f"the mask token is {mask_id} to the tokenizer and {own} to config.json")
    text = tokenizer.mask_token
    ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    return judged(
        ids.count(mask_id) == 1,
        f"{tokenizer.mask_token}, id {mask_id}",
        f"the tokenizer makes {ids} of {text!r}, without one mask token {mask_id}: add it as a "
        "special token",
    )


def special_tokens(subject: Subject) -> Outcome:
    """Whether the tokenizer's special tokens are in the vocabulary, and added around a text."""
    tokenizer = subject.tokenizer
    if tokenizer is None:
        return skipped("no tokenizer given")
    beyond = [id for id in tokenizer.all_special_ids if id >= subject.config.vocab_size]
    if beyond:
        return failed(
            f"the special token {tokenizer.convert_ids_to_tokens(beyond[0])} has the id "
            f"{beyond[0]}, and the model {subject.config.vocab_size} tokens: take its tokenizer"
        )
    padding, own = tokenizer.pad_token_id, getattr(subject.config, "pad_token_id", None)
    if isinstance(padding, int) and isinstance(own, int) and padding != own:
        if not subject.is_causal:
            return failed(
                f"padding is {padding} to the tokenizer and {own} to config.json: set "
                f"model.config.pad_token_id={padding} if the tokenizer is the right one"
            )
    try:
        before, after = surroundings(tokenizer)
    except ValueError as error:
        return failed(str(error).rstrip("."))
    framing = [tokenizer.cls_token_id, tokenizer.sep_token_id]
    if not subject.is_causal and None not in framing and not (before or after):
        return failed(
            f"the tokenizer has {tokenizer.cls_token} and {tokenizer.sep_token} and puts neither "
            "around a text: set its post-processor as the model was trained"
        )
    shown = [tokenizer.convert_ids_to_tokens(ids) for ids in (before, after)]
    return passed(f"before a text {shown[0] or 'nothing'}, after it {shown[1] or 'nothing'}")


def _may_be_tied(model: Any, decoder: Tensor) -> bool:
    """Whether the class of `model` lists this weight of its head among those that it ties."""
    patterns = list(getattr(model, "_tied_weights_keys", None) or ())
    names = [name for name, weight in model.named_parameters() if weight is decoder]
    return any(re.search(pattern, name) for pattern in patterns for name in names)


def _weight(model: Any, getter: str) -> torch.nn.Parameter | Tensor | None:
    try:
        weight = getattr(getattr(model, getter)(), "weight", None)
    except Exception:  # a class may not know the question
        return None
    return weight if isinstance(weight, Tensor) and weight.dim() == 2 else None
