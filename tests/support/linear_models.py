"""A language model whose blocks are linear, and in which positions meet by their mean."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, MaskedLMOutput


class LinearConfig(PretrainedConfig):
    model_type = "linear-for-tests"

    def __init__(
        self, vocab_size: int = 65, hidden_size: int = 6, mixing: float = 0.0, **rest: Any
    ):
        super().__init__(**rest)
        self.vocab_size, self.hidden_size, self.mixing = vocab_size, hidden_size, mixing


class MixingBlock(nn.Module):
    """h becomes A h + b, and `mixing` times the mean of M h over all positions."""

    def __init__(self, config: LinearConfig):
        super().__init__()
        self.own = nn.Linear(config.hidden_size, config.hidden_size)
        self.others = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.mixing = config.mixing

    def forward(self, hidden_BTH: Tensor) -> Tensor:
        mean_B1H = self.others(hidden_BTH).mean(dim=1, keepdim=True)
        return self.own(hidden_BTH) + self.mixing * mean_B1H


class LinearTrunk(PreTrainedModel):
    config_class = LinearConfig  # pyright: ignore

    def __init__(self, config: LinearConfig):
        super().__init__(config)
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layer = nn.ModuleList(MixingBlock(config) for _ in range(3))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        output_hidden_states: bool = False,
        return_dict: bool = True,
    ) -> BaseModelOutput:
        states = [self.embeddings(input_ids)]
        for block in self.layer:
            states.append(block(states[-1]))
        shown: Any = tuple(states) if output_hidden_states else None
        return BaseModelOutput(last_hidden_state=states[-1], hidden_states=shown)


class LinearForMaskedLM(PreTrainedModel):
    config_class = LinearConfig  # pyright: ignore
    base_model_prefix = "trunk"

    def __init__(self, config: LinearConfig):
        super().__init__(config)
        self.trunk = LinearTrunk(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)

    def get_input_embeddings(self) -> nn.Module:
        return self.trunk.embeddings

    def get_output_embeddings(self) -> nn.Module:
        return self.decoder

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **wanted: Any
    ) -> MaskedLMOutput:
        outputs = self.trunk(input_ids, attention_mask, **wanted)
        logits: Any = self.decoder(outputs.last_hidden_state)
        return MaskedLMOutput(logits=logits, hidden_states=outputs.hidden_states)


def linear_model(*, mixing: float = 0.0) -> LinearForMaskedLM:
    """Always the same one, in double precision."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return LinearForMaskedLM(LinearConfig(mixing=mixing)).double().eval()
