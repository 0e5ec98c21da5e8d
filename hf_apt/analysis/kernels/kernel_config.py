"""What is asked of a checkpoint's kernels on a task."""

from __future__ import annotations

from dataclasses import dataclass, field

from hf_apt.analysis.kernels.kernel_names import (
    ARMS,
    KERNEL_KINDS,
    SELECTIONS,
    SIGN_FLOOR,
    Arm,
    KernelKind,
    Selection,
)
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.stats.config_checks import (
    require_not_negative,
    require_one_of,
    require_positive,
    require_seed,
    require_whole,
)
from hf_apt.stats.kernels.solver_names import SOLVERS, Solver


@dataclass(frozen=True, kw_only=True)
class KernelConfig:
    """What is asked of a checkpoint's kernels on a task.

    Raises:
        ValueError: for numbers that are out of range, and unknown names.
    """

    prompt: str | None = None
    """The text as a question to a language model, with `{text}` and `{mask}` in their places: an
    answer is one of `words`. For a causal model `{mask}` is the end; None for a classifier with a
    fresh head."""

    words: tuple[str, ...] = ()
    """The word of each class, in the order of the labels, each a single token."""

    num_shots: int = 16
    """Training texts of a class."""

    num_validation: int = 8
    """Texts of a class to choose settings with, regularisations and learning rates."""

    num_draws: int = 3
    """Repetitions for standard errors, each with its own few texts and fresh head."""

    test_texts: int | None = 200
    """Texts to test with, the same in each repetition, as many of each class; None for all."""

    sequence_length: int = 64
    """Tokens of a text with its prompt; the text is cut, not the prompt."""

    selection: Selection = "all"
    """Parameters that kernels are over, and that are trained."""

    kinds: tuple[KernelKind, ...] = KERNEL_KINDS
    """Kernels: of gradient descent, of its signs, and of signs of the training texts alone."""

    solver: Solver = "ridge"
    """How a kernel predicts: least squares, softmax regression, or, for two classes, least squares
    for both sides of an asymmetric kernel."""

    arms: tuple[Arm, ...] = ARMS
    """Ways to fine-tune on the same texts."""

    num_steps: int = 60
    """Steps of fine-tuning."""

    batch_size: int = 8
    """Texts of a step."""

    sgd_rates: tuple[float, ...] = (1e-3, 1e-2, 1e-1)
    """Learning rates of gradient descent, of which validation chooses."""

    adam_rates: tuple[float, ...] = (1e-5, 1e-4, 1e-3)
    """Learning rates of Adam, of which validation chooses."""

    lora_rates: tuple[float, ...] = (1e-4, 1e-3, 1e-2)
    """Learning rates of Adam on adapters, of which validation chooses."""

    lora_rank: int = 8
    """Rank of the adapters."""

    drift_texts: int = 8
    """Training texts whose gradients are compared before and after fine-tuning."""

    sign_floor: float = SIGN_FLOOR
    """Gradients of at most this share of the largest one in the last group of parameters have no
    sign, being rounding; 0 for the paper's form."""

    memory: float = 2.0
    """GiB of gradients and kernels that are held at most, beside the model and its pass."""

    seed: int = 42
    """Seed of the draws, of fresh heads and of the order of training."""

    def __post_init__(self) -> None:
        require_whole(
            *(self, "num_shots", "num_validation", "num_draws", "test_texts", "sequence_length"),
            *("num_steps", "batch_size", "lora_rank", "drift_texts"),
        )
        require_positive(self, "memory")
        require_not_negative(self, "sign_floor")
        require_one_of(self, "selection", SELECTIONS)
        require_one_of(self, "kinds", KERNEL_KINDS)
        require_one_of(self, "arms", ARMS)
        require_one_of(self, "solver", SOLVERS)
        require_seed(self, num_seeds=self.num_draws)
        if not self.kinds:
            raise ValueError(f"no kernel is asked for: choose of {', '.join(KERNEL_KINDS)}.")
        for name in ("sgd_rates", "adam_rates", "lora_rates"):
            rates = getattr(self, name)
            if not rates or not all(0 < rate < float("inf") for rate in rates):
                raise ValueError(f"{name} must be finite numbers above 0, got {rates}.")
        if bool(self.words) != (self.prompt is not None):
            raise ValueError(
                "a prompt and its words belong together: give both, or neither for a classifier."
            )


@dataclass(frozen=True, kw_only=True)
class KernelStudyConfig:
    """A task, and what is asked of a checkpoint's kernels on it."""

    task: TaskConfig
    """Which texts to take."""

    kernels: KernelConfig = field(default_factory=KernelConfig)
    """What is asked."""
