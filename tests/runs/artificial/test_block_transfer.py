"""Blocks carried from one corpus to another and to a task: what is kept, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.tasks.read_texts import NAME, numbers_of, write_read_texts
from hf_apt.runs.artificial.artificial_recipe import artificial_recipe
from hf_apt.runs.artificial.block_transfer import _start, transferred
from hf_apt.runs.pipeline import begun, pretrain_run
from hf_apt.runs.recipes import RunConfig, demo_recipe
from hf_apt.training.objectives.rademacher import Rademacher


def small(config: RunConfig, corpus) -> RunConfig:
    return replace(
        config,
        corpus=replace(corpus, num_documents=40, num_validation_documents=20),
        sequence_length=34,
        shape=replace(config.shape, hidden_size=16, num_heads=2, num_blocks=2),
        pretrain=replace(config.pretrain, num_steps=2, batch_size=4, precision="fp32"),
        head_kinds=(),
        untrained=False,
        sentences=False,
    )


def on_the_task() -> RunConfig:
    config = small(demo_recipe(), PlantedCorpus())
    assert config.finetune is not None
    assert config.finetune.finetune is not None
    task = replace(config.finetune.task, train_per_class=4, test_per_class=4)
    finetune = replace(config.finetune.finetune, num_epochs=1, precision="fp32")
    return replace(config, finetune=replace(config.finetune, task=task, finetune=finetune))


@pytest.mark.slow
def test_blocks_go_to_the_text_and_to_the_task(tmp_path) -> None:
    from safetensors.torch import load_file

    first = small(artificial_recipe(Dyck(kinds=4)), ArtificialCorpus(language=Dyck(kinds=4)))
    after = on_the_task()
    after = replace(after, pretrain=replace(after.pretrain, blocks_of="?", carried_blocks="2"))
    places = (tmp_path / "arm", tmp_path / "first")
    figures = transferred(first, after, *places)
    assert len(figures["mean_apt"]) == 3
    for name in ("direct", "after"):
        assert len(figures[name]["frozen"]) == 3
        assert 0 <= figures[name]["finetuned"] <= 1
    weights = [
        load_file(tmp_path / name / "model.safetensors")
        for name in ("first/checkpoint", "arm/direct/start", "arm/text/checkpoint")
    ]
    for key, start in weights[1].items():
        if ".encoder.layer." in key and key.endswith("query.weight"):
            assert torch.equal(start, weights[0][key]) == (".layer.1." in key)
            assert not torch.equal(start, weights[2][key])
    rows = [each["bert.embeddings.word_embeddings.weight"].shape[0] for each in weights]
    assert rows[0] == 13 != rows[1] == rows[2]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert transferred(first, after, *places) == figures
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}


def test_a_text_without_a_task_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="no task to fine-tune on: add --task NAME"):
        transferred(None, demo_recipe(task=None), tmp_path / "arm", tmp_path / "first")
    assert not any(tmp_path.iterdir())


def test_a_task_whose_tests_an_objective_reads_is_refused_before_any_training(tmp_path) -> None:
    objective = Rademacher(weight=1, texts="task:planted")
    first = small(artificial_recipe(Dyck(kinds=4)), ArtificialCorpus(language=Dyck(kinds=4)))
    first = replace(first, pretrain=replace(first.pretrain, objectives=(objective,)))
    with pytest.raises(ValueError, match="objectives of this training read .* test texts"):
        transferred(first, on_the_task(), tmp_path / "arm", tmp_path / "first")
    assert not any(tmp_path.iterdir())


def test_blocks_come_with_what_was_read_for_them(tmp_path) -> None:
    after = on_the_task()
    after = replace(after, finetune=None)
    with begun(after, tmp_path / "first") as first:
        pretrain_run(after, first)
    write_read_texts(first.path("checkpoint"), ["a text"])
    carried = replace(after.pretrain, blocks_of=str(first.path("checkpoint")))
    after = replace(after, pretrain=carried)
    with begun(after, tmp_path / "text") as text:
        _start(after, text, tmp_path / "direct")
    assert np.load(tmp_path / "direct/start" / NAME) == numbers_of(["a text"])
