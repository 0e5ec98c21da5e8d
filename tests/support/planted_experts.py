"""A model whose heads each know one set of tokens, by construction, and a text of these tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, MaskedLMOutput

from hf_apt.data.tokenizer import vocabulary_tokenizer
from hf_apt.data.tokens import Tokens, write_tokens

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
NUM_HEADS, SIZE = 3, 4
WORDS = tuple(f"w{number}" for number in range(NUM_HEADS * SIZE))
VOCAB = len(SPECIAL) + len(WORDS)


class PlantedConfig(PretrainedConfig):
    model_type = "planted-experts-for-tests"

    def __init__(self, num_attention_heads: int = NUM_HEADS, **rest: Any):
        super().__init__(**rest)
        self.vocab_size, self.num_attention_heads = VOCAB, num_attention_heads
        self.head_dim, self.hidden_size = SIZE, 2 * VOCAB


class PlantedBlock(nn.Module):
    """Attends to all positions alike; head u hands on how often its own words are there."""

    def __init__(self, config: PlantedConfig):
        super().__init__()
        width = config.num_attention_heads * config.head_dim
        self.query, self.key, self.value = (nn.Linear(config.hidden_size, width) for _ in range(3))
        self.attention_output = nn.Linear(width, config.hidden_size)
        self.inner, self.outer = (
            nn.Linear(config.hidden_size, 4 * config.hidden_size),
            nn.Linear(4 * config.hidden_size, config.hidden_size),
        )
        self.num_heads = config.num_attention_heads

    def forward(self, hidden_BTH: Tensor, present_BT: Tensor) -> Tensor:
        q, k, v = (
            layer(hidden_BTH).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        scores = q @ k.transpose(-1, -2)
        scores = scores.masked_fill(~present_BT[:, None, None].bool(), -torch.inf)
        said = (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
        hidden_BTH = hidden_BTH + self.attention_output(said)
        return hidden_BTH + self.outer(torch.relu(self.inner(hidden_BTH)))


class PlantedTrunk(PreTrainedModel):
    config_class = PlantedConfig  # pyright: ignore

    def __init__(self, config: PlantedConfig):
        super().__init__(config)
        self.embeddings = nn.Embedding(VOCAB, config.hidden_size)
        self.layer = nn.ModuleList(PlantedBlock(config) for _ in range(2))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        output_hidden_states: bool = False,
        return_dict: bool = True,
    ) -> BaseModelOutput:
        present = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        states = [self.embeddings(input_ids)]
        for block in self.layer:
            states.append(block(states[-1], present))
        shown: Any = tuple(states) if output_hidden_states else None
        return BaseModelOutput(last_hidden_state=states[-1], hidden_states=shown)


class PlantedForMaskedLM(PreTrainedModel):
    config_class = PlantedConfig  # pyright: ignore
    base_model_prefix = "trunk"

    def __init__(self, config: PlantedConfig):
        super().__init__(config)
        self.trunk = PlantedTrunk(config)
        self.decoder = nn.Linear(config.hidden_size, VOCAB)

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


def owner(word: int) -> int:
    """The head that knows a word."""
    return word // SIZE


def planted_model(unknown: Sequence[int] = ()) -> PlantedForMaskedLM:
    """Heads of the last block know four words each; those of the first block write nothing.

    Each state has two halves: what is seen, and what is said. The decoder reads the second. Of the
    words that are `unknown`, by their numbers, no head says anything.
    """
    model = PlantedForMaskedLM(PlantedConfig()).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.trunk.embeddings.weight[:, :VOCAB] = torch.eye(VOCAB)
        model.decoder.weight[:, VOCAB:] = torch.eye(VOCAB)
        blocks: Any = model.trunk.layer
        for number in range(len(WORDS)):
            token = len(SPECIAL) + number
            for block in blocks:
                block.value.weight[number, token] = 1.0
            blocks[-1].attention_output.weight[VOCAB + token, number] = float(number not in unknown)
    return model


def planted_tokens(folder: Path, *, num_documents: int = 180, length: int = 18) -> Tokens:
    """Documents of one word each, repeated: a hidden word is the word of its document."""
    rng = np.random.default_rng(0)
    documents = [" ".join([WORDS[at % len(WORDS)]] * length) for at in range(num_documents)]
    order: Sequence[int] = rng.permutation(num_documents).tolist()
    return write_tokens(
        folder,
        [documents[at] for at in order],
        vocabulary_tokenizer([*SPECIAL, *WORDS]),
        sequence_length=length + 2,
        layout="first",
    )
