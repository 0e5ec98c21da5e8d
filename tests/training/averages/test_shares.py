"""Shares with both ends."""

from types import SimpleNamespace

import pytest

from hf_apt.training.averages.shares import require_share_or_end


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), True, "half"])
def test_what_is_no_share_is_refused(value):
    with pytest.raises(ValueError, match=rf"momentum of it is {value!r}: give a number from 0"):
        require_share_or_end(SimpleNamespace(name="it", momentum=value), "momentum")


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_both_ends_are_shares(value):
    require_share_or_end(SimpleNamespace(name="it", momentum=value), "momentum")
