"""What a checkpoint's configuration says of it before a weight is read."""

from __future__ import annotations

from typing import Any

from hf_apt.models.loading import num_positions, reason
from hf_apt.models.weights_files import require_weights_of_size
from hf_apt.records.checkpoints import checkpoint_path, require_folder

_BOTH_WAYS = {"xlnet"}
"""Model types that transformers has among causal ones only, and that read in both directions."""


def encoder_config(name: str) -> Any:
    """The configuration of a checkpoint that can be fine-tuned: a folder, shipped, or on the Hub.

    Raises ValueError if there is none, if it is broken or says a larger model than its weights
    hold, and for encoder-decoders and causal models.
    """
    from transformers import AutoConfig

    require_folder(name)
    folder = checkpoint_path(name)
    require_weights_of_size(folder)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # files can be broken in any way
        raise ValueError(f"{folder!r} is no whole encoder checkpoint: {reason(error)}") from error
    is_causal = is_of_causal_model(config)
    if config.is_encoder_decoder or is_causal:
        kind = "a causal model" if is_causal else "an encoder-decoder"
        raise ValueError(
            f"{name!r} is {kind} ({config.model_type}), and encoders are fine-tuned, which read a "
            "text in both directions: choose a checkpoint of BERT, RoBERTa, ELECTRA, DeBERTa, "
            "ModernBERT or their kin."
        )
    return config


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
