"""One text asked of a model at every depth: what a lens reads where a token is masked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.depths.causality import is_causal
from hf_apt.depths.lenses.bare_states import bare_states
from hf_apt.depths.lenses.carried_head import lens_logits
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.loading import num_positions, require_room
from hf_apt.records.checkpoints import pinned
from hf_apt.report.lens_answers import AskedToken, DepthAnswer, LensAnswers
from hf_apt.runs.lens_text import (
    MASK,
    AskedSequence,
    masked_sequences,
    next_token,
    shown_around,
    shown_token,
)
from hf_apt.runs.measured_checkpoint import is_causal_checkpoint, load_measured
from hf_apt.stats.config_checks import require_whole_number

if TYPE_CHECKING:
    from transformers import PreTrainedModel

OWN_HEAD = "own_head"
"""The lens that reads every depth where it is: the literature's logit lens."""


def lens(
    text: str,
    model: str | PreTrainedModel = "bert6-narrow-wikipedia",
    tokenizer: Any = None,
    *,
    true: str | Sequence[str] = (),
    mask: str | None = None,
    each: bool = False,
    top: int = 5,
    lenses: Sequence[str | Path | DepthMaps] = (OWN_HEAD,),
) -> LensAnswers:
    """What a model would answer at every depth where a token of a text is masked.

    A causal model is asked for the token after the text. After the last block all lenses answer as
    the model does.

    Args:
        text: the text, with one or several [MASK], whatever the tokenizer calls its own; without,
            if `mask` or `each` is given or the model is causal.
        model: a checkpoint (folder, Hub id or shipped name), or a loaded model.
        tokenizer: the tokenizer of a loaded model.
        true: the token that belongs to each [MASK], if it is known.
        mask: a word of the text that is masked, all of its tokens at once.
        each: mask every token in turn, alone.
        top: number of answers at each depth, at least 1.
        lenses: what is read, one after the other: `own_head`, the model's own head on the state as
            it is, or a lens that was fitted to this model (`DepthMaps`, or its file).

    Returns:
        The answers with their probabilities, at every depth of every masked position.

    Raises:
        ValueError: before any depth is read, where nothing is asked for, for a text longer than the
            model takes, a checkpoint that cannot be read, a model without a head, and a lens of
            another model.
    """
    require_whole_number("top", top)
    if not isinstance(text, str):
        raise ValueError(f"text must be a string, got {type(text).__name__}.")
    given: Any = true
    words = given if isinstance(given, list | tuple) else (given,) if given is not None else ()
    for name, word in (*(("true", word) for word in words), ("mask", mask)):
        if word is not None and not isinstance(word, str):
            raise ValueError(f"{name} must be text, got {word!r}.")
    loaded, tokenizer, name = _loaded(model, tokenizer)
    causal = is_causal(loaded)
    if causal and (words or mask is not None or each):
        raise ValueError(
            f"{name} predicts the next token, and masks none: give the text before the token that "
            "is asked for, and nothing else."
        )
    sequences = (
        [next_token(tokenizer, text)]
        if causal
        else masked_sequences(tokenizer, text, true=words, mask=mask, each=each)
    )
    _require_room(loaded, tokenizer, sequences)
    head = OwnHead(Trunk(loaded))
    readers = _readers(lenses, loaded)
    asked = []
    for sequence in sequences:
        bare_DNH = _states_of(head.trunk, sequence)
        for lens_name, maps in readers.items():
            logits_DNV = lens_logits(head, bare_DNH, maps)
            asked += _answers(tokenizer, sequence, lens_name, logits_DNV, top, causal=causal)
    return LensAnswers(name, text, tuple(asked))


def _loaded(model: str | PreTrainedModel, tokenizer: Any) -> tuple[PreTrainedModel, Any, str]:
    """A model and its tokenizer, and what the model is called."""
    if isinstance(model, str | Path):
        name = pinned(str(model))
        loaded = load_measured(name)
        if tokenizer is None:
            tokenizer = load_tokenizer(name, needs_mask=not is_causal_checkpoint(name))
        shown = Path(name).name if Path(name).is_dir() else name
        return loaded, _opened_tokenizer(tokenizer), shown
    if tokenizer is None:
        raise ValueError("a loaded model needs its tokenizer, too: lens(text, model, tokenizer).")
    from transformers import PreTrainedModel

    if not isinstance(model, PreTrainedModel):
        raise ValueError(f"the model is {model!r}: give the name of a checkpoint, or a loaded one.")
    named = model.name_or_path or type(model).__name__
    name = Path(named).name if Path(named).is_dir() else named
    return model, _opened_tokenizer(tokenizer), name


def _opened_tokenizer(tokenizer: Any) -> Any:
    if isinstance(tokenizer, str | Path):
        return load_tokenizer(str(tokenizer), needs_mask=False)
    if not hasattr(tokenizer, "mask_token_id"):
        raise ValueError(f"the tokenizer is {tokenizer!r}: give one of transformers.")
    return tokenizer


def _require_room(
    model: PreTrainedModel, tokenizer: Any, sequences: Sequence[AskedSequence]
) -> None:
    longest, most = max(len(each.ids) for each in sequences), num_positions(model.config)
    if most is not None and longest > most:
        raise ValueError(
            f"the text has {longest} tokens, special ones included, and the model takes {most}: "
            "give a shorter text."
        )
    require_room(model, len(tokenizer), longest)


def _opened(given: str | Path | DepthMaps, model: PreTrainedModel) -> DepthMaps | None:
    """The maps of a lens; None for the own head, which reads states where they are."""
    if given == OWN_HEAD:
        return None
    if isinstance(given, DepthMaps):
        given.require_model(model)
        return given.to(model.device)
    if isinstance(given, str | Path) and Path(given).is_file():
        return DepthMaps.load(given, model)
    raise ValueError(
        f"there is no lens {str(given)!r}: take {OWN_HEAD}, or the file of a fitted lens."
    )


def _readers(
    lenses: str | Path | DepthMaps | Sequence[str | Path | DepthMaps], model: PreTrainedModel
) -> dict[str, DepthMaps | None]:
    """The maps of each lens by what the lens is called."""
    given = (lenses,) if isinstance(lenses, str | Path | DepthMaps) else tuple(lenses)
    opened = [_opened(one, model) for one in given]
    readers = {_name_of(maps): maps for maps in opened}
    if not readers:
        raise ValueError(f"there is no lens: give {OWN_HEAD} at least.")
    if len(readers) < len(opened):
        raise ValueError("two of the lenses are of one kind: ask them one after the other.")
    return readers


def _name_of(maps: DepthMaps | None) -> str:
    return OWN_HEAD if maps is None else maps.kind


def _states_of(trunk: Trunk, sequence: AskedSequence) -> Tensor:
    """The bare states (D, N, H) at the positions that are asked about."""
    ids_1T = torch.tensor([sequence.ids], device=trunk.model.device)
    inputs = {"input_ids": ids_1T, "attention_mask": torch.ones_like(ids_1T)}
    return torch.stack([state[0, list(sequence.positions)] for state in bare_states(trunk, inputs)])


def _answers(
    tokenizer: Any,
    sequence: AskedSequence,
    lens_name: str,
    logits_DNV: Tensor,
    top: int,
    *,
    causal: bool,
) -> list[AskedToken]:
    asked = []
    for number, (position, true) in enumerate(zip(sequence.positions, sequence.true, strict=True)):
        if causal:
            shown = f"{tokenizer.decode(sequence.ids, skip_special_tokens=True)} {MASK}"
        else:
            shown = shown_around(tokenizer, sequence.ids, position)
        answers = [
            answer_at(tokenizer, logits_V, depth, true, top)
            for depth, logits_V in enumerate(logits_DNV[:, number])
        ]
        known = None if true is None else shown_token(tokenizer, true)
        index = position + causal
        asked.append(AskedToken(index, shown, known, lens_name, tuple(answers)))
    return asked


def answer_at(
    tokenizer: Any, logits_V: Tensor, depth: int, true: int | None, top: int
) -> DepthAnswer:
    """What one distribution says; of equal logits the lowest id comes first."""
    logits_V = logits_V.detach().double().cpu()
    if logits_V.isnan().any() or logits_V.max().isinf():
        raise ValueError(
            f"the model has no answer at depth {depth}, because its logits are not finite: look "
            "for NaN weights or an overflow of float16."
        )
    log_V = logits_V.log_softmax(dim=0)
    probabilities_V = log_V.exp()
    order_V = logits_V.argsort(descending=True, stable=True)
    best = order_V[:top].tolist()
    rank = None if true is None else int((order_V == true).nonzero()) + 1
    return DepthAnswer(
        tokens=tuple(shown_token(tokenizer, index) for index in best),
        probabilities=tuple(probabilities_V[best].tolist()),
        entropy=float(
            -torch.special.xlogy(probabilities_V, probabilities_V).sum()
            / torch.log(torch.tensor(2.0, dtype=torch.float64))
        ),
        true_rank=rank,
        true_probability=None if true is None else float(probabilities_V[true]),
    )
