"""The study of a generator and its discriminator in the planted language: the best is known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hf_apt.analysis.selection.planted_detection import planted_detection
from hf_apt.data.planted.bayes import exact_log_probabilities
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.tokens import Tokens
from hf_apt.models.generator_shape import GeneratorShape
from hf_apt.models.loading import load_selection
from hf_apt.records.run import Run
from hf_apt.records.studies.study_files import read_study
from hf_apt.runs.pipeline import begun, pretrain_run
from hf_apt.runs.recipes import demo_recipe
from hf_apt.training.objectives.multi_choice import MultiChoice
from hf_apt.training.objectives.replaced_tokens import ReplacedTokens
from hf_apt.training.objectives.word_selection import WordSelection

CORPUS = PlantedCorpus(num_documents=200, num_validation_documents=400)
HEADS = ("replaced_tokens", "word_selection", "multi_choice")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Run:
    demo = demo_recipe(task=None)
    generator = GeneratorShape(heads=HEADS)
    config = replace(
        demo,
        corpus=CORPUS,
        sequence_length=12,
        shape=replace(demo.shape, hidden_size=16, num_heads=2, num_blocks=2, generator=generator),
        pretrain=replace(
            demo.pretrain,
            num_steps=3,
            batch_size=8,
            num_validation_sequences=8,
            objectives=(
                ReplacedTokens(weight=5.0),
                WordSelection(weight=2.0),
                MultiChoice(weight=2.0),
            ),
        ),
    )
    with begun(config, tmp_path_factory.mktemp("planted") / "run") as run:
        pretrain_run(config, run)
    return run


def test_the_record_is_on_terminal_page_and_disk(trained, call):
    code, out, error = call("selection", trained.folder, "--measure-sequences", 100)
    assert code == 0, error
    record = read_study(trained, "selection")
    titles = [table["title"] for table in record["tables"]]
    assert titles[:4] == [
        "The generator: accuracy per token",
        "The discriminator: accuracy per token, mean over tokens",
        "Detection, by what the sample was",
        "Detection with one masked word a document",
    ]
    assert record["weights"] is not None
    assert record["findings"][0][:40] in " ".join(out.split())
    heads = record["results"]["heads"]
    assert set(heads) == {*HEADS}
    for each in heads.values():
        share = np.array(each["hits"]) / np.array(each["support"])
        means = [depth["value"] for depth in each["mean"]]
        assert share.mean(axis=1).tolist() == pytest.approx(means)
        assert len(means) == 3
    page = next(Path(trained.folder).rglob("*.html")).read_text()
    assert "Generator and discriminator" in page


def test_it_is_printed_as_json(trained, call):
    options = ("--measure-sequences", 20, "--format", "json")
    code, out, error = call("selection", trained.folder, *options)
    assert code == 0, error
    assert json.loads(out)["study"] == "selection"


def test_a_folder_without_both_is_refused(call, checkpoint, tmp_path):
    code, _, error = call("selection", tmp_path / "none")
    assert code == 2
    assert "holds no trained generator and discriminator" in error
    with pytest.raises(ValueError, match="is no checkpoint of a generator"):
        load_selection(str(checkpoint))


def test_no_detector_beats_the_best_one(trained):
    model = load_selection(str(trained.path("checkpoint")))
    tokens = Tokens(trained.path("tokens/validation"))
    language = CORPUS.language()
    known = planted_detection(model, tokens, language, num_documents=400, seed=1)
    num = len(known.best_B)
    assert num == 400
    error = (known.best_B * (1 - known.best_B)).sum() ** 0.5 / num
    assert known.is_best_right_B.mean() == pytest.approx(known.best_B.mean(), abs=4 * error)
    for right_B in known.is_right_DB:
        difference = right_B.astype(float) - known.is_best_right_B
        assert difference.mean() < 4 * difference.std() / num**0.5
    always = known.is_replaced_B.mean()
    assert always < known.best_B.mean() + 4 * error
    again = planted_detection(model, tokens, language, num_documents=65, seed=1)
    assert np.array_equal(again.is_replaced_B, known.is_replaced_B[:65])


def test_the_best_detectors_probability_is_that_of_the_language(trained):
    """Of a sample that is the original it is the document's own conditional probability."""
    model = load_selection(str(trained.path("checkpoint")))
    tokens = Tokens(trained.path("tokens/validation"))
    language = CORPUS.language()
    known = planted_detection(model, tokens, language, num_documents=400, seed=1)
    words = tokens.padded(np.arange(400)).astype(np.int64)[:, 1:-1] - 5
    chances = np.exp(exact_log_probabilities(language, words))
    for document in np.flatnonzero(~known.is_replaced_B):
        told = known.best_B[document]
        of_words = np.maximum(chances[document], 1 - chances[document])
        assert np.isclose(of_words, told).any()
