"""BERT behind a convolutional front-end, a model type of transformers: `bert_conv`.

Its classes are imported when they are first asked for. Their code is beside that of BERT-6, on
which it builds: a file that travels with a checkpoint can import only its neighbours.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hf_apt.bert6.configuration_bert_conv import BertConvConfig
    from hf_apt.bert6.modeling_bert_conv import (
        BertConvForMaskedLM,
        BertConvForSequenceClassification,
        BertConvForTokenClassification,
        BertConvModel,
    )

__all__ = [
    "BertConvConfig",
    "BertConvForMaskedLM",
    "BertConvForSequenceClassification",
    "BertConvForTokenClassification",
    "BertConvModel",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    file = "configuration_bert_conv" if name == "BertConvConfig" else "modeling_bert_conv"
    return getattr(import_module(f"hf_apt.bert6.{file}"), name)
