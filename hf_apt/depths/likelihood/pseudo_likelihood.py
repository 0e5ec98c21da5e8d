"""The pseudo-log-likelihood of sentences, and the exact one of causal models, at every depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch
from jaxtyping import Float

from hf_apt.depths.causality import is_causal
from hf_apt.depths.likelihood.pseudo_kind import PseudoKind
from hf_apt.depths.likelihood.questions import (
    EncodedSentence,
    Question,
    encoded_sentences,
    questions,
    shortened,
)
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.loading import num_positions, require_room
from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.likelihood.score_kinds import ScoreKind
from hf_apt.stats.likelihood.sentence_scores import SentenceScore, SentenceScores

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def pseudo_log_likelihood(
    model: PreTrainedModel,
    tokenizer: Any,
    sentences: Sequence[str],
    kind: PseudoKind = "original",
    *,
    batch_size: int = 64,
) -> SentenceScores:
    """The pseudo-log-likelihood (PLL) of each sentence at every depth, by the model's own head.

    It is the sum over the tokens of log p(token | all other tokens), each token masked in turn and
    special ones left out (Salazar et al., arXiv 1910.14659, equation 1). One forward pass of a
    sequence gives all depths, and a sentence takes as many sequences as it has tokens. The model
    stays on its device.

    Args:
        model: a loaded masked language model.
        tokenizer: its tokenizer.
        sentences: the texts, none empty.
        kind: `original`; or `within_word_l2r`, in which the later tokens of the same word are
            masked, too, so that long words are not overrated (Kauf and Ivanova, arXiv 2305.10588).
            Words are those of the tokenizer, which mostly ends them at punctuation.
        batch_size: sequences in a forward pass, about equally long; the scores do not depend on it.

    Returns:
        Pseudo-log-likelihoods in nats, for each depth and sentence, with the numbers of tokens.

    Raises:
        ValueError: before any pass, for an unknown kind, a causal model, a sentence that is empty,
            holds a mask or is longer than the model takes, and a tokenizer of another model or
            without a mask or words; later if a log-probability is not finite.
    """
    if kind not in get_args(PseudoKind):
        raise ValueError(f"kind is {kind!r}: choose one of {', '.join(get_args(PseudoKind))}.")
    if is_causal(model):
        raise ValueError(
            f"{type(model).__name__} predicts the next token and fills no masks: take its exact "
            "log-likelihood, hf_apt.log_likelihood."
        )
    if tokenizer.mask_token_id is None:
        raise ValueError("the tokenizer has no mask token: it is not for masked language models.")
    return _scores(model, tokenizer, sentences, kind, batch_size)


def log_likelihood(
    model: PreTrainedModel, tokenizer: Any, sentences: Sequence[str], *, batch_size: int = 64
) -> SentenceScores:
    """The log-likelihood of each sentence at every depth of a causal model, by its own head.

    It is the sum over the tokens of log p(token | those before it), from one forward pass of the
    sentence. The first token is left out unless the tokenizer puts a special one before it. The
    model stays on its device.

    Args:
        model: a loaded causal language model.
        tokenizer: its tokenizer.
        sentences: the texts, none empty.
        batch_size: sequences in a forward pass, about equally long; the scores do not depend on it.

    Returns:
        Log-likelihoods in nats, for each depth and sentence, with the numbers of tokens.

    Raises:
        ValueError: before any pass, for a model that is not causal, a sentence that is empty or
            longer than the model takes, and a tokenizer of another model; later if a
            log-probability is not finite.
    """
    if not is_causal(model):
        raise ValueError(
            f"{type(model).__name__} fills masks, so that its sentences have no log-likelihood: "
            "take hf_apt.pseudo_log_likelihood."
        )
    return _scores(model, tokenizer, sentences, "causal", batch_size)


def _scores(
    model: PreTrainedModel,
    tokenizer: Any,
    sentences: Sequence[str],
    kind: ScoreKind,
    batch_size: int,
) -> SentenceScores:
    require_whole_number("batch_size", batch_size)
    encoded = encoded_sentences(tokenizer, sentences, kind)
    _require_room(model, tokenizer, encoded)
    asked = questions(encoded, kind, tokenizer.mask_token_id)
    log_probabilities_DX = _asked(Trunk(model), asked, tokenizer.pad_token_id or 0, batch_size)
    ends = np.cumsum([len(sentence.scored) for sentence in encoded])
    parts = np.split(log_probabilities_DX, ends[:-1], axis=1)
    scored = (
        _score(tokenizer, sentence, part_DT, number)
        for number, (sentence, part_DT) in enumerate(zip(encoded, parts, strict=True), 1)
    )
    return SentenceScores(kind, tuple(scored))


def _require_room(
    model: PreTrainedModel, tokenizer: Any, encoded: Sequence[EncodedSentence]
) -> None:
    most = num_positions(model.config)
    for number, sentence in enumerate(encoded, 1):
        if most is not None and len(sentence.ids) > most:
            raise ValueError(
                f"sentence {number} ({shortened(sentence.text)}) has {len(sentence.ids)} tokens, "
                f"special ones included, and the model takes {most}: divide it, or leave it out."
            )
    require_room(model, len(tokenizer), max(len(sentence.ids) for sentence in encoded))


def _asked(
    trunk: Trunk, asked: Sequence[Question], pad_id: int, batch_size: int
) -> Float[np.ndarray, "depth tokens"]:
    """The log-probability of every token that is asked for, at each depth, in nats."""
    from tqdm.auto import tqdm

    head = OwnHead(trunk)
    num_tokens = sum(len(question.targets) for question in asked)
    log_probabilities_DX = np.full((trunk.num_depths, num_tokens), np.nan)
    # Longest first: the sequences of a batch are about equally long.
    order = sorted(asked, key=lambda question: -len(question.ids))
    for start in tqdm(range(0, len(order), batch_size), desc="Scoring", unit=" batches"):
        batch = order[start : start + batch_size]
        places_N = [
            question.first + number for question in batch for number in range(len(question.targets))
        ]
        log_probabilities_DX[:, places_N] = _read(trunk, head, batch, pad_id)
    return log_probabilities_DX


def _read(
    trunk: Trunk, head: OwnHead, batch: Sequence[Question], pad_id: int
) -> Float[np.ndarray, "depth asked"]:
    length = max(len(question.ids) for question in batch)
    ids_BT = torch.full((len(batch), length), pad_id)
    present_BT, asked_BT = torch.zeros_like(ids_BT), torch.zeros_like(ids_BT, dtype=torch.bool)
    for row, question in enumerate(batch):
        ids_BT[row, : len(question.ids)] = torch.tensor(question.ids)
        present_BT[row, : len(question.ids)] = 1
        asked_BT[row, list(question.positions)] = True
    targets_N = torch.tensor([target for question in batch for target in question.targets])
    device = trunk.model.device
    inputs = {"input_ids": ids_BT.to(device), "attention_mask": present_BT.to(device)}
    swept = head.sweep(trunk.at(inputs, asked_BT), targets_N.to(device))
    return np.stack([-sweep.cross_entropy_N.double().cpu().numpy() for sweep in swept])


def _score(
    tokenizer: Any, sentence: EncodedSentence, log_probabilities_DT: np.ndarray, number: int
) -> SentenceScore:
    ids = [sentence.ids[at] for at in sentence.scored]
    tokens = tuple(tokenizer.convert_ids_to_tokens(ids))
    missing = np.argwhere(~np.isfinite(log_probabilities_DT))
    if len(missing):
        depth, at = missing[0]
        raise ValueError(
            f"token {tokens[at]!r} of sentence {number} has no finite log-probability at depth "
            f"{depth}: look for NaN or infinite weights, or an overflow of float16."
        )
    unknown = ids.count(tokenizer.unk_token_id) if tokenizer.unk_token_id is not None else 0
    # Of a byte-level tokenizer without unknown text, the token is the end of text.
    is_end = tokenizer.unk_token_id == tokenizer.eos_token_id
    return SentenceScore(
        text=sentence.text,
        tokens=tokens,
        log_probabilities_DT=log_probabilities_DT,
        words=sentence.words,
        word_of_T=sentence.word_of,
        num_unknown=0 if is_end else unknown,
    )
