"""The rates of the tokens as a training goes on: answers counted, rates renewed, state kept."""
# V vocabulary, N asked positions.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.atomic import writing
from hf_apt.data.masking import TokenRates
from hf_apt.data.training_draws import TrainingDraws
from hf_apt.reading import read_arrays
from hf_apt.stats.masking_laws.token_rates import token_rates
from hf_apt.training.averages.checkpoint_file import checkpoint_file
from hf_apt.training.masking_laws.law import KnownOfTokens, MaskingLaw

NAME = "masking_law.npz"
"""Name of the state's file in a checkpoint's folder."""


class RatesInTraining(TrainerCallback):
    """Keeps the rates of a law, and renews them every `law.every` optimiser steps.

    Answers are whole numbers until they are added up over processes at a renewal, so that the
    rates do not depend on how a step is divided.

    Args:
        law: which tokens are masked more often.
        draws: the draws of the training, which have text, masking and overall rate.
        ceiling_V: the best accuracy of each token, for a law that needs it.
        summed: adds up a tensor over processes.
        device: where answers are counted.

    Raises:
        ValueError: for a law that cannot be used for this text.
    """

    def __init__(
        self,
        law: MaskingLaw,
        draws: TrainingDraws,
        *,
        ceiling_V: Float[np.ndarray, " vocab"] | None,
        summed: Callable[[Tensor], Any],
        device: torch.device,
    ):
        self.law, self.rate = law, draws.masking.rate
        self._summed = summed
        frequency_V = draws.tokens.frequency()
        frequency_V[list(draws.masking.special_ids)] = 0
        none_V = np.zeros(len(frequency_V))
        self._fresh = KnownOfTokens(frequency_V, none_V, none_V, ceiling_V)
        self._pending_2V = torch.zeros(2, len(frequency_V), dtype=torch.int64, device=device)
        self.known = self._fresh
        """What the law weighs tokens by, as of the last renewal."""
        self.rates = self._of_law()
        """The rates under which the next step is masked."""

    def count(self, answers_N: Int[Tensor, " n"], labels_N: Int[Tensor, " n"]) -> None:
        """Note the answers of one batch of this process."""
        right_N = (answers_N == labels_N).long()
        self._pending_2V[0].scatter_add_(0, labels_N, right_N)
        self._pending_2V[1].scatter_add_(0, labels_N, torch.ones_like(right_N))

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Begin anew, or with the state of the checkpoint that is resumed.

        Raises ValueError where that holds none.
        """
        self._pending_2V.zero_()
        self.known = self._fresh
        self.rates = self._of_law()
        if state.global_step:
            self._load(args, state)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Renew the rates after every `law.every` steps, in all processes alike."""
        if self.law.every is None or state.global_step % self.law.every:
            return
        new_2V = self._of_all_processes()
        self.known = KnownOfTokens(
            self.known.frequency_V,
            self.law.kept * self.known.hits_V + new_2V[0],
            self.law.kept * self.known.asked_V + new_2V[1],
            self.known.ceiling_V,
        )
        self.rates = self._of_law()
        self._pending_2V.zero_()

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Put answers and rates into the checkpoint."""
        pending_2V = self._of_all_processes()
        if state.is_world_process_zero:
            with writing(checkpoint_file(args, state, NAME), "wb") as file:
                np.savez_compressed(
                    file,
                    allow_pickle=False,
                    rates=self.rates.rates_V,
                    hits=self.known.hits_V,
                    asked=self.known.asked_V,
                    pending=pending_2V,
                )

    def _load(self, args: TrainingArguments, state: TrainerState) -> None:
        path = checkpoint_file(args, state, NAME)
        if not path.exists():
            raise ValueError(
                f"{path.parent} has no {NAME}, without which masks would not be those of the same "
                "training: delete that folder, and training goes on from the checkpoint before."
            )
        kept = read_arrays(path)
        self.rates = TokenRates(kept["rates"])
        self.known = KnownOfTokens(
            self.known.frequency_V, kept["hits"], kept["asked"], self.known.ceiling_V
        )
        if state.is_world_process_zero:  # a sum over all processes, which is taken again
            self._pending_2V.copy_(torch.from_numpy(kept["pending"]))

    def _of_all_processes(self) -> np.ndarray:
        return self._summed(self._pending_2V).cpu().numpy()

    def _of_law(self) -> TokenRates:
        weights_V = self.law.weights(self.known)
        rates_V = token_rates(weights_V, self.known.frequency_V, self.rate, most=self.law.most)
        return TokenRates(rates_V)
