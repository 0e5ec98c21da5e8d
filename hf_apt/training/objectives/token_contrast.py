"""A token is to be recognised in another view of its text, among all other tokens.

After the PointInfoNCE loss of Xie et al. 2020, "PointContrast: Unsupervised Pre-training for 3D
Point Cloud Understanding", arXiv 2007.10985, for tokens in place of points. Ours, from the formula.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from hf_apt.stats.config_checks import require_one_of, require_positive, require_whole
from hf_apt.training.objective import InTrainingOnly, Step, Term, TrainingSetup, require_weight

Views = Literal["windows", "dropout"]
Level = Literal["token", "sentence"]


@dataclass(frozen=True, kw_only=True)
class TokenContrast(InTrainingOnly):
    """The InfoNCE loss between the states of the same tokens in two views of their texts.

    The views are two overlapping windows of each text, or two draws of dropout, of what the batch
    shows to the model, masks included. In a group of texts the tokens that are in both views are
    matched: each is to have its highest cosine with itself in the other view. Special tokens are
    left out; masked ones are told apart by what they stand for. Both directions count, and every
    group alike. Beside the loss, in nats a token, the share of tokens that find their match is
    logged (`token_contrast_found`).

    A step takes two more passes, forward and back, as deep as `depth`. There is no projection: the
    states themselves are compared.

    Raises:
        ValueError: for settings out of range.
    """

    lacks: ClassVar[str] = "knows no special tokens"

    name: str = field(default="token_contrast", init=False)
    """`token_contrast`, under which the loss is logged, in nats a token."""

    weight: float
    """Weight of the loss. With 0 there are no further passes."""

    views: Views = "windows"
    """`windows`: the first and the last tokens of a text, attention being kept from the rest, each
    token at its position. `dropout`: the whole text twice, by a model that has dropout."""

    level: Level = "token"
    """`token`, or `sentence`: as a control, the mean of a text's states in a view is to be told
    from those of the other texts of its group, as in SimCSE."""

    temperature: float = 0.07
    """What cosines are divided by."""

    num_tokens: int = 256
    """Largest number of matched tokens of a group, drawn at random."""

    group_size: int = 8
    """Texts whose tokens are told apart from one another: neighbours in the batch. It divides the
    batch of one process and accumulation step, so that a step does not depend on its division."""

    window_share: float = 0.75
    """Share of a text's tokens in each window, above 1/2 and below 1."""

    mask_same_type: bool = False
    """Do not tell a token from others of its own type, the same word elsewhere."""

    depth: int | None = None
    """Blocks after which states are read; None for all of them."""

    def __post_init__(self) -> None:
        require_weight(self)
        require_one_of(self, "views", get_args(Views))
        require_one_of(self, "level", get_args(Level))
        require_positive(self, "temperature")
        require_whole(self, "num_tokens", least=2)
        require_whole(self, "group_size")
        require_whole(self, "depth", least=0)
        if not 0.5 < self.window_share < 1:
            raise ValueError(
                f"the window_share of {self.name} is {self.window_share}: give a number above 0.5, "
                "where windows begin to overlap, and below 1."
            )
        if self.level == "sentence" and self.group_size < 2:
            raise ValueError(
                f"the group_size of {self.name} is 1, where a text is told from no other: give a "
                "larger one."
            )

    def count(self, inputs: Mapping[str, Any]) -> int:
        """The number of groups in a batch.

        Args:
            inputs: a batch.

        Returns:
            The number of texts by `group_size`, rounded up.

        Raises:
            ValueError: for a batch without token ids, a text a row, and for one of next tokens.
        """
        ids = inputs.get("input_ids")
        if ids is None or ids.dim() != 2:
            raise ValueError(
                "the batch has no input_ids of shape (texts, tokens): token_contrast is for models "
                "that read token ids, one text in each row."
            )
        mask = inputs.get("attention_mask")
        if mask is not None and mask.dim() > 2:
            raise ValueError(
                "the batch asks for next tokens, of which no view can be cut out: leave out "
                "token_contrast or causal_share."
            )
        return -(-ids.shape[0] // self.group_size)

    def in_training(self, setup: TrainingSetup) -> Callable[[Step], tuple[Term, ...]]:
        """The term, for a training; with a warning where both views would be the same.

        Args:
            setup: the training.

        Returns:
            What a Trainer calls in place of the objective.

        Raises:
            ValueError: for a training without a tokenizer or whose batches are not made of whole
                groups, for a model that has no such depth, and where the weights are shared out
                among processes.
        """
        from hf_apt.training.adversary.any_dropout import has_dropout
        from hf_apt.training.adversary.whole_weights import require_whole_weights
        from hf_apt.training.representation.token_contrast_term import TokenContrastTerm

        require_whole_weights(setup.args, self.name)
        if self.views == "dropout" and not has_dropout(setup.model):
            warnings.warn(
                f"{self.name} compares two draws of dropout, and {type(setup.model).__name__} has "
                "none: every token matches itself, and others are pushed away alone; give the "
                "model some (--dropout 0.1), or choose views=windows.",
                stacklevel=2,
            )
        return TokenContrastTerm(self, setup)
