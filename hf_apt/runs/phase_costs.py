"""What a run costs before it is made: FLOPs, memory and disk of each phase.

Source: ours.
"""
# F: width inside a feed-forward layer.

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from hf_apt.depths.head_config import heads_among, lenses_among
from hf_apt.depths.head_loss import CHUNK_BYTES
from hf_apt.depths.sweep import CHUNK
from hf_apt.runs.planning.phase_cost import PhaseCost, Work
from hf_apt.stats.measures.rarefied_apt import MOST_STRETCHES
from hf_apt.training.costs import lens_costs
from hf_apt.training.costs.model_costs import BACKWARD, FLOAT, ModelCosts
from hf_apt.training.costs.training_flops import num_modified as _num_modified

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig

_ADAMW = 4 * FLOAT
"""Bytes a parameter in training: weight, gradient, two moments."""
_MOMENTS = 2 * FLOAT
_HELD_BACK = 3 * (1 << 21)
"""Pairs of a depth that `hf_apt.stats.counts` holds back at most, over the three treatments."""
_KEPT_CHECKPOINTS = 2
"""Checkpoints that the Trainer keeps; while it writes, there is one more."""


def phase_costs(
    config: RunConfig,
    model: ModelCosts,
    num_held_out: int,
    *,
    done: Collection[str] = (),
    asked_share: float | None = None,
) -> list[PhaseCost]:
    """The phases of a run that compute, in their order, but for fine-tuning.

    `num_held_out` is the number of held-out sequences, of whose tokens `asked_share` are asked; the
    masking rate where None. Kinds of heads that are not among the phases that are `done` are
    trained together, in one phase. Nothing is pre-trained in no steps.
    """
    asked_share = asked_share or config.measure.masking_rate
    num_measured = min(config.measure.num_sequences or num_held_out, num_held_out)
    names = ["measuring", *(["untrained"] if config.untrained else [])]
    heads = heads_among(config.head_kinds)
    waiting = [kind for kind in heads if kind not in done]
    lens_of = {"jacobian": _jacobian, "translator": _translator}
    return [
        *([_pretraining(config, model, num_held_out)] if config.pretrain.num_steps else []),
        *(_heads(config, model, [kind]) for kind in heads if kind in done),
        *([_heads(config, model, waiting)] if waiting else []),
        *(lens_of[kind](config, model) for kind in lenses_among(config.head_kinds)),
        *(_measuring(config, model, num_measured, asked_share, name) for name in names),
    ]


def _pretraining(config: RunConfig, model: ModelCosts, num_held_out: int) -> PhaseCost:
    """The cost of pre-training: in each step three forward passes through trunk and head.

    From the last block's attention on they are at modified positions alone. About eleven times in
    the training the loss of held-out sequences is computed: one forward pass each, the head at
    every position.
    """
    settings, length = config.pretrain, config.sequence_length
    trunk = sum(
        steps * settings.batch_size * (length / width) * model.trunk_flops(width)
        for width, steps in _widths(config)
    )
    num_sequences = settings.num_steps * settings.batch_size
    share = settings.causal_share  # of the steps in which every token is asked for
    rate = share + (1 - share) * settings.masking_rate
    num_modified = _num_modified(num_sequences, length, rate)
    trunk -= (num_sequences * length - num_modified) * model.spared_flops(training=True)
    heads = num_modified * model.head_flops()
    num_validated = min(settings.num_validation_sequences, num_held_out)
    num_evaluations = -(-settings.num_steps // max(settings.num_steps // 10, 1)) + 1
    validated = num_evaluations * num_validated
    part = settings.batch_size / settings.accumulation_steps
    modified = round(_num_modified(part, length, 1.0 if share else settings.masking_rate))
    # Logits, their gradient; the log-probabilities between the two are among what is saved.
    step = model.saved_bytes(round(part * length), modified)
    step += 2 * FLOAT * modified * model.vocab_size
    validation = 2 * FLOAT * min(settings.batch_size, 32, num_validated) * length * model.vocab_size
    return PhaseCost(
        name="pretraining",
        tokens=num_sequences * length,
        work=Work(
            trunk_training=(1 + BACKWARD) * trunk + validated * model.trunk_flops(length),
            head_training=(1 + BACKWARD) * heads + validated * length * model.head_flops(),
        ),
        memory=_ADAMW * model.num_parameters + max(step, validation),
    )


def _heads(config: RunConfig, model: ModelCosts, kinds: Sequence[str]) -> PhaseCost:
    """The frozen trunk forward, and a head of each kind for each depth forward and backward.

    Where draws come again, the trunk reads them once, and their states are kept.
    """
    settings, length = config.heads, config.sequence_length
    num_steps = min(settings.num_distinct_steps or settings.num_steps, settings.num_steps)
    num_sequences, num_read = (
        steps * settings.batch_size for steps in (settings.num_steps, num_steps)
    )
    modified = _num_modified(num_sequences, length, settings.masking_rate)
    in_batch = round(_num_modified(settings.batch_size, length, settings.masking_rate))
    flops = sum(map(model.head_training_flops, kinds))
    hidden = FLOAT * model.num_depths * model.shape.hidden_size  # of a position at all depths
    kept = (
        round(modified * num_read / num_sequences) * hidden if num_steps < settings.num_steps else 0
    )
    # The logits of a depth, or of some of its positions; what an MLM head keeps until the backward
    # pass: before and after GELU, after LayerNorm, and the gradient there.
    step = min(FLOAT * in_batch * model.vocab_size, CHUNK_BYTES)
    step += 4 * in_batch * hidden if "mlm_head" in kinds else 0
    return PhaseCost(
        name=kinds[0] if len(kinds) == 1 else "heads",
        tokens=num_sequences * length,
        work=Work(
            trunk_training=_read(model, num_read, length, modified * num_read / num_sequences),
            head_training=modified * model.num_depths * flops,
        ),
        memory=FLOAT * model.num_parameters
        + _ADAMW * sum(map(model.trained_head_parameters, kinds))
        + max(_reading_memory(model, settings.batch_size * length, in_batch), step)
        + kept,
    )


def _jacobian(config: RunConfig, model: ModelCosts) -> PhaseCost:
    settings = config.jacobian
    return PhaseCost(
        name="jacobian",
        tokens=settings.num_sequences * config.sequence_length,
        work=Work(trunk_training=lens_costs.jacobian_flops(model, settings.num_sequences)),
        memory=FLOAT * model.num_parameters + lens_costs.jacobian_bytes(model, settings.batch_size),
    )


def _translator(config: RunConfig, model: ModelCosts) -> PhaseCost:
    """The frozen trunk forward, at every position; maps and own head at modified ones."""
    settings, length = config.heads, config.sequence_length
    num_sequences = settings.num_steps * settings.batch_size
    modified = _num_modified(num_sequences, length, settings.masking_rate)
    in_batch = round(_num_modified(settings.batch_size, length, settings.masking_rate))
    return PhaseCost(
        name="translator",
        tokens=num_sequences * length,
        work=Work(
            trunk_training=num_sequences * model.trunk_flops(length),
            head_training=modified * lens_costs.translator_head_flops(model),
        ),
        memory=FLOAT * model.num_parameters
        + lens_costs.translator_bytes(model, in_batch)
        + _reading_memory(model, settings.batch_size * length, in_batch),
    )


def _measuring(
    config: RunConfig, model: ModelCosts, num_sequences: int, asked_share: float, name: str
) -> PhaseCost:
    """One forward pass of the trunk; each head at every depth, at modified positions alone.

    For a lens the own head is asked, after a map of the states at each depth but the last.

    On the CPU rows at the embeddings that are equal are asked once: up to 1 / D of the heads less.
    """
    settings, length = config.measure, config.sequence_length
    asked = () if name == "untrained" else config.head_kinds
    kinds, lenses = heads_among(asked), lenses_among(asked)
    num_rows = num_sequences * settings.num_realisations
    modified = _num_modified(num_rows, length, asked_share)
    heads = model.head_flops() + sum(map(model.trained_head_flops, kinds))
    hidden, depths = model.shape.hidden_size, model.num_depths
    maps = (depths - 1) / depths * 2 * hidden**2
    heads += len(lenses) * (model.head_flops() + maps)
    batch = min(settings.batch_size, num_sequences)
    in_batch = round(_num_modified(batch, length, asked_share))
    # The widest step of an argmax: the rows of all depths, and their logits of a chunk.
    rows = model.num_depths * in_batch * (2 * hidden + min(CHUNK, model.vocab_size))
    return PhaseCost(
        name=name,
        tokens=num_rows * length,
        work=Work(
            trunk_reading=_read(model, num_rows, length, modified),
            head_reading=modified * model.num_depths * heads,
        ),
        memory=FLOAT * model.num_parameters
        + FLOAT * sum(map(model.trained_head_parameters, kinds))
        + FLOAT * len(lenses) * lens_costs.lens_parameters(model)
        + _reading_memory(model, batch * length, in_batch)
        + FLOAT * rows
        + (1 + len(asked)) * readout_bytes(model, round(modified), num_sequences),
    )


def _read(model: ModelCosts, num_sequences: int, length: int, num_modified: float) -> float:
    """FLOPs of the trunk, where its last block is asked for the modified positions alone."""
    spared = (num_sequences * length - num_modified) * model.spared_flops(training=False)
    return num_sequences * model.trunk_flops(length) - spared


def counts_bytes(model: ModelCosts, num_modified: int) -> int:
    """Bytes of one readout's counts, at most: over all depths, in memory and on disk.

    12 bytes a distinct pair of what was asked and what was answered, 16 where it does not fit 32
    bits. At each depth there are no more pairs than modified positions, nor than V V for each of
    the three treatments, besides those held back before they are counted.
    """
    key = 4 if model.vocab_size**2 < 2**31 else 8
    possible = (key + 8) * 3 * model.vocab_size**2 + key * min(num_modified, _HELD_BACK)
    return model.num_depths * min((key + 8) * num_modified, possible)


def readout_bytes(model: ModelCosts, num_modified: int, num_sequences: int) -> int:
    """Bytes of one readout at most: its counts and its measures."""
    return counts_bytes(model, num_modified) + measures_bytes(model, num_modified, num_sequences)


def measures_bytes(model: ModelCosts, num_modified: int, num_sequences: int) -> int:
    """Bytes of one readout's measures at most, in memory and on disk: 8 a number.

    Two counts and a sum for each depth and id, a sum for each depth and sequence, each sequence's
    number of positions; and of each id in each stretch of sequences where it was asked its key, its
    positions and a count for each depth; and the length of a stretch.
    """
    num_depths, num_ids = model.num_depths, model.vocab_size
    in_stretches = (num_depths + 2) * min(num_modified, MOST_STRETCHES * num_ids)
    return 8 * (1 + 3 * num_depths * num_ids + (num_depths + 1) * num_sequences + in_stretches)


def disk_bytes(config: RunConfig, model: ModelCosts) -> int:
    """Bytes that weights take on disk at the most: checkpoints to resume from, model, heads.

    Token ids come on top, 2 bytes each (4 beyond 65,536 ids), and counts.
    """
    pretrained = (_KEPT_CHECKPOINTS + 1) * (FLOAT + _MOMENTS) + FLOAT
    pretrained *= model.num_parameters if config.pretrain.num_steps else 0
    heads = sum(map(model.trained_head_parameters, heads_among(config.head_kinds)))
    heads += len(lenses_among(config.head_kinds)) * lens_costs.lens_parameters(model)
    return pretrained + FLOAT * heads


def _reading_memory(model: ModelCosts, num_tokens: int, num_modified: int) -> int:
    """Bytes of a forward pass without gradients: the states of all depths, twice F inside a block.

    The states at modified positions are copied twice.
    """
    hidden = model.shape.hidden_size
    front = 2 * model.shape.conv.num_channels * hidden if model.shape.conv else 0
    inside = max(2 * model.shape.intermediate_size, front)
    states = num_tokens * (model.num_depths * hidden + inside)
    return FLOAT * (states + 2 * num_modified * model.num_depths * hidden)


def _widths(config: RunConfig) -> Iterator[tuple[int, int]]:
    """How many tokens a row of pre-training has, and for how many steps."""
    settings, before = config.pretrain, 0
    for width, share in (*settings.windows, (config.sequence_length, 1.0)):
        end = min(round(share * settings.num_steps), settings.num_steps)
        yield width, max(end - before, 0)
        before = max(before, end)
