"""Laws of going on: what is made fixes the options it was made of, and no others."""

from dataclasses import replace

import pytest

from hf_apt.records.run import Run
from hf_apt.runs.recipes import demo_recipe
from hf_apt.runs.same_run import as_recorded, require_same_run

CONFIG = demo_recipe()
CHANGES = {
    "text": replace(CONFIG, sequence_length=40),
    "training": replace(CONFIG, pretrain=replace(CONFIG.pretrain, learning_rate=1e-3)),
    "heads": replace(CONFIG, heads=replace(CONFIG.heads, num_steps=7)),
    "lens": replace(CONFIG, jacobian=replace(CONFIG.jacobian, num_sequences=7)),
    "measuring": replace(CONFIG, measure=replace(CONFIG.measure, seed=7)),
    "watching": replace(CONFIG, pretrain=replace(CONFIG.pretrain, report_to=("wandb",))),
    "later": replace(CONFIG, untrained=False, finetune=None, head_kinds=("mlm_head",)),
}
MADE = {
    "nothing": (),
    "tokenizer/vocab.txt": ("text",),
    "training/checkpoint-5/trainer_state.json": ("training",),
    "training.json": ("training",),
    "heads/linear_head.safetensors": ("heads",),
    "heads/translator.safetensors": ("heads",),
    "heads/jacobian.safetensors": ("lens",),
    "counts/own_head.npz": ("measuring",),
}


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("change", CHANGES)
def test_an_option_is_fixed_by_what_was_made_of_it(tmp_path, made, change) -> None:
    run = Run(tmp_path)
    run.write_json("config.json", as_recorded(CONFIG))
    if made != "nothing":
        run.path(made).parent.mkdir(parents=True, exist_ok=True)
        run.path(made).write_text("{}")
    require_same_run(CONFIG, run)
    if change in MADE[made]:
        with pytest.raises(ValueError, match="holds a run with other options"):
            require_same_run(CHANGES[change], run)
    else:
        require_same_run(CHANGES[change], run)


@pytest.mark.parametrize("made", ["heads/linear_head.safetensors", "heads/jacobian.safetensors"])
def test_a_record_of_before_there_were_lenses_has_their_defaults(tmp_path, made) -> None:
    run = Run(tmp_path)
    without_lenses = as_recorded(CONFIG)
    del without_lenses["jacobian"]
    run.write_json("config.json", without_lenses)
    run.path(made).parent.mkdir()
    run.path(made).write_text("{}")
    require_same_run(CONFIG, run)
    other = replace(CONFIG, jacobian=replace(CONFIG.jacobian, num_sequences=7))
    if "jacobian" in made:
        with pytest.raises(ValueError, match=r"jacobian.num_sequences \(128 before, now 7\)"):
            require_same_run(other, run)
    else:
        require_same_run(other, run)
