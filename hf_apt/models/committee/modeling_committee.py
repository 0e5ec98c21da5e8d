"""Several classifiers as one model of transformers: a soft committee (arXiv 2507.14871)."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from hf_apt.models.committee.combination import combined
from hf_apt.models.committee.combination_names import Combination, require_combination
from hf_apt.models.committee.configuration_committee import SoftCommitteeConfig
from hf_apt.models.loading import first_of, from_checkpoint, require_finite
from hf_apt.models.weights_files import require_weights_of_size

_OPENED_BY = Path(__file__).with_name("soft_committee.py")


class SoftCommittee(PreTrainedModel):
    """Classifiers of any kind and size that read the same token ids and answer together.

    `logits` are those of `hf_apt.models.committee.combined`: for `mean_softmax` the logarithms of
    the mean probabilities. Their softmax is the committee's probability for each class.

    Args:
        config: the committee's configuration; members get fresh weights. `from_members` takes
            models that there are.

    Raises:
        ValueError: for a configuration without members.
    """

    config_class = SoftCommitteeConfig
    base_model_prefix = "committee"
    main_input_name = "input_ids"

    def __init__(self, config: SoftCommitteeConfig):
        super().__init__(config)
        require_combination(config.combination)
        if not config.members:
            raise ValueError("a committee has at least one member, got none.")
        self.members = nn.ModuleList(
            AutoModelForSequenceClassification.from_config(AutoConfig.for_model(**member))
            for member in config.members
        )
        self.post_init()

    @classmethod
    def from_members(
        cls, members: Sequence[PreTrainedModel], combination: Combination = "mean_softmax"
    ) -> SoftCommittee:
        """The committee of given classifiers, which it holds and does not copy.

        Args:
            members: the classifiers, at least one.
            combination: how the members' logits become one answer, a name of
                `hf_apt.models.committee.COMBINATIONS`.

        Returns:
            The committee, in evaluation mode.

        Raises:
            ValueError: if there is none, if the combination is unknown, and if members disagree on
                labels or on the number of token ids.
        """
        config = SoftCommitteeConfig.of([member.config for member in members], combination)
        with torch.device("meta"):
            committee = cls(config)
        committee.members = nn.ModuleList(members)
        return committee.eval()

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: Any,
        *model_args: Any,
        combination: Combination | None = None,
        **kwargs: Any,
    ) -> Any:
        """A saved committee; or, for a list of folders and Hub ids, the committee of these members.

        Args:
            pretrained_model_name_or_path: folder or Hub id of a committee, or a list of its
                members'.
            *model_args: what `PreTrainedModel.from_pretrained` takes.
            combination: how the members' logits become one answer, a name of
                `hf_apt.models.committee.COMBINATIONS`; None for the saved one, and for
                `mean_softmax` of a list.
            **kwargs: what `PreTrainedModel.from_pretrained` takes.

        Returns:
            The committee, in evaluation mode.

        Raises:
            ValueError: if there is no member, if one is no whole classifier, if the combination is
                unknown, and if members disagree on labels or on the number of token ids.
        """
        if combination is not None:
            require_combination(combination)
        if not isinstance(pretrained_model_name_or_path, (list, tuple)):
            if combination is not None:
                kwargs["combination"] = combination
            require_weights_of_size(str(pretrained_model_name_or_path))
            return super().from_pretrained(pretrained_model_name_or_path, *model_args, **kwargs)
        members = [_classifier(str(name), kwargs) for name in pretrained_model_name_or_path]
        return cls.from_members(members, combination or "mean_softmax")

    def save_pretrained(
        self,
        save_directory: Any,
        is_main_process: bool = True,
        **kwargs: Any,
    ) -> None:
        """Save the committee as any model, with the code that Auto classes open it by.

        They run it with `trust_remote_code=True`, where hf_apt is installed but was not imported.
        """
        name = _OPENED_BY.stem
        self.config.auto_map = {
            "AutoConfig": f"{name}.{SoftCommitteeConfig.__name__}",
            "AutoModelForSequenceClassification": f"{name}.{SoftCommittee.__name__}",
        }
        if is_main_process:  # before the rest, which may be sent to the Hub at once
            Path(save_directory).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_OPENED_BY, Path(save_directory) / _OPENED_BY.name)
        super().save_pretrained(save_directory, is_main_process=is_main_process, **kwargs)

    def member_logits(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> Float[Tensor, "members batch classes"]:
        """What each member answers, one after the other.

        Args:
            input_ids: token ids, shape (batch, seq).
            attention_mask: 1 for tokens, 0 for padding, shape (batch, seq); all are tokens if None.
            token_type_ids: segment of each token, shape (batch, seq); all are of the first if None.

        Returns:
            Logits of shape (members, batch, classes).
        """
        inputs = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": token_type_ids,
        }
        return torch.stack([logits_of(member, inputs) for member in self.members])

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        return_dict: bool | None = None,
    ) -> SequenceClassifierOutput | tuple[Tensor, ...]:
        """The committee's logits, and their cross-entropy where there are labels.

        Args:
            input_ids: token ids, shape (batch, seq).
            attention_mask: 1 for tokens, 0 for padding, shape (batch, seq); all are tokens if None.
            token_type_ids: segment of each token, shape (batch, seq); members that know none are
                not given them.
            labels: the true class of each text, shape (batch,).
            return_dict: an object with names if True, a tuple if False; None for what the
                configuration says.

        Returns:
            Combined `logits` of shape (batch, classes) and, with labels, the mean `loss` in nats.
        """
        logits_MBC = self.member_logits(input_ids, attention_mask, token_type_ids)
        output = answer(logits_MBC, labels, self.config.combination)
        as_tuple = return_dict is False or (return_dict is None and not self.config.return_dict)
        return output.to_tuple() if as_tuple else output


def answer(
    logits_MBC: Float[Tensor, "members batch classes"],
    labels: Tensor | None,
    combination: Combination,
) -> SequenceClassifierOutput:
    """What a committee returns: combined logits, and their mean cross-entropy with `labels`."""
    logits_BC = combined(logits_MBC, combination)
    loss = None if labels is None else nn.functional.cross_entropy(logits_BC, labels)
    return SequenceClassifierOutput(loss=loss, logits=logits_BC)  # pyright: ignore[reportArgumentType]


def logits_of(
    member: nn.Module, inputs: dict[str, Tensor | None]
) -> Float[Tensor, "batch classes"]:
    """The logits of one classifier, given those of `inputs` that are there and that it takes."""
    known = inspect.signature(member.forward).parameters
    given = {key: value for key, value in inputs.items() if value is not None and key in known}
    return member(**given, return_dict=True).logits


def _classifier(name: str, options: dict[str, Any]) -> PreTrainedModel:
    model, missing = from_checkpoint(
        AutoModelForSequenceClassification, name, "classifier checkpoint", **options
    )
    if missing:
        raise ValueError(
            f"{name!r} is no fine-tuned classifier: its weights lack {first_of(missing)}."
        )
    require_finite(model, name)
    return model
