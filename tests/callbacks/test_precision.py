"""What is measured under mixed precision, and of models that PEFT has changed."""

import logging

import numpy as np
import pytest
from small_trainers import rows, trainer_of

from trainer_callbacks import AptCallback, AptEarlyStopping


def test_mixed_precision_is_measured_in_the_precision_of_the_weights(tokenizer, tmp_path):
    found = {}
    for name in ("single", "mixed"):
        trainer = trainer_of(
            tmp_path / name,
            tokenizer,
            callbacks=[AptCallback()],
            learning_rate=0.0,
            bf16=name == "mixed",
        )
        trainer.train()
        with np.load(sorted((tmp_path / name / "apt").glob("*.npz"))[-1]) as arrays:
            found[name] = {key: arrays[key] for key in arrays.files}
        # What Accelerate put around the model is there still.
        assert hasattr(trainer.model, "_original_forward") == (name == "mixed")
    assert found["single"]["support"].sum() > 0
    for key, values in found["single"].items():
        np.testing.assert_array_equal(found["mixed"][key], values)


def test_prompts_of_peft_are_refused(tokenizer, tmp_path):
    import transformers as hf
    from peft import PromptTuningConfig, get_peft_model
    from small_trainers import GPT2

    model = get_peft_model(
        hf.GPT2LMHeadModel(hf.GPT2Config(**GPT2)),
        PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2),
    )
    trainer = trainer_of(tmp_path, tokenizer, model=model, callbacks=[AptCallback()])
    with pytest.raises(ValueError, match="prompts that PEFT puts before the input"):
        trainer.train()


def test_stopping_that_waits_for_another_set_says_so(tokenizer, tmp_path, caplog):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        callbacks=[AptCallback(), AptEarlyStopping()],
        eval_dataset={"a": rows(8), "b": rows(8, seed=1)},
    )
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        trainer.train()
    said = [record.getMessage() for record in caplog.records if "AptEarlyStopping" in record.msg]
    assert said[:1] == ["AptEarlyStopping waits for eval_mean_apt, and there is eval_a_mean_apt."]
