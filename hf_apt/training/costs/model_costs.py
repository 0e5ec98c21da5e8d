"""What a model of a given shape costs: parameters, FLOPs, memory of a training step.

A multiply-add is 2 FLOPs, so a linear map from a to b units costs 2ab at each position. Counted are
products of matrices, attention and convolutions. Left out are embedding, biases, LayerNorm, GELU,
softmax and dropout: some 100 operations a unit, next to 24 H and more of the products.
Source: ours.
"""
# F: width inside a feed-forward layer; A: channels.

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.models.shapes import ModelShape

FLOAT = 4
"""Bytes of a number in float32."""
BACKWARD = 2
"""FLOPs of a backward pass over those of the forward pass: y = xW needs dx and dW, each a product
of the same size. Training costs 3 forward passes."""


@dataclass(frozen=True, kw_only=True)
class ModelCosts:
    """The costs of a BERT for masked language modelling, decoder and embeddings tied."""

    shape: ModelShape
    """The size of the model."""

    vocab_size: int
    """Number V of token ids."""

    sequence_length: int
    """Number of positions that the model knows."""

    @property
    def num_depths(self) -> int:
        """Number of depths: embeddings, convolutions where there are any, and each block."""
        return self.shape.num_blocks + (2 if self.shape.conv else 1)

    @property
    def num_parameters(self) -> int:
        """Number of all parameters: embeddings, front-end, blocks, MLM head.

        Embeddings: (V + positions + 2 segments + 2 of LayerNorm) H. A block: four maps of H to H
        and two between H and F with their biases, two LayerNorms. The head: a map of H to H, a
        LayerNorm, a bias of the vocabulary. For [CLS]: two LayerNorms, and three maps of H to H.
        """
        hidden, inner = self.shape.hidden_size, self.shape.intermediate_size
        embeddings = (self.vocab_size + self.sequence_length + 4) * hidden
        block = 4 * hidden * (hidden + 1) + 2 * hidden * inner + inner + hidden + 4 * hidden
        head = hidden * (hidden + 1) + 2 * hidden + self.vocab_size
        front = sum(
            out * (before * positions * units + 3)  # with bias and normalisation
            for before, out, positions, units in self._convolutions()
        )
        norms, projections = len(self.shape.cls_norms), len(self.shape.cls_projections)
        of_cls = norms * 4 * hidden + projections * 3 * hidden * (hidden + 1)
        return embeddings + self.shape.num_blocks * block + head + front + of_cls

    def trunk_flops(self, width: int) -> int:
        """FLOPs of one forward pass over a row of `width` tokens.

        A block: queries, keys, values and output 4 x 2 HH a token, the feed-forward layers
        2 x 2 HF, scores and weighted values 2 x 2 WH: in all 24 HH + 4 WH where F = 4 H. A
        convolution: 2 A A' for each position of the kernel and each unit of each token; an even
        kernel computes one position (or unit) more, which is dropped.
        """
        hidden, inner = self.shape.hidden_size, self.shape.intermediate_size
        block = width * (8 * hidden**2 + 4 * hidden * inner + 4 * width * hidden)
        front = 0
        for before, out, positions, units in self._convolutions():
            outputs = (width + 1 - positions % 2) * (hidden + 1 - units % 2)
            front += 2 * before * out * positions * units * outputs
        return self.shape.num_blocks * block + front

    def spared_flops(self, *, training: bool) -> int:
        """FLOPs that the last block saves at a position for which nobody asks.

        In training its output projection and feed-forward layers, 2 HH + 4 HF; in reading its
        query as well, 2 HH more.
        """
        hidden, inner = self.shape.hidden_size, self.shape.intermediate_size
        return (2 if training else 4) * hidden**2 + 4 * hidden * inner

    def head_flops(self) -> int:
        """FLOPs of the model's own MLM head at one position and depth: 2 HH + 2 HV."""
        return self.trained_head_flops("mlm_head")

    def trained_head_flops(self, kind: str) -> int:
        """FLOPs of a trained head's forward pass at one position: 2 HV, of an MLM head 2 HH more.

        `kind` is `linear_head` or `mlm_head`, as in `hf_apt.depths.heads`.
        """
        hidden = self.shape.hidden_size
        own = 2 * hidden * hidden if kind == "mlm_head" else 0
        return own + 2 * hidden * self.vocab_size

    def head_training_flops(self, kind: str) -> int:
        """FLOPs of a forward and backward pass of one head on a frozen trunk, at one position.

        The states have no gradient, so the first map needs dW alone, twice its forward pass: 4 HV
        for a linear head; 4 HH + 6 HV for an MLM head.
        """
        hidden = self.shape.hidden_size
        if kind == "linear_head":
            return 4 * hidden * self.vocab_size
        return 4 * hidden * hidden + 6 * hidden * self.vocab_size

    def trained_head_parameters(self, kind: str) -> int:
        """Number of parameters of the heads of one kind, over all depths."""
        hidden = self.shape.hidden_size
        own = hidden * (hidden + 3) if kind == "mlm_head" else 0
        return self.num_depths * (own + (hidden + 1) * self.vocab_size)

    def saved_bytes(self, num_tokens: int, num_modified: int) -> int:
        """Bytes that a forward pass keeps for the backward pass, in float32: an estimate.

        A block keeps 16 numbers of width H a token: its input, queries, keys, values, the
        attention's result, the inputs of two LayerNorms and the output of the first, and twice F
        = 4 H around the GELU. Dropout adds 2 (noise), and three times the attention weights
        (scores, noise, product) where they are dropped too, as on the CPU. Of these 16 and 2 the
        last block keeps 5 a token, the rest (and the attention's result again) a modified position.
        The head keeps 4 H + V a modified position. Left out: means and variances, and what is
        smaller.
        """
        hidden, width = self.shape.hidden_size, self.sequence_length
        inner = self.shape.intermediate_size
        attention, after, embedding = 5 * hidden, 3 * hidden + 2 * inner, hidden
        if self.shape.dropout:
            attention += 3 * self.shape.num_heads * width
            after += 2 * hidden
            embedding += hidden
        front = sum((before + 2 * out) * hidden for before, out, _, _ in self._convolutions())
        blocks = self.shape.num_blocks * attention + (self.shape.num_blocks - 1) * after
        trunk = num_tokens * (embedding + front + blocks)
        asked = num_modified * (after + 5 * hidden + self.vocab_size)
        return FLOAT * (trunk + asked)

    def _convolutions(self) -> list[tuple[int, int, int, int]]:
        """Channels in and out, positions and units of each, the last one 1 x 1 to one channel."""
        conv = self.shape.conv
        if conv is None:
            return []
        between = [conv.num_channels] * conv.num_layers
        layers = [
            (before, out, *conv.kernel) for before, out in zip([1, *between], between, strict=False)
        ]
        return [*layers, (conv.num_channels, 1, 1, 1)]
