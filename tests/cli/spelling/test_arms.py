"""Arms by their names, and what is no arm."""

import pytest

from hf_apt.cli.spelling.arms import named_arms


def test_options_follow_the_first_sign_in_the_order_given():
    asked = ["b=--loss focal:gamma=2", "a=", "nested, 1-3=dyck:kinds=32 --carried-blocks 1-3"]
    assert list(named_arms(asked).items()) == [
        ("b", "--loss focal:gamma=2"),
        ("a", ""),
        ("nested, 1-3", "dyck:kinds=32 --carried-blocks 1-3"),
    ]


@pytest.mark.parametrize("arm", ["plain", "=--dropout 0.1", "", "--loss focal:gamma=2"])
def test_what_is_no_arm_is_told(arm):
    with pytest.raises(ValueError, match=f"^{arm!r} is no arm: write NAME=OPTIONS, or NAME= for"):
        named_arms(["other=", arm])


def test_no_arm_is_dropped_for_another_of_its_name():
    with pytest.raises(ValueError, match="two arms are called nested: give each a name of its own"):
        named_arms(["nested=dyck:kinds=8", "plain=", "nested=dyck:kinds=32"])
