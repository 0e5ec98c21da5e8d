"""The answers of the model in training, from one forward pass for all callbacks that ask."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from accelerate.utils import gather_object
from tqdm.auto import tqdm
from transformers import PreTrainedModel, TrainingArguments

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.asked_labels import labels_asked
from hf_apt.depths.causality import is_causal
from hf_apt.depths.collated_batches import RepeatableBatches, digest
from hf_apt.depths.decoded import Decoded, DecodedTotal, SweepingDecoder
from hf_apt.depths.depth_pass import read, totals
from hf_apt.depths.held_state import random_numbers_kept
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from trainer_callbacks.known_tokenizer import known_tokenizer, mask_id, special_ids
from trainer_callbacks.loaders import batches_of, is_shared_by_accelerate
from trainer_callbacks.ruler import AskedShare, AskedShareReader
from trainer_callbacks.sources import Source
from trainer_callbacks.unwrapped import unwrapped

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moment:
    """A point of training at which a model's weights are what they are."""

    event: object
    """What exists once for it: the metrics of an evaluation, or the state of a training."""

    step: int
    """The optimizer steps taken."""


@dataclass(frozen=True)
class _Done:
    """A pass that was made."""

    moment: Moment
    origin: object
    seed: int
    total: DecodedTotal
    knows_treatments: bool
    asked_share: float | None

    def serves(self, moment: Moment, origin: object, seed: int) -> bool:
        return (
            self.moment.event is moment.event
            and self.moment.step == moment.step
            and self.origin is origin
            and self.seed == seed
        )


_LATEST: WeakKeyDictionary[PreTrainedModel, _Done] = WeakKeyDictionary()


class Measurement:
    """Asks a model about data at every depth, with its own head or with other decoders."""

    def __init__(self, *, seed: int = 2509):
        self.seed = seed
        self.knows_treatments = True
        """Whether the latest positions could be told apart by what they show."""
        self.asked_share: float | None = None
        """The share of the latest tokens that was asked; None of a causal model."""
        self._head: OwnHead | None = None
        self._has_warned = False

    @property
    def is_causal(self) -> bool:
        """Whether the model predicts the next token."""
        return self._head is not None and is_causal(self._head.trunk.model)

    @property
    def model(self) -> PreTrainedModel | None:
        """The model that was asked last; None before any was."""
        return None if self._head is None else self._head.trunk.model

    def begin(self, model: Any) -> OwnHead:
        """The head of `model`, newly taken off its trunk.

        Raises ValueError if the model has no head over a vocabulary, or none that can be taken off.
        """
        model = unwrapped(model)
        name = type(model).__name__
        if not isinstance(model, PreTrainedModel):
            raise ValueError(
                f"{name} is no model of transformers, so its blocks and head are not known: give "
                "the Trainer the transformers model itself, ...ForMaskedLM or ...ForCausalLM."
            )
        with reading(model):
            try:
                self._head = OwnHead(Trunk(model).prepare())
                is_causal(model)  # found out once, before the data are read
            except ValueError:
                raise
            except Exception as error:  # a model can fail in any way on an unusual input
                raise ValueError(f"{name} cannot be read out by depth: {said(error)}") from error
        return self._head

    def readout(
        self, args: TrainingArguments, moment: Moment, source: Source, **event: Any
    ) -> DecodedTotal:
        """The counts and measures over all processes, the same in each.

        `event` is what the Trainer gives to a callback. Two callbacks that ask about data of the
        same origin at the same moment share one pass.

        Warns of positions without an answer. Raises ValueError if the data has no rows, asks for
        nothing or cannot be read.
        """
        model = unwrapped(event["model"])
        latest = _LATEST.get(model)
        if latest is not None and latest.serves(moment, source.origin, self.seed):
            self.knows_treatments = latest.knows_treatments
            self.asked_share = latest.asked_share
            return latest.total
        head = self.head_of(model)
        total = self.decoded(args, moment, source, {"the model's own head": head}, event)[0]
        known = (self.knows_treatments, self.asked_share)
        _LATEST[model] = _Done(moment, source.origin, self.seed, total, *known)
        return total

    def head_of(self, model: Any) -> OwnHead:
        """The head of `model` as it is now, taken off its trunk once for as long as it fits.

        Raises ValueError as `begin` does.
        """
        head, model = self._head, unwrapped(model)
        if head is None or head.trunk.model is not model or not head.trunk.is_current:
            head = self.begin(model)
        return head

    def decoded(
        self,
        args: TrainingArguments,
        moment: Moment,
        source: Source,
        decoders: Mapping[str, SweepingDecoder],
        event: dict[str, Any],
    ) -> list[DecodedTotal]:
        """What `readout` gives of other decoders, by the names in warnings, all in one new pass."""
        trunk = self.head_of(event["model"]).trunk
        with reading(trunk.model):
            data = loaded(source, self.seed)
            tokenizer = known_tokenizer(event, data)
            by_name, share = _read(trunk, decoders, data, tokenizer, args)
        for name, total in by_name.items():
            if total.readout.counts.support().sum() == 0:
                raise ValueError(
                    "the evaluation data has no rows, or no label other than -100: nothing is "
                    "asked of the model."
                )
            problem = total.problem(name)
            if problem and process_state().is_main_process:
                _logger.warning("at step %d %s", moment.step, problem)
        self.knows_treatments = mask_id(tokenizer) is not None or self.is_causal
        self.asked_share = None if self.is_causal else share.value
        self._warn_of_unknown_treatments()
        return list(by_name.values())

    def _warn_of_unknown_treatments(self) -> None:
        if self.knows_treatments or self._has_warned or not process_state().is_main_process:
            return
        self._has_warned = True
        _logger.warning(
            "the mask token is not known, so masked and replaced positions cannot be told apart: "
            "all figures are pooled, and no pair counts are written. Give the Trainer the "
            "tokenizer as processing_class."
        )


@contextmanager
def reading(model: PreTrainedModel) -> Iterator[None]:
    """Let `model` run in the precision of its weights, and random numbers be drawn, in the block.

    The generators of random numbers are put back afterwards.
    """
    with random_numbers_kept(), _in_own_precision(model):
        yield


@contextmanager
def _in_own_precision(model: PreTrainedModel) -> Iterator[None]:
    """Within the block, `model` runs in the precision of its weights.

    For mixed precision Accelerate wraps the outermost `forward` alone: the trunk, which is called
    by itself, would run in float32 and the head in half of that, where many logits are equal.
    """
    wrapped, own = model.__dict__.get("forward"), model.__dict__.get("_original_forward")
    if wrapped is not None and own is not None:
        model.forward = own
    try:
        yield
    finally:
        if wrapped is not None and own is not None:
            model.forward = wrapped


def loaded(source: Source, seed: int) -> RepeatableBatches:
    """What the source's loader serves; what one process cannot load is raised in all."""
    data = problem = None
    served = ""
    try:
        loader = source.loader()
        data = batches_of(loader, seed, was_evaluated=source.was_evaluated)
        if process_state().num_processes > 1 and not is_shared_by_accelerate(loader):
            served = digest(data)
    except Exception as error:  # a loader can be anything, and fail in any way
        problem = said(error)
    raise_in_all(problem)
    assert data is not None
    if process_state().num_processes > 1 and len(set(gather_object([served]))) > 1:
        raise ValueError(
            "the evaluation loader serves other batches in each process, some of which may be the "
            "same rows: let the Trainer share the rows, or give the callback an eval_dataset."
        )
    return data


def _read(
    trunk: Trunk,
    decoders: Mapping[str, SweepingDecoder],
    data: RepeatableBatches,
    tokenizer: Any,
    args: TrainingArguments,
) -> tuple[dict[str, DecodedTotal], AskedShare]:
    """What all processes decode; what one cannot read is raised in all, so that none waits."""
    readers = {name: Decoded(trunk, decoder) for name, decoder in decoders.items()}
    shown = AskedShareReader(special_ids(tokenizer))
    problem = None
    try:
        with closing(asked_of(data, trunk, mask_id(tokenizer), args)) as batches:
            read(trunk, batches, [*readers.values(), shown])
    except Exception as error:  # data can be broken in any way: training is to go on
        problem = said(error)
    raise_in_all(problem)
    return totals(readers), totals({"shown": shown})["shown"]


def raise_in_all(problem: str | None) -> None:
    """Raise ValueError in every process if one has a problem, so that none waits for it."""
    problems = [problem] if process_state().num_processes == 1 else gather_object([problem])
    for problem in filter(None, problems):
        raise ValueError(problem)


def said(error: Exception) -> str:
    """What went wrong, in one line."""
    said = " ".join(str(error).split())
    return said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"


def asked_of(
    data: RepeatableBatches, trunk: Trunk, mask: int | None, args: TrainingArguments
) -> Generator[AskedBatch, None, None]:
    """What this process asks of a model, batch by batch, with a progress bar."""
    state = process_state()
    part = (state.process_index, state.num_processes)
    with closing(data.part(*part)) as batches:
        progress = tqdm(
            batches,
            desc="APT",
            total=data.num_batches(*part),
            leave=False,
            disable=args.disable_tqdm or not state.is_main_process,
        )
        for numbers_B, batch in progress:
            yield labels_asked(batch, numbers_B, trunk, mask, args.label_names or ())
