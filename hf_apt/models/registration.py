"""Model types of our own, known to transformers' Auto classes as its own models are.

transformers resolves its models by name, when they are first asked for. `register_lazily` enters a
model type in the same tables of names, so that `import hf_apt` costs no import of torch or
transformers and yet leaves it registered, whichever of the two is imported first. The public
`AutoConfig.register` takes classes, not names: it would import every BERT class at once, and cannot
be called while transformers is itself half imported.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import wrapt

_AUTO = "transformers.models.auto"

ENCODER = {
    "MODEL_MAPPING": "Model",
    "MODEL_FOR_PRETRAINING_MAPPING": "ForMaskedLM",
    "MODEL_FOR_MASKED_LM_MAPPING": "ForMaskedLM",
    "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING": "ForSequenceClassification",
    "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING": "ForTokenClassification",
}
"""What follows the stem in the name of the class that each table leads to."""

COMMITTEE = {"MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING": ""}
"""The table of a model type that is a classifier only, named by the stem itself."""

SELECTION = {
    "MODEL_MAPPING": "ForPreTraining",
    "MODEL_FOR_PRETRAINING_MAPPING": "ForPreTraining",
}
"""The tables of a generator with its discriminator, which have one class for both."""


def register_lazily(
    model_type: str, stem: str, module: str, models: Mapping[str, str] = ENCODER
) -> None:
    """Make `model_type` known to AutoConfig, AutoTokenizer and the AutoModel classes.

    `module` has the classes, or imports them when they are asked for: `<stem>Config` and those that
    `models` names, `<stem>Model`, `<stem>ForMaskedLM` and so on. Its tokenizer is BERT's, where a
    checkpoint names no other. An encoder's layers are called as BERT's are: where peft is told of
    none to adapt, it adapts those that it would adapt of a BERT.
    """

    def enter(auto: Any, mapping: str, class_name: str) -> None:
        getattr(auto, f"{mapping}_NAMES")[model_type] = class_name
        # Made when the module was imported, which may have been before hf_apt was.
        getattr(auto, mapping)._reverse_config_mapping[f"{stem}Config"] = model_type

    def name_config(auto: Any) -> None:
        auto.CONFIG_MAPPING_NAMES[model_type] = f"{stem}Config"

    def name_models(auto: Any) -> None:
        for mapping, ending in models.items():
            enter(auto, mapping, stem + ending)

    def name_tokenizer(auto: Any) -> None:
        enter(auto, "TOKENIZER_MAPPING", "BertTokenizer")

    def name_targets(constants: Any) -> None:
        for name, targets in vars(constants).items():
            if name.startswith("TRANSFORMERS_MODELS_TO_") and "bert" in targets:
                targets.setdefault(model_type, targets["bert"])

    # transformers looks for the classes of a model type in a module of this name.
    sys.modules[f"transformers.models.{model_type}"] = import_module(module)
    wrapt.register_post_import_hook(name_config, f"{_AUTO}.configuration_auto")
    wrapt.register_post_import_hook(name_models, f"{_AUTO}.modeling_auto")
    wrapt.register_post_import_hook(name_tokenizer, f"{_AUTO}.tokenization_auto")
    if models is ENCODER:
        wrapt.register_post_import_hook(name_targets, "peft.utils.constants")
