"""Which heads a callback trains for every depth of the model in training, when and on what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from accelerate.utils import broadcast
from tqdm.auto import tqdm
from transformers import PreTrainedModel, TrainingArguments

from hf_apt.depths.asked_labels import labels_asked
from hf_apt.depths.head_config import HEAD_KINDS, HeadConfig, HeadKind, HeadsName
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from hf_apt.models.weights_digest import model_digest
from trainer_callbacks.head_training import TrainedHeads, train_heads, training_batches
from trainer_callbacks.measurement import Measurement, loaded, raise_in_all, reading, said
from trainer_callbacks.sources import Source, given, training_data

HeadsMoment = Literal["train_end", "measurement"]


@dataclass(frozen=True)
class _Latest:
    """Heads that were trained, on the processor, and of which model."""

    digest: str
    heads: dict[HeadKind, DepthHeads]


class HeadsInTraining:
    """The heads that are trained on the frozen trunk of a model while a Trainer trains it.

    Raises ValueError for a kind or a moment that there is none of, for a `config` that is none, and
    for settings in it that are the collator's or of no use here.
    """

    def __init__(
        self,
        *,
        heads: HeadsName = "none",
        at: HeadsMoment = "train_end",
        config: HeadConfig | None = None,
        dataset: Any = None,
    ):
        if heads not in HEAD_KINDS:
            raise ValueError(f"heads is {heads!r}: choose one of {', '.join(HEAD_KINDS)}.")
        if at not in get_args(HeadsMoment):
            raise ValueError(
                f"heads_at is {at!r}: choose one of {', '.join(get_args(HeadsMoment))}."
            )
        self.kinds = HEAD_KINDS[heads]
        """Kinds of heads that are trained."""
        self.at = at
        """Moment at which heads are trained."""
        self.config = HeadConfig() if config is None else config
        """How heads are trained."""
        self.dataset = dataset
        """Data that heads are trained on; None for the Trainer's training data."""
        self._latest: _Latest | None = None
        _require_usable(self.config)

    def begin(self, prefixes: set[str]) -> None:
        """Forget earlier heads.

        Raises ValueError if figures would have the names of other data, or if heads are to be asked
        at the end of training and there are no evaluation data, which `prefixes` are the names of.
        """
        self._latest = None
        if self.kinds and self.at == "train_end" and not prefixes:
            raise ValueError(
                "heads are asked about evaluation data at the end of training, and there are none: "
                'give the Trainer or the callback an eval_dataset, or say heads_at="measurement".'
            )
        for kind in self.kinds:
            for prefix in prefixes:
                if f"{prefix}_{kind}" in prefixes:
                    raise ValueError(
                        f"the evaluation data {prefix}_{kind} would be called like the {kind} of "
                        f"{prefix}: give these data another name."
                    )

    def known(self, model: PreTrainedModel) -> dict[str, TrainedHeads]:
        """The latest heads by kind, if they were trained on these very weights; else none."""
        if self._latest is None or self._latest.digest != model_digest(model):
            return {}
        return {
            kind: TrainedHeads(heads.to(model.device)) for kind, heads in self._latest.heads.items()
        }

    def trained(
        self, measurement: Measurement, args: TrainingArguments, event: dict[str, Any]
    ) -> dict[str, TrainedHeads]:
        """The heads by kind of the model of `event`, trained now if they are not known.

        Every process trains on all rows, and has the weights of the main one in the end. The model,
        its optimizer, all random numbers and the data are left as they were.

        Raises ValueError if there are no training data, or none that can be read.
        """
        trunk = measurement.head_of(event["model"]).trunk
        known = self.known(trunk.model)
        if known:
            return known
        digest = model_digest(trunk.model)
        with reading(trunk.model):
            heads = self._trained(trunk, args)
        self._latest = _Latest(digest, heads)
        return {kind: TrainedHeads(each) for kind, each in heads.items()}

    def release(self) -> None:
        """Take the latest heads off the device."""
        for heads in self._latest.heads.values() if self._latest else ():
            heads.cpu()

    def _trained(self, trunk: Trunk, args: TrainingArguments) -> dict[HeadKind, DepthHeads]:
        data = loaded(self._source(), self.config.seed)
        heads: dict[HeadKind, DepthHeads] = {}
        problem = None
        try:
            progress = tqdm(
                training_batches(data, self.config),
                desc=" and ".join(self.kinds).replace("_", " ") + " for each depth",
                total=self.config.num_steps,
                leave=False,
                disable=args.disable_tqdm or not process_state().is_main_process,
            )
            names = args.label_names or ()
            asked = (labels_asked(batch, rows, trunk, None, names) for rows, batch in progress)
            heads = train_heads(trunk, asked, self.kinds, self.config)
        except Exception as error:  # data can be broken in any way: training is to go on
            problem = f"no heads were trained: {said(error)}"
        raise_in_all(problem)
        if process_state().num_processes > 1:
            for weight in (each for one in heads.values() for each in one.parameters()):
                sent: Any = broadcast(weight.data)
                weight.data.copy_(sent)
        return heads

    def _source(self) -> Source:
        if self.dataset is not None:
            return given(self.dataset, "train")["train"]
        return training_data()


def _require_usable(config: HeadConfig) -> None:
    if not isinstance(config, HeadConfig):
        raise ValueError(f"head_config is a {type(config).__name__}: give an hf_apt.HeadConfig.")
    usual = HeadConfig()
    own = replace(
        config, masking_rate=usual.masking_rate, num_distinct_steps=usual.num_distinct_steps
    )
    if own != config:
        raise ValueError(
            "head_config sets masking_rate or num_distinct_steps: in a callback the collator "
            "masks, again at each step; leave both as they are."
        )
