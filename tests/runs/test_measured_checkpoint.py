"""Laws of checkpoints to measure: a causal one is told what measures it."""

import pytest
import transformers as hf

from hf_apt.runs.measured_checkpoint import require_masked_lm


@pytest.mark.parametrize("model_type", ["gpt2", "llama"])
def test_a_causal_model_is_told_what_measures_it(tmp_path, model_type) -> None:
    hf.AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=rf"is a causal model \({model_type}\).*AptCallback"):
        require_masked_lm(str(tmp_path))


@pytest.mark.parametrize("model_type", ["bert", "roberta", "modernbert", "esm", "xlnet"])
def test_a_model_that_reads_both_ways_is_left_alone(tmp_path, model_type) -> None:
    hf.AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    require_masked_lm(str(tmp_path))


def test_what_cannot_be_read_is_left_to_whoever_loads_it(tmp_path) -> None:
    require_masked_lm(str(tmp_path / "nothing"))
    require_masked_lm("bert6-narrow-wikipedia")
