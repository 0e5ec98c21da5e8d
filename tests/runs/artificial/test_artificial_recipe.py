"""Runs of artificial corpora: the demo's sizes, refusals, and a whole run beside its ceiling."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.runs.artificial.artificial_recipe import artificial_recipe
from hf_apt.runs.option_checks import require_valid
from hf_apt.runs.recipes import RunConfig, demo_recipe


def test_it_is_the_demo_of_another_corpus() -> None:
    config = artificial_recipe(Dyck(kinds=8), CorpusSource(max_documents=70))
    demo = demo_recipe(task=None)
    assert replace(config, corpus=demo.corpus) == demo
    assert config.corpus == ArtificialCorpus(language=Dyck(kinds=8), num_documents=70)
    require_valid(config)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"recipe": "narrow"}, "the recipe narrow is not for 'dyck'"),
        ({"task": "planted"}, "dyck has no word of the task planted"),
        ({"source": CorpusSource(column="body")}, "dyck is made, not read: column says nothing"),
    ],
)
def test_what_says_nothing_of_it_is_refused(change, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        artificial_recipe(Dyck(), **change)


def test_lengths_are_checked_before_work() -> None:
    config = replace(artificial_recipe(Dyck()), sequence_length=51)
    with pytest.raises(ValueError, match="choose an even --sequence-length"):
        require_valid(config)


def tiny(num_steps: int, num_documents: int = 2000) -> RunConfig:
    config = artificial_recipe(Bigram(vocab_size=16, num_followers=2, follow=0.9))
    assert isinstance(config.corpus, ArtificialCorpus)
    corpus = replace(
        config.corpus, num_documents=num_documents, num_validation_documents=num_documents // 20
    )
    return replace(
        config,
        corpus=corpus,
        sequence_length=18,
        shape=replace(config.shape, hidden_size=32, num_heads=2, num_blocks=2),
        pretrain=replace(config.pretrain, num_steps=num_steps, precision="fp32"),
        head_kinds=(),
        untrained=False,
        sentences=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    from hf_apt.runs.pipeline import run_all

    return run_all(tiny(3), tmp_path_factory.mktemp("run") / "run")


def test_the_ceiling_stands_on_page_and_terminal(finished) -> None:
    from hf_apt.cli.tables import measurement
    from hf_apt.records.run_records import RunRecords

    summary: Any = RunRecords(finished).summary
    ceiling = summary["readouts"]["bayes"]
    assert len(ceiling) == 1
    assert summary["corpus"]["name"] == "bigram:vocab_size=16,num_followers=2,follow=0.9"
    exact = ceiling[0]["masked_accuracy"]["pooled"]["value"]
    assert exact > 0.5 > summary["readouts"]["own_head"][-1]["masked_accuracy"]["pooled"]["value"]
    table = measurement.tables(summary)[0]
    assert [*table.columns[0].cells][-1] == "ceiling"
    assert "ARI" not in [column.header for column in table.columns]
    assert (
        ceiling[0]["cross_entropy"]["value"]
        < summary["readouts"]["own_head"][-1]["cross_entropy"]["value"]
    )
    page = finished.path("report.html").read_text()
    assert "exact ceiling" in page
    assert "bigram:vocab_size=16" in page


def test_the_same_command_does_nothing_again(finished) -> None:
    from hf_apt.runs.pipeline import run_all

    before = finished.path("training.json").read_text()
    run_all(tiny(3), finished.folder)
    assert finished.path("training.json").read_text() == before


@pytest.mark.slow
def test_training_comes_near_the_exact_floor(tmp_path) -> None:
    """The loss of a tiny model goes nineteen twentieths of the way to its floor, at least."""
    from hf_apt.records.run_records import RunRecords
    from hf_apt.runs.pipeline import run_all

    run = run_all(tiny(2500, 20_000), tmp_path / "run")
    readouts: Any = RunRecords(run).summary["readouts"]
    floor, loss = (readouts[name][-1]["cross_entropy"] for name in ("bayes", "own_head"))
    # From what frequencies alone give down to the exact floor, which chance lets it pass by little.
    start = Bigram(vocab_size=16, num_followers=2, follow=0.9).unigrams(16)
    way = -(start @ np.log(start)) - floor["value"]
    assert -0.02 * way < loss["value"] - floor["value"] < 0.05 * way
    best, own = (readouts[name][-1]["masked_accuracy"]["pooled"] for name in ("bayes", "own_head"))
    assert own["value"] > 0.95 * best["value"]
