"""What a loaded model holds for each token id: its input embedding's length and its output bias."""
# V vocabulary, E size of an embedding.

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hf_apt.models.output_embeddings import output_embeddings
from hf_apt.stats.token_rows.token_rows import TokenRows

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def token_rows(model: PreTrainedModel) -> TokenRows | None:
    """The rows of `model`'s vocabulary, float32; None for a model without one input embedding each.

    The bias is that of the output embedding, or else of the module that holds it; None where there
    is none for each token. None, too, for rows that hold a number that is not finite.
    """
    embeddings = model.get_input_embeddings()
    weight_VE = getattr(embeddings, "weight", None)
    vocab_size = model.config.vocab_size
    if not isinstance(weight_VE, Tensor) or weight_VE.dim() != 2 or len(weight_VE) != vocab_size:
        return None
    norms_V = torch.linalg.vector_norm(weight_VE.detach(), dim=1, dtype=torch.float32)
    bias_V = _output_bias(model, vocab_size)
    try:
        return TokenRows(
            norms_V.cpu().numpy(),
            None if bias_V is None else bias_V.detach().float().cpu().numpy(),
        )
    except ValueError:  # of numbers that overflowed, the answers say enough
        return None


def _output_bias(model: PreTrainedModel, vocab_size: int) -> Tensor | None:
    decoder = output_embeddings(model)
    if decoder is None:
        return None
    heads = [module for module in model.modules() if decoder in module.children()]
    for module in (decoder, *heads):
        bias = getattr(module, "bias", None)
        if isinstance(bias, Tensor) and bias.shape == (vocab_size,):
            return bias
    return None
