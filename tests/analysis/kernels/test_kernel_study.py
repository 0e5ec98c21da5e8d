"""The study: a whole record on a tiny checkpoint, the same again, and refusals before any work."""

import dataclasses
import json

import pytest
from small_functions import tiny_masked_lm

from hf_apt.analysis.kernels import kernel_study
from hf_apt.analysis.kernels.block_agreement import correlations
from hf_apt.analysis.kernels.empirical_kernels import planned_kernels
from hf_apt.analysis.kernels.kernel_config import KernelConfig
from hf_apt.analysis.kernels.kernel_study import measure_kernels
from hf_apt.analysis.transfer.transfer_run import predictors_of_studies
from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task, open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.records.fingerprints import checkpoint_identity
from hf_apt.records.run import Run
from hf_apt.records.studies.study_files import read_studies, write_study

TINY = KernelConfig(
    num_shots=2,
    num_validation=2,
    num_draws=2,
    test_texts=8,
    sequence_length=16,
    num_steps=2,
    batch_size=4,
    sgd_rates=(0.01,),
    adam_rates=(0.001,),
    lora_rates=(0.001,),
    lora_rank=2,
    drift_texts=1,
)
PROMPTED = dataclasses.replace(TINY, prompt="{text} w9 {mask}", words=("w1", "w2", "w3"))


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> Task:
    """Three classes of 10 texts, told apart by their first word."""
    path = tmp_path_factory.mktemp("task") / "three.jsonl"
    rows = [{"text": f"w{n % 3} w{n} w{n + 7}", "label": f"c{n % 3}"} for n in range(30)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return open_task(TaskConfig(name=str(path), train_per_class=6, test_per_class=4))


@pytest.fixture(scope="module")
def checkpoint(tokenizer, tmp_path_factory) -> str:
    import torch

    folder = tmp_path_factory.mktemp("kernels") / "masked"
    tiny_masked_lm(tokenizer, dtype=torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def record(checkpoint, task):
    return measure_kernels(checkpoint, task, PROMPTED)


def test_a_record_has_every_arm_with_its_error(record) -> None:
    results = record["results"]
    assert set(results["kernels"]) == {"sgd", "sign_gd", "a_sign_gd"}
    assert set(results["arms"]) == {"sgd", "adam", "lora"}
    every = [results["start"], results["last_state"]]
    every += [
        each["accuracy"] for each in (*results["kernels"].values(), *results["arms"].values())
    ]
    for estimate in every:
        assert 0 <= estimate["value"] <= 1
        assert estimate["num"] == 2
    assert results["arms"]["sgd"]["drift"]["num"] == 2
    assert results["arms"]["lora"]["drift"]["num"] == 0
    assert len(results["states"]) == len(results["depths"]) == 3
    titles = [table["title"] for table in record["tables"]]
    assert titles[0] == "Accuracy at equal data"
    assert [row[0] for row in record["tables"][0]["rows"]] == [
        "before fine-tuning",
        "kernel of the last state alone",
        "K_SGD",
        "K_SignGD",
        "K_A-SignGD",
        "fine-tuning, gradient descent",
        "fine-tuning, Adam",
        "fine-tuning, LoRA by Adam",
    ]


def test_notes_say_what_answers_mean_and_what_errors_leave_out(record) -> None:
    """4 texts of the 6 of a class are drawn, and 6 test texts have a binomial error of 0.204."""
    notes = " ".join(record["tables"][0]["notes"])
    assert "answered w1 for c0, w2 for c1, w3 for c2." in notes
    assert "tested on the same 6 texts: the choice of these adds up to 0.204" in notes
    assert "A draw takes 67% of the smallest class: draws have texts in common" in notes
    assert record["results"]["num_tested"] == 6


def test_a_class_without_training_texts_is_said(checkpoint, task) -> None:
    kept = task.train.labels != 1
    texts = tuple(text for text, keep in zip(task.train.texts, kept, strict=True) if keep)
    lacking = dataclasses.replace(task, train=Examples(texts, task.train.labels[kept]))
    with pytest.raises(ValueError, match="the label 'c1' of three has no training text"):
        measure_kernels(checkpoint, lacking, PROMPTED)


def test_memory_is_asked_of_every_draw_before_the_first(checkpoint, task, monkeypatch) -> None:
    """The second draw alone does not fit: nothing of the first is computed."""
    plans = []

    def planned(texts):
        plans.append(texts)
        if len(plans) == 2:
            raise ValueError("the kernel of embeddings needs more")
        return planned_kernels(texts)

    monkeypatch.setattr(kernel_study, "planned_kernels", planned)
    monkeypatch.setattr(kernel_study, "draw_figures", lambda *_: pytest.fail("work was done"))
    with pytest.raises(ValueError, match="needs more"):
        measure_kernels(checkpoint, task, PROMPTED)


def test_shares_add_up_over_places_and_over_groups(record) -> None:
    for parts in (record["results"]["places"], record["results"]["groups"]):
        for name in ("trace_share", "label_share"):
            for kind in ("sgd", "sign_gd", "a_sign_gd"):
                total = sum(part[name][kind]["value"] for part in parts)
                assert total == pytest.approx(1)
    places = [place["place"] for place in record["results"]["places"]]
    assert places == ["embeddings", "block 1", "block 2", "head"]


def test_the_study_of_transfer_finds_its_numbers_of_each_depth(record) -> None:
    said = predictors_of_studies([record], {**record, "task": record["subject"]})
    places = record["results"]["places"][:3]  # embeddings and two blocks
    assert said["kernel_alignment"] == [each["alignment"]["value"] for each in places]
    assert said["kernel_condition"] == [-each["condition_of_rank"]["value"] for each in places]
    assert predictors_of_studies([record], {**record, "task": "another"}) == {}


def test_criteria_are_judged_for_each_kernel(record) -> None:
    criteria = record["results"]["criteria"]
    assert {kind: each["arm"] for kind, each in criteria.items()} == {
        "sgd": "sgd",
        "sign_gd": "adam",
        "a_sign_gd": "adam",
    }
    for verdict in criteria.values():
        assert len(verdict["criteria"]) == 3
        assert {each["verdict"] for each in verdict["criteria"]} <= {"pass", "fail", "undefined"}
    assert len(record["findings"]) == 5


def test_the_same_question_has_the_same_answer(record, checkpoint, task) -> None:
    again = measure_kernels(checkpoint, task, PROMPTED)
    for draw in (*record["results"]["draws"], *again["results"]["draws"]):
        draw.pop("seconds", None)
    assert again["results"]["draws"] == record["results"]["draws"]


def test_a_record_is_kept_and_shown_without_a_run(record, tmp_path) -> None:
    from hf_apt.cli.tables import study
    from hf_apt.report.studies.study_page import write_study_page

    run = Run(tmp_path)
    write_study(run, record)
    (kept,) = read_studies(run)
    assert kept["findings"] == record["findings"]
    assert len(study.tables(kept)) == len(record["tables"])
    assert "K_SGD" in write_study_page(run, record).read_text("utf-8")


def test_a_classifier_with_one_kernel_and_no_training(checkpoint, task) -> None:
    asked = dataclasses.replace(TINY, kinds=("sign_gd",), arms=(), num_draws=1, solver="logistic")
    results = measure_kernels(checkpoint, task, asked)["results"]
    assert set(results["kernels"]) == {"sign_gd"}
    assert results["places"] == []
    assert results["criteria"] == {}


class Finetuned:
    """A run's folder that holds accuracies per depth of a checkpoint."""

    def __init__(self, identity: dict, **protocols) -> None:
        self.record = identity | {"models": {"pretrained": protocols}}

    def finetuned(self) -> dict:
        return {"three": self.record}


def test_the_accuracy_per_block_is_that_of_this_checkpoint_and_says_what_it_is(checkpoint) -> None:
    frozen = {"mean": {"linear": [{"value": value} for value in (0.4, 0.5, 0.6)]}}
    cut = [{"value": value} for value in (0.5, 0.7, 0.8)]
    own = checkpoint_identity(checkpoint)

    def found(run, task: str = "three", num_depths: int = 3):
        return kernel_study._block_accuracy(run, checkpoint, task, num_depths)

    assert found(Finetuned(own, frozen=frozen)) == ([0.4, 0.5, 0.6], "frozen, pooling mean")
    assert found(Finetuned(own, frozen=frozen, cut=cut)) == ([0.5, 0.7, 0.8], "cut")
    nothing = (None, None)
    assert found(None) == found(Finetuned(own, frozen=frozen), num_depths=4) == nothing
    assert found(Finetuned(own, frozen=frozen), task="another") == nothing
    assert found(Finetuned(own | {"weights": "other"}, frozen=frozen)) == nothing


def test_agreement_over_blocks_needs_three_of_them(record) -> None:
    assert correlations(record["results"]) == {}
    results = dict(record["results"])
    places = [dict(results["places"][1], place=f"block {n}") for n in (1, 2, 3)]
    for depth, place in enumerate(places):
        place["alignment"] = {"value": float(depth), "standard_error": None, "num": 1}
    results |= {"places": places, "depths": ["e", "1", "2", "3"], "mean_apt": [0, 0.1, 0.2, 0.3]}
    results["states"] = [{"value": value} for value in (0.5, 0.9, 0.8, 0.7)]
    pairs = correlations(results)
    assert pairs["alignment and mean APT"]["value"] == pytest.approx(1)
    assert pairs["alignment and frozen accuracy"]["value"] == pytest.approx(-1)
    assert pairs["alignment and mean APT"]["num"] == 3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"num_shots": 6}, "class 0 has 6 texts to draw from"),
        ({"words": ("w1", "w2")}, "2 words .* for 3 labels"),
        ({"words": ("w1", "w2", "nothing")}, "choose a word that is a single token"),
        ({"prompt": "{text} w9"}, r"has no \{mask\}"),
        ({"sequence_length": 64}, "longer than the model's 32 positions"),
        ({"memory": 1e-6}, "of memory at least, and"),
        ({"solver": "asymmetric"}, "two classes, and three has 3"),
        ({"lora_rank": 50}, "a rank of 50 is larger"),
    ],
)
def test_what_cannot_be_done_is_said(checkpoint, task, changed, said) -> None:
    with pytest.raises(ValueError, match=said):
        measure_kernels(checkpoint, task, dataclasses.replace(PROMPTED, **changed))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"num_shots": 0}, "num_shots must be a whole number"),
        ({"memory": 0}, "memory must be a finite number above 0"),
        ({"kinds": ()}, "no kernel is asked for"),
        ({"arms": ("rmsprop",)}, "choose one of sgd"),
        ({"sgd_rates": (0.0,)}, "sgd_rates must be finite numbers above 0"),
        ({"prompt": "{text} {mask}"}, "a prompt and its words belong together"),
        ({"words": ("a", "b")}, "a prompt and its words belong together"),
    ],
)
def test_settings_out_of_range_are_refused(changed, said) -> None:
    with pytest.raises(ValueError, match=said):
        KernelConfig(**changed)
