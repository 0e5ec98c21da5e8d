"""Weights of other formats as models of transformers, every one of them or none."""

from __future__ import annotations

import argparse
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import torch
from safetensors.torch import load as load_safetensors
from torch import Tensor
from transformers import (
    AlbertConfig,
    AlbertForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaForMaskedLM,
)

Weights = Mapping[str, Tensor]
Model = TypeVar("Model", bound=PreTrainedModel)

_LAYER = r"decoder\.sentence_encoder\.layers\.(\d+)\."
_OURS = r"roberta.encoder.layer.\1."
FAIRSEQ_NAMES = (
    (r"decoder\.sentence_encoder\.embed_tokens", "roberta.embeddings.word_embeddings"),
    (r"decoder\.sentence_encoder\.embed_positions", "roberta.embeddings.position_embeddings"),
    (r"decoder\.sentence_encoder\.emb_layer_norm", "roberta.embeddings.LayerNorm"),
    (_LAYER + r"self_attn\.([kqv])_proj", _OURS + r"attention.self.\2"),
    (_LAYER + r"self_attn\.out_proj", _OURS + "attention.output.dense"),
    (_LAYER + r"self_attn_layer_norm", _OURS + "attention.output.LayerNorm"),
    (_LAYER + "fc1", _OURS + "intermediate.dense"),
    (_LAYER + "fc2", _OURS + "output.dense"),
    (_LAYER + r"final_layer_norm", _OURS + "output.LayerNorm"),
    (r"decoder\.lm_head\.weight", "lm_head.decoder.weight"),
    (r"decoder\.lm_head\.", "lm_head."),
    (r"attention\.self\.q\.", "attention.self.query."),
    (r"attention\.self\.k\.", "attention.self.key."),
    (r"attention\.self\.v\.", "attention.self.value."),
)
"""Patterns of names in fairseq's RoBERTa, and what stands there in transformers'; in this order."""


def stored(content: bytes) -> dict[str, Any]:
    """What torch has saved; of Python objects only options of a command are opened."""
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def bert(config: bytes, weights: bytes) -> BertForMaskedLM:
    """A BERT without pooler and heads of other tasks."""
    others = "bert.embeddings.position_ids bert.pooler. cls.seq_relationship."
    others += " cls.species. cls.chain. cls.graft."
    model = BertForMaskedLM(BertConfig(**json.loads(config)))
    return filled(model, stored(weights), others.split())


def albert(config: bytes, weights: bytes) -> AlbertForMaskedLM:
    """An ALBERT without its pooler."""
    model = AlbertForMaskedLM(AlbertConfig(**json.loads(config)))
    return filled(model, stored(weights), ["albert.embeddings.position_ids", "albert.pooler."])


def fairseq_roberta(weights: bytes) -> RobertaForMaskedLM:
    """A RoBERTa of fairseq, with the sizes that its weights have and the heads of its options.

    Raises ValueError for another activation than GELU.
    """
    content = stored(weights)
    options, found = vars(content["args"]), renamed(content["model"], FAIRSEQ_NAMES)
    if options["activation_fn"] != "gelu":
        raise ValueError(f"its activation is {options['activation_fn']!r}, not 'gelu'.")
    vocab_size, width = found["roberta.embeddings.word_embeddings.weight"].shape
    config = RobertaConfig(
        vocab_size=vocab_size,
        hidden_size=width,
        num_hidden_layers=options["encoder_layers"],
        num_attention_heads=options["encoder_attention_heads"],
        intermediate_size=options["encoder_ffn_embed_dim"],
        max_position_embeddings=len(found["roberta.embeddings.position_embeddings.weight"]),
        type_vocab_size=1,
        pad_token_id=1,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=options["dropout"],
        attention_probs_dropout_prob=options["attention_dropout"],
    )
    found["roberta.embeddings.token_type_embeddings.weight"] = torch.zeros(1, width)
    return filled(RobertaForMaskedLM(config), found, [])


def gpt2(config: bytes, weights: bytes) -> GPT2LMHeadModel:
    """A GPT-2, without the triangles that older versions stored."""
    found = stored(weights)
    triangles = [name for name in found if re.search(r"\.attn\.(masked_)?bias$", name)]
    settings = json.loads(config) | {"bos_token_id": None, "eos_token_id": None}
    return filled(GPT2LMHeadModel(GPT2Config(**settings)), found, triangles)


def encoder(config: bytes, weights: bytes) -> BertModel:
    """A BERT without a head, from safetensors."""
    model = BertModel(BertConfig(**json.loads(config)), add_pooling_layer=False)
    return filled(model, load_safetensors(weights), ["embeddings.position_ids", "pooler."])


def renamed(weights: Weights, names: Iterable[tuple[str, str]]) -> dict[str, Tensor]:
    """The weights under the names that the patterns make of theirs, one after the other."""
    new: dict[str, Tensor] = {}
    for name, weight in weights.items():
        for pattern, other in names:
            name = re.sub(pattern, other, name)
        new[name] = weight
    return new


def filled(model: Model, weights: Weights, others: Iterable[str]) -> Model:
    """The model with these weights, ready to be read; `others` are left out by how they begin.

    Raises ValueError unless the weights are all of the model's, and of nothing else, and where a
    tensor that the model has once is stored as two that differ.
    """
    own = {name: each for name, each in weights.items() if not name.startswith(tuple(others))}
    expected = model.state_dict()
    tied = {name for name in expected if name not in own and _twin(expected, name, own)}
    missing, further = expected.keys() - own.keys() - tied, own.keys() - expected.keys()
    if missing or further:
        parts = (", ".join(sorted(names)) or "nothing" for names in (missing, further))
        raise ValueError("these weights lack {}; they have, beyond the model's, {}.".format(*parts))
    model.load_state_dict(own, strict=False)
    changed = [
        name for name, each in own.items() if not torch.equal(model.state_dict()[name], each)
    ]
    if changed:
        raise ValueError(f"{', '.join(changed)}: stored twice with different values, tied here.")
    return model.eval()


def _twin(expected: Weights, name: str, own: Weights) -> bool:
    """Whether the model has this tensor under another name, too, which is stored."""
    place = expected[name].data_ptr()
    return any(other in own and each.data_ptr() == place for other, each in expected.items())
