"""Soft committees: several classifiers that answer together, a model type of transformers.

The classes are imported when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hf_apt.committee.adapter_committee import AdapterCommittee
    from hf_apt.committee.combination import COMBINATIONS, Combination, combined
    from hf_apt.committee.configuration_committee import SoftCommitteeConfig
    from hf_apt.committee.curve import CurvePoint, committee_curve
    from hf_apt.committee.modeling_committee import SoftCommittee

__all__ = [
    "COMBINATIONS",
    "AdapterCommittee",
    "Combination",
    "CurvePoint",
    "SoftCommittee",
    "SoftCommitteeConfig",
    "combined",
    "committee_curve",
]

_HOME = {
    "AdapterCommittee": "adapter_committee",
    "CurvePoint": "curve",
    "SoftCommittee": "modeling_committee",
    "SoftCommitteeConfig": "configuration_committee",
    "committee_curve": "curve",
}
"""Where a name is, if not in `combination`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"hf_apt.committee.{_HOME.get(name, 'combination')}"), name)
