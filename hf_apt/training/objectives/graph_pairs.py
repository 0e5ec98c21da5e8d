"""Linked texts are drawn together: structure-inducing pre-training.

McDermott, Yap, Szolovits and Zitnik 2023, "Structure-inducing pre-training", Nature Machine
Intelligence, arXiv 2103.10334. Ours, from the paper's equations.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hf_apt.stats.config_checks import (
    require_not_negative,
    require_one_of,
    require_positive,
    require_whole,
)
from hf_apt.training.objective import InTrainingOnly, Step, Term, TrainingSetup, require_weight

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class GraphPairs(InTrainingOnly):
    """A loss on pairs of texts, those linked in a graph being alike and others not.

    A step reads, beside its batch and without masks, `num_anchors` texts of the graph, for each of
    them one linked to it and one that is not, and compares all of these with each other as the
    graph has it. Which texts are read is a function of the Trainer's seed and the number of the
    step alone, and the term a mean over the groups of the whole step, however it is divided.

    The paper weighs (1 - l) * MLM + l * this; here it is MLM + weight * this, which is the paper's
    divided by 1 - l for weight = l / (1 - l): the paper's 0.1 is a weight of 1/9. With AdamW the
    steps are the same but for its epsilon and for clipped gradients.

    Raises:
        ValueError: for settings out of range or that do not go together.
    """

    lacks: ClassVar[str] = "has no texts"

    name: str = field(default="graph_pairs", init=False)
    """`graph_pairs`, under which the loss is logged: a mean over groups."""

    weight: float
    """Weight of the loss. With 0 nothing is read."""

    graph: Literal["links", "labels", "nearest", "dropout"] = "links"
    """What links two texts: a table (`links`), equal labels of a task, being among the nearest by
    TF-IDF; with `dropout` each text is paired with itself, as a control."""

    links: str = ""
    """A table, .csv, .tsv, .parquet or JSON, whose first two columns are linked texts or, with
    `texts`, ids of these."""

    texts: str = ""
    """The texts: a table with the columns `id` and `text` for a table of links (without ids, rows
    count from 0), `task:NAME` for labels, either or any corpus otherwise. Numbers and seed of a
    task's fine-tuning are given with it: `task:NAME:train_per_class=32;seed=1`."""

    column: str = ""
    """Column of the text, where it is another one than `text`."""

    num_neighbours: int = 5
    """How many of the nearest texts each one links to, for `nearest`."""

    rewire: bool = False
    """Exchange the links at random, so that each text keeps their number alone, as a control."""

    num_anchors: int = 16
    """Anchors of a group, which is of up to three times as many texts."""

    num_groups: int = 1
    """Groups of a step; accumulation steps and processes share them out."""

    pooling: Literal["mean", "cls"] = "mean"
    """How the last states of a text become one vector: the mean over its tokens, or the first."""

    sequence_length: int = 0
    """Tokens that a text is cut to, 3 or more; 0 for 128, or for what the model has places for."""

    loss: Literal["multi_similarity", "contrastive"] = "multi_similarity"
    """The loss on pairs: multi-similarity of cosines, or contrastive on distances of vectors that
    were made one long."""

    positive_scale: float = 2.0
    """Multi-similarity: scale of linked pairs."""

    negative_scale: float = 40.0
    """Multi-similarity: scale of others."""

    threshold: float = 0.5
    """Multi-similarity: the cosine that neither draws nor pushes."""

    margin: float = 10.0
    """Multi-similarity: only pairs that violate the order of cosines by less than this, or at all,
    count; above 2 all do."""

    positive_margin: float = 0.2
    """Contrastive: the distance up to which linked texts are near enough."""

    negative_margin: float = 1.0
    """Contrastive: the distance from which on others are far enough, at most 2."""

    def __post_init__(self) -> None:
        require_weight(self)
        require_whole(self, "num_anchors", "num_groups", "num_neighbours")
        if self.sequence_length:
            require_whole(self, "sequence_length", least=3)
        require_positive(self, "positive_scale", "negative_scale", "negative_margin")
        require_not_negative(self, "margin", "positive_margin")
        for name, choices in _CHOICES.items():
            require_one_of(self, name, choices)
        if not math.isfinite(self.threshold):
            raise ValueError(f"threshold must be a finite number, got {self.threshold!r}.")
        for name, (what, reader) in _READERS.items():
            is_set = getattr(self, name) != type(self).__dataclass_fields__[name].default
            if is_set and getattr(self, what) != reader:
                raise ValueError(
                    f"{name} is of {what}={reader}, and {self.name} has {what}="
                    f"{getattr(self, what)}: leave it out."
                )
        if (self.graph == "links") != bool(self.links):
            raise ValueError(
                f"the graph of {self.name} is {self.graph!r} and its links {self.links!r}: give "
                "links=FILE for a table of links, and graph=labels, nearest or dropout without one."
            )
        if self.graph != "links" and not self.texts:
            raise ValueError(
                f"{self.name} with graph={self.graph} has no texts: give texts=FILE or texts=task:"
                "NAME."
            )
        if self.graph == "dropout" and self.rewire:
            raise ValueError(
                f"{self.name} with graph=dropout has no links to rewire: leave it out."
            )

    def count(self, inputs: Mapping[str, Any]) -> int:
        """Nothing of the batch, of which the term is independent.

        Args:
            inputs: a batch.

        Returns:
            0.
        """
        return 0

    def in_training(self, setup: TrainingSetup) -> Callable[[Step], tuple[Term, ...]]:
        """The term with its texts and graph; with a warning where pairs of dropout are the same.

        Args:
            setup: the training, with its tokenizer.

        Returns:
            What a Trainer calls in place of the objective.

        Raises:
            ValueError: for texts or links that cannot be read, for fewer than a group needs, for a
                Trainer without a tokenizer, and where the weights are shared out among processes.
        """
        from hf_apt.training.adversary.any_dropout import has_dropout
        from hf_apt.training.adversary.whole_weights import require_whole_weights
        from hf_apt.training.representation.graph_pairs_term import GraphPairsTerm

        require_whole_weights(setup.args, self.name)
        if self.graph == "dropout" and not has_dropout(setup.model):
            warnings.warn(
                f"{self.name} compares two draws of dropout, and {type(setup.model).__name__} has "
                "none: every text matches itself, and others are pushed away alone; give the model "
                "some (--dropout 0.1).",
                stacklevel=2,
            )
        return GraphPairsTerm(self, setup)

    def group_loss(self, vectors: Tensor, linked: Tensor, unlinked: Tensor) -> Tensor:
        """The loss of one group of texts.

        Args:
            vectors: a row for each text.
            linked: which pairs are linked, as a square of truth values.
            unlinked: which pairs are not.

        Returns:
            A scalar in float32.
        """
        from hf_apt.training.representation import pair_losses

        if self.loss == "multi_similarity":
            loss = partial(
                pair_losses.multi_similarity_loss,
                positive_scale=self.positive_scale,
                negative_scale=self.negative_scale,
                threshold=self.threshold,
                margin=self.margin,
            )
            return loss(vectors, linked, unlinked)
        return pair_losses.contrastive_loss(
            pair_losses.unit_vectors(vectors),
            linked,
            unlinked,
            positive_margin=self.positive_margin,
            negative_margin=self.negative_margin,
        )


_CHOICES = {
    "graph": ("links", "labels", "nearest", "dropout"),
    "pooling": ("mean", "cls"),
    "loss": ("multi_similarity", "contrastive"),
}

_READERS = {
    "num_neighbours": ("graph", "nearest"),
    **dict.fromkeys(
        ("positive_scale", "negative_scale", "threshold", "margin"), ("loss", "multi_similarity")
    ),
    **dict.fromkeys(("positive_margin", "negative_margin"), ("loss", "contrastive")),
}
"""Settings that only one choice of another setting reads."""
