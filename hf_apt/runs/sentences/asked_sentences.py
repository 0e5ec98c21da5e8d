"""What a model answers at every depth in held-out sentences, and the few that are shown."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.data.tokens import Tokens
from hf_apt.depths.measurement import predicts_next_tokens
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.records.fingerprints import counts_fingerprint
from hf_apt.records.run import Run
from hf_apt.records.shown_sentences import (
    ShownAnswer,
    ShownSentence,
    ShownSentences,
    write_shown_sentences,
)
from hf_apt.records.token_contexts import write_token_contexts
from hf_apt.report.lens_answers import DepthAnswer
from hf_apt.runs.lens_text import AskedSequence, shown_token
from hf_apt.runs.sentence_lens import answer_at
from hf_apt.runs.sentences.candidates import candidates
from hf_apt.runs.sentences.contexts import token_contexts
from hf_apt.runs.sentences.exact_answer import exact_answer
from hf_apt.stats.counts import DepthCounts

if TYPE_CHECKING:
    from hf_apt.data.planted.corpus import PlantedCorpus

NUM_SHOWN = 5
"""Sentences that the page shows."""


def asked_sentences(
    head: OwnHead,
    tokens: Tokens,
    tokenizer: Any,
    config: MeasureConfig,
    planted: PlantedCorpus | None = None,
) -> ShownSentences | None:
    """A few sentences of the measured text, in its order, with what the own head answers.

    They are chosen to differ in the depth from which on the answer is right: how often it is right
    is not to be read off them. `planted` is the language of which the exact best answer is known.
    None where there is no text to ask about.
    """
    num = min(config.num_sequences or len(tokens), len(tokens))
    asked = candidates(tokens, tokenizer, num, config.seed, whole=planted is not None)
    padded = tokens.description.layout == "first"
    answered = [(each, _answers(head, tokenizer, each, padded)) for each in asked]
    chosen = spread([right_from(answers) for _, answers in answered], NUM_SHOWN)
    sentences = [_shown(tokenizer, *answered[index], planted) for index in chosen]
    if not sentences:
        return None
    return {"num_asked": len(asked), "seed": config.seed, "sentences": sentences}


def write_sentences(
    config: Any, run: Run, trunk: Trunk, tokens: Tokens, counts: DepthCounts
) -> None:
    """Write what the page shows of a run's text, whose own head has been counted in `counts`.

    That is sentences with answers, and contexts of tokens. `config` is the run's configuration.
    Where it asks for none, those of before are taken away. There are no sentences where nothing is
    masked and, with a warning, where the model cannot be asked about single sentences.
    """
    shown, contexts, printed = None, None, counts_fingerprint(counts)
    if config.sentences:
        tokenizer = load_tokenizer(str(run.path("tokenizer")), needs_mask=False)
        num = min(config.measure.num_sequences or len(tokens), len(tokens))
        contexts = token_contexts(tokens, tokenizer, num)
        if not predicts_next_tokens(trunk.model):
            shown = _sentences_or_none(config, trunk, tokens, tokenizer)
    write_shown_sentences(run, shown, printed)
    write_token_contexts(run, contexts, printed)


def _sentences_or_none(
    config: Any, trunk: Trunk, tokens: Tokens, tokenizer: Any
) -> ShownSentences | None:
    from hf_apt.data.planted.corpus import PlantedCorpus

    planted = config.corpus if isinstance(config.corpus, PlantedCorpus) else None
    try:
        return asked_sentences(OwnHead(trunk), tokens, tokenizer, config.measure, planted)
    except ValueError as error:
        warnings.warn(f"the page shows no sentences: {error}", stacklevel=3)
        return None


def right_from(answers: list[DepthAnswer]) -> int:
    """The depth from which on every answer is the true token; the number of depths for never."""
    depth = len(answers)
    while depth and answers[depth - 1].true_rank == 1:
        depth -= 1
    return depth


def spread(kinds: list[int], num: int) -> list[int]:
    """At most `num` indices, ascending, of as many different kinds as can be, the extremes first.

    The first of each kind comes before the second of any.

    >>> spread([3, 0, 3, 3, 1], 3)
    [0, 1, 4]
    >>> spread([2, 2, 2, 0], 3)
    [0, 1, 3]
    """
    by_kind: dict[int, list[int]] = {}
    for index, kind in enumerate(kinds):
        by_kind.setdefault(kind, []).append(index)
    in_order = sorted(by_kind)
    if len(in_order) > num:
        in_order = [
            in_order[at] for at in np.linspace(0, len(in_order) - 1, num).round().astype(int)
        ]
    chosen: list[int] = []
    while len(chosen) < min(num, len(kinds)):
        left = [kind for kind in in_order if by_kind[kind]]
        if not left:
            break
        chosen += [by_kind[kind].pop(0) for kind in left][: num - len(chosen)]
    return sorted(chosen)


@torch.no_grad()
def _answers(
    head: OwnHead, tokenizer: Any, asked: AskedSequence, with_mask: bool
) -> list[DepthAnswer]:
    """What the own head answers at each depth, read as the measurement reads it."""
    ids_1T = torch.tensor([asked.ids], device=head.trunk.model.device)
    asked_1T = torch.zeros(ids_1T.shape, dtype=torch.bool)
    asked_1T[0, asked.positions[0]] = True
    inputs = {"input_ids": ids_1T}
    if with_mask:
        inputs["attention_mask"] = torch.ones_like(ids_1T)
    hidden_D1H = head.trunk.at(inputs, asked_1T)
    return [
        answer_at(tokenizer, head.logits(hidden_1H)[0], depth, asked.true[0], 1)
        for depth, hidden_1H in enumerate(hidden_D1H)
    ]


def _shown(
    tokenizer: Any,
    asked: AskedSequence,
    answers: list[DepthAnswer],
    planted: PlantedCorpus | None,
) -> ShownSentence:
    (position,), (true,) = asked.positions, asked.true
    assert true is not None  # it was masked here

    def text(ids: tuple[int, ...]) -> str:
        return tokenizer.decode(list(ids), skip_special_tokens=True).strip()

    return {
        "before": text(asked.ids[:position]),
        "after": text(asked.ids[position + 1 :]),
        "true": shown_token(tokenizer, true),
        "answers": [_plain(answer) for answer in answers],
        "ceiling": None if planted is None else exact_answer(planted, tokenizer, asked),
    }


def _plain(answer: DepthAnswer) -> ShownAnswer:
    assert answer.true_probability is not None
    assert answer.true_rank is not None
    return {
        "token": answer.tokens[0],
        "probability": round(answer.probabilities[0], 6),
        "true_probability": round(answer.true_probability, 6),
        "true_rank": answer.true_rank,
    }
