"""What a checkpoint's configuration says of it before a weight is read."""

from __future__ import annotations

from typing import Any

from hf_apt.models.loading import num_positions, reason
from hf_apt.models.shapes import ConvShape, ModelShape
from hf_apt.models.weights_files import require_weights_of_size
from hf_apt.records.checkpoints import checkpoint_path, require_folder

_BOTH_WAYS = {"xlnet"}
"""Model types that transformers has among causal ones only, and that read in both directions."""


def encoder_config(name: str) -> Any:
    """The configuration of a checkpoint that can be fine-tuned: a folder, shipped, or on the Hub.

    Raises ValueError if there is none, if it is broken or says a larger model than its weights
    hold, and for encoder-decoders and causal models.
    """
    config = _config_of(name, "encoder")
    is_causal = is_of_causal_model(config)
    if config.is_encoder_decoder or is_causal:
        kind = "a causal model" if is_causal else "an encoder-decoder"
        raise ValueError(
            f"{name!r} is {kind} ({config.model_type}), and encoders are fine-tuned, which read a "
            "text in both directions: choose a checkpoint of BERT, RoBERTa, ELECTRA, DeBERTa, "
            "ModernBERT or their kin."
        )
    return config


def masked_lm_config(name: str) -> Any:
    """The configuration of a checkpoint that fills masks: a folder, shipped, or on the Hub.

    Raises ValueError if there is none, if it is broken or says a larger model than its weights
    hold, and for models that transformers has no masked-LM class for.
    """
    from transformers.models.auto import modeling_auto

    config = _config_of(name, "masked-LM")
    own = ("bert6", "bert6_cls", "bert_conv")
    if config.model_type not in {*modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES, *own}:
        raise ValueError(
            f"{name!r} is no masked LM ({config.model_type}), and masked tokens are what is "
            "trained: choose a checkpoint of BERT, RoBERTa, ELECTRA's generator, ModernBERT or "
            "their kin."
        )
    return config


def checkpoint_shape(name: str) -> ModelShape:
    """The size of a masked LM's checkpoint, as its configuration has it.

    Raises ValueError as `masked_lm_config` does, and for a configuration that does not say how
    wide and deep the model is.
    """
    config = masked_lm_config(name)
    wanted = ("hidden_size", "num_attention_heads", "num_hidden_layers")
    sizes = [getattr(config, each, None) for each in wanted]
    if not all(isinstance(size, int) for size in sizes):
        raise ValueError(
            f"the configuration of {name!r} ({config.model_type}) lacks one of "
            f"{', '.join(wanted)}: choose a checkpoint whose blocks are all alike."
        )
    hidden_size, num_heads, num_blocks = map(int, sizes)  # pyright: ignore[reportArgumentType]
    conv = None
    if config.model_type == "bert_conv":
        conv = ConvShape(
            num_layers=config.conv_layers,
            num_channels=config.conv_channels,
            kernel=tuple(config.conv_kernel),
        )
    inner = getattr(config, "intermediate_size", None)
    return ModelShape(
        hidden_size=hidden_size,
        num_heads=num_heads,
        num_blocks=num_blocks,
        conv=conv,
        feed_forward_size=inner if isinstance(inner, int) and inner != 4 * hidden_size else None,
        cls_norms=tuple(getattr(config, "cls_norms", ())),
        cls_projections=tuple(getattr(config, "cls_projections", ())),
        dropout=float(getattr(config, "hidden_dropout_prob", 0.0)),
        initializer_range=float(getattr(config, "initializer_range", 0.02)),
    )


def _config_of(name: str, kind: str) -> Any:
    from transformers import AutoConfig

    require_folder(name)
    folder = checkpoint_path(name)
    require_weights_of_size(folder)
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # files can be broken in any way
        raise ValueError(f"{folder!r} is no whole {kind} checkpoint: {reason(error)}") from error


def is_of_causal_model(config: Any) -> bool:
    """Whether a configuration is of a model type that reads from left to right only."""
    from transformers.models.auto import modeling_auto

    return (
        config.model_type in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
        and config.model_type not in {*modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES, *_BOTH_WAYS}
        and (config.model_type != "bert-generation" or config.is_decoder)
    )


def require_length(name: str, sequence_length: int) -> None:
    """Raise ValueError unless an encoder checkpoint takes texts of that many tokens.

    Its configuration is read, and no weight; raises as `encoder_config` does, too.
    """
    positions = num_positions(encoder_config(name))
    if positions is not None and positions < sequence_length:
        raise ValueError(
            f"sequences of {sequence_length} tokens are longer than the {positions} positions of "
            f"{name!r}: choose a --sequence-length of {positions} at most."
        )
