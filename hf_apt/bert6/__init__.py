"""BERT-6 as a model type of transformers, known to the Auto classes as its own models are.

transformers resolves its models by name, when they are first asked for. `register_lazily` enters
BERT-6 in the same tables of names, so that `import hf_apt` costs no import of torch or transformers
and yet leaves BERT-6 registered, whichever of the two is imported first. The public
`AutoConfig.register` takes classes, not names: it would import every BERT class at once, and cannot
be called while transformers is itself half imported.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import wrapt

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

_AUTO = "transformers.models.auto"


def register_lazily() -> None:
    """Make BERT-6 known to AutoConfig, AutoTokenizer and the AutoModel classes, without imports."""
    # transformers looks for the classes of model type "bert6" in this module.
    sys.modules["transformers.models.bert6"] = sys.modules[__name__]
    wrapt.register_post_import_hook(_name_config, f"{_AUTO}.configuration_auto")
    wrapt.register_post_import_hook(_name_models, f"{_AUTO}.modeling_auto")
    wrapt.register_post_import_hook(_name_tokenizer, f"{_AUTO}.tokenization_auto")


def _name_config(auto: Any) -> None:
    auto.CONFIG_MAPPING_NAMES["bert6"] = "Bert6Config"


def _name_models(auto: Any) -> None:
    for mapping, class_name in (
        ("MODEL_MAPPING", "Bert6Model"),
        ("MODEL_FOR_PRETRAINING_MAPPING", "Bert6ForMaskedLM"),
        ("MODEL_FOR_MASKED_LM_MAPPING", "Bert6ForMaskedLM"),
        ("MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING", "Bert6ForSequenceClassification"),
        ("MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING", "Bert6ForTokenClassification"),
    ):
        _enter(auto, mapping, class_name)


def _name_tokenizer(auto: Any) -> None:
    _enter(auto, "TOKENIZER_MAPPING", "BertTokenizer")


def _enter(auto: Any, mapping: str, class_name: str) -> None:
    getattr(auto, f"{mapping}_NAMES")["bert6"] = class_name
    # Made when the module was imported, which may have been before hf_apt was.
    getattr(auto, mapping)._reverse_config_mapping["Bert6Config"] = "bert6"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    file = "configuration_bert6" if name == "Bert6Config" else "modeling_bert6"
    return getattr(import_module(f"hf_apt.bert6.{file}"), name)
