"""The term of `MaskedPairs` in a training: the head, its optimiser, and what is kept of both."""
# A answers, H width, N pairs, V vocabulary.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import reduce
from safetensors.torch import load_file, save
from torch import Tensor, nn
from transformers import TrainerCallback

from hf_apt.atomic import writing
from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.adversary.passes import unwrapped
from hf_apt.training.averages.checkpoint_file import checkpoint_file
from hf_apt.training.objective import Step, Term, TrainingSetup, of_each_label
from hf_apt.training.pairs.drawn_pairs import drawn_pairs
from hf_apt.training.pairs.frequent_words import frequent_words, token_counts
from hf_apt.training.pairs.head_file import HEAD_FILE, WordPairHead, write_pair_head
from hf_apt.training.pairs.pair_head import PairHead, gaps
from hf_apt.training.pairs.pair_states import AskedStates

NAME = "masked_pairs.safetensors"
"""Name of the file with head and optimiser in a checkpoint's folder."""

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_WORDS = "word_ids"


class MaskedPairsTerm(TrainerCallback):
    """The cross-entropy of pairs of asked positions by a head that is trained beside the model.

    The head is no part of the model, so that checkpoints are what they are without it. Its AdamW
    takes the Trainer's learning rate of each step and its betas; gradients are clipped to the
    Trainer's norm by themselves. Where examples are weighed, a pair has the mean weight of its two
    labels.

    Args:
        config: the settings of `MaskedPairs`.
        setup: the training.

    Raises:
        ValueError: as `MaskedPairs.in_training` does.
    """

    def __init__(self, config: Any, setup: TrainingSetup):
        self.config, self._args = config, setup.args
        self.states = AskedStates(setup.model)
        model = self.states.model
        vocab_size = model.config.vocab_size
        counts_V = token_counts(setup.train_dataset, vocab_size, config.name)
        if setup.tokenizer is None:
            raise ValueError(
                f"{config.name} tells the most frequent words apart, special tokens being none, "
                "and the Trainer has no tokenizer that knows these: give it as "
                "processing_class=tokenizer."
            )
        special_ids = setup.tokenizer.all_special_ids
        self.word_ids_K = frequent_words(counts_V, config.num_words, special_ids)
        """The words that are told apart, the most frequent first."""
        self.head = self._fresh()
        """The head."""
        trained = WordPairHead(self.head, self.word_ids_K)
        self._classes_V = torch.from_numpy(trained.classes(len(counts_V)))
        self._optimizer = self._adamw()

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The cross-entropy of the pairs of a batch, in nats, and the gap of the head's laws."""
        config, labels_BT = self.config, step.inputs["labels"]
        states_XH = self.states.of(step.outputs, step.inputs)
        pairs = drawn_pairs(
            (labels_BT != NOT_ASKED).cpu().numpy(),
            num_pairs=config.num_pairs,
            max_distance=config.max_distance,
            seed=step.seed,
            first_row=step.part * len(labels_BT),
        )
        device = states_XH.device
        self.head.to(device)
        distances_N = torch.from_numpy(pairs.distances_N).to(device)
        first_N = torch.from_numpy(pairs.rows_N * labels_BT.shape[1] + pairs.firsts_N).to(device)
        second_N = first_N + distances_N
        # What passes the batch once more, as around a step, adds no gradient to the head.
        with _constant(self.head, step.is_again):
            log_joint_NAA = self.head(states_XH[first_N], states_XH[second_N], distances_N)
        answers_X = self._classes_V.to(device)[labels_BT.flatten().clamp(min=0)]
        right_N = answers_X[first_N] * log_joint_NAA.shape[-1] + answers_X[second_N]
        losses_N = -log_joint_NAA.flatten(1).gather(1, right_N[:, None])[:, 0]
        if step.weights is not None:
            weights_X = of_each_label(step.weights, labels_BT).flatten().to(losses_N)
            losses_N = losses_N * (weights_X[first_N] + weights_X[second_N]) / 2
        return tuple(
            Term(name=name, total=values_N.sum(), num_items=step.num_items, weight=weight)
            for name, values_N, weight in (
                (config.name, losses_N, config.weight),
                (f"{config.name}_gap", gaps(log_joint_NAA.detach()), 0.0),
            )
        )

    def on_train_begin(
        self, args: Any, state: Any, control: Any, *, model: Any = None, **event: Any
    ) -> None:
        """Begin with a fresh head, or with that of the checkpoint that is resumed."""
        if model is not None and unwrapped(model) is not self.states.model:
            self.states.remove()
            self.states = AskedStates(model)  # another one, which a Trainer made as it began
        self.states.listen()
        self.head = self._fresh()
        self._optimizer = self._adamw()
        if state.global_step:
            self._load(checkpoint_file(args, state, NAME))
        self.head.to(args.device)

    def on_pre_optimizer_step(
        self, args: Any, state: Any, control: Any, *, optimizer: Any, **event: Any
    ) -> None:
        """Step the head by the gradients of all processes, at the Trainer's learning rate."""
        weights = list(self.head.parameters())
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            weight.grad = _mean_over_processes(weight.grad)
        if args.max_grad_norm:
            nn.utils.clip_grad_norm_(weights, args.max_grad_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = optimizer.param_groups[0]["lr"]
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def on_save(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        """Put head and optimiser into the checkpoint."""
        if state.is_world_process_zero:
            with writing(checkpoint_file(args, state, NAME), "wb") as file:
                file.write(save(self._tensors()))

    def on_train_end(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        """Leave the head in the Trainer's folder, and let go of what was caught."""
        self.states.remove()
        if state.is_world_process_zero:
            trained = WordPairHead(self.head, self.word_ids_K)
            write_pair_head(Path(str(args.output_dir)) / HEAD_FILE, trained)

    def _fresh(self) -> PairHead:
        return PairHead(
            self.states.hidden_size,
            num_answers=len(self.word_ids_K) + 1,
            rank=self.config.rank,
            max_distance=self.config.max_distance,
            seed=self._args.seed,
        )

    def _adamw(self) -> torch.optim.AdamW:
        args, weights = self._args, list(self.head.parameters())
        return torch.optim.AdamW(
            [
                {
                    "params": [each for each in weights if (each.dim() > 1) is is_matrix],
                    "weight_decay": args.weight_decay if is_matrix else 0.0,
                }
                for is_matrix in (True, False)
            ],
            lr=args.learning_rate,
            betas=(args.adam_beta1, args.adam_beta2),
            eps=args.adam_epsilon,
        )

    def _tensors(self) -> dict[str, Tensor]:
        """Head, optimiser and the words of the answers, by names."""
        tensors = {_WORDS: torch.from_numpy(self.word_ids_K.astype(np.int64))}
        for name, weight in self.head.named_parameters():
            tensors[f"weight.{name}"] = weight.detach().cpu().contiguous()
            for moment, value in self._optimizer.state.get(weight, {}).items():
                tensors[f"{moment}.{name}"] = value.detach().cpu().contiguous()
        return tensors

    def _load(self, path: Path) -> None:
        if not path.is_file():
            raise ValueError(
                f"{path} is missing, which holds the head over pairs: go on from a checkpoint in "
                f"the Trainer's own folder that was saved with {self.config.name}, or begin anew."
            )
        tensors = load_file(path)
        words_K = tensors.get(_WORDS)
        if words_K is None or words_K.tolist() != self.word_ids_K.tolist():
            raise ValueError(
                f"{path} holds a head over other words than the {len(self.word_ids_K)} most "
                "frequent ones of this text: go on with the text and the settings of "
                f"{self.config.name} that the training began with, or begin anew."
            )
        for name, weight in self.head.named_parameters():
            with torch.no_grad():
                weight.copy_(tensors[f"weight.{name}"])
            if f"step.{name}" in tensors:
                self._optimizer.state[weight] = {
                    moment: tensors[f"{moment}.{name}"].to(
                        "cpu" if moment == "step" else self._args.device
                    )
                    for moment in _MOMENTS
                }


@contextmanager
def _constant(module: nn.Module, is_asked: bool) -> Iterator[None]:
    """Within the block, if asked for, the weights of a module get no gradient."""
    module.requires_grad_(not is_asked)
    try:
        yield
    finally:
        module.requires_grad_(True)


def _mean_over_processes(gradient: Tensor) -> Tensor:
    mean: Any = reduce(gradient, reduction="mean")
    return mean
