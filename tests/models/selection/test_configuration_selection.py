"""What makes no generator with a discriminator is refused by one sentence."""

import pytest
from small_selection import small_selection

from hf_apt.models.selection import SelectionConfig, SelectionForPreTraining


def changed(**values):
    content = small_selection(heads=("word_selection",)).config.to_dict()
    return SelectionConfig(**content | values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"embedding_sharing": "half"}, "embedding_sharing is 'half': give one of none"),
        ({"heads": ["replaced"]}, "there is no head 'replaced': there are replaced_tokens"),
        ({"num_candidates": 0}, "num_candidates is 0: give a number from 1 to the 23 tokens"),
        ({"num_choices": 24}, "num_choices is 24: give a number from 2 to the 23 tokens"),
    ],
)
def test_a_setting_out_of_range_is_refused(values, said):
    with pytest.raises(ValueError, match=said):
        changed(**values)


def test_two_encoders_are_needed_that_read_the_same():
    config = changed()
    with pytest.raises(ValueError, match="holds two encoders"):
        SelectionForPreTraining(SelectionConfig())
    generator = config.generator_config
    assert generator is not None
    with pytest.raises(ValueError, match="have vocab_size 22 and 23"):
        SelectionForPreTraining(changed(generator_config=generator | {"vocab_size": 22}))
    with pytest.raises(ValueError, match="embeddings are 8 wide and the discriminator's 16"):
        SelectionForPreTraining(changed(generator_config=generator | {"embedding_size": 8}))
    apart = changed(generator_config=generator | {"embedding_size": 8}, embedding_sharing="none")
    assert apart.encoders()[0].embedding_size == 8


def test_it_is_read_again_as_it_was(tmp_path):
    config = changed()
    config.save_pretrained(tmp_path)
    again = SelectionConfig.from_pretrained(tmp_path)
    assert again.to_dict() == config.to_dict()
    assert again.heads == ("word_selection",)


def test_no_part_is_taken_for_a_model_of_text_within():
    """transformers looks for one in fields of some names, and a Trainer aligns its tokens."""
    config = changed()
    assert config.get_text_config() is config
