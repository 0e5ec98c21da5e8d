"""When to measure: at each evaluation, or at steps of one's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Every `every` steps and at the steps `at_steps`; with neither, at each evaluation."""

    every: int | None = None
    """Steps between measurements."""

    at_steps: tuple[int, ...] = ()
    """Steps at which to measure."""

    def __post_init__(self) -> None:
        for step in (self.every, *self.at_steps):
            if step is not None and step < 1:
                raise ValueError(f"steps count from 1, got {step}.")

    @property
    def follows_evaluation(self) -> bool:
        """Whether measurements are made at evaluations, not at steps."""
        return self.every is None and not self.at_steps

    def is_due(self, step: int) -> bool:
        """Whether to measure after this step, instead of at evaluations."""
        return step in self.at_steps or (self.every is not None and step % self.every == 0)
