"""Which of the models in a run's ruler are other models than the run's own."""

from __future__ import annotations

from functools import cache

from hf_apt.records.checkpoints import SHIPPED
from hf_apt.records.fingerprints import weights_fingerprint
from hf_apt.records.references.reference_models import ReferenceModel
from hf_apt.records.summary_record import Summary


def other_models(summary: Summary) -> list[ReferenceModel]:
    """The reference models of a run's ruler, without the checkpoint that was measured.

    It is known by the fingerprint of its weights, and by its name where one of the two fingerprints
    is not known: a row of the very weights would compare them with themselves.
    """
    ruler, model = summary.get("ruler"), summary["model"] or {}
    return [row for row in ruler["models"] if not _is_own(row["model"], model)] if ruler else []


def _is_own(name: str, model: dict) -> bool:
    own, shipped = model.get("weights"), _weights(name)
    return own == shipped if own and shipped else model.get("name") == name


@cache
def _weights(name: str) -> str | None:
    """The fingerprint of a shipped checkpoint's weights; None for a model that does not ship."""
    folder = SHIPPED / name
    return weights_fingerprint(str(folder)) if (folder / "config.json").exists() else None
