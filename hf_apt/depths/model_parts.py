"""The parts of a transformers language model, found by running it on a smallest input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import torch
from torch import Tensor, nn

from hf_apt.depths.model_calls import (
    LENGTH,
    answer_of,
    evaluating,
    in_own_precision,
    lengths_to_try,
    logits_of,
    named_answers,
    smallest_input,
)
from hf_apt.depths.state_hooks import is_view

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Returned = list[tuple[nn.Module, Any]]
"""What each module returned in a forward pass, in the order of returning."""


@dataclass
class ModelParts:
    """The parts of a model, from one forward pass, and what experiments have shown of them since.

    The experiments are made where they are needed (`hf_apt.depths.trunk`), and left here, so that
    each is made once for a model however many trunks are taken off it.
    """

    trunk: nn.Module
    """The outermost module that hands hidden states to the head."""

    final_norm: nn.Module | None
    """The normalisation that the trunk applies after its last block, outside of any block."""

    output: Any
    """What the trunk returned for `smallest_input`, without its hidden states."""

    length: int
    """Tokens T of the smallest input: four, or the shortest length tried that the model takes."""

    states: list[Tensor]
    """The hidden states (1, T, H) of the smallest input, by depth."""

    returned: Returned
    """The modules that returned one of these states, in the order of returning."""

    makers: dict[int, tuple[nn.Module, ...] | None] = field(default_factory=dict)
    """The modules that make the states, confirmed by a second pass, by the deepest depth that is
    read; None where there are none."""

    position_wise: tuple[nn.Module, ...] | None = None
    """The modules that can be run at asked positions alone; None before the experiment."""


_KNOWN: WeakKeyDictionary[nn.Module, tuple[object, ModelParts]] = WeakKeyDictionary()


def parts_of(model: PreTrainedModel) -> ModelParts:
    """The parts of `model`, found once for as long as its modules stay what they are.

    Raises ValueError for what is no language model of transformers, for a model without a trunk
    of one stack of blocks apart from its head, and for one that fails on every small input.
    """
    _require_language_model(model)
    built_of = built_of_now(model)
    known = _KNOWN.get(model)
    if known is None or known[0] != built_of:
        with in_own_precision(model), named_answers(model):
            known = _KNOWN[model] = (built_of, _parts(model))
    return known[1]


def _require_language_model(model: Any) -> None:
    kind = type(model).__name__
    config = getattr(model, "config", None) if isinstance(model, nn.Module) else None
    is_known = hasattr(config, "to_json_string") and hasattr(model, "device")
    part = getattr(config, "text_config", None)
    if is_known and isinstance(getattr(part, "vocab_size", None), int):
        if not isinstance(getattr(config, "vocab_size", None), int):
            raise ValueError(
                f"{kind} reads images or sounds beside text, by a part for each: hand over a model "
                "of text alone, such as that of its text_config."
            )
    if not is_known or not isinstance(getattr(config, "vocab_size", None), int):
        shown = repr(model) if isinstance(model, str) else kind
        raise ValueError(
            f"{shown} is no language model of transformers: hand over a loaded one, such as "
            '`AutoModelForMaskedLM.from_pretrained("bert-base-uncased")` gives.'
        )
    if getattr(config, "is_encoder_decoder", False):
        raise ValueError(
            f"{kind} is an encoder-decoder, and the depths of one stack of blocks are decoded: "
            "hand over an encoder such as BERT, or a decoder such as GPT-2."
        )


def built_of_now(model: PreTrainedModel) -> object:
    """What a model consists of, to be compared by ==.

    It is another where a module is added, taken out or exchanged, or the model moved or cast.
    """
    # Not by their numbers: what takes the place of a module can be given its address in memory.
    modules = [(name, ref(module)) for name, module in model.named_modules()]
    return modules, model.config.to_json_string(use_diff=False), model.device, model.dtype


def _parts(model: PreTrainedModel) -> ModelParts:
    length, returned = _first_pass(model)
    trunk, output = _outermost(model, returned)
    if getattr(output, "hidden_states", None) is None:  # the head does not hand the request on
        returned = _returned(model, trunk, length)
        output = returned[-1][1]
    if getattr(output, "hidden_states", None) is None:
        raise ValueError(
            f"{type(model).__name__} shows no hidden states of one stack of blocks: its depths "
            "cannot be decoded."
        )
    states = depth_states(output)
    own = set(trunk.modules())
    return ModelParts(
        trunk,
        _final_norm(trunk, returned, output.last_hidden_state),
        replace(output, hidden_states=None),
        length,
        states,
        [(m, out) for m, out in returned if m in own and any(is_view(s, out) for s in states)],
    )


def _first_pass(model: PreTrainedModel) -> tuple[int, Returned]:
    """The shortest length tried that the model takes, and what its modules return then."""
    first: Exception | None = None
    for length in lengths_to_try(model):
        try:
            return length, _returned(model, model, length)
        except Exception as error:  # a model can fail in any way on an unusual input
            first = first or error
    said = " ".join(str(first).split())
    raise ValueError(
        f"{type(model).__name__} cannot be read out by depth: it fails on a sequence of {LENGTH} "
        f"tokens, and on longer ones ({type(first).__name__}: {said})."
    ) from first


def _returned(model: PreTrainedModel, module: nn.Module, length: int) -> Returned:
    """What `module` and those below it return for the smallest input, hidden states included."""
    returned: Returned = []
    inputs = smallest_input(model, length)
    with recorded(list(module.modules()), returned), torch.no_grad(), evaluating(model):
        answer_of(module, inputs, output_hidden_states=True, return_dict=True)
    return returned


def _outermost(model: PreTrainedModel, returned: Returned) -> tuple[nn.Module, Any]:
    *below, (_, answer) = returned
    trunks = [(module, output) for module, output in below if _is_trunk(module, output)]
    if not trunks or logits_of(model, answer) is None:
        raise ValueError(
            f"{type(model).__name__} has no trunk apart from its head, or returns no logits."
        )
    return trunks[-1]


def _is_trunk(module: nn.Module, output: Any) -> bool:
    """Whether it returned last hidden states, be it in a tuple because its caller wants one."""
    from transformers import PreTrainedModel

    if isinstance(getattr(output, "last_hidden_state", None), Tensor):
        return True
    is_tuple = isinstance(module, PreTrainedModel) and isinstance(output, tuple)
    return is_tuple and isinstance(output[0], Tensor) and output[0].dim() == 3


def _final_norm(trunk: nn.Module, returned: Returned, last_BTH: Tensor) -> nn.Module | None:
    norms = {
        module
        for name, module in trunk.named_modules()
        if "norm" in type(module).__name__.lower() and not any(map(str.isdigit, name.split(".")))
    }
    return next((m for m, state in returned if m in norms and is_view(last_BTH, state)), None)


def depth_states(outputs: Any) -> list[Tensor]:
    """The hidden states of a trunk's output: embeddings, then the output of each block.

    The last entry of `hidden_states` is before the final normalisation in some families.
    """
    return [*outputs.hidden_states[:-1], outputs.last_hidden_state]


@contextmanager
def recorded(modules: list[nn.Module], returned: Returned) -> Iterator[None]:
    """Within the block, what each of `modules` returns is added to `returned`."""

    def record(module: nn.Module, _: Any, output: Any) -> None:
        returned.append((module, output))

    hooks = [module.register_forward_hook(record) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
