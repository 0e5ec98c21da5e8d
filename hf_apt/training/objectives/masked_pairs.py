"""Pairs of masked words, answered together: the pairwise masked language model.

After He et al. 2021, "Pre-training Co-evolutionary Protein Representation via A Pairwise Masked
Language Model", arXiv 2110.15527. Ours, from the idea.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from hf_apt.stats.config_checks import require_whole
from hf_apt.stats.not_asked import NOT_ASKED
from hf_apt.training.objective import InTrainingOnly, Step, Term, TrainingSetup, require_weight

if TYPE_CHECKING:
    from torch import Tensor

MOST_WORDS = 512
"""Most words that a head tells apart: a pair then takes 513 squared numbers, 1.1 MB in float32."""


@dataclass(frozen=True, kw_only=True)
class MaskedPairs(InTrainingOnly):
    """The joint law of the words at two masked positions of a text, by a head of its own.

    The head tells the `num_words` most frequent tokens of the training text apart, special ones
    left out, and "another word", so that a pair has (`num_words` + 1) squared answers. It reads the
    last states of both positions and their distance. The term is the cross-entropy of the true
    pairs, a mean over the pairs of the whole step, in nats a pair. Beside it `masked_pairs_gap` is
    logged: KL(joint || product of its marginals), how far the head's laws are from independence.

    The head is trained by an AdamW of its own at the Trainer's learning rate. It is in every
    checkpoint, and at the end in `pairs_head.safetensors`, which `hf-apt pairs RUN` reads. The
    model and what is saved of it have no part of it.

    Raises:
        ValueError: for settings out of range.
    """

    lacks: ClassVar[str] = "has no head"

    name: str = field(default="masked_pairs", init=False)
    """`masked_pairs`, under which the loss is logged, in nats a pair."""

    weight: float
    """Weight of the loss. With 0 there is no head."""

    num_pairs: int = 8
    """Most pairs of a text in a step, drawn evenly among those of asked positions that are near
    enough."""

    max_distance: int = 8
    """Most tokens from the earlier position to the later one."""

    num_words: int = 128
    """Words that are told apart, 512 at most; fewer where the text has fewer."""

    rank: int = 32
    """Rank of the interaction of both words."""

    def __post_init__(self) -> None:
        require_weight(self)
        require_whole(self, "num_pairs", "max_distance", "num_words", "rank")
        if self.num_words > MOST_WORDS:
            megabytes = (self.num_words + 1) ** 2 * 4 / 1e6
            raise ValueError(
                f"the num_words of {self.name} is {self.num_words}, where the law of every pair "
                f"takes {megabytes:,.1f} MB, and several times that in training: give at most "
                f"{MOST_WORDS}."
            )

    def count(self, inputs: Mapping[str, Any]) -> Tensor | int:
        """The number of pairs that are looked at in a batch.

        Args:
            inputs: a batch with a label for each token.

        Returns:
            A whole number; that of the pairs of a text is `num_pairs` at most.

        Raises:
            ValueError: for a batch without such labels, and for one of next tokens.
        """
        from hf_apt.training.pairs.drawn_pairs import num_pairs_of

        ids, labels = inputs.get("input_ids"), inputs.get("labels")
        if ids is None or labels is None or ids.dim() != 2 or ids.shape != labels.shape:
            raise ValueError(
                "the batch has no labels of the shape of its input_ids, one for each token: "
                "masked_pairs is for masked language models."
            )
        mask = inputs.get("attention_mask")
        if mask is not None and mask.dim() > 2:
            raise ValueError(
                "the batch asks for next tokens, of which none is masked: leave out masked_pairs "
                "or causal_share."
            )
        numbers_B = num_pairs_of(
            (labels != NOT_ASKED).cpu().numpy(),
            num_pairs=self.num_pairs,
            max_distance=self.max_distance,
        )
        return int(numbers_B.sum())

    def in_training(self, setup: TrainingSetup) -> Callable[[Step], tuple[Term, ...]]:
        """The term with its head, and a callback of the Trainer.

        Args:
            setup: the training, with its data.

        Returns:
            What a Trainer calls in place of the objective.

        Raises:
            ValueError: without a tokenizer, for data whose words cannot be counted, for two models
                in one, for a compiled model, float16, and where the weights are shared out among
                processes.
        """
        from hf_apt.training.adversary.whole_weights import require_whole_weights
        from hf_apt.training.pairs.masked_pairs_term import MaskedPairsTerm

        require_whole_weights(setup.args, self.name)
        if getattr(setup.model.config, "model_type", None) == "apt_selection":
            raise ValueError(
                f"{self.name} reads the states of one model, and there are a generator and a "
                "discriminator: leave one of them out."
            )
        for option, remedy in (
            ("torch_compile", "leave out --compile"),
            ("fp16", "choose bfloat16 or float32"),
        ):
            if getattr(setup.args, option, False):
                raise ValueError(f"{self.name} does not go with {option}: {remedy}.")
        return MaskedPairsTerm(self, setup)
