"""What a committee of classifiers is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from transformers import PretrainedConfig

from hf_apt.models.committee.combination_names import Combination, require_combination


class SoftCommitteeConfig(PretrainedConfig):
    """Configuration of a `SoftCommittee`: those of its members, and how they are combined."""

    model_type = "soft_committee"

    members: list | None = None
    """Each member's own configuration as a dictionary, with its `model_type`."""

    combination: str = "mean_softmax"
    """How the members' logits become one answer: one of `hf_apt.models.committee.COMBINATIONS`."""

    vocab_size: int | None = None
    """Number of token ids, the same for every member."""

    max_position_embeddings: int | None = None
    """Number of positions of the member with the fewest."""

    pad_token_id: int | None = None
    """Padding id of the members."""

    @classmethod
    def of(
        cls, configs: Sequence[Any], combination: Combination = "mean_softmax"
    ) -> SoftCommitteeConfig:
        """The configuration of a committee of members that have configurations already.

        Args:
            configs: the configuration of each member.
            combination: how the members' logits become one answer, a name of
                `hf_apt.models.committee.COMBINATIONS`.

        Returns:
            The committee's configuration, with the labels and the vocabulary size of its members.

        Raises:
            ValueError: if there is none, if the combination is unknown, and if members have other
                labels or another number of token ids than the first.
        """
        require_combination(combination)
        if not configs:
            raise ValueError("a committee has at least one member, got none.")
        first = configs[0]
        for place, config in enumerate(configs):
            _require_equal("labels", place, _labels(first), _labels(config))
            _require_equal("vocabulary size", place, first.vocab_size, config.vocab_size)
        positions = [getattr(config, "max_position_embeddings", None) for config in configs]
        return cls(
            members=[_plain(config) for config in configs],
            combination=combination,
            vocab_size=first.vocab_size,
            max_position_embeddings=min((given for given in positions if given), default=None),
            pad_token_id=first.pad_token_id,
            id2label=dict(first.id2label),
            label2id=dict(first.label2id),
        )


def _labels(config: Any) -> list[str]:
    return [config.id2label[index] for index in range(config.num_labels)]


def _require_equal(what: str, place: int, first: Any, other: Any) -> None:
    if other != first:
        raise ValueError(
            f"member {place} of the committee has the {what} {_shown(other)} and member 0 has "
            f"{_shown(first)}: members answer the same question about the same token ids."
        )


def _shown(value: Any) -> str:
    if isinstance(value, Iterable):
        names = list(value)
        return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return str(value)


def _plain(config: Any) -> dict[str, Any]:
    """`config` in plain JSON; by what it was loaded, and in which precision, are left out."""
    content = config.to_dict()
    return {
        key: value
        for key, value in content.items()
        if not key.startswith("_") and key not in ("auto_map", "dtype", "transformers_version")
    }
