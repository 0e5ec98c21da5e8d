"""The classes of transformers, and of hf_apt, that answer with tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import transformers
from transformers.models.auto import modeling_auto

from hf_apt.models import bert6

Kind = Literal["masked", "causal"]


@dataclass(frozen=True)
class ListedClass:
    """A class with the task for which it is listed."""

    name: str
    """The class's name."""

    kind: Kind
    """Whether it is listed for masked or for next tokens."""

    model_types: tuple[str, ...]
    """The model types whose Auto class gives it; none where no Auto class does."""

    @property
    def model_class(self) -> Any:
        """The class itself."""
        return getattr(transformers, self.name, None) or getattr(bert6, self.name)


def listed_classes() -> list[ListedClass]:
    """Every masked-LM class, then every causal-LM class, each by name; one listed for both is
    there once, as a masked one."""
    masked = _by_class(modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES)
    for name in dir(transformers):
        if name.endswith("ForMaskedLM") and not name.startswith("Auto"):
            masked.setdefault(name, [])
    for name in (bert6.Bert6ForMaskedLM.__name__, bert6.BertConvForMaskedLM.__name__):
        masked.setdefault(name, [getattr(bert6, name).config_class.model_type])
    causal = _by_class(modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    return [
        ListedClass(name, kind, tuple(sorted(types)))
        for kind, classes in (("masked", masked), ("causal", causal))
        for name, types in sorted(classes.items())
        if kind == "masked" or name not in masked
    ]


def _by_class(names: Any) -> dict[str, list[str]]:
    classes: dict[str, list[str]] = {}
    for model_type, name in names.items():
        classes.setdefault(name, []).append(model_type)
    return classes
