"""The checkpoints that come along are opened by name."""

import pytest
from transformers import AutoModelForMaskedLM

import hf_apt
from hf_apt.records.shipped import shipped_checkpoints


def test_a_checkpoint_that_comes_along_opens_by_its_name() -> None:
    assert shipped_checkpoints() == ["bert6-narrow-wikipedia"]
    model = AutoModelForMaskedLM.from_pretrained(hf_apt.checkpoint("bert6-narrow-wikipedia"))
    assert type(model).__name__ == "Bert6ForMaskedLM"


def test_another_name_says_what_there_is() -> None:
    with pytest.raises(ValueError, match="'bert' comes along: there is bert6-narrow-wikipedia"):
        hf_apt.checkpoint("bert")
