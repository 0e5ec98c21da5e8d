"""BERT-6, a model type of transformers: its classes are imported when they are first asked for.

The code of `hf_apt.bert_conv` is in this folder, too, because it builds on BERT-6 and a file that
travels with a checkpoint can import only its neighbours.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hf_apt.bert6.configuration_bert6 import Bert6Config
    from hf_apt.bert6.modeling_bert6 import (
        Bert6ForMaskedLM,
        Bert6ForSequenceClassification,
        Bert6ForTokenClassification,
        Bert6Model,
    )

__all__ = [
    "Bert6Config",
    "Bert6ForMaskedLM",
    "Bert6ForSequenceClassification",
    "Bert6ForTokenClassification",
    "Bert6Model",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    file = "configuration_bert6" if name == "Bert6Config" else "modeling_bert6"
    return getattr(import_module(f"hf_apt.bert6.{file}"), name)
