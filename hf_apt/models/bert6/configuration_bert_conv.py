"""BERT with few blocks after a convolutional front-end."""

# This file travels with every saved checkpoint, so that it opens without hf_apt by
# `trust_remote_code=True`: it may import transformers only.

from transformers import BertConfig


class BertConvConfig(BertConfig):
    """Configuration of BERT-1 with a convolutional front-end, after the code of arXiv 2507.14871.

    The front-end stands between the embeddings and the first of `num_hidden_layers` transformer
    blocks and is not counted among them.

    Raises:
        ValueError: if one of its numbers is not positive.
    """

    model_type = "bert_conv"
    num_hidden_layers: int = 1

    conv_layers: int = 2
    """Number of convolutions with `conv_kernel`; one of 1 x 1, back to one channel, follows."""

    conv_channels: int = 64
    """Number of channels between the convolutions."""

    conv_kernel: tuple[int, ...] | list[int] = (3, 3)
    """Positions and units that a kernel spans. The code's "16x3" is read as 16 positions by 3
    units; it does not say which of the two is meant."""

    def __post_init__(self, **kwargs):
        super().__post_init__(**kwargs)
        self.conv_kernel = tuple(self.conv_kernel)
        sizes = (self.conv_layers, self.conv_channels, *self.conv_kernel)
        if len(sizes) != 4 or min(sizes) < 1:
            raise ValueError(
                f"conv_layers, conv_channels and conv_kernel are {self.conv_layers}, "
                f"{self.conv_channels} and {self.conv_kernel}: give positive numbers, the kernel "
                "as a pair."
            )

    @property
    def depth_names(self) -> list[str]:
        """What stands at each entry of `hidden_states`."""
        blocks = [f"block {block}" for block in range(1, self.num_hidden_layers + 1)]
        return ["embeddings", "conv", *blocks]


BertConvConfig.register_for_auto_class("AutoConfig")
