"""What options have to agree on, before a run begins."""

from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.models.fresh import sized_model
from hf_apt.models.generator_shape import SHARINGS, GeneratorShape
from hf_apt.models.shapes import ConvShape, ModelShape
from hf_apt.ownership import mark
from hf_apt.records.run import Run
from hf_apt.runs.option_checks import (
    _num_parameters,
    require_checkpoint,
    require_memory,
    require_run,
    require_valid,
)
from hf_apt.runs.pipeline import begun
from hf_apt.runs.recipes import RunConfig, demo_recipe, measurement_recipe, named_recipe
from hf_apt.runs.same_run import as_recorded
from hf_apt.training.objectives.replaced_tokens import ReplacedTokens
from hf_apt.training.objectives.word_selection import WordSelection

DEMO = demo_recipe()


def pretraining(**changes) -> RunConfig:
    return replace(DEMO, pretrain=replace(DEMO.pretrain, **changes))


def with_generator(*objectives, heads, **changes) -> RunConfig:
    config = pretraining(objectives=objectives, **changes)
    return replace(config, shape=replace(config.shape, generator=GeneratorShape(heads=heads)))


def test_a_generator_with_its_objectives_is_valid() -> None:
    require_valid(with_generator(WordSelection(weight=1.0), heads=("word_selection",)))
    require_valid(
        with_generator(
            WordSelection(weight=1.0), ReplacedTokens(weight=0.0), heads=("word_selection",)
        )
    )


def test_every_recipe_is_valid() -> None:
    text = CorpusSource(name="x/y")
    require_valid(DEMO)
    for name in ("auto", "narrow", "paper"):
        for task in (None, "dbpedia_14"):
            require_valid(named_recipe(name, text, task=task))
    require_valid(measurement_recipe(text, "x/y"), num_processes=3)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (replace(DEMO, shape=ModelShape(hidden_size=10, num_heads=3)), "no multiple of 3 heads"),
        (
            replace(DEMO, shape=ModelShape(hidden_size=9, num_heads=3, sinusoidal_positions=True)),
            "hidden size is 9: choose an even --hidden-size",
        ),
        (replace(DEMO, shape=replace(DEMO.shape, dropout=1.0)), "dropout must be less than 1"),
        (replace(DEMO, shape=replace(DEMO.shape, dropout=float("nan"))), "dropout"),
        (replace(DEMO, shape=replace(DEMO.shape, num_blocks=0)), "num_blocks"),
        (replace(DEMO, sequence_length=2), "sequence_length"),
        (replace(DEMO, sequence_length=16), "reads texts of 32 tokens"),
        (replace(DEMO, layout="folded"), "choose one of first, packed"),
        (replace(DEMO, head_kinds=("linear_head", "other")), "head_kinds is 'other'"),
        (pretraining(windows=((8, 0.5),)), "windows need packed sequences"),
        (pretraining(batch_size=9, accumulation_steps=2), "multiple of 2"),
        (
            pretraining(objectives=(ReplacedTokens(weight=1.0),)),
            "the objective replaced_tokens needs a generator",
        ),
        (with_generator(heads=()), "a generator alone is a masked LM: add an objective"),
        (
            with_generator(WordSelection(weight=1.0), heads=("replaced_tokens",)),
            "has the heads replaced_tokens, and the objectives train word_selection",
        ),
        (
            with_generator(WordSelection(weight=1.0), heads=("word_selection",), compile=True),
            "take no --compile",
        ),
        (pretraining(causal_share=0.5, compile=True), "does not go with --compile"),
        (
            replace(
                pretraining(causal_share=0.25),
                shape=replace(DEMO.shape, conv=ConvShape()),
            ),
            "--causal-share 0.25 does not go with a convolutional front-end",
        ),
        (
            with_generator(WordSelection(weight=1.0), heads=("word_selection",), causal_share=0.5),
            "does not go with a generator",
        ),
        (pretraining(report_to=("codecarbon", "nosuch")), "pip install codecarbon"),
        (pretraining(report_to=("nosuch",)), "there is no tracker 'nosuch'"),
    ],
)
def test_what_cannot_be_is_refused(config, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        require_valid(config)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (
            replace(DEMO, shape=ModelShape(hidden_size=10**8, num_heads=1)),
            "--hidden-size 100000000 --num-blocks 6 .* takes [0-9,.]+ GiB in training, and",
        ),
        (replace(DEMO, shape=replace(DEMO.shape, num_blocks=10**7)), "--num-blocks 10000000"),
        (replace(DEMO, vocab_size=10**10), "--vocab-size 10000000000 for .* choose a smaller"),
        (replace(DEMO, sequence_length=10**10), "of 10000000000 tokens takes"),
    ],
)
def test_a_model_beyond_the_memory_is_refused(config, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        require_memory(config)
    require_memory(replace(config, pretrain=replace(config.pretrain, num_steps=0)))


def test_sharded_training_needs_each_weight_once(monkeypatch) -> None:
    """Of the 4 numbers that training keeps of a parameter, three are divided among processes."""
    shape = ModelShape(hidden_size=16, num_heads=1, num_blocks=1)
    config = replace(DEMO, vocab_size=2**20, shape=shape)  # 16 of its numbers, and a few more
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**27))
    monkeypatch.setattr("hf_apt.runs.option_checks.has_accelerator", lambda: False)
    with pytest.raises(ValueError, match=r"takes 0\.3 GiB in training, and 0\.1 GiB are free"):
        require_memory(config)
    monkeypatch.setattr("hf_apt.runs.option_checks.is_asked_for", lambda: True)
    require_memory(config)


@pytest.mark.parametrize(("embeddings", "gib"), [("disentangled", "0.5"), ("shared", "0.3")])
def test_a_generator_needs_memory_of_its_own(embeddings, gib, monkeypatch) -> None:
    generator = GeneratorShape(width=1.0, embeddings=embeddings, heads=("replaced_tokens",))
    shape = ModelShape(hidden_size=16, num_heads=1, num_blocks=1, generator=generator)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**27))
    monkeypatch.setattr("hf_apt.runs.option_checks.has_accelerator", lambda: False)
    with pytest.raises(ValueError, match=rf"with its generator of .* takes {gib} GiB"):
        require_memory(replace(DEMO, vocab_size=2**20, shape=shape))


@pytest.mark.parametrize("embeddings", SHARINGS)
@pytest.mark.parametrize("width", [0.5, 1.0])
def test_both_models_are_counted_but_for_a_bias(embeddings, width) -> None:
    """The discriminator's head of masked words is counted, and it has smaller ones."""
    generator = GeneratorShape(width=width, embeddings=embeddings, heads=("replaced_tokens",))
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=1, generator=generator)
    config = replace(DEMO, vocab_size=5000, shape=shape)
    sizes = {"vocab_size": 5000, "num_positions": config.sequence_length, "pad_id": 0}
    num = sum(weight.numel() for weight in sized_model(shape, **sizes).parameters())
    assert _num_parameters(config) == pytest.approx(num + 5000, rel=0.01)


def test_only_a_run_that_is_to_be_trained_asks_for_memory(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1))
    monkeypatch.setattr("hf_apt.runs.option_checks.has_accelerator", lambda: False)
    with pytest.raises(ValueError, match="choose a smaller one"), begun(DEMO, tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()
    mark(tmp_path, "run")
    (tmp_path / "training.json").write_text("{}")
    Run(tmp_path).write_json("config.json", as_recorded(DEMO))
    with begun(DEMO, tmp_path) as run:
        assert run.folder == tmp_path


def test_trackers_that_are_there_are_taken() -> None:
    for trackers in (("tensorboard",), ("all",), ("none",)):
        require_valid(pretraining(report_to=trackers))


def test_batches_are_divided_among_processes_before_pretraining(monkeypatch) -> None:
    config = replace(pretraining(batch_size=48), head_kinds=("linear_head",))
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ValueError, match="heads' batch of 32 .* among 3 processes"):
        require_valid(config)
    require_valid(replace(config, head_kinds=()))
    require_valid(config, num_processes=2)
    with pytest.raises(ValueError, match="multiple of 5"):
        require_valid(config, num_processes=5)


@pytest.mark.parametrize("kind", ["jacobian", "translator"])
def test_a_lens_is_fitted_by_one_process(kind) -> None:
    config = replace(pretraining(batch_size=48), head_kinds=("linear_head", kind))
    require_valid(config, num_processes=1)
    with pytest.raises(ValueError, match=f"a {kind} lens is fitted by one process, and 2 were"):
        require_valid(config, num_processes=2)


def test_a_batch_of_a_translator_alone_need_not_be_divided() -> None:
    heads = replace(DEMO.heads, batch_size=7)
    require_valid(replace(DEMO, heads=heads, head_kinds=("translator",)), num_processes=1)


def test_trackers_are_those_of_the_trainer() -> None:
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    from hf_apt.runs.option_checks import _PACKAGES

    assert set(_PACKAGES) == set(INTEGRATION_TO_CALLBACK)


def test_compile_modes_are_those_of_torch() -> None:
    import torch._inductor

    from hf_apt.training.pretrain_config import COMPILE_MODES

    assert set(COMPILE_MODES) == set(torch._inductor.list_mode_options())


def test_a_run_is_told_from_other_folders(tmp_path) -> None:
    with pytest.raises(ValueError, match="is no finished hf_apt run"):
        require_run(Run(tmp_path))
    for content in ('{"model_type": "bert"}', '{"corpus": 1, "measure": {}}'):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(ValueError, match="is no hf_apt run"):
            require_run(Run(tmp_path))
    (tmp_path / "config.json").write_text('{"corpus": {}, "measure": {}}')
    require_run(Run(tmp_path))


def test_a_checkpoint_that_is_missing_is_named(tmp_path) -> None:
    require_checkpoint("bert6-narrow-wikipedia")
    (tmp_path / "file").write_text("")
    for name, sentence in (
        (str(tmp_path), "holds no checkpoint"),
        (str(tmp_path / "file"), "is a file"),
        (str(tmp_path / "nosuch"), "no checkpoint folder"),
        ("no such", "no name of the Hub"),
        ("nobody/nothing", "no checkpoint 'nobody/nothing'"),
    ):
        with pytest.raises(ValueError, match=sentence):
            require_checkpoint(name)
