"""The answers of the model in training, from one forward pass for all callbacks that ask."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from accelerate.data_loader import DataLoaderShard, IterableDatasetShard
from accelerate.utils import extract_model_from_parallel, gather_object
from torch import Tensor
from torch.utils.data import IterableDataset
from tqdm.auto import tqdm
from transformers import PreTrainedModel, TrainingArguments

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.collated_batches import (
    LabelledBatches,
    is_causal,
    labels_asked,
    random_numbers_kept,
)
from hf_apt.depths.decoded import Decoded, DecodedTotal
from hf_apt.depths.depth_pass import read, totals
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from trainer_callbacks.sources import Source

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

    def serves(self, moment: Moment, origin: object, seed: int) -> bool:
        return (
            self.moment.event is moment.event
            and self.moment.step == moment.step
            and self.origin is origin
            and self.seed == seed
        )


_LATEST: WeakKeyDictionary[PreTrainedModel, _Done] = WeakKeyDictionary()


class Measurement:
    """Asks a model about data with its own head at every depth."""

    def __init__(self, *, seed: int = 2509):
        self.seed = seed
        self._head: OwnHead | None = None

    @property
    def is_causal(self) -> bool:
        """Whether the model predicts the next token."""
        return self._head is not None and is_causal(self._head.trunk.model)

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
        if not _has_output_embeddings(model):
            raise ValueError(
                f"{name} has no output embedding, so it answers with no token: take a model with a "
                "language-modelling head, ...ForMaskedLM or ...ForCausalLM."
            )
        with random_numbers_kept(), _in_own_precision(model):
            try:
                self._head = OwnHead(Trunk(model).prepare())
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
            return latest.total
        head = self._head
        if head is None or head.trunk.model is not model:
            head = self.begin(model)
        with random_numbers_kept(), _in_own_precision(model):
            data = _loaded(source, args.per_device_eval_batch_size, self.seed)
            total = _read(head, _asked(data, head.trunk, _mask_id(event, data), args))
        if total.readout.counts.support().sum() == 0:
            raise ValueError(
                "the evaluation data has no rows, or no label other than -100: nothing is asked "
                "of the model."
            )
        problem = total.problem("the model's own head")
        if problem and process_state().is_main_process:
            _logger.warning("at step %d %s", moment.step, problem)
        _LATEST[model] = _Done(moment, source.origin, self.seed, total)
        return total


def unwrapped(model: Any) -> PreTrainedModel:
    """The transformers model in what a Trainer trains, without what PEFT or torch put around it."""
    model = extract_model_from_parallel(model, keep_torch_compile=False)
    if not hasattr(model, "get_base_model"):
        return model
    if getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False):
        raise ValueError(
            "prompts that PEFT puts before the input cannot be measured: take LoRA, or measure "
            "without AptCallback and ConfusionCallback."
        )
    return model.get_base_model()


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


def _has_output_embeddings(model: PreTrainedModel) -> bool:
    try:
        return model.get_output_embeddings() is not None
    except Exception:  # a class may not know the question
        return False


def _loaded(source: Source, batch_size: int, seed: int) -> LabelledBatches:
    """What the source's loader holds; what one process cannot load is raised in all."""
    data = problem = None
    try:
        data = _batches(source.loader(), batch_size, seed)
    except Exception as error:  # a loader can be anything, and fail in any way
        problem = said(error)
    raise_in_all(problem)
    assert data is not None
    return data


def _batches(loader: Any, batch_size: int, seed: int) -> LabelledBatches:
    if not (hasattr(loader, "dataset") and hasattr(loader, "collate_fn")):
        raise ValueError(
            f"the evaluation loader is a {type(loader).__name__} and no torch DataLoader, so its "
            "rows and collator are not known: give the callback an eval_dataset."
        )
    dataset = loader.dataset
    if isinstance(dataset, IterableDatasetShard):  # one process's part
        dataset = dataset.dataset
    elif (
        process_state().num_processes > 1
        and isinstance(loader, DataLoaderShard)
        and isinstance(dataset, IterableDataset)
    ):
        raise ValueError(
            "this stream is cut into one part a process already: leave dispatch_batches as it is."
        )
    return LabelledBatches(
        dataset=dataset, collate=loader.collate_fn, batch_size=batch_size, seed=seed
    )


def _read(head: OwnHead, batches: Iterator[AskedBatch]) -> DecodedTotal:
    """What all processes decode; what one cannot read is raised in all, so that none waits."""
    reader = Decoded(head.trunk, head)
    problem = None
    try:
        read(head.trunk, batches, [reader])
    except Exception as error:  # data can be broken in any way: training is to go on
        problem = said(error)
    raise_in_all(problem)
    return totals({"own_head": reader})["own_head"]


def raise_in_all(problem: str | None) -> None:
    """Raise ValueError in every process if one has a problem, so that none waits for it."""
    problems = [problem] if process_state().num_processes == 1 else gather_object([problem])
    for problem in filter(None, problems):
        raise ValueError(problem)


def said(error: Exception) -> str:
    """What went wrong, in one line."""
    said = " ".join(str(error).split())
    return said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"


def _asked(
    data: LabelledBatches, trunk: Trunk, mask_id: int | None, args: TrainingArguments
) -> Iterator[AskedBatch]:
    state = process_state()
    part = (state.process_index, state.num_processes)
    progress = tqdm(
        data.part(*part),
        desc="APT",
        total=data.num_batches(*part),
        leave=False,
        disable=args.disable_tqdm or not state.is_main_process,
    )
    first_row: int
    batch: dict[str, Tensor]
    for first_row, batch in progress:
        yield labels_asked(batch, first_row, trunk, mask_id)


def _mask_id(event: dict[str, Any], data: LabelledBatches) -> int | None:
    collate: Callable = getattr(data.collate, "data_collator", data.collate)
    tokenizer = event.get("processing_class") or getattr(collate, "tokenizer", None)
    return getattr(tokenizer, "mask_token_id", None)
