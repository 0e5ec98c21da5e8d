"""How a model is pre-trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from hf_apt.arithmetic.precision import Precision
from hf_apt.models.carried_parts import CarriedParts
from hf_apt.stats.config_checks import (
    require_not_negative,
    require_one_of,
    require_positive,
    require_seed,
    require_share,
    require_whole,
    require_whole_number,
)
from hf_apt.training.masking_laws.law import MaskingLaw
from hf_apt.training.objective import Objective, require_objectives

Optimizer = Literal["adamw", "muon"]
"""An optimiser by name."""

COMPILE_MODES = (
    *("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune"),
)
"""Modes of torch.compile; those of `torch._inductor.list_mode_options`."""


CONTINUED_LEARNING_RATE = 1e-4
"""Peak learning rate of a training that goes on from a checkpoint, unless told: ours, not
tuned."""


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """How to train; the defaults are those of arXiv 2507.14871's code, but for the warm-up.

    Raises:
        ValueError: for numbers and shares that are out of range, an unknown optimiser or mode of
            compiling, such a mode without compiling, and objectives that do not go together.
    """

    num_steps: int
    """Optimiser steps of pre-training."""

    batch_size: int = 32
    """Sequences in a step, over all processes and accumulation steps."""

    accumulation_steps: int = 1
    """Parts into which each process cuts its share of a batch."""

    learning_rate: float = 5e-5
    """Peak learning rate."""

    warmup_share: float = 0.01
    """Share of the steps in which the rate rises; it falls linearly to 0 afterwards."""

    weight_decay: float = 0.01
    """Weight decay of AdamW."""

    beta2: float = 0.999
    """Second decay of AdamW."""

    masking_rate: float = 0.15
    """Share of the positions that are modified in pre-training; measuring has a rate of its own."""

    masking_law: MaskingLaw | None = None
    """Which tokens are modified more often than others in pre-training, at the same masking rate,
    as `ability:every=100,floor=0.05`; None for all alike. Measuring is uniform."""

    causal_share: float = 0.0
    """Share of the steps, from the first, in which nothing is masked: every token is predicted from
    those before it, by the same model and head. Validation masks throughout."""

    windows: tuple[tuple[int, float], ...] = ()
    """Widths of windows, each with the share of the steps after which it ends: until then every
    sequence is read in windows of so many tokens. Of few tokens the neighbours are soon told from
    the rest, where attention over a whole sequence starts out as an average of everything."""

    seed: int = 42
    """Seed of weights, order, masks and dropout."""

    save_every: int = 1000
    """Steps between checkpoints to resume from."""

    keep_at: tuple[int, ...] = ()
    """Steps after which the model is kept, in `steps/step-<n>` of the run's folder, to be measured
    as any checkpoint."""

    optimizer: Optimizer = "adamw"
    """`adamw`: fused AdamW. `muon`: Muon for the matrices of the blocks, fused AdamW for the rest,
    both at the same learning rate."""

    precision: Precision = "auto"
    """Precision of products in training: `fp32`, `bf16`, or `auto`, which takes bfloat16 on a
    graphics card that has it, and on a processor where a trial of the step finds it at least 1.3
    times as fast as float32."""

    compile: bool = False
    """Compile the model (torch.compile), on batches of one shape."""

    compile_mode: str | None = None
    """Mode of torch.compile, as `reduce-overhead` for CUDA graphs or `max-autotune`; None for its
    default."""

    report_to: tuple[str, ...] = ()
    """Trackers: `tensorboard`, `trackio`, or any other that the Trainer knows."""

    num_validation_sequences: int = 256
    """Held-out sequences on which the loss is computed, with masks that never change."""

    start_from: str | None = None
    """Checkpoint of a masked LM whose weights, all of them, the model starts with: a folder, a
    shipped name or a Hub id; None for fresh ones."""

    blocks_of: str | None = None
    """Checkpoint whose blocks the model starts with, its embeddings and its head being fresh: a
    folder, a shipped name or a Hub id of a BERT of the same width; None for fresh blocks."""

    carried_blocks: str | None = None
    """Which blocks these are, as 1-3 or 2,5; None for all of the model's."""

    carried_parts: CarriedParts = "whole"
    """What is carried of each block: `whole`, its `attention` or its `feed_forward` layers."""

    objectives: tuple[Objective, ...] = ()
    """Objectives added to the masked-LM loss in training, as `r_drop:weight=1`."""

    def __post_init__(self) -> None:
        require_whole(self, "num_steps", "num_validation_sequences", least=0)
        require_whole(self, "batch_size", "accumulation_steps", "save_every")
        for step in self.keep_at:
            require_whole_number("a step of keep_at", step)
            if step > self.num_steps:
                raise ValueError(
                    f"keep_at asks for step {step}, and there are {self.num_steps} steps: choose "
                    "earlier ones, or train for longer."
                )
        require_positive(self, "learning_rate")
        require_not_negative(self, "warmup_share", "weight_decay", "causal_share")
        for name in ("warmup_share", "causal_share"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} must be at most 1, got {getattr(self, name)!r}.")
        require_share(self, "beta2", "masking_rate")
        if self.masking_law is not None and self.masking_law.most < self.masking_rate:
            raise ValueError(
                f"the masking law {self.masking_law.name} lets no token be modified more often "
                f"than {self.masking_law.most:g}, and masking_rate is {self.masking_rate:g}: give "
                "a larger most."
            )
        if self.masking_law is not None and self.causal_share:
            raise ValueError(
                f"the masking law {self.masking_law.name} is for masked positions alone, and "
                f"causal_share is {self.causal_share:g}: leave one of them out."
            )
        require_seed(self, num_seeds=2)  # the next one masks the held-out text
        require_one_of(self, "precision", get_args(Precision))
        require_one_of(self, "optimizer", get_args(Optimizer))
        if self.compile_mode is not None:
            require_one_of(self, "compile_mode", COMPILE_MODES)
            if not self.compile:
                raise ValueError(
                    f"compile_mode is {self.compile_mode!r}, but nothing is compiled: add "
                    "--compile (compile=True), or leave the mode out."
                )
        require_one_of(self, "carried_parts", get_args(CarriedParts))
        self._require_one_start()
        require_objectives(self.objectives)

    def _require_one_start(self) -> None:
        if self.start_from is not None and self.blocks_of is not None:
            raise ValueError(
                f"the model cannot start from all of {self.start_from!r} and from the blocks of "
                f"{self.blocks_of!r}: leave --start-from or --blocks-of out."
            )
        if self.blocks_of is None and (self.carried_blocks or self.carried_parts != "whole"):
            raise ValueError(
                "no checkpoint is named whose blocks are to be carried over: add --blocks-of "
                "CHECKPOINT (blocks_of=...)."
            )
