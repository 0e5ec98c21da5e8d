"""Is it normal? What guessing reaches and what published models reached, without any model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Integer

from hf_apt.records.references.reference_models import ReferenceModel, is_like, nearest_models
from hf_apt.records.references.sentences import normal_sentence
from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.counts import refuse_outside
from hf_apt.stats.floors.floors import Floor, expected_floors
from hf_apt.stats.notebooks.shown import ShownInNotebooks

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Reference(ShownInNotebooks):
    """What to compare the accuracy of a masked language model with."""

    vocab_size: int
    """Number of tokens V."""

    masking_rate: float
    """Share of the positions that is asked, in (0, 1]."""

    floors: tuple[Floor, ...]
    """What guessers without context are expected to reach, as far as it is known."""

    models: tuple[ReferenceModel, ...]
    """The published models nearest in vocabulary and masking rate, the nearest first."""

    def is_normal(self, accuracy: float) -> str:
        """One sentence on an accuracy, the share of asked positions that a model is right at.

        Raises ValueError unless `accuracy` lies in [0, 1].
        """
        if isinstance(accuracy, bool) or not 0 <= accuracy <= 1:
            raise ValueError(f"accuracy is a share from 0 to 1, got {accuracy!r}.")
        like = [row for row in self.models if is_like(row, self.vocab_size, self.masking_rate)]
        floors = {floor.name: floor.accuracy["pooled"] for floor in self.floors}
        return normal_sentence(accuracy, self.vocab_size, floors, like)

    def to_pandas(self) -> pd.DataFrame:
        """A pandas table with a row for each floor and model.

        Columns: `kind` (floor, model), `name`, `text`, `vocab_size`, `masking_rate`,
        `num_positions`, `accuracy`, `mean_apt`, `standard_error` (of the mean APT; none for floors,
        which are exact), `source`, `evidence`.
        """
        import pandas as pd

        return pd.DataFrame([*map(self._floor_row, self.floors), *map(_model_row, self.models)])

    def facts(self) -> dict[str, str]:
        """Accuracy and mean APT of each floor and model."""
        facts = {"vocabulary, masking rate": f"{self.vocab_size:,}, {self.masking_rate:g}"}
        for floor in self.floors:
            accuracy, mean = floor.accuracy["pooled"], floor.mean_apt["pooled"]
            facts[f"floor, {floor.name}"] = f"accuracy {accuracy:.4g}, mean APT {mean:.4g}"
        for row in self.models:
            mean, error = row["mean_apt"]["value"], row["mean_apt"]["standard_error"]
            facts[f"{row['model']} on {row['text']}"] = (
                f"accuracy {row['accuracy']:.4g}, mean APT {mean:.4g} ± {error:.2g}, "
                f"vocabulary {row['vocab_size']:,}, masking rate {row['masking_rate']:g}"
            )
        return facts

    def __repr__(self) -> str:
        facts = self.facts()
        width = max(map(len, facts))
        lines = [f"  {name:<{width}}  {value}" for name, value in facts.items()]
        return "\n".join(["Reference", *lines])

    def _floor_row(self, floor: Floor) -> dict[str, Any]:
        return {
            "kind": "floor",
            "name": floor.name,
            "text": None,
            "vocab_size": self.vocab_size,
            "masking_rate": self.masking_rate,
            "num_positions": None,
            "accuracy": floor.accuracy["pooled"],
            "mean_apt": floor.mean_apt["pooled"],
            "standard_error": None,
            "source": None,
            "evidence": None,
        }


def reference(
    *,
    vocab_size: int,
    masking_rate: float = 0.15,
    support: Integer[np.ndarray, " vocab"] | None = None,
    masked_share: float = 0.8,
    replaced_share: float = 0.1,
) -> Reference:
    """What guessing reaches under a vocabulary and masking, and the models nearest to it.

    The rate changes no floor: it chooses the models. Without `support` the floors that depend on it
    (`hf_apt.stats.floors.floors`) are left out. Source: ours.

    Args:
        vocab_size: number of token ids V, at least 1.
        masking_rate: share of the positions that are asked, in (0, 1].
        support: how often each token was asked for, integers of shape (V,), as in the counts of a
            run or the tables of `AptCallback`.
        masked_share: share of the asked positions that show the mask token, in [0, 1].
        replaced_share: share of the asked positions that show any token, in [0, 1]; the rest shows
            the token itself, which copying is right at.

    Returns:
        The floors, and the published models nearest in vocabulary and rate; accuracies and mean APT
        in [0, 1].

    Raises:
        ValueError: for a vocabulary below 1, a rate outside (0, 1], shares outside [0, 1] or of
            more than 1 in all, and for a `support` that is no array (V,) of counts of its tokens.

    >>> reference(vocab_size=4096).floors[0].accuracy["pooled"]
    0.000244140625
    """
    require_whole_number("vocab_size", vocab_size)
    if isinstance(masking_rate, bool) or not 0 < masking_rate <= 1:
        raise ValueError(f"masking_rate must be above 0 and at most 1, got {masking_rate!r}.")
    if not (0 <= masked_share and 0 <= replaced_share and masked_share + replaced_share <= 1):
        raise ValueError(
            f"masked_share={masked_share} and replaced_share={replaced_share} are no shares of the "
            "asked positions: give numbers from 0 that add up to at most 1."
        )
    floors = expected_floors(
        None if support is None else _counts(support, vocab_size),
        vocab_size=vocab_size,
        masked_share=masked_share,
        replaced_share=replaced_share,
    )
    models = nearest_models(vocab_size, masking_rate)
    return Reference(vocab_size, masking_rate, tuple(floors), tuple(models))


def _counts(support: Any, vocab_size: int) -> np.ndarray:
    support_V = np.asarray(support)
    if support_V.ndim != 1 or support_V.dtype.kind not in "iu":
        raise ValueError(
            f"support must be one whole number for each token, got {support_V.dtype} of shape "
            f"{support_V.shape}."
        )
    if (support_V < 0).any():
        raise ValueError(f"support must not be negative, got {support_V.min()}.")
    refuse_outside("asked token id", np.flatnonzero(support_V), vocab_size)
    return support_V


def _model_row(row: ReferenceModel) -> dict[str, Any]:
    return {
        "kind": "model",
        "name": row["model"],
        **{key: row[key] for key in ("text", "vocab_size", "masking_rate", "num_positions")},
        "accuracy": row["accuracy"],
        "mean_apt": row["mean_apt"]["value"],
        "standard_error": row["mean_apt"]["standard_error"],
        **{key: row[key] for key in ("source", "evidence")},
    }
