"""The joint law of a trained head over pairs, beside those made of a model's conditionals."""
# N pairs. S, T: chosen tokens of either position. V: the vocabulary.

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int

from hf_apt.analysis.pairs.pair_places import PairPlace
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.pairs.joint_figures import conditional_divergence
from hf_apt.stats.pairs.joints import PairLogits
from hf_apt.stats.pairs.pair_gap import divergences, mutual_information
from hf_apt.training.pairs.head_file import WordPairHead, log_shares, of_tokens


@dataclass(frozen=True)
class HeadReadings:
    """What a head over pairs says, one entry a pair, in nats.

    NaN for pairs further apart than the head was trained for.
    """

    gap_N: Float[np.ndarray, " pairs"]
    """Mutual information of the head's law, over its own answers."""

    surprisal_N: Float[np.ndarray, " pairs"]
    """-log q(true pair), over the most probable tokens, as of the other joint laws."""

    unfaithful_N: Float[np.ndarray, " pairs"]
    """Mean divergence of the law's conditionals from the model's."""

    from_truth_N: Float[np.ndarray, " pairs"] | None
    """KL(exact || head's law) over the most probable tokens; None where the truth is not known."""

    @classmethod
    def of(cls, values_N4: Float[np.ndarray, "pairs 4"]) -> Self:
        """Of what `HeadAsker` gave for each pair."""
        is_known = not np.isinf(values_N4[:, 3]).any()
        return cls(*values_N4[:, :3].T, from_truth_N=values_N4[:, 3] if is_known else None)


class HeadAsker:
    """Asks a head over pairs, which reads the last states of a masked language model.

    Args:
        trunk: the trunk of the model.
        mask_id: its mask token.
        trained: the head.

    Raises:
        ValueError: for a head that was trained beside another model.
    """

    def __init__(self, trunk: Trunk, mask_id: int, trained: WordPairHead):
        self._trunk, self._mask_id, self._trained = trunk, mask_id, trained
        self._own = OwnHead(trunk)
        self._vocab_size = trunk.model.config.vocab_size
        width = len(trained.head.transform)
        if width != trunk.hidden_size or trained.word_ids_K.max(initial=0) >= self._vocab_size:
            raise ValueError(
                f"the head over pairs is for states of width {width} and token ids up to "
                f"{trained.word_ids_K.max(initial=0)}, and the model has width "
                f"{trunk.hidden_size} and {self._vocab_size} tokens: give the head of its own run."
            )

    def law(
        self, ids: list[int], place: PairPlace, kept: tuple[np.ndarray, np.ndarray]
    ) -> tuple[Float[np.ndarray, "first second"], float]:
        """The law of a pair over chosen tokens of either position, and its gap.

        Args:
            ids: the text's tokens, special ones included.
            place: the pair.
            kept: ids of the chosen tokens of the earlier and the later position.

        Returns:
            (S, T) log probabilities that add up to 1, and the mutual information over all answers.
        """
        states_2H, logs_2V = self._read(ids, place)
        log_AA = self._trained.log_joint(states_2H[0], states_2H[1], place.distance)
        classes_V = self._trained.classes(self._vocab_size)
        shares = (
            log_shares(logs_2V[0], classes_V, kept[0]),
            log_shares(logs_2V[1], classes_V, kept[1]),
        )
        log_ST = of_tokens(log_AA, (classes_V[kept[0]], classes_V[kept[1]]), shares)
        return log_ST, mutual_information(np.exp(log_AA))

    def __call__(
        self,
        ids: list[int],
        place: PairPlace,
        logits: PairLogits,
        kept: tuple[Int[np.ndarray, " first"], Int[np.ndarray, " second"]],
        true: tuple[int, int],
        exact_ST: Float[np.ndarray, "first second"] | None,
    ) -> tuple[float, ...]:
        """Gap, surprisal, unfaithfulness and KL from the truth of one pair.

        Args:
            ids: the text's tokens, special ones included.
            place: the pair.
            logits: what the model's own head answers at the last depth.
            kept: ids of the most probable tokens of either position.
            true: where the true tokens stand among them.
            exact_ST: the exact law over them, in logarithms; None where it is not known.

        Returns:
            Four numbers in nats: NaN for a pair that is too far apart, infinite in place of an
            unknown truth.
        """
        if place.distance > self._trained.max_distance:
            return (np.nan,) * 4 if exact_ST is not None else (*(np.nan,) * 3, np.inf)
        log_ST, gap = self.law(ids, place, kept)
        truth = np.inf if exact_ST is None else float(divergences(exact_ST.ravel(), log_ST.ravel()))
        return gap, -float(log_ST[true]), conditional_divergence(logits, log_ST), truth

    @torch.no_grad()
    def _read(self, ids: list[int], place: PairPlace) -> tuple[torch.Tensor, np.ndarray]:
        """Last states at both positions, masked, and the model's own laws (2, V) there."""
        device = self._trunk.model.device
        row = list(ids)
        row[place.first] = row[place.second] = self._mask_id
        ids_1T = torch.tensor([row], device=device)
        asked_1T = torch.zeros(1, len(row), dtype=torch.bool)
        asked_1T[0, [place.first, place.second]] = True
        inputs = {"input_ids": ids_1T, "attention_mask": torch.ones_like(ids_1T)}
        states_2H = self._trunk.at(inputs, asked_1T)[-1]
        return states_2H, self._own.logits(states_2H).double().log_softmax(-1).cpu().numpy()
