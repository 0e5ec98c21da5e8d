"""Logits functions whose kernels are known: linear models, and tiny transformers."""

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row, classifier_logits


class VectorModel(nn.Module):
    """A model whose texts are vectors: the token id picks one, and `answer` makes logits of it."""

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.register_buffer("vectors", vectors)
        self.config = SimpleNamespace(vocab_size=None, num_labels=3)
        self.base_model_prefix = "trunk"

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def answer(self, vectors_BW: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, input_ids: Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=self.answer(self.vectors[input_ids[:, 0]]))


class LinearModel(VectorModel):
    """f(x) = W x."""

    def __init__(self, vectors: Tensor, num_outputs: int) -> None:
        super().__init__(vectors)
        generator = torch.Generator().manual_seed(0)
        shape = (num_outputs, vectors.shape[1])
        self.weight = nn.Parameter(torch.randn(shape, generator=generator, dtype=vectors.dtype))

    def answer(self, vectors_BW: Tensor) -> Tensor:
        return vectors_BW @ self.weight.T


class QuadraticModel(LinearModel):
    """f(x) = (W x)^2, whose gradient moves with the weights."""

    def answer(self, vectors_BW: Tensor) -> Tensor:
        return super().answer(vectors_BW) ** 2


def function_of(model: VectorModel, num_classes: int = 3) -> LogitsFunction:
    """The outputs of a model of vectors."""
    tokenizer = SimpleNamespace(pad_token_id=0, padding_side="right")
    return LogitsFunction(model, tokenizer, "label", num_classes, 8)


def vector_rows(num: int) -> list[Row]:
    """A row for each of the first vectors."""
    return [Row({"input_ids": [place]}, 0) for place in range(num)]


def tiny_classifier(tokenizer, num_labels: int = 3, *, dtype=torch.float64) -> LogitsFunction:
    """A BERT of two blocks, 8 wide, with fresh weights."""
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        **sizes(len(tokenizer)), num_labels=num_labels, pad_token_id=tokenizer.pad_token_id
    )
    model = BertForSequenceClassification(config)
    _spread(model)
    return classifier_logits(model.to(dtype), tokenizer, sequence_length=16)


def tiny_masked_lm(tokenizer, *, tied: bool = True, dtype=torch.float64):
    """A BERT of two blocks with a masked-LM head."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        **sizes(len(tokenizer)), tie_word_embeddings=tied, pad_token_id=tokenizer.pad_token_id
    )
    model = BertForMaskedLM(config)
    _spread(model)
    return model.to(dtype).eval()


def tiny_gpt2(tokenizer, *, dtype=torch.float64):
    """A GPT-2 of two blocks."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=8, n_layer=2, n_head=2, n_positions=32)
    return GPT2LMHeadModel(config).to(dtype).eval()


def sizes(vocab_size: int) -> dict[str, int]:
    """Sizes of a smallest BERT."""
    return {
        "vocab_size": vocab_size,
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 12,
        "max_position_embeddings": 32,
    }


def _spread(model: nn.Module) -> None:
    """Weights large enough for gradients that can be told from rounding."""
    with torch.no_grad():
        for name, each in model.named_parameters():
            if "norm" not in name.lower():
                each.copy_(0.3 * torch.randn_like(each))


def tiny_gpt2_classifier(tokenizer) -> LogitsFunction:
    """A GPT-2 of two blocks with a classification head, which reads the last token."""
    from transformers import GPT2Config, GPT2ForSequenceClassification

    torch.manual_seed(0)
    sizes = {"n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 32, "num_labels": 3}
    config = GPT2Config(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **sizes)
    model = GPT2ForSequenceClassification(config)
    return classifier_logits(model.double(), tokenizer, sequence_length=16)


def tiny_modernbert_classifier(tokenizer, pooling: str) -> LogitsFunction:
    """A ModernBERT of two blocks whose head reads the first token (cls) or the mean of all."""
    from transformers import ModernBertConfig, ModernBertForSequenceClassification

    torch.manual_seed(0)
    config = ModernBertConfig(
        **sizes(len(tokenizer)),
        num_labels=3,
        classifier_pooling=pooling,  # pyright: ignore[reportArgumentType]
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), tokenizer.pad_token_id),
        **dict.fromkeys(("cls_token_id", "sep_token_id"), tokenizer.pad_token_id),
    )
    model = ModernBertForSequenceClassification(config)
    return classifier_logits(model.double(), tokenizer, sequence_length=16)


def tiny_xlnet_classifier(tokenizer) -> LogitsFunction:
    """An XLNet of two blocks, padded on the left, whose head reads the last token."""
    from copy import deepcopy

    from transformers import XLNetConfig, XLNetForSequenceClassification

    torch.manual_seed(0)
    config = XLNetConfig(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        **{"d_model": 8, "n_layer": 2, "n_head": 2, "d_inner": 12, "num_labels": 3},
    )
    tokenizer = deepcopy(tokenizer)
    tokenizer.padding_side = "left"
    model = XLNetForSequenceClassification(config)
    return classifier_logits(model.double(), tokenizer, sequence_length=16)
