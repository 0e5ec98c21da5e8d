"""Laws of the plan: so many sets are asked for as it says, and so many trainings are run."""

import planted_experts as planted
import pytest

from hf_apt.analysis.experts import arms as arms_module
from hf_apt.analysis.experts.arms import ask_all
from hf_apt.analysis.experts.experts_config import ExpertsConfig, ReadOutConfig
from hf_apt.analysis.experts.experts_plan import TaskSize, plan_sentences
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.measurement import asked_batches
from hf_apt.training.finetune_config import FinetuneConfig


@pytest.mark.parametrize("controls", [True, False])
def test_so_many_sets_are_asked_for(controls, tmp_path, monkeypatch) -> None:
    tokens = planted.planted_tokens(tmp_path / "tokens", num_documents=24)
    asked: list[int] = []
    plain = arms_module.silenced_answers

    def counted(trunk, layer, batches, choices, mean_I=None):
        asked.append(sum(map(len, choices.values())))
        return plain(trunk, layer, batches, choices, mean_I)

    monkeypatch.setattr(arms_module, "silenced_answers", counted)
    read_out = ReadOutConfig(num_steps=1)
    config = ExpertsConfig(read_out=read_out, num_orders=3, controls=controls, num_greedy=2)
    ask_all(
        planted.planted_model(),
        *(lambda _, seed=seed: asked_batches(tokens, MeasureConfig(seed=seed)) for seed in (1, 2)),
        config,
    )
    sentence, *others = plan_sentences(config, num_asked=3, num_parts=3, num_blocks=1)
    assert not others
    num = 16 if controls else 10
    most_of_greedy = 3 + 2 * 2 + 2 * 2
    assert f"With each of {num} sets" in sentence
    assert f"with up to {most_of_greedy} more" in sentence
    assert num < sum(asked) <= num + most_of_greedy


def test_no_greedy_order_is_not_promised() -> None:
    (sentence,) = plan_sentences(ExpertsConfig(), num_asked=32, num_parts=768, num_blocks=2)
    assert sentence.endswith("2 blocks and the model's head go over the text.")


def test_what_trainings_take() -> None:
    config = ExpertsConfig(finetune=FinetuneConfig(num_epochs=3, batch_size=32), finetune_seeds=2)
    size = TaskSize(num_texts=100, num_tokens=10_000, num_weights=1_000_000)
    _, sentence = plan_sentences(config, num_asked=4, num_parts=4, num_blocks=1, task=size)
    assert "22 trainings of 12 steps, each about 0.18 TFLOP" in sentence
    assert sentence.endswith("4 in all.")
