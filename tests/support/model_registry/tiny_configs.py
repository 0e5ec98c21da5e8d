"""Small configurations of any language model of transformers, by the names of their sizes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from transformers import AutoConfig


@dataclass(frozen=True)
class TinySizes:
    """How small a model is."""

    vocab_size: int = 64
    """Number of token ids V; the special ones are the first."""

    hidden_size: int = 32
    """Width H of the hidden states."""

    num_blocks: int = 3
    """Number of blocks."""

    num_heads: int = 4
    """Heads of each attention."""

    intermediate_size: int = 48
    """Width of the feed-forward layers."""

    positions: int = 64
    """The longest sequence."""


_WIDTH = """
    hidden_size d_model n_embd dim emb_dim embed_dim dim_model embedding_size d_latents
    word_embed_proj_dim encoder_hidden_size decoder_hidden_size d_embed input_embedding_size
    pooler_hidden_size attention_hidden_size
"""
_BLOCKS = """
    num_hidden_layers n_layer n_layers num_layers encoder_layers decoder_layers
    num_decoder_layers num_encoder_layers num_self_attends_per_block
"""
_HEADS = """
    num_attention_heads n_head n_heads num_heads encoder_attention_heads decoder_attention_heads
    num_encoder_attention_heads num_decoder_attention_heads num_self_attention_heads
    num_cross_attention_heads attention_heads num_key_value_heads swa_num_attention_heads
    swa_num_key_value_heads
"""
_INNER = """
    intermediate_size ffn_dim encoder_ffn_dim decoder_ffn_dim hidden_dim d_inner n_inner d_ff
    feed_forward_size ffn_hidden_size dim_ff num_ffn moe_intermediate_size
    shared_expert_intermediate_size moe_shared_expert_intermediate_size shared_intermediate_size
    intermediate_size_mlp expert_ffn_hidden_size ffn_config.ffn_hidden_size
    dense_intermediate_size
"""
_POSITIONS = """
    max_position_embeddings n_positions n_ctx max_seq_len max_2d_position_embeddings
    max_sequence_length context_length max_target_positions max_source_positions block_size
    original_max_position_embeddings
"""
_EXACT: dict[str, Any] = {
    **dict.fromkeys(("head_dim", "d_kv", "d_head", "kv_channels", "v_head_dim"), 8),
    **dict.fromkeys(("attention_head_dim", "global_head_dim", "swa_head_dim"), 8),
    **dict.fromkeys(("qk_nope_head_dim", "qk_rope_head_dim", "linear_key_head_dim"), 8),
    **dict.fromkeys(("linear_value_head_dim", "swa_v_head_dim", "index_head_dim"), 8),
    **dict.fromkeys(("kv_lora_rank", "q_lora_rank", "o_lora_rank", "lora_rank"), 8),
    **dict.fromkeys(("linear_num_key_heads", "linear_num_value_heads", "index_n_heads"), 2),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_k", "moe_topk", "num_selected_experts"), 2),
    **dict.fromkeys(("n_group", "topk_group", "n_shared_experts", "moe_num_shared_experts"), 1),
    **dict.fromkeys(("state_size", "mamba_d_state", "ssm_state_size", "conv_kernel_size"), 4),
    **dict.fromkeys(("mamba_expand", "expand"), 2),
    **dict.fromkeys(("mamba_n_heads", "mamba_num_heads", "n_mamba_heads"), 4),
    **dict.fromkeys(("mamba_d_head", "mamba_head_dim"), 16),
    **dict.fromkeys(("mamba_n_groups", "n_groups", "mamba_ngroups"), 1),
    **dict.fromkeys(("type_vocab_size",), 2),
    **dict.fromkeys(("entity_vocab_size", "entity_emb_size", "encoder_hash_byte_group_vocab"), 32),
    **dict.fromkeys(("pronunciation_vocab_size", "pronunciation_embed_dim"), 16),
    **dict.fromkeys(("shape_vocab_size", "shape_embed_dim", "rotary_dim"), 8),
    **dict.fromkeys(("image_size",), 16),
    **dict.fromkeys(("patch_size", "window_size"), 8),
    **dict.fromkeys(("num_experts_per_token", "linear_num_heads"), 2),
    **dict.fromkeys(("num_expert_group", "topk_group", "num_nextn_predict_layers"), 1),
    **dict.fromkeys(("linear_head_dim", "shared_experts_intermediate_size"), 8),
    **dict.fromkeys(("vocab_size_per_layer_input",), 64),
    **dict.fromkeys(("hidden_size_per_layer_input", "router_hidden_size", "adapter_rank"), 8),
    **dict.fromkeys(("zero_expert_num", "num_landmarks", "index_topk"), 4),
    **dict.fromkeys(("segment_means_seq_len",), 4),
    **dict.fromkeys(("num_latents", "nemo_conv_channels", "ext_pw_out_channel"), 16),
    **dict.fromkeys(("depthwise_separable_out_channel", "mlp_dim", "output_channels"), 16),
    **dict.fromkeys(("boi_token_id", "eoi_token_id", "image_token_id", "video_token_id"), 5),
    **dict.fromkeys(("boa_token_id", "eoa_token_index", "audio_token_id"), 5),
    **dict.fromkeys(("image_token_index", "boi_token_index", "eoi_token_index"), 5),
    **dict.fromkeys(("ple_embed_dim", "hc_lowrank"), 8),
}


def tiny_config(config_class: type, sizes: TinySizes | None = None, **others: Any) -> Any:
    """A configuration of `config_class` of these sizes; `others` go before what is derived.

    Every size is set that the class knows by a usual name, those of a text part within it
    included; all else is the class's default.
    """
    sizes = sizes or TinySizes()
    return config_class(**_small(config_class, sizes) | _own(config_class) | others)


def _small(config_class: Any, sizes: TinySizes) -> dict[str, Any]:
    known = _names(config_class)
    wanted: dict[str, int] = {"vocab_size": sizes.vocab_size}
    for names, value in (
        (_WIDTH, sizes.hidden_size),
        (_BLOCKS, sizes.num_blocks),
        (_HEADS, sizes.num_heads),
        (_INNER, sizes.intermediate_size),
        (_POSITIONS, sizes.positions),
    ):
        wanted |= dict.fromkeys(names.split(), value)
    small = {name: value for name, value in (wanted | _EXACT).items() if name in known}
    ids = {name: number for number, name in enumerate(_IDS) if name in known}
    parts = {
        name: _small(part, sizes) | _own(part) | {"model_type": part.model_type}
        for name, part in _parts(config_class).items()
        if name in known
    }
    return small | ids | parts


def _parts(config_class: Any) -> dict[str, Any]:
    """The classes of the configurations within it, by their names."""
    parts = dict(getattr(config_class, "sub_configs", None) or {})
    if AutoConfig in parts.values():
        whole = config_class()
        parts = {name: type(getattr(whole, name)) for name in parts}
    return {name: part for name, part in parts.items() if hasattr(part, "model_type")}


_IDS = ("pad_token_id", "bos_token_id", "eos_token_id", "mask_token_id", "cls_token_id")


def _names(config_class: Any) -> set[str]:
    """The names of its sizes, those that other classes give them left out."""
    names = set(inspect.signature(config_class.__init__).parameters)
    names |= set(getattr(config_class, "__dataclass_fields__", {}))
    return names - set(getattr(config_class, "attribute_map", {}))


def _own(config_class: Any) -> dict[str, Any]:
    return OWN.get(config_class.model_type, {})


_MIXED = ["linear_attention", "full_attention", "linear_attention"]
_SLIDING = ["sliding_attention", "full_attention", "sliding_attention"]
_INDEXED = ["linear_attention", "indexed_attention", "linear_attention"]
_FULL = ["full_attention"] * 3
_PARTIAL = {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 1.0}
_ROPES = {"full_attention": _PARTIAL, "sliding_attention": _PARTIAL}
_MAMBA_HEADS = {"mamba_n_heads": 4, "mamba_d_head": 16}

OWN: dict[str, dict[str, Any]] = {
    "bailing_hybrid": {"layer_types": _MIXED, "mlp_layer_types": ["dense", "sparse", "sparse"]},
    "bamba": {"attn_layer_indices": [1], **_MAMBA_HEADS},
    "bigbird_pegasus": {"attention_type": "original_full"},
    "cohere_compass_text": {"layer_types": _FULL, "rope_parameters": _ROPES},
    "convbert": {"head_ratio": 1, "conv_kernel_size": 3},
    "dots3_note_text": {"layer_types": _FULL, "per_layer_config": None},
    "falcon_h1": {"mamba_d_ssm": 64, **_MAMBA_HEADS},
    "gemma3n_text": {
        **{"layer_types": _SLIDING, "num_kv_shared_layers": 0},
        **{"activation_sparsity_pattern": [0.0] * 3, "intermediate_size": 48},
    },
    "gemma4_text": {"layer_types": _SLIDING, "per_layer_config": None},
    "gpt_neo": {"attention_types": [[["global", "local", "global"], 1]]},
    "granitemoehybrid": {"layer_types": _MIXED, **_MAMBA_HEADS},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_dt_rank": 4},
    "kimi_linear": {"layer_types": _MIXED, "mlp_layer_types": ["dense", "sparse", "sparse"]},
    "kolibri1": {"layer_types": _SLIDING},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "conv"], "num_dense_layers": 1},
    "llama4_text": {"num_experts_per_tok": 1},
    "longcat_flash": {"moe_topk": 2},
    "mamba2": {"num_heads": 4, "head_dim": 16, "n_groups": 1, "chunk_size": 8},
    "mimo_v2_flash": {"num_key_value_heads": 4, "v_head_dim": 8, "layer_types": _SLIDING},
    "musicgen_decoder": {"num_codebooks": 1},
    "musicgen_melody_decoder": {"num_codebooks": 1},
    "neomme": {"rope_parameters": _ROPES, "layer_types": _SLIDING, "per_layer_config": None},
    "nystromformer": {"conv_kernel_size": 5},
    "qwen3_5_moe_text": {"layer_types": _MIXED},
    "qwen3_5_text": {"layer_types": _MIXED},
    "qwen3_next": {"layer_types": _MIXED},
    "qwen4_exp_text": {"layer_types": _INDEXED, "ngram_vocab_size_base": 64},
    "reformer": {
        **{"axial_pos_embds_dim": (16, 16), "axial_pos_shape": (8, 8), "attention_head_size": 8},
        **{"attn_layers": ["local", "lsh", "local"], "local_attn_chunk_length": 8},
        **{"lsh_attn_chunk_length": 8, "num_buckets": 2},
    },
    "xmod": {"default_language": "en_XX"},
    "xlstm": {"embedding_dim": 32, "num_blocks": 3, "chunk_size": 8, "qk_dim_factor": 1.0},
    "zamba": {
        "layers_block_type": ["linear_attention", "hybrid", "hybrid"],
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
    },
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid", "hybrid"]},
    "zaya": {"num_experts_per_tok": 1},
}
"""What these types need beside their sizes, by model type."""
