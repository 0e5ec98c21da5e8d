"""Where APT per token comes from that confidence is set against: a run's counts, or the texts'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import write_tokens
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.own_head_counts import counts_in_run
from hf_apt.depths.trunk import Trunk
from hf_apt.records.run import Run
from hf_apt.stats.counts import PairCounts
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.slopes.apt_noise import GroupedHits

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from hf_apt.depths.sweep import VocabularySweep

_SEED = 2509
"""Seed by which positions are dealt to groups where their sequences are not known."""


@dataclass(frozen=True)
class TokenCounts:
    """The answers of the own head after the last block."""

    pairs: PairCounts
    """How often each token was answered by each other."""

    groups: GroupedHits
    """Right answers by groups of neighbouring sequences, or of positions."""

    grouped_by: Literal["sequences", "positions"]
    """What the groups are of: positions, where the sequences were not kept."""


def counts_of_run(run: Run, checkpoint: str) -> TokenCounts | None:
    """The counts that `run` has of this very checkpoint; None where it has none."""
    if counts_in_run(run, checkpoint) is None:
        return None
    readout = run.readout("own_head")
    return _token_counts(readout)


def counts_of_texts(
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    folder: Path,
    config: MeasureConfig,
    *,
    sequence_length: int,
) -> TokenCounts:
    """The counts of `model` over the first tokens of each of `texts`, each text a sequence.

    The tokens are written to `folder`. Raises ValueError where they do not fit the model.
    """
    tokens = write_tokens(
        folder,
        texts,
        tokenizer,
        sequence_length=sequence_length,
        layout="first",
        num_documents=len(texts),
    )
    trunk = Trunk(model)
    readouts = measure(
        trunk,
        tokens,
        {"own_head": _LastBlock(trunk)},
        config,
        measures=(RarefiedApt,),
        label="Asking for tokens",
    )
    return _token_counts(readouts["own_head"])


class _LastBlock:
    """The own head's answers after the last block, given for every depth.

    Only those of the last are read: to decode all of them takes that many times as long.
    """

    def __init__(self, trunk: Trunk):
        self._head = OwnHead(trunk)

    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        return self._head(hidden_DNH[-1:]).expand(len(hidden_DNH), -1)

    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        return self._head.sweep(hidden_DNH[-1:], targets_N) * len(hidden_DNH)


def _token_counts(readout: Readout) -> TokenCounts:
    pairs = readout.counts.at(readout.counts.num_depths - 1)
    by_sequence = readout.measures.get(RarefiedApt.name)
    if isinstance(by_sequence, RarefiedApt):
        return TokenCounts(pairs, GroupedHits.kept(by_sequence, pairs.vocab_size), "sequences")
    groups = GroupedHits.dealt(pairs.hits(), pairs.support(), seed=_SEED)
    return TokenCounts(pairs, groups, "positions")
