"""A model that is trained with some parts of a block silenced, or through one part alone."""
# B texts, T tokens, I width of what all parts say, J numbers that are read.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hf_apt.analysis.experts.block_calls import WritingLayer
from hf_apt.depths.trunk import Trunk


@contextmanager
def only_kept_in_training(trunk: Trunk, layer: WritingLayer, kept_I: Tensor) -> Iterator[None]:
    """Within the block, the layer is given what is kept of its input and 0 for the rest.

    This holds for every pass of the model, and gradients go through what is kept alone: no weight
    that only silenced parts have is moved by them.

    Args:
        trunk: the trunk of a model; the model may be called whole.
        layer: the layer that the parts write by.
        kept_I: 1 for what is kept and 0 for the rest, shape (I,).
    """
    with _heard(trunk, layer) as on_said:
        on_said.append(lambda said_BTI: said_BTI * kept_I.to(said_BTI))
        yield


class PartClassifier(nn.Module):
    """A classifier that reads what one part of a block says, as the mean over a text's tokens.

    The read-out is linear, of standardised numbers, and begins from 0; the model below is trained
    with it. Nothing else of the model reaches the answer.

    Args:
        trunk: the trunk of a model.
        layer: the layer that the parts write by.
        columns_J: which numbers of the layer's input are read.
        mean_I: what is subtracted, such as the mean over training texts before training.
        scale_I: what is multiplied by after that.
        num_labels: number of classes.
    """

    def __init__(
        self,
        trunk: Trunk,
        layer: WritingLayer,
        columns_J: Tensor,
        mean_I: Tensor,
        scale_I: Tensor,
        num_labels: int,
    ):
        super().__init__()
        self.config: Any = trunk.model.config
        self.model = trunk.model
        self.read_out = nn.Linear(len(columns_J), num_labels)
        nn.init.zeros_(self.read_out.weight)
        nn.init.zeros_(self.read_out.bias)
        self._trunk, self._layer = trunk, layer
        self.register_buffer("columns_J", columns_J, persistent=False)
        self.register_buffer("mean_J", mean_I[columns_J], persistent=False)
        self.register_buffer("scale_J", scale_I[columns_J], persistent=False)
        self.to(trunk.model.device)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The logits (B, C) of the texts, and their mean cross-entropy where `labels` are given."""
        said: list[Tensor] = []
        with _heard(self._trunk, self._layer) as on_said:
            on_said.append(said.append)
            self._trunk.module(input_ids=input_ids, attention_mask=attention_mask)
        (said_BTI,) = said
        present_BT1 = attention_mask[..., None].to(said_BTI)
        means_BI = (said_BTI * present_BT1).sum(dim=1) / present_BT1.sum(dim=1)
        features_BJ = (means_BI[:, self.columns_J] - self.mean_J) * self.scale_J  # pyright: ignore
        logits_BC = self.read_out(features_BJ)
        if labels is None:
            return {"logits": logits_BC}
        return {"loss": cross_entropy(logits_BC.float(), labels), "logits": logits_BC}


@contextmanager
def _heard(trunk: Trunk, layer: WritingLayer) -> Iterator[list[Any]]:
    """Within the block, the functions that are put into the list are called with what parts say.

    What one returns, unless None, takes its place. Calls are counted anew in every pass of the
    trunk, since a layer can serve several blocks.
    """
    count, functions = [-1], list[Any]()

    def begin(_: nn.Module, __: Any, ___: Any) -> None:
        count[0] = -1

    def hear(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Any, ...] | None:
        count[0] += 1
        if count[0] != layer.call.number:
            return None
        said, *rest = args
        for function in functions:
            changed = function(said)
            said = said if changed is None else changed
        return (said, *rest)

    hooks = [
        trunk.module.register_forward_pre_hook(begin, with_kwargs=True),
        layer.call.module.register_forward_pre_hook(hear),
    ]
    try:
        yield functions
    finally:
        for hook in hooks:
            hook.remove()
