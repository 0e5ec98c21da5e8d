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
    names += ("committees", "overlap", "rates")
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
    seen = {"occurrences": share / 2}
    return {"models": models, "enough": dict.fromkeys(keys, enough), "overlap": seen}


def committee() -> dict[str, Any]:
    """Three members and the deep model; costs in three proportions, of batches of two sizes."""

    def point(size: int, accuracy: float, spread: float | None) -> dict[str, Any]:
        return {"size": size, "accuracy": accuracy} | {
            "subset_spread": spread,
            "binomial_error": 0.0625,
        }

    def costs(parameters: int, flops: int, milliseconds: float) -> dict[str, Any]:
        latencies = [{"in_sequence_ms": each} for each in (9.0, milliseconds)]
        return {"num_parameters": parameters, "flops": flops, "latencies": latencies}

    curve = [point(1, 0.25, 0.125), point(2, 0.5, 0.125), point(3, 0.625, None)]
    deep = {"accuracy": {"value": 0.5, "standard_error": 0.25}}
    cost = {"member": costs(100, 10, 4.0), "reference": costs(210, 40, 2.0)}
    return {"curves": {"mean_softmax": curve}, "reference": deep, "cost": cost}


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
    whole = "bert6-narrow-wikipedia-100m"
    for step in (980, 2_940, 9_800, 29_400):
        made[f"{whole}-step-{step}"] = model(step / 10_000)
    made[whole] = model(0.75)
    ages = [{"num": 0, "quartiles": None}, {"num": 1000, "quartiles": [980, 2940, 98_000]}]
    made["growth"] = {"ages": ages}
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
    assert [row[0] for row in found] == ["steps", "980", "2,940", "9,800", "29,400", "98,000"]
    assert found[2][2] == "0.294 ± 0.000"
    assert rows(growth.at_masks())[2][2] == "0.147 ± 0.000"
    # Loss 7 less the share; at [MASK] half of it.
    after_last = ["2,940", "6.706", "0.147", "0.294", "0.147", "3", "7"]
    assert [cell.split(" ")[0] for cell in rows(growth.last_block())[2]] == after_last
    assert rows(growth.ages())[1:] == [
        ["embeddings", "0", "–", "–", "–"],
        ["block 1", "1,000", "980", "2,940", "98,000"],
    ]


def test_committees_stand_beside_the_deep_model(modules, records) -> None:
    """Twice as many parameters are two members, four times the operations all three there are."""

    (records / "shallow-dbpedia_14.json").write_text(json.dumps(committee()))
    committees = modules["committees"]
    head, *found = rows(committees.by_size())
    assert head == ["task, members", "1", "2", "3", "BERT-6"]
    cells = ["0.250 ± 0.125", "0.500 ± 0.125", "0.625 ± 0.062", "0.500 ± 0.250"]
    assert found == [["DBpedia, one block", *cells]]
    assert rows(committees.at_equal_cost())[1][1:] == [
        "+0.000 (2 of 2.1)",
        "+0.125 (3 of 4.0)",
        "-0.250 (1 of 0.5)",
    ]


def test_kinds_of_members_are_those_of_the_plan(modules) -> None:
    assert modules["committees"].KINDS.keys() == modules["paper_records"].pieces.SHALLOW.keys()
    assert modules["overlap"].CALLED.keys() == {*modules["paper_records"].pieces.CORPORA}


def test_texts_like_a_task_s_stand_beside_those_unlike_them(modules, records) -> None:
    for name, share in (("near-seed-1", 0.5), ("near-seed-2", 0.75), ("far-seed-1", 0.25)):
        (records / f"{name}.json").write_text(json.dumps(model(share)))
    (records / "near-seed-1-fewrel.json").write_text(json.dumps(task(0.5, untrained=False)))
    near, far = rows(modules["overlap"].overlap())[1:]
    nothing = ["–", "–"]
    assert near == ["like the tasks'", "0.625 ± 0.125", *nothing, "0.250 *", "0.500 *", *nothing]
    assert far == ["unlike them", "0.250 *", *nothing * 3]


def test_rates_stand_with_that_of_the_recipe_between_them(modules, records) -> None:
    (records / "masked-0.15-seed-1.json").write_text(json.dumps(model(0.5)))
    (records / "masked-0.15-seed-1-ag_news.json").write_text(json.dumps(task(0.5, untrained=False)))
    head, lower, recipe = rows(modules["rates"].rates())
    assert head[-3:] == ["DBpedia", "FewRel", "AG News"]
    assert lower == ["15%", "6.500 *", "0.250 *", "0.500 *", "–", "–", "0.500 *"]
    assert [recipe[0], recipe[3], recipe[-1]] == ["30%", "0.750 ± 0.125", "0.188 ± 0.031"]


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
    (records / "shallow-dbpedia_14.json").write_text(json.dumps(committee()))
    figures = modules["figures"]
    with matplotlib.rc_context(figures.STYLE):
        drawn = {name: draw() for name, draw in figures.FIGURES.items()}
    gains = drawn["corpus_size"].axes[1]
    first = [container.lines[0].get_ydata()[0] for container in gains.containers]
    assert first == [pytest.approx(0.09375 - 0.125)] * 3  # below 0, and seen
    assert gains.get_ylim()[0] < 0
    assert len(drawn["apt_and_transfer"].axes) == 3
    first, *others = drawn["committees"].axes
    assert [each.get_text() for each in drawn["committees"].legends[0].texts] == [
        "BERT-6",
        "one block",
    ]
    assert first.containers[0].lines[0].get_ydata().tolist() == [0.25, 0.5, 0.625]
    assert not any(each.containers for each in others)
    steps = drawn["over_training"].axes[0]
    assert [text.get_text() for text in steps.get_xticklabels()][0::4] == ["980", "98,000"]


def test_what_is_missing_is_named_with_its_command(modules, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(modules["paper_records"], "FOLDER", tmp_path)
    for table in modules["sizes"].TABLES.values():
        if table is not modules["sizes"].tasks:
            with pytest.raises(
                ValueError, match="no record of size-2500-seed-1: make it by .*plan"
            ):
                table()
    for name in ("growth", "blocks", "predictors", "committees", "overlap", "rates"):
        for table in modules[name].TABLES.values():
            with pytest.raises(ValueError, match="there is no record of"):
                table()
