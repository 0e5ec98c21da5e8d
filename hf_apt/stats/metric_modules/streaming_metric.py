"""What makes an `evaluate.Metric` count as it is fed, instead of writing Arrow tables.

Mixed in before `evaluate.Metric`, it replaces how data get from `add_batch` to `_compute`.
evaluate itself is not imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from hf_apt.stats.metric_modules.anchor_stream import AnchorStream
from hf_apt.stats.metric_modules.feature_stream import FeatureStream
from hf_apt.stats.metric_modules.moved_stream import MovedStream
from hf_apt.stats.metric_modules.streams import ConfidenceStream, PairStream
from hf_apt.stats.metric_modules.vector_stream import VectorStream


class Streamed:
    """A metric whose `_compute` takes a stream of what was added, and options by name."""

    stream_type: ClassVar[
        type[
            PairStream
            | ConfidenceStream
            | MovedStream
            | AnchorStream
            | VectorStream
            | FeatureStream
        ]
    ]
    """The type of the stream that keeps the inputs."""

    optional_inputs: ClassVar[tuple[str, ...]] = ()
    """Inputs that `add`, `add_batch` and `compute` take besides predictions and references."""

    _compute: Callable[..., dict[str, Any]]

    def __init__(self, **kwargs: Any):
        num_process = kwargs.get("num_process", 1)
        if num_process != 1:
            raise ValueError(
                f"num_process is {num_process}, but these counts are not shared between "
                "processes: gather predictions and references, and compute on one of them."
            )
        super().__init__(**kwargs)
        self._stream: Any = self.stream_type()

    def __len__(self) -> int:
        return len(self._stream)

    # evaluate appends the description of the inputs to these docstrings: they must not be empty.

    def add_batch(self, *, predictions: Any = None, references: Any = None, **inputs: Any) -> None:
        """Count a batch of predictions and references."""
        self._refuse_unknown(inputs)
        self._stream.update(predictions, references, **inputs)

    def add(self, *, prediction: Any = None, reference: Any = None, **inputs: Any) -> None:
        """Count one prediction and its reference."""
        # `evaluate.combine` calls them by their plurals.
        self.add_batch(**{"predictions": prediction, "references": reference} | inputs)

    def compute(self, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> dict:
        """The figures of all that was added, and of what is given here; then starts over.

        If it raises, what was added before stays, and what was given here is dropped.
        """
        inputs = {name: kwargs.pop(name) for name in self.optional_inputs if name in kwargs}
        stream: Any = self.stream_type()
        stream.merge(self._stream)
        if any(given is not None for given in (predictions, references, *inputs.values())):
            stream.update(predictions, references, **inputs)
        figures = self._compute(stream, **kwargs)
        self._stream = self.stream_type()
        return figures

    def _refuse_unknown(self, inputs: dict[str, Any]) -> None:
        unknown = sorted(inputs.keys() - set(self.optional_inputs))
        if unknown:
            known = ", ".join(["predictions", "references", *self.optional_inputs])
            raise ValueError(f"{unknown[0]} is no input of this metric: give {known}.")
