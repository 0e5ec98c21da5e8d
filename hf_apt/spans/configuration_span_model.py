"""What a model of spans is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from transformers import PretrainedConfig

from hf_apt.spans.span_format import SpanFormat

_OF_FILES = ("auto_map", "dtype", "transformers_version", "architectures")


class SpanModelConfig(PretrainedConfig):
    """Configuration of a `SpanModel`: that of its trunk, the types, and the form of its rows."""

    model_type = "span_model"

    trunk: dict | None = None
    """The configuration of the encoder as a dictionary, with its `model_type`."""

    form: dict | None = None
    """The fields of the `SpanFormat`."""

    vocab_size: int | None = None
    """Number of token ids."""

    pad_token_id: int | None = None
    """Padding id."""

    @classmethod
    def of(cls, trunk: Any, labels: Sequence[str], form: SpanFormat) -> SpanModelConfig:
        """The configuration of a model on a trunk of the configuration `trunk`.

        Raises ValueError if there is no type, or one twice.
        """
        if not labels or len(set(labels)) < len(labels):
            raise ValueError(
                f"a model of spans has types, each once, and got {list(labels)}: name them."
            )
        content = trunk.to_dict()
        return cls(
            trunk={
                key: value
                for key, value in content.items()
                if not key.startswith("_") and key not in _OF_FILES
            },
            form=asdict(form),
            vocab_size=trunk.vocab_size,
            pad_token_id=trunk.pad_token_id,
            id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
        )

    def span_format(self) -> SpanFormat:
        """The form of the rows that the model is trained on."""
        return SpanFormat(**(self.form or {}))

    def labels(self) -> tuple[str, ...]:
        """The types by number."""
        names: dict[Any, str] = {**(self.id2label or {})}
        return tuple(names[index] for index in range(len(names)))
