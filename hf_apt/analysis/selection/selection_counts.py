"""Which tokens a discriminator tells at each depth, by the counts that serve every language model.

Positions and masks are those at which any masked language model is measured. At each the generator
writes a sample; the discriminator's own heads are applied to its states at every depth.
"""
# B batch, T sequence position, N asked positions, K candidates, D depths, V vocabulary.

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from hf_apt.data.masking import sampling_keys
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches, model_inputs
from hf_apt.data.tokens import Tokens
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.loading import require_room
from hf_apt.stats.counts import NOT_ASKED, TREATMENTS, DepthCounts

if TYPE_CHECKING:
    from hf_apt.models.selection import SelectionForPreTraining

_REPLACED, _UNCHANGED = TREATMENTS.index("replaced"), TREATMENTS.index("unchanged")


@dataclass(frozen=True)
class SelectionCounts:
    """What a generator and its discriminator answer at the same masked positions."""

    generator: DepthCounts
    """What the generator answers at each of its depths: its accuracy per token is APT."""

    heads: dict[str, DepthCounts]
    """For each head of the discriminator, which token was there and which one was told, at each
    depth; `replaced` where the generator's sample was another token, `unchanged` where it was the
    true one. In `replaced_tokens` a right yes or no counts as the true token, and a wrong one as
    the id V after the last token."""

    false_alarms_D: Int[np.ndarray, " depth"]
    """How often `replaced_tokens` called a token replaced where nothing was masked, by depth."""

    num_elsewhere: int
    """Tokens where nothing was masked, special ones included."""


@torch.no_grad()
def selection_counts(
    model: SelectionForPreTraining, tokens: Tokens, config: MeasureConfig
) -> SelectionCounts:
    """The counts of a generator and of each head of its discriminator, at every depth.

    Samples are a pure function of the seed, the sequence and the position. Of equal scores the
    lowest token id is the answer.

    Args:
        model: both, on its device; it is read in evaluation mode.
        tokens: the text.
        config: sequences, masks and their seed. The precision is not used: it is float32.

    Returns:
        Counts of all that was asked.

    Raises:
        ValueError: for a model with fewer ids or positions than the tokens, or without any head.
    """
    vocab_size = model.config.vocab_size
    require_room(model, tokens.description.vocab_size, tokens.description.sequence_length)
    if not model.heads:
        raise ValueError("the discriminator has no head: there is nothing that it was asked.")
    was_training = model.training
    model.eval()
    trunk = Trunk(model.generator_model())
    read = measure(
        trunk, tokens, {"own_head": OwnHead(trunk)}, config, measures=(), label="Generator"
    )
    num_depths = model.discriminator.config.num_hidden_layers + 1
    heads = {
        name: DepthCounts.empty(num_depths, vocab_size + (name == "replaced_tokens"))
        for name in model.heads
    }
    false_alarms_D, num_elsewhere = np.zeros(num_depths, np.int64), 0
    for batch in asked_of_both(model, tokens, config):
        output = model(**batch)
        asked_BT = batch["labels"] != NOT_ASKED
        true_N = batch["labels"][asked_BT]
        is_replaced_N = output.shown_ids[asked_BT] != true_N
        treatments_N = torch.where(is_replaced_N, _REPLACED, _UNCHANGED).cpu().numpy()
        told = told_at_depths(model, batch, output)
        for name, told_DN in told.items():
            if name == "replaced_tokens":
                is_called_DBT = told_DN
                right_DN = is_called_DBT[:, asked_BT] == is_replaced_N
                told_DN = torch.where(right_DN, true_N, vocab_size)
                elsewhere_BT = present(batch) & ~asked_BT
                false_alarms_D += is_called_DBT[:, elsewhere_BT].sum(dim=1).cpu().numpy()
                num_elsewhere += int(elsewhere_BT.sum())
            heads[name].update(true_N.cpu().numpy(), told_DN.cpu().numpy(), treatments_N)
    model.train(was_training)
    return SelectionCounts(read["own_head"].counts, heads, false_alarms_D, num_elsewhere)


def asked_of_both(
    model: SelectionForPreTraining, tokens: Tokens, config: MeasureConfig
) -> Iterator[dict[str, Tensor]]:
    """The batches of a measurement with labels and the keys of samples, on the model's device."""
    batches = MaskedBatches(tokens, config)
    for (realisation, start), (tokens_BT, masked) in zip(
        batches.starts, batches.part(), strict=True
    ):
        indices_B = np.arange(start, start + len(tokens_BT))
        keys_BT = sampling_keys(config.seed, indices_B, tokens_BT.shape[1], epoch=realisation)
        batch = model_inputs(tokens, tokens_BT, masked)
        batch["labels"] = torch.from_numpy(masked.labels_BT)
        batch["sampling_keys"] = torch.from_numpy(keys_BT)
        yield {name: values.to(model.device) for name, values in batch.items()}


def told_at_depths(
    model: SelectionForPreTraining, batch: dict[str, Tensor], output: Any
) -> dict[str, Tensor]:
    """What each head tells at every depth of the discriminator.

    Args:
        model: a generator with its discriminator.
        batch: what it was shown.
        output: what it returned.

    Returns:
        Of `replaced_tokens`, which tokens are called replaced, booleans of shape (D, B, T); of the
        others the token ids that are told at the asked positions, (D, N).
    """
    states = model.discriminator(
        output.shown_ids,
        attention_mask=batch.get("attention_mask"),
        output_hidden_states=True,
    ).hidden_states
    embed: Any = model.discriminator.embeddings.word_embeddings
    asked_BT = batch["labels"] != NOT_ASKED
    told: dict[str, Tensor] = {}
    for name, head in model.heads.items():
        if name == "replaced_tokens":
            told[name] = torch.stack([head(hidden_BTH) > 0 for hidden_BTH in states])
            continue
        if name == "word_selection":
            answers_NK = scored_NK = output.candidate_ids
        else:
            answers_NK = output.choice_ids[asked_BT]
            scored_NK = answers_NK[:, 1:]  # the first is rejection, whose score the head adds
        told[name] = torch.stack(
            [best_of(answers_NK, head(hidden[asked_BT], scored_NK, embed)) for hidden in states]
        )
    return told


def best_of(answers_NK: Tensor, scores_NK: Tensor) -> Tensor:
    """The answer of the largest score in each row; of equal ones that of the lowest id, (N,)."""
    answers_NK, order_NK = answers_NK.sort(dim=1)
    best_N1 = scores_NK.gather(1, order_NK).argmax(dim=1, keepdim=True)
    return answers_NK.gather(1, best_N1)[:, 0]


def present(batch: dict[str, Tensor]) -> Tensor:
    """Where a token stands, no padding, (B, T)."""
    mask = batch.get("attention_mask")
    return torch.ones_like(batch["input_ids"]).bool() if mask is None else mask.bool()
