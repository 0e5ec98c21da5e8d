"""Tables and figures of the papers' claims, of made-up records with known cells."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from script_modules import script_modules

RECORDS = Path(__file__).parents[2] / "docs" / "records"
PAPER = Path(__file__).parents[2] / "examples" / "paper"
SIZES, SEEDS = (2_500, 10_000, 40_000, 160_000), (1, 2)
TASKS = ("dbpedia_14", "fewrel", "ag_news")


@pytest.fixture(scope="module")
def modules() -> Any:
    """The modules of the tables, by their names."""
    names = ("paper_records", "sizes", "blocks", "growth", "predictors", "figures")
    with script_modules(PAPER), script_modules(RECORDS, *names) as found:
        yield dict(zip(names, found, strict=True))
    sys.path.remove(str(PAPER))  # which `paper_records` adds, too


def value(number: float) -> dict[str, float]:
    return {"value": number, "standard_error": 0.0, "num": 3}


def model(share: float) -> dict[str, Any]:
    """Two depths: of the first every figure is 0, of the second it is the share or half of it."""

    def depth(number: float) -> dict[str, Any]:
        treatments = {"pooled": value(number), "masked": value(number / 2)}
        clusters = [("row", 0.05, 9), ("row", 0.1, 4), ("mutual", 0.1, 3)]
        return {
            "rarefied_mean_apt": value(number),
            "mean_apt": treatments,
            "mean_apt_common": treatments,
            "masked_accuracy": treatments,
            "cross_entropy": value(7 - number),
            "apt50": {"pooled": {"support_50": value(number)}},
            "growth_by_frequency": [number / 100] * 5 + [number / 50] * 5,
            "apt_by_frequency": [{"low": 1000.0, "high": 2000.0, "mean_apt": value(number)}],
            "clusters": [
                {"definition": name, "threshold": threshold, "num_clusters": num}
                | {"num_tokens_in_clusters": 7}
                for name, threshold, num in clusters
            ],
        }

    return {
        "depths": [depth(0.0), depth(share)],
        "training": {"num_tokens_seen": 1000},
        "corpus": {"num_train_tokens": 400},
    }


def task(share: float, *, untrained: bool) -> dict[str, Any]:
    keys = ("frozen cls", "frozen mean", "finetuned cls", "finetuned mean")
    read = {key: [value(share), value(share + 0.25)] for key in keys}
    enough = {"earlier_minus_last": value(-0.25), "low": -0.5, "high": -0.125}
    models = {"pretrained": {"classifier": value(share), **read}}
    if untrained:
        models["untrained"] = {"classifier": value(0.125)}
    return {"models": models, "enough": dict.fromkeys(keys, enough)}


@pytest.fixture
def records(modules, tmp_path, monkeypatch) -> Path:
    """Records of all sizes, of which the second seed's figures are a quarter larger."""
    monkeypatch.setattr(modules["paper_records"], "FOLDER", tmp_path)
    made: dict[str, Any] = {}
    for seed in SEEDS:
        for number, size in enumerate(SIZES):
            share = 0.25 * seed + number / 8
            name = f"size-{size}-seed-{seed}"
            made[name] = model(share)
            for each in TASKS:
                made[f"{name}-{each}"] = task(share / 4, untrained=(size, seed) == (2_500, 1))
        for step in (90, 270, 900, 2_700):
            made[f"size-160000-seed-{seed}-step-{step}"] = model(step / 10_000)
        ages = [{"num": 0, "quartiles": None}, {"num": 1000 * seed, "quartiles": [90, 270, 900]}]
        made[f"growth-seed-{seed}"] = {"ages": ages}
    for name, content in made.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def rows(text: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in text.splitlines() if "---" not in line]


def test_a_corpus_s_figures_are_means_over_seeds(modules, records) -> None:
    sizes = modules["sizes"]
    head, first, *_, last = rows(sizes.apt())
    assert head == ["paragraphs", "times read", "embeddings", "block 1"]
    assert first == ["2,500", "2.5", "0.000 ± 0.000", "0.375 ± 0.125"]
    assert last == ["160,000", "2.5", "0.000 ± 0.000", "0.750 ± 0.125"]
    # Loss 7 less the share; at [MASK] half of it; five tenths of a hundredth, five of a fiftieth.
    figures = ["6.625", "0.188", "0.375", "0.188", "0.375", "0.019", "0.038"]
    assert [cell.split(" ")[0] for cell in rows(sizes.last_block())[1]] == ["2,500", *figures]
    assert rows(sizes.clusters())[1] == ["2,500", "4, 4", "3, 3", "", "", "7, 7"]


def test_a_task_stands_beside_the_model_that_was_not_trained(modules, records) -> None:
    found = rows(modules["sizes"].tasks())
    assert found[1] == ["none", "0.125 *", "0.125 *", "0.125 *"]
    assert found[2] == ["2,500", *["0.094 ± 0.031"] * 3]


def test_blocks_are_those_of_all_models(modules, records) -> None:
    blocks = modules["blocks"]
    assert rows(blocks.along_blocks())[1][:2] == ["DBpedia, frozen, [CLS]", "0.141 ± 0.018"]
    expected = ["DBpedia, frozen, [CLS]", "block 1", "-0.250 ± 0.000", "0", "8", "8"]
    assert rows(blocks.middle())[1] == expected
    assert len(rows(blocks.middle())) == 1 + 3 * 4


def test_a_training_is_read_step_after_step(modules, records) -> None:
    growth = modules["growth"]
    found = rows(growth.mean_apt())
    assert [row[0] for row in found] == ["steps", "90", "270", "900", "2,700", "9,000"]
    assert found[2][2] == "0.027 ± 0.000"
    assert rows(growth.at_masks())[2][2] == "0.013 ± 0.000"
    assert rows(growth.ages())[1:] == [
        ["embeddings", "0, 0", "–", "–", "–"],
        ["block 1", "1,000, 2,000", "90", "270", "900"],
    ]


def test_predictors_stand_with_what_their_choice_loses(modules, records) -> None:
    def said(number: float | None) -> dict[str, Any]:
        estimate = {"value": number, "standard_error": 0.5}
        return {"value": estimate, "minus_depth": estimate}

    statistics = dict.fromkeys(("within", "across", "pairs_given_depth", "regret"), said(0.25))
    agreement = {"depth": statistics | {"across": said(None)}, "mean_apt": statistics}
    content = {"agreement": {"frozen": {"mean": agreement}}}
    (records / "transfer.json").write_text(json.dumps(content))
    found = rows(modules["predictors"].predictors("frozen", "mean"))
    known = "0.250 ± 0.500"
    assert found[1] == ["depth", known, "", known, known]
    assert found[2] == ["mean APT", *[known] * 5]


def test_figures_are_drawn_whole(modules, records) -> None:
    figures = modules["figures"]
    with matplotlib.rc_context(figures.STYLE):
        drawn = {name: draw() for name, draw in figures.FIGURES.items()}
    gains = drawn["corpus_size"].axes[1]
    first = [container.lines[0].get_ydata()[0] for container in gains.containers]
    assert first == [pytest.approx(0.09375 - 0.125)] * 3  # below 0, and seen
    assert gains.get_ylim()[0] < 0
    assert len(drawn["apt_and_transfer"].axes) == 3


def test_what_is_missing_is_named_with_its_command(modules, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(modules["paper_records"], "FOLDER", tmp_path)
    for table in modules["sizes"].TABLES.values():
        if table is not modules["sizes"].tasks:
            with pytest.raises(
                ValueError, match="no record of size-2500-seed-1: make it by .*plan"
            ):
                table()
    for name in ("growth", "blocks", "predictors"):
        for table in modules[name].TABLES.values():
            with pytest.raises(ValueError, match="there is no record of"):
                table()
