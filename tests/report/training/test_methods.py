"""What the page says of a training by objectives and a masking law, and of one by neither."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from synthetic_runs import Page, make_run

from hf_apt.records.run import Run
from hf_apt.report import write_report
from hf_apt.report.tables import flat
from hf_apt.report.training.methods import settings, short_words, terms_logged
from hf_apt.runs.recipes import demo_recipe
from hf_apt.runs.same_run import as_recorded
from hf_apt.training.masking_laws.frequency import FrequencyMasking
from hf_apt.training.objectives.entropy import ConfidencePenalty
from hf_apt.training.objectives.graph_pairs import GraphPairs
from hf_apt.training.objectives.r_drop import RDrop
from hf_apt.training.objectives.token_contrast import TokenContrast

CONTRAST = TokenContrast(weight=0.1)
PLAIN = demo_recipe(task=None)
PRETRAIN = replace(
    PLAIN.pretrain,
    objectives=(CONTRAST, ConfidencePenalty(weight=0.05), RDrop(weight=0.0)),
    masking_law=FrequencyMasking(exponent=0.25),
)
ASKED = replace(PLAIN, pretrain=PRETRAIN, shape=replace(PLAIN.shape, cls_norms=(1, 2)))
TERMS = {
    "token_contrast": {
        "first": {"step": 100, "value": 2.34567},
        "last": {"step": 20_000, "value": 0.5},
    },
    "confidence_penalty": {
        "first": {"step": 300, "value": -1.5},
        "last": {"step": 300, "value": -1.5},
    },
}
WORDS = (
    "with the objectives token_contrast (weight 0.1) and confidence_penalty (weight 0.05), "
    "and the masking law frequency"
)


def page_of(folder: Path, config: Any, *, trained: bool = True, **said: Any) -> Page:
    """The page of a run whose `training.json` says this beside what any says."""
    run: Run = make_run(
        *(folder,), trained=trained, vocab_size=60, num_positions=900, readouts=("own_head",)
    )
    summary = run.read_json("summary.json")
    summary["model"] |= {"cls_norms": list(config.shape.cls_norms) or None}
    if trained:
        summary["training"] |= said
    run.write_json("summary.json", summary)
    run.write_json("config.json", as_recorded(config))
    return Page(write_report(run))


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Page:
    return page_of(tmp_path_factory.mktemp("asked"), ASKED, terms=TERMS)


def test_the_opening_names_objectives_law_and_blocks_with_norms_for_cls(page):
    assert f"for 20,000 steps (82 M tokens) in 1 h 30 min {WORDS}." in page.text
    assert "[CLS] with weights of its own in blocks 1 and 2, hidden size" in page.text


def test_every_setting_of_those_at_work_is_said(page):
    rows = dict(settings(as_recorded(ASKED)))
    assert [*rows] == [
        "objective token_contrast",
        "objective confidence_penalty",
        "masking law frequency",
    ]
    asked = {name for name, value in asdict(CONTRAST).items() if value is not None}
    said = rows["objective token_contrast"].split(", ")
    assert {words.split(" ")[0] for words in said} == asked - {"name"}
    assert said[:4] == ["weight 0.1", "views windows", "level token", "temperature 0.07"]
    assert "mask_same_type no" in said
    assert rows["masking law frequency"] == "exponent 0.25, most 1"
    for name, value in rows.items():
        assert f"{name} {value}" in page.text
    assert "objective r_drop" not in page.text  # of weight 0


def test_a_term_is_said_from_its_first_logging_to_its_last(page):
    assert "token_contrast from 2.346 at step 100 to 0.5 at step 20,000" in page.text
    assert "confidence_penalty −1.5 at step 300 Means" in page.text  # logged once
    assert "terms: " not in page.text


def test_the_configuration_has_each_setting_of_each_objective_and_law(page):
    for name, value in (
        ("objectives.token_contrast.views", "windows"),
        ("objectives.confidence_penalty.weight", "0.05"),
        ("objectives.r_drop.weight", "0"),
        ("masking_law.name", "frequency"),
        ("masking_law.exponent", "0.25"),
    ):
        assert f"pretrain.{name} {value} " in page.text
    assert "shape.cls_norms 1, 2 " in page.text
    assert "{'" not in page.text


@pytest.mark.parametrize("objective", [True, False])
def test_a_training_of_one_part_names_that_alone(objective):
    law = PRETRAIN.masking_law
    one = {"objectives": (CONTRAST,)} if objective else {"masking_law": law}
    config = as_recorded(replace(PLAIN, pretrain=replace(PLAIN.pretrain, **one)))
    words = "the objective token_contrast (weight 0.1)" if objective else ""
    assert short_words(config) == (words or "the masking law frequency")
    assert len(settings(config)) == 1


def test_a_record_of_a_version_without_terms_opens(tmp_path):
    text = page_of(tmp_path, ASKED).text
    assert WORDS in text
    assert "Terms of the objectives" not in text


@pytest.mark.parametrize(("config", "trained"), [(PLAIN, True), (ASKED, False)])
def test_of_a_plain_training_and_where_nothing_was_trained_nothing_is_said(
    tmp_path, config, trained
):
    text = page_of(tmp_path, config, trained=trained).text
    assert "masking law of the training" not in text
    assert "with the objective" not in text
    assert ("[CLS] with" in text) != trained


def test_of_no_record_nothing_is_said():
    assert settings(None) == settings({}) == terms_logged(None) == terms_logged({}) == []
    assert short_words(None) == short_words({}) == ""


@pytest.mark.parametrize("folder", ["/home/me/", "~/", "C:\\home\\", ""])
def test_folders_are_not_told_and_settings_without_a_value_are_left_out(folder):
    objective = GraphPairs(weight=1.0, links=f"{folder}links.csv")
    pretrain = replace(PLAIN.pretrain, objectives=(objective,))
    ((_, said),) = settings(as_recorded(replace(PLAIN, pretrain=pretrain)))
    assert "links links.csv" in said.split(", ")
    assert "home" not in said
    assert "texts" not in said


@pytest.mark.parametrize("texts", ["owner/name", "runs/links", "task:planted"])
def test_hub_ids_and_relative_paths_are_whole_as_in_the_configuration(texts):
    """The page says a setting twice, in the same words."""
    objective = GraphPairs(weight=1.0, graph="nearest", texts=texts)
    config = replace(PLAIN, pretrain=replace(PLAIN.pretrain, objectives=(objective,)))
    ((_, said),) = settings(as_recorded(config))
    assert f"texts {texts}" in said.split(", ")
    assert dict(flat(as_recorded(config)))["pretrain.objectives.graph_pairs.texts"] == texts
