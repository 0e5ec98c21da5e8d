"""What a masked language model answers about two masked tokens at every depth."""
# C: candidates of a position. D: depths. K: its most probable tokens. V: the vocabulary.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hf_apt.analysis.pairs.pair_config import PairConfig
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.pairs.candidates import Candidates, candidates
from hf_apt.stats.pairs.joints import PairLogits


@dataclass(frozen=True)
class Chained:
    """One token of a pair is hidden, the other one shown as each of its candidates."""

    divergences_DC: Float[np.ndarray, "depth candidates"]
    """KL(p(hidden | shown) || p(hidden)) for each shown candidate, over the whole vocabulary."""

    log_true_D: Float[np.ndarray, " depth"]
    """log p(true hidden token | true shown token)."""

    logits_DKK: Float[np.ndarray, "depth shown hidden"]
    """Logits of the hidden token's most probable ones, for each most probable shown one."""

    totals_DK: Float[np.ndarray, "depth shown"]
    """The log of the sum of exp(logit) over the whole vocabulary, for each most probable one."""


@dataclass(frozen=True)
class PairAnswers:
    """All that is read of one pair, at every depth."""

    first: Candidates
    """Candidates of the earlier token."""

    second: Candidates
    """Candidates of the later one."""

    log_true_D2: Float[np.ndarray, "depth 2"]
    """log p of either true token, both hidden."""

    first_shown: Chained
    """The later token hidden, the earlier one shown."""

    second_shown: Chained
    """The earlier token hidden, the later one shown."""

    logits_D2K: tuple[np.ndarray, np.ndarray]
    """Logits of the most probable tokens of either position, both hidden: (D, K) each."""

    states_2H: Tensor
    """Last states at either position, both hidden, on the model's device."""

    log_2V: Float[np.ndarray, "2 vocab"]
    """log p of every token at either position, both hidden, by the last depth."""

    def kept(self) -> tuple[Int[np.ndarray, " first"], Int[np.ndarray, " second"]]:
        """Ids of the most probable tokens of the earlier and the later position."""
        return _exact(self.first), _exact(self.second)

    def gap_D2(self) -> Float[np.ndarray, "depth 2"]:
        """The pair gap in nats, the earlier token first and the later one first."""
        return np.stack(
            [
                (self.first.weights_DC * self.first_shown.divergences_DC).sum(axis=1),
                (self.second.weights_DC * self.second_shown.divergences_DC).sum(axis=1),
            ],
            axis=1,
        )

    def gain_D2(self) -> Float[np.ndarray, "depth 2"]:
        """By how much the true tokens are likelier in the chained joint than in the product.

        In either order, in nats.
        """
        second_D = self.first_shown.log_true_D - self.log_true_D2[:, 1]
        first_D = self.second_shown.log_true_D - self.log_true_D2[:, 0]
        return np.stack([second_D, first_D], axis=1)

    def logits(self, depth: int) -> PairLogits:
        """What joint laws of the most probable tokens are made of, at one depth."""
        first_DK, second_DK = self.logits_D2K
        return PairLogits(
            first_A=first_DK[depth],
            second_B=second_DK[depth],
            first_given_second_AB=self.second_shown.logits_DKK[depth].T,
            second_given_first_AB=self.first_shown.logits_DKK[depth],
            first_total_B=self.second_shown.totals_DK[depth],
            second_total_A=self.first_shown.totals_DK[depth],
        )


class PairAsker:
    """Asks a masked language model, by its own head at every depth.

    Args:
        trunk: the trunk of the model.
        mask_id: its mask token.
        config: how many candidates there are.
    """

    def __init__(self, trunk: Trunk, mask_id: int, config: PairConfig):
        self._trunk, self._head = trunk, OwnHead(trunk)
        self._mask_id, self._config = mask_id, config

    @torch.no_grad()
    def __call__(
        self, ids: list[int], first: int, second: int, generator: np.random.Generator
    ) -> PairAnswers:
        """What the model answers about two positions of a text.

        Memory: logits of a batch at every depth, in float64.

        Args:
            ids: the text's tokens, special ones included.
            first: the earlier position.
            second: the later position.
            generator: draws candidates.

        Returns:
            The answers.
        """
        both = list(ids)
        both[first] = both[second] = self._mask_id
        states_D2H = self._states([both], [first, second])
        logits_D2V = self._logits(states_D2H)
        log_D2V = logits_D2V.log_softmax(dim=-1)
        true = ids[first], ids[second]
        chosen = [
            candidates(
                log_D2V[:, side].numpy(),
                true[side],
                num_best=self._config.num_best,
                num_drawn=self._config.num_drawn,
                generator=generator,
            )
            for side in (0, 1)
        ]
        parts = (first, second), true, log_D2V, chosen
        return PairAnswers(
            first=chosen[0],
            second=chosen[1],
            log_true_D2=log_D2V[:, [0, 1], list(true)].numpy(),
            first_shown=self._chained(both, 0, *parts),
            second_shown=self._chained(both, 1, *parts),
            logits_D2K=(
                logits_D2V[:, 0, _exact(chosen[0])].numpy(),
                logits_D2V[:, 1, _exact(chosen[1])].numpy(),
            ),
            states_2H=states_D2H[-1],
            log_2V=log_D2V[-1].numpy(),
        )

    def _chained(
        self,
        both: list[int],
        side: int,
        places: tuple[int, int],
        true: tuple[int, int],
        log_D2V: Tensor,
        chosen: list[Candidates],
    ) -> Chained:
        """The token of `side` shown as each of its candidates, and the other one hidden."""
        hidden, shown = 1 - side, chosen[side]
        at_true = int(np.flatnonzero(shown.ids_C == true[side])[0])
        kept = _exact(chosen[hidden])
        divergences, logits, totals = [], [], []
        log_true_D = np.empty(0)
        for start in range(0, len(shown.ids_C), self._config.batch_size):
            ids_c = shown.ids_C[start : start + self._config.batch_size]
            rows = []
            for each in ids_c:
                rows.append(list(both))
                rows[-1][places[side]] = int(each)
            logits_DcV = self._logits(self._states(rows, [places[hidden]]))
            log_DcV = logits_DcV.log_softmax(dim=-1)
            p_DcV, log_ratio_DcV = log_DcV.exp(), log_DcV - log_D2V[:, hidden, None]
            terms_DcV = torch.where(p_DcV > 0, p_DcV * log_ratio_DcV, 0.0)
            divergences.append(terms_DcV.sum(dim=-1).numpy())
            if start <= at_true < start + len(ids_c):
                log_true_D = log_DcV[:, at_true - start, true[hidden]].numpy()
            num = max(min(shown.num_exact - start, len(ids_c)), 0)
            logits.append(logits_DcV[:, :num, kept].numpy())
            totals.append(logits_DcV[:, :num].logsumexp(dim=-1).numpy())
        return Chained(
            np.concatenate(divergences, axis=1),
            log_true_D,
            np.concatenate(logits, axis=1),
            np.concatenate(totals, axis=1),
        )

    def _states(self, rows: list[list[int]], positions: list[int]) -> Tensor:
        """States of shape (D, N, H) at these positions of the rows, in order."""
        device = self._trunk.model.device
        ids_BT = torch.tensor(rows)
        asked_BT = torch.zeros_like(ids_BT, dtype=torch.bool)
        asked_BT[:, positions] = True
        inputs = {"input_ids": ids_BT.to(device), "attention_mask": torch.ones_like(ids_BT)}
        inputs["attention_mask"] = inputs["attention_mask"].to(device)
        return self._trunk.at(inputs, asked_BT)

    def _logits(self, states_DNH: Tensor) -> Tensor:
        """Logits of shape (D, N, V) in float64 on the processor."""
        logits_XV = self._head.logits(states_DNH.flatten(0, 1))
        return logits_XV.double().cpu().unflatten(0, states_DNH.shape[:2])


def _exact(chosen: Candidates) -> Int[np.ndarray, " kept"]:
    return chosen.ids_C[: chosen.num_exact]
