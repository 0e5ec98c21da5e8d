"""Thirty faults of models and tokenizers, each planted in a small one that passes without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as functional
import transformers as hf
from model_families import IDS, SMALL
from torch import nn

from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer

WORDS = [*SPECIAL_TOKENS, *(f"w{number}" for number in range(SMALL["vocab_size"] - 5))]
GPT2 = {"vocab_size": 300, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64}
GPT2_IDS = {"bos_token_id": 2, "eos_token_id": 3}


def scaled(model: Any) -> Any:
    """The model with larger weights, so that its answers depend on where they are asked."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(4.0)
            else:
                torch.nn.init.normal_(weight, mean=float(name.endswith("weight")), std=0.1)
    return model.eval()


def made(model_class: type = hf.BertForMaskedLM, config: Any = None) -> Any:
    """A small model of that class, always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return scaled(model_class(hf.BertConfig(**SMALL) if config is None else config))


def gpt2(model_class: type = hf.GPT2LMHeadModel) -> Any:
    return made(model_class, hf.GPT2Config(**GPT2, **GPT2_IDS))


def modernbert() -> Any:
    return made(hf.ModernBertForMaskedLM, hf.ModernBertConfig(**SMALL, **IDS))


def bert_tokenizer() -> Any:
    return vocabulary_tokenizer(WORDS)


class Changed(hf.BertForMaskedLM):
    """Changes its logits after its head, by the ids that it is given."""

    def forward(self, input_ids=None, attention_mask=None, labels=None, **others):
        answer = super().forward(input_ids=input_ids, attention_mask=attention_mask, **others)
        answer.logits = self.changed(answer.logits, input_ids)
        if labels is not None:
            answer.loss = self.own_loss(answer.logits, labels)
        return answer

    def changed(self, logits, input_ids):
        return logits

    def own_loss(self, logits, labels):
        return functional.cross_entropy(logits.flatten(0, 1), labels.flatten())


class Copying(Changed):
    def changed(self, logits, input_ids):
        return logits + 30.0 * functional.one_hot(input_ids, logits.shape[-1])


class ByPosition(Changed):
    def changed(self, logits, input_ids):
        return logits + torch.arange(logits.shape[1])[None, :, None] * logits[:, :1]


class AnswersOneLate(Changed):
    """A trained one: it answers each token, one position too late."""

    def changed(self, logits, input_ids):
        return logits + 1e4 * functional.one_hot(input_ids.roll(1, 1), logits.shape[-1])


class AnswersOneEarly(Changed):
    def changed(self, logits, input_ids):
        return logits + 1e4 * functional.one_hot(input_ids.roll(-1, 1), logits.shape[-1])


class ShiftedLoss(Changed):
    def own_loss(self, logits, labels):
        return functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


class LossOfTheTokenBefore(Changed):
    def own_loss(self, logits, labels):
        return functional.cross_entropy(logits[:, 1:].flatten(0, 1), labels[:, :-1].flatten())


class MeanOverTheBatch(Changed):
    def changed(self, logits, input_ids):
        return logits + logits.mean(dim=0, keepdim=True)


class DropoutInTheHead(Changed):
    def changed(self, logits, input_ids):
        return functional.dropout(logits, 0.3)


class Unshifted(hf.GPT2LMHeadModel):
    """A causal model whose loss is that of the token that it sees."""

    def forward(self, input_ids=None, labels=None, **others):
        answer = super().forward(input_ids=input_ids, **others)
        if labels is not None:
            answer.loss = functional.cross_entropy(answer.logits.flatten(0, 1), labels.flatten())
        return answer


class TwiceShifted(hf.GPT2LMHeadModel):
    """A causal model that is given labels that are shifted already."""

    def forward(self, input_ids=None, labels=None, **others):
        answer = super().forward(input_ids=input_ids, **others)
        if labels is not None:
            answer.loss = functional.cross_entropy(
                answer.logits[:, 1:].flatten(0, 1), labels[:, :-1].flatten()
            )
        return answer


class Scale(nn.Module):
    """A normalisation that is not called one."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, hidden):
        return functional.layer_norm(hidden, hidden.shape[-1:], self.inner.weight)


def changed(model: Any, change: Callable[[Any], object]) -> Any:
    with torch.no_grad():
        change(model)
    return model


def set_weight(model: Any, value: float) -> None:
    model.bert.encoder.layer[1].output.dense.weight[0, 0] = value


def untie(model: Any) -> None:
    model.cls.predictions.decoder.weight = nn.Parameter(
        torch.randn_like(model.cls.predictions.decoder.weight)
    )


def name_of_a_scale(model: Any) -> None:
    model.model.final_norm = Scale(model.model.final_norm)


def after_the_norm(model: Any) -> None:
    model.transformer.ln_f = nn.Sequential(model.transformer.ln_f, nn.Tanh())


def always_dropping(model: Any) -> None:
    dense = model.bert.encoder.layer[0].output.dense
    dense.register_forward_hook(lambda _, __, output: functional.dropout(output, 0.2))


def forgetting_the_mask(model: Any) -> None:
    def without(_: Any, args: tuple, kwargs: dict) -> tuple:
        return args, {**kwargs, "attention_mask": None}

    model.bert.register_forward_pre_hook(without, with_kwargs=True)


def leaking_mean(model: Any) -> None:
    """A block that adds the mean of all positions, padding included."""
    block = model.bert.encoder.layer[1].output
    block.register_forward_hook(lambda _, __, output: output + output.mean(dim=1, keepdim=True))


def seeing_the_batch(model: Any) -> None:
    block = model.bert.encoder.layer[1].output
    block.register_forward_hook(lambda _, __, output: output + output.mean(dim=0, keepdim=True))


def batch_norm(model: Any) -> None:
    block = model.bert.encoder.layer[1].output
    block.register_forward_hook(
        lambda _, __, output: functional.batch_norm(
            output.transpose(1, 2), None, None, training=True
        ).transpose(1, 2)
    )


def fewer_rows(model: Any) -> None:
    model.config.vocab_size += 5


def equal_logits(model: Any) -> None:
    model.cls.predictions.transform.dense.weight.zero_()
    model.cls.predictions.transform.dense.bias.zero_()
    model.cls.predictions.transform.LayerNorm.bias.zero_()
    model.cls.predictions.bias.zero_()


def coarse(model: Any) -> Any:
    """Rounded so much that several tokens have the best logit."""
    model.cls.predictions.decoder.register_forward_hook(
        lambda _, __, output: (output / 8).round() * 8
    )


def tokenizer_with(**changes: Any) -> Any:
    tokenizer = bert_tokenizer()
    for name, value in changes.items():
        setattr(tokenizer, name, value)
    return tokenizer


def bare_tokenizer() -> Any:
    """One that puts nothing around a text."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = bert_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A", special_tokens=[])
    return tokenizer


def mask_in_pieces() -> Any:
    """One to which its mask token is a text like any other."""

    class Splitting(type(bert_tokenizer())):
        def __call__(self, text, **options):
            texts = text.replace("[MASK]", "mask") if isinstance(text, str) else text
            return super().__call__(texts, **options)

    return Splitting(vocab={token: index for index, token in enumerate(WORDS)})


Fault = tuple[str, Callable[[], tuple[Any, Any]]]


def plain(change: Callable[[Any], object]) -> Callable[[], tuple[Any, Any]]:
    return lambda: (changed(made(), change), None)


def with_tokenizer(tokenizer: Callable[[], Any]) -> Callable[[], tuple[Any, Any]]:
    return lambda: (made(), tokenizer())


FAULTS: dict[str, Fault] = {
    "the input copied to the logits": ("depths", lambda: (made(Copying), None)),
    "logits changed after the head": ("last depth", lambda: (made(ByPosition), None)),
    "a final norm by another name": (
        "final norm",
        lambda: (changed(modernbert(), name_of_a_scale), None),
    ),
    "more after the final norm": ("final norm", lambda: (changed(gpt2(), after_the_norm), None)),
    "a weight is NaN": ("finite", plain(lambda model: set_weight(model, float("nan")))),
    "a weight is infinite": ("finite", plain(lambda model: set_weight(model, float("inf")))),
    "logits overflow": (
        "finite",
        plain(lambda model: model.cls.predictions.bias.fill_(3e38).add_(3e38)),
    ),
    "in training mode": ("dropout", plain(lambda model: model.train())),
    "one block in training mode": (
        "dropout",
        plain(lambda model: model.bert.encoder.layer[2].train()),
    ),
    "dropout that is always on": ("dropout", plain(always_dropping)),
    "dropout after the head": ("dropout", lambda: (made(DropoutInTheHead), None)),
    "the batch's mean added": ("batch", plain(seeing_the_batch)),
    "the logits' mean over the batch": ("batch", lambda: (made(MeanOverTheBatch), None)),
    "a normalisation over the batch": ("batch", plain(batch_norm)),
    "the attention mask is dropped": ("padding", plain(forgetting_the_mask)),
    "the mean of all positions": ("padding", plain(leaking_mean)),
    "equal logits": ("precision", plain(equal_logits)),
    "rounded logits": ("precision", plain(coarse)),
    "a causal class that reads both sides": (
        "reads",
        lambda: (made(hf.BertLMHeadModel), None),
    ),
    "a masked class that reads the left side": (
        "reads",
        lambda: (made(type("LeftForMaskedLM", (hf.GPT2LMHeadModel,), {}), gpt2().config), None),
    ),
    "loss of the next token": ("loss", lambda: (made(ShiftedLoss), None)),
    "loss of the token before": ("loss", lambda: (made(LossOfTheTokenBefore), None)),
    "causal loss that is not shifted": ("loss", lambda: (gpt2(Unshifted), None)),
    "causal loss of the token before": ("loss", lambda: (gpt2(TwiceShifted), None)),
    "answers a position late": ("answers", lambda: (made(AnswersOneLate), None)),
    "answers a position early": ("answers", lambda: (made(AnswersOneEarly), None)),
    "an untied head": ("tied head", plain(untie)),
    "fewer rows than tokens": ("rows", plain(fewer_rows)),
    "a longer tokenizer": (
        "rows",
        with_tokenizer(lambda: vocabulary_tokenizer([*WORDS, *map(str, range(9))])),
    ),
    "no mask token": ("mask token", with_tokenizer(lambda: tokenizer_with(mask_token=None))),
    "the mask is [UNK]": ("mask token", with_tokenizer(lambda: tokenizer_with(mask_token="[UNK]"))),
    "the mask in pieces": ("mask token", with_tokenizer(mask_in_pieces)),
    "the mask beyond the vocabulary": (
        "mask token",
        with_tokenizer(lambda: tokenizer_with(mask_token="[NEW]")),
    ),
    "another padding id": (
        "special tokens",
        with_tokenizer(lambda: tokenizer_with(pad_token="w7")),
    ),
    "no special tokens around": ("special tokens", with_tokenizer(bare_tokenizer)),
}
"""The check that must find each fault, and a model with it and a tokenizer or None."""
