"""The term of `TokenContrast` in a training: two more passes over a batch, and their contrast."""
# B texts of a batch, T tokens, H width.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.adversary.passes import unwrapped
from hf_apt.training.adversary.word_embeddings import ids_and_mask
from hf_apt.training.objective import Step, Term, TrainingSetup
from hf_apt.training.representation.aligned_tokens import (
    aligned_token_infonce,
    overlapping_windows,
)
from hf_apt.training.representation.depth_states import DepthStates, pooled_states, still_of

_NOT_SHOWN = ("labels", "asked_positions", "attention_mask")
"""What the passes of the views are not given, or are given anew."""


class TokenContrastTerm:
    """The contrast of two views of a batch, a mean over its groups of texts.

    Args:
        config: the settings of `TokenContrast`.
        setup: the training.

    Raises:
        ValueError: as `TokenContrast.in_training` does.
    """

    def __init__(self, config: Any, setup: TrainingSetup):
        self.config = config
        _require_whole_groups(config, setup.args)
        if setup.tokenizer is None:
            raise ValueError(
                f"{config.name} leaves special tokens out, and the Trainer has no tokenizer that "
                "tells which these are: give it as processing_class=tokenizer."
            )
        self._special = torch.tensor(sorted(setup.tokenizer.all_special_ids))
        self.states = DepthStates(setup.model, depth=config.depth)
        """What reads the states of the model."""

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The contrastive loss and the share of matches that are found, summed over groups."""
        config = self.config
        self.states = still_of(self.states, unwrapped(step.model), depth=config.depth)
        _, present_BT = ids_and_mask(step.inputs)
        types_BT = _types(step.inputs)
        shown = self._views(present_BT)
        views = [self._state(step.inputs, each_BT) for each_BT in shown]
        matched_BT = shown[0] & shown[1] & ~torch.isin(types_BT, self._special.to(types_BT))
        losses, found = [], []
        for start in range(0, len(present_BT), config.group_size):
            rows = slice(start, start + config.group_size)
            if config.level == "sentence":
                pair = [
                    pooled_states(state_BTH[rows], each_BT[rows], "mean")
                    for state_BTH, each_BT in zip(views, shown, strict=True)
                ]
                figures = aligned_token_infonce(pair[0], pair[1], config.temperature)
            else:
                figures = self._of_tokens(
                    [state_BTH[rows] for state_BTH in views],
                    matched_BT[rows],
                    types_BT[rows],
                    step.seed,
                )
            losses.append(figures[0])
            found.append(figures[1])
        return tuple(
            Term(
                name=name,
                total=torch.stack(values).sum(),
                num_items=step.num_items,
                weight=weight,
            )
            for name, values, weight in (
                (config.name, losses, config.weight),
                (f"{config.name}_found", found, 0.0),
            )
        )

    def _views(
        self, present_BT: Bool[Tensor, "b t"]
    ) -> tuple[Bool[Tensor, "b t"], Bool[Tensor, "b t"]]:
        """The tokens that the model sees in each view."""
        if self.config.views == "dropout":
            return present_BT, present_BT
        return overlapping_windows(present_BT, self.config.window_share)

    def _state(
        self, inputs: Mapping[str, Any], shown_BT: Bool[Tensor, "b t"]
    ) -> Float[Tensor, "b t h"]:
        """The states of a batch of which only some tokens are seen; others keep their positions."""
        given = {name: each for name, each in inputs.items() if name not in _NOT_SHOWN}
        if getattr(self.states.model.config, "cls_norms", ()):
            # Else the first token of the last window would be taken for [CLS].
            given.setdefault(
                "position_ids", torch.arange(shown_BT.shape[1])[None].to(shown_BT.device)
            )
        return self.states(given | {"attention_mask": shown_BT.long()})

    def _of_tokens(
        self,
        views: list[Float[Tensor, "b t h"]],
        matched_BT: Bool[Tensor, "b t"],
        types_BT: Int[Tensor, "b t"],
        seed: int,
    ) -> tuple[Tensor, Tensor]:
        """The loss of the matched tokens of a group of texts, of some of them if they are many."""
        places_N = matched_BT.flatten().nonzero()[:, 0]
        if len(places_N) > self.config.num_tokens:
            generator = torch.Generator().manual_seed(seed)
            order_N = torch.randperm(len(places_N), generator=generator)[: self.config.num_tokens]
            places_N = places_N[order_N.to(places_N.device)]
        first_NH, second_NH = (state_BTH.flatten(0, 1)[places_N] for state_BTH in views)
        types_N = types_BT.flatten()[places_N] if self.config.mask_same_type else None
        return aligned_token_infonce(first_NH, second_NH, self.config.temperature, types_N)


def _types(inputs: Mapping[str, Any]) -> Int[Tensor, "b t"]:
    """The true id of every token: its label where the batch asks for it."""
    ids_BT, labels = inputs["input_ids"], inputs.get("labels")
    if labels is None or labels.shape != ids_BT.shape or labels.is_floating_point():
        return ids_BT
    return torch.where(labels == NOT_ASKED, ids_BT, labels)


def _require_whole_groups(config: Any, args: Any) -> None:
    num = args.per_device_train_batch_size
    if num % config.group_size:
        raise ValueError(
            f"{config.name} tells apart the tokens of {config.group_size} texts, and a batch of "
            f"one process and accumulation step holds {num}: choose a group_size that divides it."
        )
