"""Runs compared: what is read off which record, in which order, and which runs do not belong."""

import copy
import json
import math

import pytest
from rich.console import Console
from scipy.stats import spearmanr

from hf_apt.cli.tables import comparison
from hf_apt.records.run import Run
from hf_apt.records.schemas import BLOCK_ACCURACY, SUMMARY
from hf_apt.report.results.comparison_page import comparison_page
from hf_apt.stats.rank_agreement import agreement
from hf_apt.stats.transfer_scores import SCORES
from hf_apt.studies.run_comparison import ComparedRun, compare

SKILL = {"small": 0.2, "middle": 0.4, "large": 0.7}
TOKENS = {"small": 20_000, "middle": 400_000, "large": 9_000_000}
SIZES = {"small": (100, 200, 500), "middle": (100, 200), "large": (100, 200, 500, 1000)}
NUM_DEPTHS = 3


def estimate(value, error=0.01):
    return {"value": value, "standard_error": error, "num": 1}


def depths(value, *, step=0.05, error=0.01):
    return [estimate(value + step * depth, error) for depth in range(NUM_DEPTHS)]


def _values(estimates):
    return [each["value"] for each in estimates]


def finetuned(name, *, cut=False):
    """`finetune/kinds.json` of a run whose accuracies grow with its skill and with depth."""
    skill = SKILL[name]
    figures = {"linear": depths(skill)}
    # TransRate ranks runs and depths the wrong way round.
    signs = {score: -1 if score == "transrate" else 1 for score in SCORES}
    figures |= {score: depths(sign * skill, step=sign * 0.05) for score, sign in signs.items()}
    model = {
        "frozen": {"cls": figures, "mean": copy.deepcopy(figures)},
        "finetuned": {"cls": figures, "mean": figures},
        "classifier": estimate(skill + 0.2, 0.03),
    }
    if cut:
        model["cut"] = depths(skill + 0.1)
    return {
        "schema": BLOCK_ACCURACY,
        "task": "kinds",
        "checkpoint": f"runs/{name}/checkpoint",
        "weights": name,
        "chance": 0.25,
        "provenance": [
            {
                "num_labels": 4,
                "num_train": 400,
                "num_test": 200,
                "seed": 42,
                "train_fingerprint": "a",
                "test_fingerprint": "b",
            }
        ],
        "config": {
            "num_seeds": 1,
            "finetune": {"num_epochs": 3, "seed": 42},
            "probe": {"num_neighbours": 10},
            "features": {"sequence_length": 64, "poolings": ["cls", "mean"]},
        },
        "models": {"pretrained": model, "untrained": {"classifier": estimate(0.3, 0.04)}},
        "overlap": {
            "types": skill + 0.2,
            "occurrences": skill + 0.25,
            "num_types": 9,
            "num_occurrences": 99,
        },
    }


def rarefied(one, name):
    """A curve that falls with the positions, up to those that the run asked."""
    return [
        {"num_positions": size, "mean_apt": one | {"value": one["value"] - size / 100_000}}
        for size in SIZES[name]
    ]


def summary(name):
    return {
        "schema": SUMMARY,
        "corpus": {
            "name": "text",
            "sequences": "first",
            "num_train_sequences": TOKENS[name] // 20,
            "num_train_tokens": TOKENS[name],
        },
        "training": {"num_tokens_seen": 5 * TOKENS[name]},
        "model": {"weights": name},
        "readouts": {
            "own_head": [
                {"mean_apt": {"pooled": one}, "rarefaction": rarefied(one, name)}
                for one in depths(SKILL[name] / 2)
            ]
        },
    }


def records(*names, **options):
    names = names or ("large", "small", "middle")
    return [
        ComparedRun(name=name, finetuned=finetuned(name, **options), summary=summary(name))
        for name in names
    ]


def test_runs_come_in_the_order_of_their_corpora_with_what_their_records_say():
    record = compare(records())
    json.dumps(record, allow_nan=False)
    assert [row["name"] for row in record["runs"]] == ["small", "middle", "large"]
    row = record["runs"][1]
    assert row["corpus"] == {
        "name": "text",
        "tokens": 400_000,
        "sequences": 20_000,
        "documents": 20_000,
        "tokens_seen": 2_000_000,
    }
    assert row["gap"]["value"] == pytest.approx(0.6 - 0.3)
    assert row["gap"]["standard_error"] == pytest.approx(0.05)
    assert record["mean_apt_positions"] == 200
    assert row["mean_apt"] == estimate(0.2 + 2 * 0.05 - 0.002)
    assert row["overlap"]["types"] == pytest.approx(0.6)


def test_mean_apt_is_compared_at_the_largest_size_that_all_runs_have():
    given = records("small", "large")
    assert compare(given)["mean_apt_positions"] == 500
    footer = comparison.footer(compare(given))
    assert "mean APT: after the last block, expected of 500 asked positions" in footer
    for depth in given[0].summary["readouts"]["own_head"]:
        del depth["rarefaction"]  # as in a summary of before there was one
    record = compare(given)
    assert record["mean_apt_positions"] is None
    assert [row["mean_apt"]["value"] for row in record["runs"]] == [
        run.summary["readouts"]["own_head"][-1]["mean_apt"]["pooled"]["value"] for run in given
    ]
    assert "of all positions; compare at equal numbers only" in comparison.footer(record)


def test_what_rises_together_is_ranked_together():
    record = compare(records(cut=True))
    gaps = record["gap_rank_correlation"]
    assert {name: each["value"] for name, each in gaps.items()} == {
        name: pytest.approx(1) for name in ("tokens", "types", "occurrences")
    }
    assert list(record["rank_correlation"]) == ["frozen", "finetuned", "cut"]
    for by_pooling in record["rank_correlation"].values():
        assert list(by_pooling) == ["cls", "mean"]
        for by_score in by_pooling.values():
            assert set(by_score) == {*SCORES, "mean_apt"}
            for name, over in by_score.items():
                sign = -1 if name == "transrate" else 1
                assert over["runs"]["value"] == pytest.approx(sign)
                assert (over["runs"]["num"], over["pairs"]["num"]) == (3, 9)
                assert over["pairs"]["value"] * sign > 0.9


def test_pairs_are_those_of_scipy():
    given = records("small", "large")
    odd = given[1].finetuned["models"]["pretrained"]["frozen"]["mean"]
    odd["logme"] = [estimate(value) for value in (0.1, 0.3, 0.25)]
    correlations = compare(given)["rank_correlation"]
    scores = [*_values(depths(0.2)), 0.1, 0.3, 0.25]
    accuracies = [*_values(depths(0.2)), *_values(depths(0.7))]
    expected = spearmanr(scores, accuracies).statistic  # pyright: ignore
    assert 0.1 < expected < 0.5
    for protocol in ("frozen", "finetuned"):
        assert correlations[protocol]["mean"]["logme"]["pairs"]["value"] == pytest.approx(expected)
    assert correlations["finetuned"]["mean"]["logme"]["runs"] == {
        "value": -1.0,
        "standard_error": None,
        "num": 2,
    }


def test_what_a_run_did_not_record_is_left_out():
    given = records("small", "large")
    other = finetuned("middle")
    other["overlap"] = None
    del other["models"]["untrained"]
    given.append(ComparedRun(name="bare", finetuned=other))
    record = compare(given)
    row = record["runs"][0]
    assert row["name"] == "bare"
    assert row["gap"] is row["overlap"] is row["mean_apt"] is row["corpus"]["tokens"] is None
    assert set(record["gap_rank_correlation"].values()) == {None}
    assert "mean_apt" not in record["rank_correlation"]["frozen"]["cls"]
    assert [len(table.rows) for table in comparison.tables(record)] == [3, 2, 4, 4, 4, 4]


@pytest.mark.parametrize("change", ["weights", "measured"])
def test_figures_of_another_checkpoint_or_corpus_are_not_taken(change):
    given = records("small", "large")
    assert given[1].summary is not None
    if change == "weights":
        given[1].summary["model"]["weights"] = "others"
        assert compare(given)["runs"][1]["mean_apt"] is None
    else:
        given[1].summary["training"] = None
        assert compare(given)["runs"][0]["corpus"]["tokens"] is None


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (("provenance", 0, "num_test"), 100, r"another num_test \(100\) than small \(200\)"),
        (("provenance", 0, "seed"), 7, r"another seed \(7\)"),
        (("provenance", 0, "train_fingerprint"), "x", "another train_fingerprint"),
        (("config", "finetune", "num_epochs"), 50, r"another finetune num_epochs \(50\)"),
        (("config", "finetune"), None, r"another finetune num_epochs \(None\)"),
        (("config", "features", "sequence_length"), 128, r"another sequence_length \(128\)"),
        (("config", "num_seeds"), 3, r"another num_seeds \(3\)"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_runs_of_other_settings_are_refused(place, value, sentence, turned):
    given = records("small", "large")
    part = given[1].finetuned
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    if turned:
        given, sentence = given[::-1], place[-1] if value is not None else "finetune num_epochs"
    with pytest.raises(ValueError, match=sentence) as raised:
        compare(given)
    assert "\n" not in str(raised.value)


def test_one_run_or_one_twice_is_refused():
    with pytest.raises(ValueError, match="at least two runs, got 1"):
        compare(records("small"))
    with pytest.raises(ValueError, match="small is given twice"):
        compare(records("small", "large", "small"))


def test_tables_fit_80_columns():
    console = Console(width=80, record=True)
    record = compare(records(cut=True))
    record["runs"][0]["name"] = "runs/a-folder-with-a-long-name/of-20000-articles"
    for table in comparison.tables(record):
        console.print(table)
    console.print(comparison.footer(record), soft_wrap=True)
    printed = console.export_text()
    assert max(map(len, printed.splitlines())) <= 90  # the legend's longest line
    assert "…" not in printed
    assert printed.index("20.0 k") < printed.index("9.0 M")
    assert "0.600 ± 0.030" in printed
    assert "rank correlation of the gap with tokens: 1.00" in printed


def test_agreement_is_over_depths_and_of_what_is_there():
    model = finetuned("large", cut=True)["models"]["pretrained"]
    ranks = agreement(model, [0.3, 0.2, 0.1])
    assert list(ranks) == ["frozen", "finetuned", "cut"]
    assert ranks["cut"]["mean"]["logme"]["value"] == pytest.approx(1)
    assert ranks["cut"]["cls"]["mean_apt"]["value"] == pytest.approx(-1)
    assert "mean_apt" not in agreement(model, [0.3, 0.2])["frozen"]["cls"]
    model["frozen"]["mean"]["nleep"][1]["value"] = None
    assert "nleep" not in agreement(model, None)["finetuned"]["mean"]
    assert not math.isnan(ranks["cut"]["mean"]["logme"]["value"])


@pytest.fixture
def call(call):
    """`hf-apt compare`: exit code, standard output, last line of the error."""

    def called(*arguments):
        code, out, error = call("compare", *arguments)
        return code, out, error.rstrip().rpartition("\n")[2]

    return called


@pytest.fixture
def folders(tmp_path):
    for name in ("small", "large"):
        Run(tmp_path / name).write_json("finetune/kinds.json", finetuned(name))
        Run(tmp_path / name).write_json("summary.json", summary(name))
    return tmp_path / "small", tmp_path / "large"


def test_the_command_prints_and_writes(call, folders, tmp_path):
    code, printed, _ = call(*folders, "--task", "kinds", "-o", tmp_path / "out")
    assert code == 0
    assert "Rank correlation" in printed
    written = json.loads((tmp_path / "out" / "compare-kinds.json").read_text())
    assert [row["name"] for row in written["runs"]] == [str(folder) for folder in folders]
    page = (tmp_path / "out" / "compare-kinds.html").read_text()
    # large: 0.7 + 0.2; small: 0.2 + 0.2; of 500 positions, the most that both have.
    for said in (
        "large is right for 0.900 ± 0.030 of the test texts (chance 0.250)",
        "without pre-training for 0.300 ± 0.040. The next is small: 0.400 ± 0.030.",
        "expected of 500 asked positions",
        "mean APT, small, block 2: 0.1950 ± 0.0100 (standard error over stretches of the text)",
        "Rank correlation with accuracy on kinds, runs, last block",
        "9.0 M",
    ):
        assert said in page.replace("\xa0", " "), said
    assert "http" not in page.replace("http-equiv", "")
    code, _, _ = call(*folders, "--task", "kinds")
    assert code == 0


def test_a_run_without_the_task_is_one_sentence(call, folders):
    code, _, last = call(*folders, "--task", "other")
    assert code == 2
    assert "it has no finetune/other.json" in last
    code, _, last = call(folders[0], "--task", "kinds")
    assert code == 2
    assert "at least two runs" in last


def by_methods():
    """One checkpoint, fine-tuned as it comes and by two strengths of one objective."""
    given = []
    for name, objectives in (
        ("as-it-comes", []),
        ("weak", [{"name": "smoothness", "weight": 1.0, "norm": "inf"}]),
        ("strong", [{"name": "smoothness", "weight": 5.0, "norm": "inf"}]),
    ):
        (run,) = records("middle", cut=True)
        finetuned = copy.deepcopy(run.finetuned)
        finetuned["config"]["finetune"]["objectives"] = objectives
        given.append(ComparedRun(name=name, finetuned=finetuned, summary=run.summary))
    del given[0].finetuned["config"]["finetune"]["objectives"]  # as older records have it
    return given


def test_methods_alone_may_differ_and_are_told_apart():
    record = compare(by_methods())
    assert [row["method"] for row in record["runs"]] == [
        "plain",
        "smoothness weight=1",
        "smoothness weight=5",
    ]
    curves = record["runs"][0]["accuracy_by_depth"]
    assert _values(curves["finetuned"]) == pytest.approx([0.4, 0.45, 0.5])
    assert _values(curves["cut"]) == pytest.approx([0.5, 0.55, 0.6])
    console = Console(width=80, record=True)
    for table in comparison.tables(record):
        console.print(table)
    printed = console.export_text()
    assert "Accuracy on kinds by method of fine-tuning" in printed
    assert "…" not in printed
    (line,) = [line for line in printed.splitlines() if line.split()[:2] == ["plain", "0.500"]]
    assert line.split() == ["plain", "0.500", "0.550", "0.600"]


def test_the_page_of_methods_shows_accuracy_by_depth():
    record = compare(by_methods())
    page = comparison_page(record, [], [])
    assert page.chart is not None
    assert "accuracy, smoothness weight=5 (strong), block\xa02: 0.5000" in page.chart
    assert "Accuracy of a linear head" in page.caption
    alike = comparison_page(compare(records("small", "large")), [], [])
    assert "Mean APT" in alike.caption
