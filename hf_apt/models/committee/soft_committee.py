"""What a saved committee is opened by where hf_apt has not been imported.

A copy of this file lies beside its weights. With `trust_remote_code=True` the Auto classes read it:
they say what to install where hf_apt is missing, and find the committee where it is there.
"""

from hf_apt.models.committee import SoftCommittee, SoftCommitteeConfig

__all__ = ["SoftCommittee", "SoftCommitteeConfig"]
