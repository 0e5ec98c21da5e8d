"""Every folder of metrics/: its four files, evaluate's contract, its examples, and its numbers."""

import ast
import doctest
import inspect
import itertools
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import oracles
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from hf_apt.hub.resources import resource
from hf_apt.stats.counts import TREATMENTS
from hf_apt.stats.estimates import slope
from hf_apt.stats.rademacher.complexity import rademacher_complexity
from hf_apt.stats.rademacher.spread import effective_rank
from hf_apt.stats.slopes.class_slope import class_slope

settings.register_profile("metrics", derandomize=True, deadline=None, max_examples=25)

METRICS = Path(__file__).parents[3] / "metrics"
NAMES = sorted(path.name for path in METRICS.iterdir() if path.is_dir())
OF_PAIRS = ["apt", "token_clusters", "token_confusion"]
FRONT_MATTER = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "app_file", "pinned", "license"),
    *("tags", "description"),
}

token = st.integers(0, 6)
pairs_of = st.lists(st.tuples(st.one_of(st.just(-100), token), token), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def load() -> Callable[[str], Any]:
    """Load a metric by the absolute path of its folder: a relative one might be a Hub id."""
    from evaluate import load

    return lambda name: load(str(resource(f"metrics/{name}")))


@pytest.fixture(scope="module")
def loaded(load) -> dict[str, Any]:
    return {name: load(name) for name in NAMES}


@pytest.fixture
def metric(loaded) -> Iterator[Callable[[str], Any]]:
    """One of the loaded metrics; what a test leaves in it is forgotten."""
    yield loaded.__getitem__
    for module in loaded.values():
        if len(module):
            module.compute()


def random_pairs(num: int = 300, vocab_size: int = 12, seed: int = 0) -> tuple[list, list, list]:
    """Predictions, right half of the time, references with -100 among them, and treatments."""
    rng = np.random.default_rng(seed)
    references = rng.integers(0, vocab_size, num)
    wrong = references // 4 * 4 + rng.integers(0, 4, num)
    predictions = np.where(rng.random(num) < 0.5, references, wrong)
    references[rng.random(num) < 0.2] = -100
    return predictions.tolist(), references.tolist(), rng.integers(0, 3, num).tolist()


def asked(references: list[int], *columns: list) -> list[tuple]:
    """The rows whose reference is not -100."""
    return [row for row in zip(references, *columns, strict=True) if row[0] != -100]


def same(figures: Any, others: Any) -> bool:
    """Whether two results are equal to the bit, NaN to NaN."""
    if isinstance(figures, dict):
        return figures.keys() == others.keys() and all(same(figures[k], others[k]) for k in figures)
    if isinstance(figures, list):
        return len(figures) == len(others) and all(map(same, figures, others))
    if isinstance(figures, np.ndarray):
        return np.array_equal(figures, others, equal_nan=figures.dtype.kind == "f")
    return figures == others or (figures != figures and others != others)


# The folders.


def test_the_metrics_are_found() -> None:
    assert NAMES == [
        *("anchor_vector", "apt", "confidence_apt", "graph_neighbours", "local_smoothness"),
        *("rademacher_complexity", "token_clusters", "token_confusion"),
    ]
    assert not (METRICS / "__init__.py").exists(), "metrics/ is no package"


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_is_four_files(name: str) -> None:
    files = {path.name for path in (METRICS / name).iterdir() if path.name != "__pycache__"}
    assert files == {f"{name}.py", "README.md", "index.html", "requirements.txt"}


@pytest.mark.parametrize("name", NAMES)
def test_the_card_makes_a_static_space(name: str) -> None:
    _, front, body = (METRICS / name / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    fields = yaml.safe_load(front)
    assert fields.keys() == FRONT_MATTER
    assert (fields["sdk"], fields["license"], fields["pinned"]) == ("static", "apache-2.0", False)
    assert fields["tags"] == ["evaluate", "metric"]
    assert (METRICS / name / fields["app_file"]).exists()
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {fields["colorFrom"], fields["colorTo"]} <= colours
    assert fields["description"].endswith(".")
    assert len(fields["title"]) < 60
    assert all(f"## {part}" in body for part in ("Use", "Inputs", "Outputs", "Limits", "Citation"))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_loads_nothing_and_looks_like_the_others(name: str) -> None:
    page = (METRICS / name / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"<script|<link|<img|<iframe|src=|url\(|@import", page)
    assert set(re.findall(r"https?://[^\"<]+", page)) == {"https://arxiv.org/abs/2509.03407"}
    assert f'evaluate.load("owner/{name}")' in page
    style = re.compile("<style>.*</style>", re.S)
    first = (METRICS / NAMES[0] / "index.html").read_text(encoding="utf-8")
    assert style.findall(page) == style.findall(first) != []


@pytest.mark.parametrize("name", NAMES)
def test_hf_apt_is_required(name: str) -> None:
    lines = (METRICS / name / "requirements.txt").read_text().split()
    assert [Requirement(line).name for line in lines] == ["hf_apt"]


# evaluate's contract.


@pytest.mark.parametrize("name", NAMES)
def test_the_loader_understands_the_imports(name: str) -> None:
    tree = ast.parse((METRICS / name / f"{name}.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(imports) >= 4
    for node in imports:
        assert len(node.names) == 1 or isinstance(node, ast.ImportFrom), "one import a line"
    from_where = {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    assert {str(module).split(".")[0] for module in from_where} == {"hf_apt"}


@pytest.mark.parametrize("name", NAMES)
def test_the_class_is_what_evaluate_expects(name: str, loaded) -> None:
    module = loaded[name]
    assert module.name == name
    assert module.module_type == "metric"
    parameters = inspect.signature(type(module)._compute).parameters.values()
    assert not [one for one in parameters if one.kind is one.VAR_KEYWORD]
    assert "Examples:" in module.inputs_description
    assert "2509.03407" in module.citation
    assert module.description


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_the_module_run(name: str, load, loaded, monkeypatch) -> None:
    """As evaluate runs those of its own: with nothing but the module, loaded from a folder."""
    import evaluate

    monkeypatch.setattr(evaluate, "load", load)
    module = sys.modules[type(loaded[name]).__module__]
    results = doctest.testmod(module, raise_on_error=True)
    assert results.failed == 0
    assert results.attempted >= 3


SAVED: dict[str, dict[str, Any]] = {
    "anchor_vector": {
        "predictions": np.arange(64.0)[:, None],
        "references": np.arange(64.0)[:, None] @ np.array([[0.5, 0.25]], np.float32),
    },
    "apt": {
        "references": [1, 1, 2],
        "predictions": [1, 2, 2],
        "treatment": ["masked", "replaced", "unchanged"],
        "frequencies": [0, 200, 10],
        "per_token": True,
    },
    "confidence_apt": {
        "references": [0.1, 0.2, 0.3],
        "predictions": np.array([0.5, 0.7, 0.6], np.float32),
        "correct": [0, 1, 1],
        "labels": [4, 4, 4],
        "num_bins": 2,
    },
    "graph_neighbours": {
        "predictions": np.arange(6, dtype=np.float32)[:, None] ** 2,
        "references": [0, 0, 0, 1, 1, 1],
        "links": [(0, 1), (3, 4)],
    },
    "local_smoothness": {
        "references": [[1.0, 0.0], [0.0, 2.0]],
        "predictions": np.array([[1.0, 0.0], [1.0, 0.0]], np.float32),
    },
    "rademacher_complexity": {"predictions": np.eye(3, dtype=np.float32), "radius": 2.0},
    "token_clusters": {"references": [3, 3, 4, 4], "predictions": np.array([3, 4, 4, 3])},
    "token_confusion": {"references": [5, 5, 7], "predictions": np.array([5, 7, 5])},
}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_computed_is_saved_as_json(name: str, metric, tmp_path) -> None:
    import evaluate

    scores = metric(name).compute(**SAVED[name])
    path = evaluate.save(tmp_path / "scores.json", **scores)
    saved = json.loads(path.read_text())
    assert same({key: saved[key] for key in scores}, scores)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_the_card_run(name: str, load, monkeypatch) -> None:
    import evaluate

    monkeypatch.setattr(evaluate, "load", lambda path: load(path.removeprefix("owner/")))
    text = (METRICS / name / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {"np": np}, name, None, None)
    assert len(example.examples) >= 3
    assert doctest.DocTestRunner().run(example).failed == 0


# The numbers, against loops.


def test_apt_is_that_of_a_loop(metric) -> None:
    predictions, references, treatments = random_pairs()
    frequencies = [(token * 37) % 400 for token in range(12)]
    scores = metric("apt").compute(
        predictions=predictions,
        references=references,
        treatment=treatments,
        frequencies=frequencies,
        min_support=20,
        per_token=True,
    )
    rows = asked(references, predictions, treatments)
    assert len(rows) > 200
    for name, code in [("", None), *((f"_{name}", code) for code, name in enumerate(TREATMENTS))]:
        chosen = [row for row in rows if code is None or row[2] == code]
        table = oracles.pair_counts([row[0] for row in chosen], [row[1] for row in chosen])
        often = [n for n in oracles.support(table, 12) if n >= 20]
        assert scores[f"num_tokens{name}"] == len(often)
        assert scores[f"num_positions{name}"] == len(chosen) > 50
        assert scores[f"mean_apt{name}"] == pytest.approx(
            oracles.mean_apt(table, 12, 20) if often else math.nan, nan_ok=True
        )
        right = sum(oracles.hits(table, 12)) / len(chosen)
        assert scores[f"masked_accuracy{name}"] == pytest.approx(right)
        assert scores[f"masked_accuracy_standard_error{name}"] == pytest.approx(
            math.sqrt(right * (1 - right) / len(chosen))
        )
        readings = ("most_frequent_50", "upper_half", "support_50")
        for reading, expected in zip(readings, oracles.apt50(table, frequencies), strict=True):
            assert scores[f"apt50_{reading}{name}"] == pytest.approx(
                math.nan if expected is None else expected, nan_ok=True
            )
    table = oracles.pair_counts([row[0] for row in rows], [row[1] for row in rows])
    apts = oracles.apt(table, 12)
    assert scores["tokens"] == list(range(12))
    assert scores["apt"] == pytest.approx(apts)
    assert scores["support"] == oracles.support(table, 12)
    assert scores["mean_apt_standard_error"] == pytest.approx(
        oracles.standard_error([apts[t] for t in range(12) if scores["support"][t] >= 20])
    )
    bins = oracles.frequency_bins(apts, frequencies, 3)
    assert len(bins) >= 3
    means = [(part["num_tokens"], part["mean_apt"]) for part in scores["apt_by_frequency"]]
    assert means == [(len(inside), pytest.approx(oracles.mean(inside))) for inside in bins.values()]


def test_rarefied_mean_apt_is_the_mean_of_all_draws(metric) -> None:
    """Of every choice of three of seven positions the sum of APT and the number of tokens."""
    references, predictions = [1, 1, 1, 2, 2, 3, 4], [1, 1, 0, 2, 0, 3, 0]
    treatment = ["masked"] * 5 + ["replaced"] * 2
    apts = {1: 2 / 3, 2: 1 / 2, 3: 1.0, 4: 0.0}
    draws = [set(draw) for draw in itertools.combinations(references, 3)]
    scores = metric("apt").compute(
        predictions=predictions, references=references, treatment=treatment, rarefied_to=3
    )
    num = oracles.mean([len(draw) for draw in draws])
    total = oracles.mean([sum(apts[token] for token in draw) for draw in draws])
    assert scores["rarefied_num_tokens"] == pytest.approx(num)
    assert scores["rarefied_mean_apt"] == pytest.approx(total / num)
    assert 0 < scores["rarefied_mean_apt_masked"] < 1
    assert math.isnan(scores["rarefied_mean_apt_replaced"])  # of two positions
    everything = metric("apt").compute(
        predictions=predictions, references=references, rarefied_to=7
    )
    assert everything["rarefied_mean_apt"] == pytest.approx(everything["mean_apt"])
    assert not [
        name
        for name in metric("apt").compute(predictions=predictions, references=references)
        if "rarefied" in name
    ]
    for wrong, sentence in ((8, "8 positions cannot be drawn from the 7"), (0, "rarefied_to")):
        with pytest.raises(ValueError, match=sentence):
            metric("apt").compute(predictions=predictions, references=references, rarefied_to=wrong)


def rarefied(rows: list[tuple[int, int]], num: int) -> float:
    """Mean APT expected of `num` of the rows (token, answer), by the law of choices."""
    support, hits = Counter(token for token, _ in rows), Counter(t for t, a in rows if t == a)
    none_of = math.comb(len(rows), num)
    chance = {t: 1 - math.comb(len(rows) - n, num) / none_of for t, n in support.items()}
    return sum(chance[t] * hits[t] / n for t, n in support.items()) / sum(chance.values())


@pytest.mark.parametrize("part", ["", "_masked"])
@pytest.mark.parametrize("num_documents", [7, 50])
def test_the_error_of_the_rarefied_mean_is_that_without_each_group(metric, num_documents, part):
    """Of seven documents each is a group; of fifty neighbours are, twenty groups in all."""
    predictions, references, treatment = random_pairs(600, seed=5)
    documents = sorted(np.random.default_rng(1).integers(0, num_documents, 600).tolist())
    documents[-1] = num_documents - 1
    scores = metric("apt").compute(
        predictions=predictions,
        references=references,
        treatment=treatment,
        documents=documents,
        rarefied_to=100,
    )
    rows = asked(references, predictions, treatment, documents)
    rows = [row for row in rows if not part or row[2] == 0]
    num_groups = min(20, num_documents)
    group_of = [document * num_groups // num_documents for *_, document in rows]
    left = [
        rarefied([row[:2] for row, of in zip(rows, group_of, strict=True) if of != group], 100)
        for group in range(num_groups)
    ]
    mean = oracles.mean(left)
    error = math.sqrt((num_groups - 1) / num_groups * sum((x - mean) ** 2 for x in left))
    assert scores[f"rarefied_mean_apt_standard_error{part}"] == pytest.approx(error)
    assert scores[f"rarefied_mean_apt{part}"] == pytest.approx(
        rarefied([row[:2] for row in rows], 100)
    )


def test_without_documents_the_rarefied_mean_has_no_error(metric) -> None:
    predictions, references, _ = random_pairs()
    scores = metric("apt").compute(predictions=predictions, references=references, rarefied_to=100)
    assert math.isnan(scores["rarefied_mean_apt_standard_error"])
    assert not math.isnan(scores["rarefied_mean_apt"])


def test_documents_may_come_batch_by_batch_and_are_given_with_all_or_none(metric) -> None:
    predictions, references, _ = random_pairs()
    documents = [n // 10 for n in range(len(references))]
    columns = {"predictions": predictions, "references": references, "documents": documents}
    whole = metric("apt").compute(**columns, rarefied_to=100)
    for start in (200, 0, 100):  # in any order
        metric("apt").add_batch(**{k: v[start : start + 100] for k, v in columns.items()})
    assert same(metric("apt").compute(rarefied_to=100), whole)
    metric("apt").add_batch(**columns)
    with pytest.raises(ValueError, match="some batches came with documents and some without"):
        metric("apt").add_batch(predictions=[1], references=[1])
    assert same(metric("apt").compute(rarefied_to=100), whole)


def test_documents_that_are_not_counted_from_0_are_told(metric) -> None:
    apt = metric("apt")
    apt.add_batch(predictions=[1, 2, 1], references=[1, 2, 2], documents=[70, 71, 72])
    with pytest.raises(ValueError, match="documents are 3 numbers up to 72: count them from 0"):
        apt.compute(rarefied_to=2)


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        ([0], r"documents of shape \(1,\) came with references of shape \(2,\)"),
        ([0, -1], "documents hold numbers from -1 to 0: count them from 0"),
        ([0, 0.5], "documents hold"),
    ],
)
def test_what_is_no_document_is_refused_and_leaves_no_trace(metric, documents, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        metric("apt").add_batch(predictions=[1, 2], references=[1, 2], documents=documents)
    assert len(metric("apt")) == 0


@pytest.mark.parametrize("min_support", [1, 2])
def test_treatments_are_compared_on_the_tokens_that_all_of_them_asked(metric, min_support) -> None:
    predictions, references, treatment = random_pairs(180, vocab_size=30, seed=2)
    scores = metric("apt").compute(
        predictions=predictions,
        references=references,
        treatment=treatment,
        min_support=min_support,
    )
    rows = asked(references, predictions, treatment)
    times = Counter((token, code) for token, _, code in rows)
    common = [
        token for token in range(30) if all(times[token, code] >= min_support for code in (0, 1, 2))
    ]
    assert 1 < len(common) < 30
    assert scores["num_tokens_common"] == len(common)
    for ending, codes in (("", (0, 1, 2)), ("_masked", (0,)), ("_unchanged", (2,))):
        apts = []
        for token in common:
            answers = [a for t, a, code in rows if t == token and code in codes]
            apts.append(oracles.mean([answer == token for answer in answers]))
        assert scores[f"mean_apt_common{ending}"] == pytest.approx(oracles.mean(apts))
        error = np.std(apts, ddof=1) / math.sqrt(len(apts)) if len(apts) > 1 else math.nan
        shown = scores[f"mean_apt_common_standard_error{ending}"]
        assert shown == pytest.approx(error, nan_ok=True)


def test_treatments_that_did_not_occur_ask_for_no_common_token(metric) -> None:
    scores = metric("apt").compute(
        predictions=[1, 2, 1], references=[1, 2, 1], treatment=["masked", "masked", "unchanged"]
    )
    assert scores["num_tokens_common"] == 1
    assert scores["mean_apt_common"] == 1.0
    assert math.isnan(scores["mean_apt_common_replaced"])
    alone = metric("apt").compute(predictions=[1], references=[1])
    assert not [name for name in alone if "common" in name]


def test_tokens_are_ranked_by_support_where_no_frequency_is_known(metric) -> None:
    predictions, references, _ = random_pairs(seed=3)
    rows = asked(references, predictions)
    table = oracles.pair_counts([row[0] for row in rows], [row[1] for row in rows])
    expected = oracles.apt50(table, oracles.support(table, 12))
    scores = metric("apt").compute(predictions=predictions, references=references)
    assert scores["apt50_upper_half"] == pytest.approx(expected[1])


def test_confusion_is_that_of_a_loop(metric) -> None:
    predictions, references, _ = random_pairs(seed=1)
    rows = asked(references, predictions)
    table = oracles.pair_counts([row[0] for row in rows], [row[1] for row in rows])
    kept, tied = oracles.kept_and_tied(table, 12)
    matrix = metric("token_confusion").compute(predictions=predictions, references=references)
    entries = zip(matrix["rows"], matrix["columns"], matrix["counts"], strict=True)
    assert [((row, column), count) for row, column, count in entries] == sorted(table.items())
    assert set(matrix["kept"]) == kept
    assert matrix["num_kept"] == len(kept) > 3
    assert matrix["num_ties"] == len(tied)
    assert matrix["num_rows"] == 12
    assert matrix["num_pairs"] == len(table)


@pytest.mark.parametrize("definition", ["row", "mutual", "weak"])
def test_clusters_are_those_of_a_loop(definition: str, metric) -> None:
    predictions, references, _ = random_pairs(seed=2)
    rows = asked(references, predictions)
    table = oracles.pair_counts([row[0] for row in rows], [row[1] for row in rows])
    expected = oracles.clusters(oracles.normalised(table, 12), 0.2, definition)
    scores = metric("token_clusters").compute(
        predictions=predictions, references=references, threshold=0.2, definition=definition
    )
    assert len(expected) >= 3
    assert scores["clusters"] == expected
    assert scores["max_size"] == max(map(len, expected))
    assert scores["noise_mass"] == pytest.approx(oracles.mean(oracles.noise_mass(table, 12, 0.2)))


def test_an_id_of_any_size_is_counted(metric) -> None:
    references, predictions = [46_340, 1_000_000, 0], [46_340, 3, 70_000]
    scores = metric("apt").compute(predictions=predictions, references=references, per_token=True)
    assert scores["tokens"] == sorted(references)
    assert scores["apt"] == [0.0, 1.0, 0.0]
    matrix = metric("token_confusion").compute(predictions=predictions, references=references)
    assert matrix["rows"] == sorted(references)
    assert matrix["columns"] == [70_000, 46_340, 3]


def test_a_complexity_is_that_of_the_function_however_features_come(metric) -> None:
    rows = np.random.default_rng(0).normal(size=(30, 4))
    scores = metric("rademacher_complexity").compute(predictions=rows, num_draws=50, seed=3)
    expected = rademacher_complexity(rows, num_draws=50, seed=3)
    assert scores["value"] == expected.value
    assert scores["scaled"] == expected.scaled
    assert scores["effective_rank"] == effective_rank(rows)
    module = metric("rademacher_complexity")
    module.add_batch(predictions=torch.from_numpy(rows[:10]))
    for row in rows[10:12]:
        module.add(prediction=row.tolist())
    assert len(module) == 12
    assert same(module.compute(predictions=rows[12:], num_draws=50, seed=3), scores)
    bad = [([[1.0, math.nan]], "hold nan"), ([[1.0]], "are 1 wide, and those before 4: give")]
    for wrong, said in [*bad, ([["a"]], "are no rows of numbers"), ([], "are no rows of numbers")]:
        module.add_batch(predictions=rows)
        with pytest.raises(ValueError, match=said):
            module.add_batch(predictions=wrong)
        assert same(module.compute(num_draws=50, seed=3), scores)
    with pytest.raises(ValueError, match="compared with no references: give predictions alone"):
        module.compute(predictions=rows, references=rows)
    with pytest.raises(ValueError, match="num_draws must be a whole number of at least 2, got 1.5"):
        module.compute(predictions=rows, num_draws=1.5)


# Batches.


@pytest.mark.parametrize("name", OF_PAIRS)
@settings(settings.get_profile("metrics"))
@given(pairs=pairs_of, cuts=st.lists(st.integers(0, 40), max_size=4))
def test_every_split_gives_the_same_figures(
    name: str, pairs: list[tuple[int, int]], cuts: list[int], loaded
) -> None:
    columns = {
        "references": [reference for reference, _ in pairs] + [1],
        "predictions": [prediction for _, prediction in pairs] + [2],
    }
    whole = loaded[name].compute(**columns)
    bounds = [0, *sorted(cuts), len(pairs) + 1]
    for start, end in zip(bounds, bounds[1:], strict=False):
        loaded[name].add_batch(**{key: column[start:end] for key, column in columns.items()})
    assert len(loaded[name]) == sum(reference != -100 for reference in columns["references"])
    assert same(loaded[name].compute(), whole)
    assert len(loaded[name]) == 0


@settings(settings.get_profile("metrics"))
@given(
    rows=st.lists(st.tuples(*[st.integers(0, 8).map(lambda n: n / 8)] * 2, st.booleans(),
                            st.integers(0, 2)), min_size=1, max_size=30),
    cut=st.integers(0, 30),
    order=st.randoms(use_true_random=False),
)  # fmt: skip
def test_every_split_and_order_of_inputs_gives_the_same_figures(rows, cut, order, loaded) -> None:
    module = loaded["confidence_apt"]

    def columns(rows: list) -> dict[str, list]:
        names = ("predictions", "references", "correct", "labels")
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}

    whole = module.compute(**columns(rows), num_bins=3)
    shuffled = order.sample(rows, len(rows))
    module.add_batch(**columns(shuffled[:cut]))
    assert same(module.compute(**columns(shuffled[cut:]), num_bins=3), whole)


def test_slopes_over_all_inputs_and_within_classes_are_those_of_the_functions(metric) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    mean_apt, confidence = rng.random((2, 60)) / 2 + labels / 6
    named = {"predictions": confidence, "references": mean_apt}
    plain = metric("confidence_apt").compute(**named)
    scores = metric("confidence_apt").compute(**named, labels=labels)
    within = class_slope(mean_apt, confidence, labels)
    for name, line in (("slope", slope(mean_apt, confidence)), ("within_class_slope", within)):
        assert scores[name] == pytest.approx(line.value)
        assert scores[f"{name}_standard_error"] == pytest.approx(line.standard_error)
        assert scores[f"{name}_low"] == pytest.approx(line.low)
        assert scores[f"{name}_high"] == pytest.approx(line.high)
    assert scores["within_class_slope"] < scores["slope"] - 0.1
    for name in ("pearson", "spearman", "mean_confidence", "slope", "slope_high"):
        assert scores[name] == pytest.approx(plain[name])
    assert "within_class_slope" not in plain


@pytest.mark.parametrize(
    "as_input",
    [
        list,
        tuple,
        lambda ids: np.array(ids, np.int16),
        torch.tensor,
        lambda ids: np.array(ids).reshape(-1, 10),
        lambda ids: torch.tensor(ids).reshape(3, 10, -1),
        lambda ids: [torch.tensor(n) for n in ids],
    ],
    ids=["list", "tuple", "int16", "tensor", "rows", "3-D tensor", "list of tensors"],
)
@pytest.mark.parametrize("name", OF_PAIRS)
def test_lists_arrays_and_tensors_of_any_shape_are_the_same(name: str, as_input, metric) -> None:
    predictions, references, _ = random_pairs()
    expected = metric(name).compute(predictions=predictions, references=references)
    given = {"predictions": as_input(predictions), "references": as_input(references)}
    assert same(metric(name).compute(**given), expected)


def test_pairs_may_be_added_one_by_one(metric) -> None:
    predictions, references, treatments = random_pairs(40)
    columns = {"predictions": predictions, "references": references}
    names = [TREATMENTS[code] for code in treatments]
    expected = metric("apt").compute(**columns, treatment=treatments)
    module = metric("apt")
    for prediction, reference, treatment in zip(predictions, references, names, strict=True):
        module.add(prediction=prediction, reference=reference, treatment=treatment)
    assert same(module.compute(), expected)


def test_what_is_added_may_change_afterwards(metric) -> None:
    module, ids = metric("apt"), np.array([1, 2])
    module.add_batch(predictions=ids, references=ids)
    ids[:] = 9
    assert module.compute(per_token=True)["tokens"] == [1, 2]


def test_metrics_combine(load) -> None:
    import evaluate

    predictions, references, _ = random_pairs()
    columns = {"predictions": predictions, "references": references}
    combined = evaluate.combine([load(name) for name in OF_PAIRS])
    expected: dict[str, Any] = {}
    for name in OF_PAIRS:
        expected |= load(name).compute(**columns)
    assert same(combined.compute(**columns), expected)
    combined.add_batch(predictions=predictions[:100], references=references[:100])
    for prediction, reference in zip(predictions[100:], references[100:], strict=True):
        combined.add(prediction, reference)
    assert same(combined.compute(), expected)


@pytest.mark.parametrize("name", NAMES)
def test_scalars_are_pythons_own(name: str, metric) -> None:
    ids, shares = np.array([1, 2, 2]), np.array([0.1, 0.2, 0.3], np.float32)
    columns = {"predictions": shares, "references": shares, "correct": ids == 2}
    if name in OF_PAIRS:
        columns = {"predictions": ids, "references": ids}
    if name == "anchor_vector":
        columns = {"predictions": np.eye(40), "references": np.eye(40)}
    if name == "local_smoothness":
        columns = {"predictions": np.stack([shares, shares]), "references": np.eye(2, 3)}
    if name == "graph_neighbours":
        columns = {"predictions": np.eye(4), "references": np.arange(4)}
    if name == "rademacher_complexity":
        columns = {"predictions": np.eye(20, dtype=np.float32)}
    options = {"frequencies": ids, "treatment": [0, 1, 2]} if name == "apt" else {}
    if name == "graph_neighbours":
        options = {"links": np.array([[0, 1], [1, 2]])}
    seen = 0

    def check(value: Any) -> None:
        nonlocal seen
        seen += 1
        if isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                check(item)
        else:
            assert type(value) in (int, float, str, bool, type(None)), value

    check(metric(name).compute(**columns, **options))
    assert seen > 6


# What is refused.

PAIRS = {"predictions": [1, 2], "references": [1, 2]}
SHARES = {"predictions": [0.5, 0.6], "references": [0.1, 0.2]}
VECTORS = {"predictions": [[0.0], [0.1], [0.3], [5.0], [5.1]], "references": [0, 0, 0, 1, 1]}
REFUSED = [
    (OF_PAIRS, {"predictions": [1]}, r"shape \(1,\) came with references of shape \(2,\)"),
    (OF_PAIRS, {"predictions": None}, "predictions are missing"),
    (OF_PAIRS, {"references": None}, "references are missing"),
    (OF_PAIRS, {"predictions": [1, -3]}, "predictions hold -3, which is no token id: ids are 0 to"),
    (OF_PAIRS, {"references": [-1, 1]}, "references hold -1, .* -100 marks"),
    (OF_PAIRS, {"predictions": [1, 2**31]}, "predictions hold 2147483648"),
    (OF_PAIRS, {"predictions": [0.25, 1]}, r"predictions hold 0.25: give integers, .*argmax"),
    (OF_PAIRS, {"references": [1, None]}, "references hold None: give integers"),
    (OF_PAIRS, {"predictions": ["a", "b"]}, "predictions hold 'a': give integers"),
    (OF_PAIRS, {"predictions": [True, False]}, "predictions hold True: give integers"),
    (OF_PAIRS, {"predictions": [[1], [1, 2]]}, "unequal length: flatten them, for instance"),
    (OF_PAIRS, {"vocab_size": 2}, "token id 2 is outside a vocabulary of 2: give .* at least 3"),
    (OF_PAIRS, {"references": [-100, -100]}, "nothing was asked yet: give predictions"),
    (["apt"], {"treatment": ["masked", "hidden"]}, "treatment 'hidden' is none of masked, repl"),
    (["apt"], {"treatment": [0, 3]}, "treatment 3 is none of"),
    (["apt"], {"treatment": [0]}, r"treatment of shape \(1,\) came with references"),
    (["apt"], {"min_support": 0}, "min_support must be a whole number of at least 1, got 0"),
    (["apt"], {"min_support": "a"}, "min_support must be a whole number .*, got 'a'"),
    (
        ["apt", "token_confusion"],
        {"vocab_size": 2**40},
        "vocab_size is 1099511627776, and 6710",
    ),
    (["apt"], {"vocab_size": "a"}, "vocab_size must be a whole number .*, got 'a'"),
    (["token_confusion", "token_clusters"], {"vocab_size": 2.5}, "vocab_size must be .*, got 2.5"),
    (["apt"], {"frequencies": [5, 5]}, "2 frequencies do not reach token 2, .* at least 3"),
    (["apt"], {"frequencies": [5, 5, -7]}, "frequencies hold -7: give occurrences"),
    (["apt"], {"frequencies": [0.5, 0.2, 0.3]}, "frequencies hold 0.5: give integers"),
    (["token_clusters"], {"threshold": 0.0}, r"lies in \(0, 1\], got 0.0"),
    (["token_clusters"], {"definition": "strong"}, "definition 'strong' is none of row, mutual"),
    (["confidence_apt"], {"predictions": [0.5, 1.5]}, "predictions hold 1.5, .*softmax prob"),
    (["confidence_apt"], {"predictions": [0.5, math.nan]}, "predictions hold nan"),
    (["confidence_apt"], {"references": [-0.5, 0.1]}, "references hold -0.5, .* mean APT"),
    (["confidence_apt"], {"references": [math.nan] * 2}, "there is no input yet"),
    (["confidence_apt"], {"predictions": [0.5]}, r"shape \(1,\) came with references of"),
    (["confidence_apt"], {"correct": [1, 2]}, "correct hold 2.0, .*: give 1 for a right label"),
    (["confidence_apt"], {"correct": ["yes", "no"]}, "correct hold 'yes'"),
    (["confidence_apt"], {"labels": [0.5, 1]}, "labels hold 0.5: give integers, for instance the"),
    (["confidence_apt"], {"labels": [1]}, r"labels of shape \(1,\) came with references of"),
    (["confidence_apt"], {"num_bins": 0}, "num_bins must be a whole number of at least 1, got 0"),
    (["confidence_apt"], {"num_bins": None}, "num_bins must be a whole number .*, got None"),
    (["local_smoothness"], {"predictions": [0.5]}, r"shape \(1, 1\) came with references of shape"),
    (["local_smoothness"], {"predictions": ["a", "b"]}, "predictions of shape .* are no logits"),
    (["local_smoothness"], {"references": [math.inf, 1]}, "references hold inf: give .* finite"),
    (["local_smoothness"], {"references": [[], []]}, "references hold rows without a number"),
    (["local_smoothness"], {"predictions": None}, "predictions are missing"),
    (["graph_neighbours"], {"predictions": [0.5]}, "1 rows of predictions came with 5 references"),
    (["graph_neighbours"], {"predictions": [["a"]] * 5}, "predictions of shape .* are no vectors"),
    (["graph_neighbours"], {"predictions": [[math.inf]] * 5}, "predictions hold inf: give numbers"),
    (
        ["graph_neighbours"],
        {"references": [0.5] * 5},
        "references hold 0.5: give integers, for inst",
    ),
    (["graph_neighbours"], {"references": [-1] * 5}, r"from -1: give one label from 0 on"),
    (
        ["graph_neighbours"],
        {"num_neighbours": 0},
        "num_neighbours must be a whole number of at lea",
    ),
    (["graph_neighbours"], {"num_neighbours": 5}, "5 nearest of 5 vectors: give a whole number fr"),
    (
        ["graph_neighbours"],
        {"links": [(0, 7)]},
        "a link names node 7, and there are 5: count nodes",
    ),
]
CASES = [(name, wrong, said) for names, wrong, said in REFUSED for name in names]


@pytest.mark.parametrize(("name", "wrong", "said"), CASES)
def test_bad_input_is_named_in_a_sentence_and_not_kept(
    name: str, wrong: dict, said: str, metric
) -> None:
    good = PAIRS if name in OF_PAIRS else VECTORS if name == "graph_neighbours" else SHARES
    expected = metric(name).compute(**good)
    with pytest.raises(ValueError, match=said) as refusal:
        metric(name).compute(**good | wrong)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)
    assert len(metric(name)) == 0
    assert same(metric(name).compute(**good), expected)


def test_what_was_added_survives_a_refusal(metric) -> None:
    apt = metric("apt")
    apt.add_batch(predictions=[1, 2], references=[1, 3])
    with pytest.raises(ValueError, match="min_support"):
        apt.compute(predictions=[1, 2], references=[1, 3], min_support=0)
    with pytest.raises(ValueError, match="hold -5"):
        apt.add_batch(predictions=[1, -5], references=[1, 3])
    with pytest.raises(TypeError, match="unexpected"):
        apt.compute(min_suport=3)
    assert len(apt) == 2
    assert apt.compute()["num_positions"] == 2


@pytest.mark.parametrize("name", NAMES)
def test_nothing_added_is_said(name: str, metric) -> None:
    with pytest.raises(ValueError, match=r"yet: give \w+.*\.$"):
        metric(name).compute()


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_input_is_named(name: str, metric) -> None:
    with pytest.raises(ValueError, match="weights is no input of this metric: give predictions, r"):
        metric(name).add_batch(predictions=[1], references=[1], weights=[1])


@pytest.mark.parametrize(
    ("name", "optional"),
    [("apt", "treatment"), ("confidence_apt", "correct"), ("confidence_apt", "labels")],
)
def test_an_optional_input_comes_with_all_batches_or_with_none(name, optional, metric) -> None:
    module = metric(name)
    module.add_batch(predictions=[1], references=[1], **{optional: [0]})
    with pytest.raises(ValueError, match=f"some batches came with {optional} and some without"):
        module.add_batch(predictions=[1], references=[1])
    assert len(module) == 1


@pytest.mark.parametrize("name", NAMES)
def test_several_processes_are_refused(name: str) -> None:
    import evaluate

    with pytest.raises(ValueError, match="num_process is 2, .*gather predictions and references"):
        evaluate.load(str(resource(f"metrics/{name}")), num_process=2)


# From the Hub, and without hf_apt.

HUB_AND_HINT = """
import importlib.abc, sys

absent = {"hf_apt", "transformers"}  # evaluate takes seconds to import transformers, if it can

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import evaluate

for path in ["owner/apt", *sys.argv[1:]]:
    try:
        evaluate.load(path)
    except ImportError as error:
        print(error)
absent.remove("hf_apt")
apt = evaluate.load("owner/apt")
print(apt.compute(predictions=[1, 2], references=[1, 3])["mean_apt"])
"""


def test_a_space_loads_and_without_hf_apt_each_metric_says_what_to_install(tmp_path) -> None:
    space = tmp_path / "spaces/owner/apt/resolve/main"
    space.mkdir(parents=True)
    (space / "apt.py").write_bytes((METRICS / "apt/apt.py").read_bytes())
    hub = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = re.search(r"port (\d+)", hub.stdout.readline())[1]
        done = subprocess.run(
            [sys.executable, "-c", HUB_AND_HINT, *(str(METRICS / name) for name in NAMES)],
            env=os.environ
            | {
                "HF_ENDPOINT": f"http://127.0.0.1:{port}",
                "HF_HOME": str(tmp_path / "home"),
                "HF_HUB_OFFLINE": "0",
                "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
    finally:
        hub.terminate()
        hub.wait()
    assert done.returncode == 0, done.stderr[-3000:]
    *hints, value = done.stdout.splitlines()
    assert value == "0.5"
    assert len(hints) == 1 + len(NAMES)
    for hint, name in zip(hints, ["owner/apt", *NAMES], strict=True):
        assert hint.startswith(f"To be able to use {name}, you need to install")
        assert "['hf_apt'] using 'pip install hf_apt'" in hint


def test_hidden_values_of_a_masked_array_are_not_counted(metric) -> None:
    apt = metric("apt")
    hidden = np.ma.masked_array([1, 2, 3], mask=[False, True, False])
    with pytest.raises(ValueError, match=r"predictions are a masked array.*\.compressed\(\)"):
        apt.compute(predictions=hidden, references=[1, 2, 3])
    shown = np.ma.masked_array([1, 2, 3], mask=False)
    assert apt.compute(predictions=shown, references=[1, 2, 3])["mean_apt"] == 1
