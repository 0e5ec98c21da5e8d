"""Results of a benchmark are of the tasks that its `eval.yaml` has."""

import yaml
from huggingface_hub import parse_eval_result_entries

from hf_apt.hub.bench_results import TASKS, bench_results_yaml
from hf_apt.hub.resources import resource


def test_results_are_of_the_benchmarks_tasks() -> None:
    described = yaml.safe_load((resource("benchmarks/apt-bench") / "eval.yaml").read_text())
    assert [task["id"] for task in described["tasks"]] == list(TASKS)
    assert described["name"] == "apt-bench"


def test_an_entry_says_of_which_text_and_with_which_error() -> None:
    figures = {
        name: {"value": 0.1 * at, "standard_error": 0.01, "num": 9}
        for at, name in enumerate(TASKS.values(), 1)
    }
    record = {
        **{"benchmark": "apt-bench", "version": 1, "sha256": "abcdef" * 10},
        "created": "2026-01-02T03:04:05+00:00",
        "depths": [{"words": {}}, {"words": figures}],
    }
    entries = yaml.safe_load(bench_results_yaml(record, "owner/apt-bench"))
    parsed = parse_eval_result_entries(entries)  # as the Hub's own client reads them
    assert [each.task_id for each in parsed] == list(TASKS)
    assert [entry["value"] for entry in entries] == [0.1, 0.2, 0.1 * 3]
    for entry in entries:
        assert entry["date"] == "2026-01-02T03:04:05+00:00"
        assert "sha256 abcdefabcdef" in entry["notes"]
        assert "standard error 0.01" in entry["notes"]
