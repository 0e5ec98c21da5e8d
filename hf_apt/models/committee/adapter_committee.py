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
from hf_apt.models.lora import base_of, is_adapter_folder, save_config

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_FILE = "committee.json"


class AdapterCommittee(nn.Module):
    """LoRA adapters of one model that answer together, as `SoftCommittee` does.

    The members are one model with one adapter active after the other: they take the memory of a
    trunk and their adapters, and cannot run side by side.
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
        """The committee of the adapters in `folders`, all made for `model`, which is changed.

        Raises ValueError if there is none, or if a folder holds no adapter.
        """
        from peft import PeftModel

        if not folders:
            raise ValueError("a committee has at least one member, got none.")
        for folder in folders:
            if not is_adapter_folder(folder):
                raise ValueError(f"{str(folder)!r} holds no adapter.")
        first, *others = map(str, folders)
        adapted = PeftModel.from_pretrained(model, first, adapter_name="member_0")
        for place, folder in enumerate(others, 1):
            adapted.load_adapter(folder, adapter_name=f"member_{place}")
        return cls(adapted, combination)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> AdapterCommittee:
        """The committee that `save_pretrained` left in `folder`, on its checkpoint, loaded again.

        Raises ValueError if there is none, or if its checkpoint has moved.
        """
        from transformers import AutoConfig, AutoModelForSequenceClassification

        from hf_apt.models.loading import from_checkpoint

        path = Path(folder) / _FILE
        if not path.is_file():
            raise ValueError(f"{str(folder)!r} holds no committee of adapters: it has no {_FILE}.")
        content = json.loads(path.read_text(encoding="utf-8"))
        # peft keeps an adapter called "default" in the folder itself.
        folders = [
            Path(folder) / ("" if name == "default" else name) for name in content["members"]
        ]
        model, _ = from_checkpoint(
            AutoModelForSequenceClassification,
            base_of(folders[0]),
            "checkpoint of these adapters",
            id2label=AutoConfig.from_pretrained(folder, trust_remote_code=False).id2label,
        )
        return cls.from_adapters(model, folders, content["combination"])

    def save_pretrained(self, folder: str | Path) -> None:
        """Write each adapter as peft does, to a folder of its own, and how they are combined."""
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
        """What the model answers with each adapter, one after the other."""
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
        """The committee's logits, and their cross-entropy where there are labels."""
        logits_MBC = self.member_logits(input_ids, attention_mask, token_type_ids)
        return answer(logits_MBC, labels, self.combination)
