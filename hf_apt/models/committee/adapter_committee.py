"""A committee of adapters on one trunk, which is in memory once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from hf_apt.models.committee.combination_names import Combination, require_combination
from hf_apt.models.committee.modeling_committee import answer, logits_of
from hf_apt.models.lora import (
    base_of,
    is_adapter_folder,
    require_adapter,
    save_config,
    with_saved_adapter,
)
from hf_apt.reading import read_json

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_FILE = "committee.json"


class AdapterCommittee(nn.Module):
    """LoRA adapters of one model that answer together, as `SoftCommittee` does.

    The members are one model with one adapter active after the other: they take the memory of a
    trunk and their adapters, and cannot run side by side.

    Args:
        model: the model with its adapters, as peft makes it.
        combination: how the members' logits become one answer, a name of
            `hf_apt.models.committee.COMBINATIONS`.
    """

    def __init__(self, model: PeftModel, combination: Combination = "mean_softmax"):
        super().__init__()
        require_combination(combination)
        self.model = model
        self.names = tuple(model.peft_config)
        self.combination: Combination = combination
        self.config: Any = model.config
        self.eval()

    @classmethod
    def from_adapters(
        cls,
        model: PreTrainedModel,
        folders: Sequence[str | Path],
        combination: Combination = "mean_softmax",
    ) -> AdapterCommittee:
        """The committee of saved adapters.

        Args:
            model: the model that the adapters were made for; they are put into it.
            folders: a folder of each adapter.
            combination: how the members' logits become one answer, a name of
                `hf_apt.models.committee.COMBINATIONS`.

        Returns:
            The committee, in evaluation mode.

        Raises:
            ValueError: if there is none, or if a folder holds no adapter of `model`.
        """
        if not folders:
            raise ValueError("a committee has at least one member, got none.")
        for folder in folders:
            if not is_adapter_folder(folder):
                raise ValueError(f"{str(folder)!r} holds no adapter.")
            require_adapter(model, folder)
        adapted: Any = model
        for place, folder in enumerate(folders):
            adapted = with_saved_adapter(adapted, folder, f"member_{place}")
        return cls(adapted, combination)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> AdapterCommittee:
        """The committee that `save_pretrained` left, on its checkpoint, loaded again.

        Args:
            folder: the folder of the committee.

        Returns:
            The committee, in evaluation mode.

        Raises:
            ValueError: if there is none, if a file of it is broken, or if its checkpoint has moved.
        """
        from transformers import AutoModelForSequenceClassification

        from hf_apt.models.checkpoint_config import encoder_config
        from hf_apt.models.loading import from_checkpoint

        names, combination = _members(Path(folder))
        # peft keeps an adapter called "default" in the folder itself.
        folders = [Path(folder) / ("" if name == "default" else name) for name in names]
        model, _ = from_checkpoint(
            AutoModelForSequenceClassification,
            base_of(folders[0]),
            "checkpoint of these adapters",
            id2label=encoder_config(str(folder)).id2label,
        )
        return cls.from_adapters(model, folders, combination)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write each adapter as peft does, to a folder of its own, and how they are combined.

        Args:
            folder: the folder of the committee.
        """
        self.model.save_pretrained(str(folder), selected_adapters=list(self.names))
        save_config(self.model, folder)
        content = {"members": list(self.names), "combination": self.combination}
        (Path(folder) / _FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def member_logits(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> Float[Tensor, "members batch classes"]:
        """What the model answers with each adapter, one after the other.

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
        model = self.model.get_base_model()
        logits = []
        for name in self.names:
            self.model.set_adapter(name, inference_mode=True)
            logits.append(logits_of(model, inputs))
        return torch.stack(logits)

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """The committee's logits, and their cross-entropy where there are labels.

        Args:
            input_ids: token ids, shape (batch, seq).
            attention_mask: 1 for tokens, 0 for padding, shape (batch, seq); all are tokens if None.
            token_type_ids: segment of each token, shape (batch, seq); all are of the first if None.
            labels: the true class of each text, shape (batch,).

        Returns:
            Combined `logits` of shape (batch, classes) and, with labels, the mean `loss` in nats.
        """
        logits_MBC = self.member_logits(input_ids, attention_mask, token_type_ids)
        return answer(logits_MBC, labels, self.combination)


def _members(folder: Path) -> tuple[list[str], Combination]:
    """The names of the adapters in `folder`, and how they are combined."""
    path = folder / _FILE
    if not path.is_file():
        raise ValueError(f"{str(folder)!r} holds no committee of adapters: it has no {_FILE}.")
    content = read_json(path)
    names = content.get("members") if isinstance(content, dict) else None
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not is_list or not names or "combination" not in content:
        raise ValueError(
            f"{path} is no committee's: it names no members and their combination; save the "
            "committee again."
        )
    require_combination(content["combination"])
    return names, content["combination"]
