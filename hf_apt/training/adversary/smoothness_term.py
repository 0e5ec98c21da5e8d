"""How far a batch's answers are moved by the perturbation that `Smoothness` describes."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import torch

from hf_apt.training.adversary.answers import answers, divergence, require_one_label
from hf_apt.training.adversary.ascent import normalised_ascent, with_random_signs
from hf_apt.training.adversary.ball import noise
from hf_apt.training.adversary.passes import (
    evaluating,
    in_float32,
    is_reduced,
    perturbed_pass,
    random_state_kept,
    unwrapped,
)
from hf_apt.training.adversary.whole_weights import require_whole_weights
from hf_apt.training.adversary.word_embeddings import (
    ids_and_mask,
    require_fine_numbers,
    width_of,
    word_embeddings,
)
from hf_apt.training.objective import Step, weighted_sum

if TYPE_CHECKING:
    from torch import Tensor


def require_perturbable(config: Any, model: Any, args: Any) -> None:
    """Raise ValueError where a `Smoothness` cannot be asked of `model` by a Trainer with `args`.

    So it is for a model without a table of word embeddings, for one in whose numbers the
    perturbation vanishes, and for weights that are shared out among processes.
    """
    require_whole_weights(args, config.name)
    embeddings = word_embeddings(unwrapped(model))
    size = min(config.ball.radius, config.noise or config.step_size)
    require_fine_numbers(embeddings, size, "load the model in float32")


def moved_by_perturbation(config: Any, step: Step) -> Tensor:
    """How far the perturbation of a `Smoothness` moves the answers, summed over the batch.

    A float32 scalar with a gradient through both answers.
    """
    passes = _Passes(config, step)
    with evaluating(passes.model) if config.dropout == "off" else nullcontext():
        clean_NC = passes.clean()
        delta_BTE = passes.perturbation(clean_NC)
        moved_N = divergence(clean_NC, passes.perturbed(delta_BTE), step.inputs)
        return weighted_sum(moved_N, step)


class _Passes:
    """The passes over one batch.

    The perturbation is always sought in float32: the answers to a small one, rounded to bfloat16,
    are those to none. The two answers that are compared are in float32 for the paper's small ball,
    and in the Trainer's precision for a perturbation of norm 1. Where dropout is shared each pass
    but the last leaves the random state as it was.
    """

    def __init__(self, config: Any, step: Step):
        self.config, self.step = config, step
        self.model = unwrapped(step.model)
        require_one_label(self.model, step.inputs)
        self._is_reduced = is_reduced(self.model)
        self._rounds = self._is_reduced and config.preset == "mtdnn"

    def clean(self) -> Tensor:
        """The answers without a perturbation: the Trainer's own, where they can be compared."""
        if self.config.dropout == "independent" and self._is_reduced == self._rounds:
            return answers(self.step.outputs, self.step.inputs)
        return self._answers(None, rounds=self._rounds)

    def perturbation(self, clean_NC: Tensor) -> Tensor:
        """What is added to the word embeddings, of float32 and 0 at padding."""
        config = self.config
        if self._rounds:
            with torch.no_grad():
                clean_NC = self._answers(None)
        fixed_NC = clean_NC.detach()

        def moved(delta_BTE: Tensor) -> Tensor:
            return divergence(fixed_NC, self._answers(delta_BTE), self.step.inputs).sum()

        ids_BT, mask_BT = ids_and_mask(self.step.inputs)
        width = width_of(word_embeddings(self.model))
        noise_BTE = noise(ids_BT, mask_BT, width, seed=self.step.seed)
        delta_BTE = normalised_ascent(
            moved,
            config.noise * noise_BTE,
            mask_BT,
            config.ball,
            step_size=config.step_size,
            num_steps=config.num_steps,
            on_surface=config.preset == "mtdnn",
        )
        if config.direction == "random":
            return with_random_signs(delta_BTE, noise_BTE)
        return delta_BTE

    def perturbed(self, delta_BTE: Tensor) -> Tensor:
        """The answers with a perturbation, with a gradient: the last pass."""
        return self._answers(delta_BTE, rounds=self._rounds, is_last=True)

    def _answers(
        self, delta_BTE: Tensor | None, *, rounds: bool = False, is_last: bool = False
    ) -> Tensor:
        with ExitStack() as stack:
            if self._is_reduced and not rounds:
                stack.enter_context(in_float32(self.model))
            if self.config.dropout == "shared" and not is_last:
                stack.enter_context(random_state_kept(self.model))
            outputs = perturbed_pass(self.model, self.step.inputs, delta_BTE)
            return answers(outputs, self.step.inputs)
