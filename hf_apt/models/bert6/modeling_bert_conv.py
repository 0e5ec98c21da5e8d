"""BERT with few blocks after a convolutional front-end, with BERT-6's masked-LM loss.

After the published code of arXiv 2507.14871, in which a convolutional block replaces the first
layer of BERT. Unlike there, padding changes nothing: absent positions are zero in every
convolution, and count for nothing in the statistics by which it is normalised.
"""
# B batch, W channels, T sequence position, H hidden width, P present positions of all sequences.

# This file travels with every saved checkpoint, so that it opens without hf_apt by
# `trust_remote_code=True`: it may import torch, transformers and its neighbours only.

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from transformers import (
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
)
from transformers.models.bert.modeling_bert import BertLayer, BertSelfAttention

from .configuration_bert_conv import BertConvConfig
from .modeling_bert6 import Bert6Encoder, Bert6ForMaskedLM, WithAllClasses


class MaskedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation in which absent positions do not count.

    Without a mask it is `nn.BatchNorm2d`; with one it is that of the present positions alone, and
    absent ones become 0. Running statistics are those of the present positions. In training they
    are of the sequences that one process sees at once: the model depends on how a batch is split.

    While its own weights are frozen, as an adapter's base is, the running statistics are used and
    stay what they are: they are saved with the base alone.
    """

    def forward(
        self, image_BWTH: torch.Tensor, present_BT: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The normalised image, of the same shape."""
        if present_BT is None:
            return self._normed(image_BWTH)
        if not self._counts:  # each value alone: no shape that depends on the mask, for export
            return self._normed(image_BWTH).masked_fill(~present_BT[:, None, :, None], 0)
        image_BTWH = image_BWTH.transpose(1, 2)
        normed_PWH = self._normed(image_BTWH[present_BT].unsqueeze(2)).squeeze(2)
        normed_BTWH = normed_PWH.new_zeros(image_BTWH.shape)
        normed_BTWH[present_BT] = normed_PWH
        return normed_BTWH.transpose(1, 2)

    @property
    def _counts(self) -> bool:
        """Whether statistics are those of what is seen, not the running ones."""
        return self.training and self.weight.requires_grad

    def _normed(self, image: torch.Tensor) -> torch.Tensor:
        if not self.training or self._counts:
            return super().forward(image)
        running = self.running_mean, self.running_var
        return nn.functional.batch_norm(image, *running, self.weight, self.bias, eps=self.eps)


class ConvLayer(nn.Module):
    """Convolution of the present positions, normalisation, GELU; the image keeps its size."""

    def __init__(self, channels_in: int, channels_out: int, positions: int, units: int):
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in, channels_out, (positions, units), padding=(positions // 2, units // 2)
        )
        self.norm = MaskedBatchNorm(channels_out)

    def forward(
        self, image_BWTH: torch.Tensor, present_BT: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The next image, with `channels_out` channels."""
        if present_BT is not None:
            image_BWTH = image_BWTH.masked_fill(~present_BT[:, None, :, None], 0)
        image_BWTH = self.conv(image_BWTH)
        # An even kernel makes one too many: the same size, as torch's "same", without its warning.
        extra_positions, extra_units = (1 - size % 2 for size in self.conv.kernel_size)
        return nn.functional.gelu(
            self.norm(image_BWTH[:, :, extra_positions:, extra_units:], present_BT)
        )


class ConvFrontEnd(nn.Module):
    """Hidden states as an image of positions by units, convolved; no residual, no LayerNorm."""

    def __init__(self, config: BertConvConfig):
        super().__init__()
        between = [config.conv_channels] * config.conv_layers
        layers = [
            ConvLayer(channels_in, channels_out, *config.conv_kernel)
            for channels_in, channels_out in zip([1, *between], between, strict=False)
        ]
        self.layers = nn.ModuleList([*layers, ConvLayer(config.conv_channels, 1, 1, 1)])

    def forward(
        self, hidden_BTH: torch.Tensor, present_BT: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The convolved hidden states (B, T, H); `present_BT` is True where a token stands."""
        image_BWTH = hidden_BTH[:, None]
        for layer in self.layers:
            image_BWTH = layer(image_BWTH, present_BT)
        return image_BWTH[:, 0]


class BertConvEncoder(Bert6Encoder):
    """The front-end, then the blocks."""

    def __init__(self, config: BertConvConfig):
        super().__init__(config)
        self.conv = ConvFrontEnd(config)

    def forward(
        self, hidden_states: torch.Tensor, present_BT: torch.Tensor | None = None, **kwargs
    ):
        """What BERT's encoder returns."""
        return super().forward(self.conv(hidden_states, present_BT), **kwargs)


@contextmanager
def checkpointing_kept(config: BertConvConfig) -> Iterator[None]:
    """Within the block a model is made of which the trunk or encoder is replaced afterwards.

    transformers turns on what `config.gradient_checkpointing` says in the first model that is made
    of a configuration, and forgets it: after the block it is said again.
    """
    checkpointing = getattr(config, "gradient_checkpointing", False)
    yield
    if checkpointing:
        config.gradient_checkpointing = checkpointing


class BertConvModel(WithAllClasses, BertModel):
    """The trunk: embeddings, front-end and blocks.

    `hidden_states` are the embeddings, the front-end's output, and the output of each block.
    """

    config_class = BertConvConfig
    _can_record_outputs = {
        "hidden_states": [ConvFrontEnd, BertLayer],
        "attentions": BertSelfAttention,
    }
    _no_split_modules = ["BertEmbeddings", "BertLayer", "ConvFrontEnd"]

    def __init__(self, config: BertConvConfig, add_pooling_layer: bool = True):
        with checkpointing_kept(config):
            super().__init__(config, add_pooling_layer=add_pooling_layer)
        self.encoder = BertConvEncoder(config)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        **kwargs,
    ):
        """What BERT's trunk returns; `attention_mask` is (batch, sequence), or ValueError.

        Hidden states are given all or none: ValueError for numbers of some.
        """
        if attention_mask is not None:
            if attention_mask.dim() != 2:
                raise ValueError(
                    f"the attention mask has the shape {tuple(attention_mask.shape)}: give one of "
                    "(batch, sequence), which says what the convolutions may see."
                )
            kwargs["present_BT"] = attention_mask.bool()
        chosen = kwargs.get("output_hidden_states", self.config.output_hidden_states)
        if chosen is not None and not isinstance(chosen, bool):
            raise ValueError(
                f"output_hidden_states is {chosen!r}, but transformers counts none for the "
                "front-end and would give others: give True, and choose from what is returned."
            )
        return super().forward(input_ids, attention_mask, **kwargs)


class BertConvForMaskedLM(Bert6ForMaskedLM):
    """BERT with a convolutional front-end and the masked-LM head.

    Loss and logits are those of `Bert6ForMaskedLM`. In training the loss depends on how a batch is
    split over accumulation steps and processes, as the statistics of its normalisation do.

    Args:
        config: sizes of the trunk and of its front-end.
    """

    config_class = BertConvConfig

    def __init__(self, config: BertConvConfig):
        with checkpointing_kept(config):
            super().__init__(config)
        self.bert = BertConvModel(config, add_pooling_layer=False)
        self.post_init()


class BertConvForSequenceClassification(WithAllClasses, BertForSequenceClassification):
    """The trunk with a classifier on the pooled [CLS] state."""

    config_class = BertConvConfig

    def __init__(self, config: BertConvConfig):
        with checkpointing_kept(config):
            super().__init__(config)
        self.bert = BertConvModel(config)
        self.post_init()


class BertConvForTokenClassification(WithAllClasses, BertForTokenClassification):
    """The trunk with a classifier at every position."""

    config_class = BertConvConfig

    def __init__(self, config: BertConvConfig):
        with checkpointing_kept(config):
            super().__init__(config)
        self.bert = BertConvModel(config, add_pooling_layer=False)
        self.post_init()


# Saved checkpoints name this file in `auto_map` and carry it, for whoever has no hf_apt.
BertConvModel.register_for_auto_class("AutoModel")
BertConvForMaskedLM.register_for_auto_class("AutoModelForMaskedLM")
BertConvForSequenceClassification.register_for_auto_class("AutoModelForSequenceClassification")
BertConvForTokenClassification.register_for_auto_class("AutoModelForTokenClassification")
