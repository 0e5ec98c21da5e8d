"""The study of transfer on records whose answer is planted: APT knows which half is damaged."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hf_apt.analysis.transfer.transfer_config import TransferConfig
from hf_apt.analysis.transfer.transfer_run import TransferRun, predictors_by_depth
from hf_apt.analysis.transfer.transfer_study import transfer_study
from hf_apt.records.run import Run
from hf_apt.records.schemas import BLOCK_ACCURACY, SUMMARY
from hf_apt.records.studies.study_files import read_study
from hf_apt.stats.clusters import HEADLINE
from tests.support.studies import a_study

NUM_DEPTHS = 5
TASKS = ("news", "names", "topics")
PEAK = {"whole": 4, "half": 2, "quarter": 1, "other": 3}
"""The best depth of each checkpoint: deeper is better for the first alone."""

FEW = TransferConfig(num_draws=20)


def estimates(values: Any) -> list[dict[str, Any]]:
    return [{"value": float(value), "standard_error": 0.01, "num": 2} for value in values]


def skill(name: str) -> np.ndarray:
    """What a checkpoint is worth at each depth: it rises to its peak and falls after it."""
    return 0.1 * PEAK[name] - 0.07 * abs(np.arange(NUM_DEPTHS) - PEAK[name])


def finetuned(name: str, task: str) -> Any:
    accuracy = 0.4 + skill(name) + 0.01 * TASKS.index(task)
    figures = {
        "linear": estimates(accuracy),
        "logme": estimates(-accuracy),  # always wrong
        "sfda": estimates(np.roll(accuracy, 1)),
    }
    model = {"frozen": {"mean": figures, "cls": figures}, "finetuned": {"mean": figures}}
    return {
        "schema": BLOCK_ACCURACY,
        "task": task,
        "checkpoint": f"runs/{name}/checkpoint",
        "weights": name,
        "model_config": None,
        "depths": ["embeddings", *(f"block {depth}" for depth in range(1, NUM_DEPTHS))],
        "chance": 0.25,
        "provenance": [{"num_train": 8, "num_test": 9, "num_labels": 4, "train_fingerprint": task}],
        "config": {
            "num_seeds": 2,
            "probe": {"num_neighbours": 10},
            "features": {"sequence_length": 32},
            "finetune": {"num_epochs": 3},
        },
        "models": {"pretrained": model},
    }


def summary(name: str) -> Any:
    definition, threshold = HEADLINE
    return {
        "schema": SUMMARY,
        "model": {"weights": name, "model_config": None},
        "readouts": {
            "own_head": [
                {
                    "mean_apt": {
                        "pooled": {"value": 9.0},
                        "masked": {"value": worth**3, "standard_error": 0.1, "num": 9},
                    },
                    "rarefaction": [
                        {"num_positions": size, "mean_apt": {"value": worth - size / 1e6}}
                        for size in (100, 200)
                    ],
                    "cross_entropy": {"value": 2 - worth},
                    "clusters": [
                        {"definition": "row", "threshold": threshold, "num_clusters": 99},
                        {"definition": definition, "threshold": threshold, "num_clusters": depth},
                    ],
                }
                for depth, worth in enumerate(skill(name).tolist())
            ]
        },
    }


def a_run(name: str, **changes: Any) -> TransferRun:
    content: dict[str, Any] = {
        "name": name,
        "tasks": {task: finetuned(name, task) for task in TASKS},
        "summary": summary(name),
    }
    return TransferRun(**(content | changes))


def test_what_knows_the_damage_beats_depth() -> None:
    record = transfer_study([a_run(name) for name in PEAK], FEW)
    json.dumps(record, allow_nan=False)
    said = record["results"]["agreement"]["finetuned"]["mean"]
    for name in ("mean_apt", "apt_at_mask", "cross_entropy"):
        for statistic in ("pairs", "within", "across", "pairs_given_depth"):
            assert said[name][statistic]["value"]["value"] == pytest.approx(1), (name, statistic)
        assert said[name]["regret"]["value"]["value"] == 0
        assert said[name]["within"]["minus_depth"]["value"] > 0.3
        assert said[name]["within"]["value"]["standard_error"] == pytest.approx(0, abs=1e-9)
    assert said["logme"]["within"]["value"]["value"] == pytest.approx(-1)
    # The last block of each: 0, 2, 3 and 1 blocks behind the best.
    assert said["depth"]["regret"]["value"]["value"] == pytest.approx(0.07 * 6 / 4)
    assert said["last_but_one"]["regret"]["value"]["value"] == pytest.approx(0.07 * (1 + 1 + 2) / 4)
    assert said["mean_apt"]["num_checkpoints"] == 4
    assert record["results"]["mean_apt_positions"] == 200
    text = " ".join(record["findings"])
    assert (
        "mean APT ranks blocks by fine-tuned accuracy (mean over tokens) with 1.00 ± 0.00" in text
    )
    assert "more than, and not to be told from, depth" in text  # four checkpoints say little
    assert "3 tasks and 4 checkpoints" in text


def test_a_predictor_counts_where_it_is_known_beside_depth_of_the_same_checkpoints() -> None:
    runs = [a_run(name) for name in PEAK]
    runs[0] = a_run("whole", summary=None)
    said = transfer_study(runs, FEW)["results"]["agreement"]["frozen"]["cls"]
    assert said["mean_apt"]["num_checkpoints"] == 3
    assert said["depth"]["num_checkpoints"] == said["sfda"]["num_checkpoints"] == 4
    alone = transfer_study(runs[1:], FEW)["results"]["agreement"]["frozen"]["cls"]
    difference = said["mean_apt"]["regret"]["minus_depth"]["value"]
    assert difference == pytest.approx(-alone["depth"]["regret"]["value"]["value"])
    assert alone["depth"]["regret"]["value"]["value"] == pytest.approx(0.07 * 6 / 3)


def test_a_predictor_that_is_the_same_at_all_depths_is_told_and_not_chosen_by_chance() -> None:
    blank = summary("half")
    for figures in blank["readouts"]["own_head"]:
        figures["clusters"][1]["num_clusters"] = 0
    runs = [a_run("whole"), a_run("half", summary=blank), a_run("quarter")]
    record = transfer_study(runs, FEW)
    said = record["results"]["agreement"]["frozen"]["mean"]
    assert said["num_clusters"]["within"]["num_undefined"] == 3
    # Clusters are depth elsewhere, so that nothing is above or below it.
    assert said["num_clusters"]["within"]["minus_depth"]["value"] == pytest.approx(0)
    lost = [0.0, np.mean(0.07 * abs(np.arange(NUM_DEPTHS) - 2)), 0.07 * 3]
    assert said["num_clusters"]["regret"]["value"]["value"] == pytest.approx(np.mean(lost))
    assert "clusters 3 of 9" in " ".join(record["findings"])


def test_what_was_not_fine_tuned_is_compared_frozen_alone() -> None:
    frozen = a_run("other", summary=None)
    for record in frozen.tasks.values():
        del record["models"]["pretrained"]["finetuned"]
        record["config"]["finetune"] = None
    said = transfer_study([a_run("whole"), a_run("half"), frozen], FEW)["results"]["agreement"]
    assert said["frozen"]["mean"]["depth"]["num_checkpoints"] == 3
    assert said["finetuned"]["mean"]["depth"]["num_checkpoints"] == 2


def test_other_studies_and_measurements_of_other_weights() -> None:
    shares = [0.1, 0.2, 0.3, 0.4, 0.5]
    fits = [{"r_squared": {"affine": each}} for each in estimates(shares)]
    anchors = a_study(study="anchors", subject="", results={"depths": fits})
    names = ["embeddings", *(f"block {depth}" for depth in range(1, NUM_DEPTHS))]
    places = [
        {"place": name, "alignment": alignment, "condition_of_rank": condition}
        for name, alignment, condition in zip(
            names, estimates(shares), estimates(range(1, 6)), strict=True
        )
    ]
    kernels = a_study(subject="news", results={"depths": names, "places": places})
    for each in (anchors, kernels):
        each["weights"], each["model_config"] = "whole", None
    run = a_run("whole", studies=[anchors, kernels])
    said = predictors_by_depth(run, "news", "mean", 200)
    assert said["anchor_r_squared"] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert said["kernel_alignment"] == shares
    assert said["kernel_condition"] == [-1, -2, -3, -4, -5]
    kernels["results"]["places"].pop(0)  # a kernel without embeddings says nothing of depth 0
    assert "kernel_condition" not in predictors_by_depth(run, "news", "mean", 200)
    assert "kernel_condition" not in predictors_by_depth(run, "names", "mean", 200)
    elsewhere = a_run("half", studies=[anchors], summary=summary("whole"))
    said = predictors_by_depth(elsewhere, "news", "mean", 200)
    assert {"mean_apt", "cross_entropy", "anchor_r_squared"}.isdisjoint(said)
    assert said["num_clusters" if "num_clusters" in said else "depth"] == [0, 0.25, 0.5, 0.75, 1]


def test_a_predictor_that_is_known_on_some_tasks_is_judged_on_these_beside_depth() -> None:
    names = ["embeddings", *(f"block {depth}" for depth in range(1, NUM_DEPTHS))]
    runs = []
    for name in ("whole", "half", "quarter"):
        studies = []
        for task in TASKS[:2]:
            aligned = zip(names, estimates(skill(name)), strict=True)
            places = [{"place": place, "alignment": alignment} for place, alignment in aligned]
            kernels = a_study(subject=task, results={"depths": names, "places": places})
            kernels["weights"], kernels["model_config"] = name, None
            studies.append(kernels)
        runs.append(a_run(name, studies=studies))
    said = transfer_study(runs, FEW)["results"]["agreement"]["frozen"]["mean"]
    assert said["kernel_alignment"]["num_tasks"] == 2
    assert said["kernel_alignment"]["num_checkpoints"] == said["depth"]["num_checkpoints"] == 3
    assert said["depth"]["num_tasks"] == 3
    assert said["kernel_alignment"]["within"]["value"]["value"] == pytest.approx(1)
    two = [replace(run, tasks={t: run.tasks[t] for t in TASKS[:2]}) for run in runs]
    alone = transfer_study(two, FEW)["results"]["agreement"]["frozen"]["mean"]
    for statistic in ("within", "regret"):
        expected = alone["kernel_alignment"][statistic]
        assert said["kernel_alignment"][statistic] == expected, "of these tasks alone"
    assert "kernel_condition" not in said, "which no run has"


def test_one_checkpoint_and_two_tasks_have_no_errors() -> None:
    run = a_run("half", tasks={task: finetuned("half", task) for task in TASKS[:2]})
    record = transfer_study([run], FEW)
    said = record["results"]["agreement"]["frozen"]["mean"]["mean_apt"]["within"]
    assert said["value"]["standard_error"] is None
    assert said["over_tasks"] is None
    assert "No errors are said of 2 tasks: they take 3." in record["findings"]


def test_two_depths_have_no_correlation_and_it_is_said_in_a_sentence() -> None:
    run = a_run("half")
    for record in run.tasks.values():
        record["depths"] = record["depths"][:2]
        for by_pooling in record["models"]["pretrained"].values():
            for figures in by_pooling.values():  # pyright: ignore
                figures |= {name: values[:2] for name, values in figures.items()}
    summary: Any = run.summary
    summary["readouts"]["own_head"] = summary["readouts"]["own_head"][:2]
    text = " ".join(transfer_study([run], FEW)["findings"])
    assert "which is not to be compared with depth; given depth" in text


def changed(run: TransferRun, task: str, *path: Any, to: Any) -> TransferRun:
    run = copy.deepcopy(run)
    place: Any = run.tasks[task]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return run


@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        ([], "no run came"),
        ([a_run("half"), a_run("half")], "half is given twice"),
        ([a_run("half", tasks={}), a_run("whole")], "no task that all runs were fine-tuned on"),
        (
            [a_run("half"), changed(a_run("whole"), "news", "config", "num_seeds", to=3)],
            r"another num_seeds \(3\) than half \(2\)",
        ),
        (
            [
                a_run("half"),
                changed(a_run("whole"), "news", "provenance", 0, "train_fingerprint", to="x"),
            ],
            "another train_fingerprint",
        ),
        ([changed(a_run("half"), "news", "depths", to=["embeddings"])], "a single depth"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_sentence(runs: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        transfer_study(runs, FEW)


def test_an_option_that_was_added_since_and_is_not_given_makes_no_difference() -> None:
    newer = changed(a_run("whole"), "news", "config", "finetune", "dropout", to=None)
    assert transfer_study([a_run("half"), newer], FEW)["results"]["tasks"] == sorted(TASKS)
    given = changed(a_run("whole"), "news", "config", "finetune", "dropout", to=0.1)
    with pytest.raises(ValueError, match="another finetune"):
        transfer_study([a_run("half"), given], FEW)


def test_the_fine_tuning_of_later_runs_is_compared_where_the_first_has_none() -> None:
    frozen = changed(a_run("whole"), "news", "config", "finetune", to=None)
    other = changed(a_run("quarter"), "news", "config", "finetune", to={"num_epochs": 50})
    with pytest.raises(ValueError, match="quarter was measured on news with another finetune"):
        transfer_study([frozen, a_run("half"), other], FEW)


def with_anchors(name: str, **config: Any) -> TransferRun:
    fits = [{"r_squared": {"affine": each}} for each in estimates(skill(name))]
    settings = {"bulk": "all", "num_twins": 0} | config
    anchors = a_study(study="anchors", subject="", results={"depths": fits}, config=settings)
    anchors["weights"], anchors["model_config"] = name, None
    anchors["provenance"] = {"fingerprint": "of the text"}
    return a_run(name, studies=[anchors])


def test_studies_of_other_settings_are_refused_and_not_mixed() -> None:
    transfer_study([with_anchors("half"), with_anchors("whole", num_twins=3)], FEW)
    tail = with_anchors("whole", bulk="minus_topk")
    with pytest.raises(ValueError, match=r"another bulk \(minus_topk\) than half \(all\)"):
        transfer_study([with_anchors("half"), tail], FEW)
    elsewhere = with_anchors("whole")
    elsewhere.studies[0]["provenance"] = {"fingerprint": "of another"}
    with pytest.raises(ValueError, match="another fingerprint .* options of hf-apt anchors"):
        transfer_study([with_anchors("half"), elsewhere], FEW)


def test_mean_apt_of_another_text_is_refused() -> None:
    runs = []
    for name, text in (("half", "a/wiki.txt"), ("whole", "b/wiki.txt"), ("other", "sotu")):
        measured = summary(name)
        measured["corpus"] = {"name": text, "sequences": "first", "sequence_length": 128}
        measured["masking"] = {"rate": 0.15, "num_realisations": 1, "num_sequences": len(text)}
        runs.append(a_run(name, summary=measured))
    transfer_study(runs[:2], FEW)
    with pytest.raises(ValueError, match=r"another text \(sotu\) than half \(wiki.txt\)"):
        transfer_study(runs, FEW)


def test_the_command_reads_runs_and_leaves_a_record_and_a_page(tmp_path, call) -> None:
    for name in PEAK:
        run = Run(tmp_path / name)
        run.write_json("summary.json", summary(name))
        for task in TASKS:
            run.write_json(f"finetune/{task}.json", finetuned(name, task))
    folders = [tmp_path / name for name in PEAK]
    code, said, error = call("transfer", *folders, "-o", tmp_path / "all", "--draws", 5)
    assert code == 0, error
    assert "Rank correlation with frozen accuracy, mean over tokens" in said
    assert max(map(len, said.split("That deeper is better")[0].splitlines())) <= 80
    record = read_study(Run(tmp_path / "all"), "transfer")
    assert record["config"] == {"num_draws": 5, "seed": 0}
    assert record["results"]["tasks"] == sorted(TASKS)
    page = (tmp_path / "all" / "studies" / "transfer.html").read_text(encoding="utf-8")
    assert "Does APT predict transfer?" in page
    code, _, error = call("transfer", tmp_path / "nowhere")
    assert code == 2
    assert "there is no folder" in error
