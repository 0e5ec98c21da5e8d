"""Whether a class of transformers is read right at every depth, tried on a tiny random model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from model_registry.classes import ListedClass
from model_registry.tiny_configs import TinySizes, tiny_config
from torch import Tensor

from hf_apt.depths.causality import is_causal
from hf_apt.depths.model_calls import (
    answer_of,
    lengths_to_try,
    logits_of,
    named_answers,
    smallest_input,
)
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.truncation import cut
from hf_apt.depths.trunk import Trunk
from hf_apt.models.encoders import Encoder

_MOST_WEIGHTS = 20_000_000
_TOLERANCE = 1e-3
"""Share of the largest logit by which a best answer may fall short of the best logit: rounding."""


@dataclass(frozen=True)
class Trial:
    """What was seen of one class."""

    name: str
    """The class's name."""

    kind: str
    """The task for which it is listed, `masked` or `causal`."""

    model_types: str
    """The model types whose Auto class gives it."""

    outcome: str
    """`measured`, `refused`, `not made` (no small model here runs on text) or `wrong`."""

    predicts: str = ""
    """What it was seen to predict, `masked` or `next`."""

    depths: int = 0
    """How many depths were decoded, the embeddings included."""

    cuts: int = 0
    """How many models cut after a block answered as that depth; the others cannot be cut."""

    reason: str = ""
    """Why it was refused, or not made, or what is wrong."""


class WrongError(Exception):
    """A depth was read wrongly."""


def trial(listed: ListedClass) -> Trial:
    """Make a tiny model of a class, measure it, and compare it with itself."""
    row = (listed.name, listed.kind, ", ".join(listed.model_types))
    try:
        model = tiny_model(listed)
        _run_once(model)
    except Exception as error:  # configurations refuse in any way
        return Trial(*row, "not made", reason=one_line(error))
    try:
        return Trial(*row, "measured", *_seen(model))
    except ValueError as error:
        return Trial(*row, "refused", reason=one_line(error))
    except WrongError as error:
        return Trial(*row, "wrong", reason=one_line(error))


def _run_once(model: Any) -> None:
    """Raise what the small model itself raises on text alone, at every length."""
    if getattr(model.config, "is_encoder_decoder", False):
        return
    if not isinstance(getattr(model.config, "vocab_size", None), int):
        return
    first: Exception | None = None
    for length in lengths_to_try(model):
        try:
            with torch.no_grad():
                answer_of(model, smallest_input(model, length))
            return
        except Exception as error:  # models fail in any way
            first = first or error
    raise ValueError(f"it does not run on text alone: {one_line(first or ValueError())}")


def tiny_model(listed: ListedClass, sizes: TinySizes | None = None, *, seed: int = 0) -> Any:
    """A small model of a class, whose answers depend on where they are asked, unlike a fresh one's.

    Raises ValueError where it would not be small.
    """
    model_class = listed.model_class
    is_decoder = listed.kind == "causal" and hasattr(model_class.config_class(), "is_decoder")
    config = tiny_config(
        model_class.config_class, sizes, **({"is_decoder": True} if is_decoder else {})
    )
    with torch.device("meta"):
        num_weights = sum(weight.numel() for weight in model_class(config).parameters())
    if num_weights > _MOST_WEIGHTS:
        raise ValueError(f"its small configuration has {num_weights} weights.")
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = model_class(config)
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(4.0)
            elif weight.is_floating_point():
                torch.nn.init.normal_(weight, mean=float(name.endswith("weight")), std=0.1)
    return model.eval()


def _seen(model: Any) -> tuple[str, int, int]:
    """What it predicts, the number of its depths, and of cut models that answer as a depth.

    Raises ValueError where the model is refused, and WrongError for an answer that is not its own.
    """
    trunk = Trunk(model)
    head = OwnHead(trunk)
    blocks = TinySizes().num_blocks
    ids_BT = _ids(model, trunk.length)
    asked_BT = torch.rand(ids_BT.shape, generator=torch.Generator().manual_seed(2)) < 0.4
    inputs = {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT)}
    answers_DN = head(trunk.at(inputs, asked_BT))
    require_best(answers_DN[-1], _logits(model, inputs)[asked_BT], "the last depth")
    if trunk.num_depths < blocks + 1:
        raise WrongError(f"{trunk.num_depths} depths are decoded of {blocks} blocks")
    cuts = 0
    for depth in range(1, trunk.num_depths - 1):
        try:
            shorter = cut(Encoder(model, None), depth).model
        except ValueError:  # its blocks depend on one another
            continue
        try:
            logits_BTV = _logits(shorter, inputs)
        except Exception:  # as do those of its head
            continue
        require_best(answers_DN[depth], logits_BTV[asked_BT], f"depth {depth}")
        cuts += 1
    return "next" if is_causal(model) else "masked", trunk.num_depths, cuts


def _ids(model: Any, length: int) -> Tensor:
    """Three random sequences of 12 tokens, or of the one length that the model takes."""
    generator = torch.Generator().manual_seed(1)
    shape = (3, 12 if length == 4 else length)
    return torch.randint(6, model.config.vocab_size, shape, generator=generator)


def _logits(model: Any, inputs: dict[str, Tensor]) -> Tensor:
    with torch.no_grad(), named_answers(model):
        logits_BTV = logits_of(model, answer_of(model, inputs))
    assert logits_BTV is not None
    return logits_BTV


def require_best(answers_N: Tensor, logits_NV: Tensor, where: str) -> None:
    """Raise WrongError unless each answer has the best logit, but for rounding."""
    best_N = logits_NV.max(dim=-1).values
    own_N = logits_NV.gather(-1, answers_N.clamp(min=0)[:, None])[:, 0]
    slack = _TOLERANCE * float(logits_NV.abs().max())
    if bool((answers_N < 0).any()) or not bool((own_N >= best_N - slack).all()):
        share = float((answers_N == logits_NV.argmax(dim=-1)).float().mean())
        raise WrongError(f"{where} gives {share:.0%} of the model's answers")


def one_line(error: BaseException) -> str:
    """What an error says, without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__
