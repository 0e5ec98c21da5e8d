"""`hf-apt committee` on the planted language: tables, record, and the committee in a folder."""

import json
import shutil

import numpy as np
import pytest
import torch
import transformers as hf

import hf_apt
from hf_apt.data.tasks.read_texts import NAME, numbers_of, write_read_texts
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.models.committee import COMBINATIONS
from hf_apt.ownership import mark

TEXTS = {"train_per_class": 6, "test_per_class": 5}
QUICK = "--epochs=1 --sequence-length=16 --train-per-class=6 --test-per-class=5".split()


@pytest.fixture(scope="module")
def task():
    return open_task(TaskConfig(name="planted", **TEXTS))


@pytest.fixture(scope="module")
def checkpoints(task, tmp_path_factory):
    """Pre-trained in name only, with a vocabulary of their own: two of one block, one of two."""
    words = sorted({word for text in task.train.texts for word in text.split()})
    tokenizer = vocabulary_tokenizer([*SPECIAL_TOKENS, *words])
    folders = []
    for seed, (width, num_blocks) in enumerate([(16, 1), (8, 1), (16, 2)]):
        torch.manual_seed(seed)
        config = hf_apt.Bert6Config(
            vocab_size=len(words) + 5,
            hidden_size=width,
            num_hidden_layers=num_blocks,
            num_attention_heads=2,
            intermediate_size=2 * width,
            max_position_embeddings=32,
        )
        folders.append(tmp_path_factory.mktemp("checkpoints") / f"m{seed}")
        hf.AutoModelForMaskedLM.from_config(config).save_pretrained(folders[-1])
        tokenizer.save_pretrained(folders[-1])
    return folders


@pytest.fixture
def call(call, monkeypatch):
    """The command line, 80 columns wide: exit code, standard output, last line of the error."""
    monkeypatch.setenv("COLUMNS", "80")

    def called(*arguments):
        code, out, error = call(*arguments)
        return code, out, error.rstrip().rpartition("\n")[2]

    return called


def asked(model, task, folder):
    """The logits that a saved model gives the test texts, one by one."""
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    rows = []
    for text in task.test.texts:
        inputs = tokenizer(text, truncation=True, max_length=16, return_tensors="pt")
        with torch.no_grad():
            rows.append(model(**inputs).logits[0])
    return torch.stack(rows)


def test_members_are_fine_tuned_and_compared(call, checkpoints, task, tmp_path):
    one, other, deep = checkpoints
    run = tmp_path / "run"
    code, printed, _ = call(
        *("committee", one, other, *QUICK, "--against", deep, "-o", run),
        *("--combination", "mean_logits"),
    )
    assert code == 0
    assert max(map(len, printed.splitlines()[:-1])) <= 80
    assert [line.split()[0] for line in printed.splitlines() if " ± " in line or "(" in line][
        :5
    ] == [*("member", "member", "reference:", "1", "2")]
    assert "side by side" in printed
    record = json.loads((run / "finetune" / "planted-committee.json").read_text())
    assert record["schema"] == "hf_apt.committee/1"
    assert record["combination"] == "mean_logits"
    assert [member["seed"] for member in record["members"]] == [42, 43]
    assert all(member["finetuned_here"] for member in record["members"])
    assert record["reference"]["checkpoint"] == str(deep)
    assert record["provenance"]["test_fingerprint"] == task.test.fingerprint()
    assert list(record["curves"]) == list(COMBINATIONS)
    mean = np.mean([member["accuracy"]["value"] for member in record["members"]])
    for points in record["curves"].values():
        assert [point["num_subsets"] for point in points] == [2, 1]
        assert points[0]["accuracy"] == pytest.approx(mean)
        assert points[1]["subset_spread"] is None
    cost = record["cost"]
    assert list(cost) == ["committee", "member", "reference"]
    assert cost["member"]["flops"] < cost["committee"]["flops"]
    assert cost["member"]["num_parameters"] == record["members"][0]["num_trained_parameters"]
    # What was saved answers as was recorded.
    folder = run / "finetune" / "planted-committee"
    saved = hf.AutoModelForSequenceClassification.from_pretrained(folder)
    assert [member.config.hidden_size for member in saved.members] == [16, 8]
    assert saved.config.combination == "mean_logits"
    logits = asked(saved, task, folder)
    labels = torch.from_numpy(task.test.labels)
    last = record["curves"]["mean_logits"][-1]
    assert (logits.argmax(dim=1) == labels).float().mean() == pytest.approx(last["accuracy"])
    loss = torch.nn.functional.cross_entropy(logits, labels).item()
    assert loss == pytest.approx(last["cross_entropy"], rel=1e-4)


def test_classifiers_are_members_as_they_are(call, checkpoints, tmp_path):
    run, other = tmp_path / "a-run", checkpoints[1]
    shutil.copytree(checkpoints[0], run / "checkpoint")
    mark(run, "run")
    assert call("finetune", run, *QUICK)[0] == 0
    tuned = run / "finetune" / "planted"
    before = json.loads((run / "finetune" / "planted.json").read_text())
    code, printed, _ = call("committee", tuned, run, *QUICK, "-o", tmp_path / "out")
    assert code == 0
    assert "as it is" in printed
    record = json.loads((tmp_path / "out/finetune/planted-committee.json").read_text())
    first, second = record["members"]
    assert (first["finetuned_here"], second["finetuned_here"]) == (False, True)
    assert first["num_trained_parameters"] == 0
    assert first["seed"] is None
    assert second["checkpoint"] == str(run / "checkpoint"), "a run stands for its checkpoint"
    own = before["models"]["pretrained"]["classifier"]["value"]
    assert first["accuracy"]["value"] == pytest.approx(own)
    # Nothing is trained without epochs.
    code, _, last = call("committee", tuned, other, *QUICK, "--epochs=0")
    assert code == 2
    assert "is not a classifier yet" in last
    again = "committee", tuned, *QUICK, "--epochs=0", "-o", tmp_path / "one"
    assert call(*again)[0] == 0
    code, _, last = call(*again, "--seeds=2")
    assert code == 2
    assert "2 seeds would all be this one" in last
    code, _, last = call(*again, "--task=sotu")
    assert code == 2
    assert "they do not belong together" in last


def test_seeds_with_adapters_share_one_trunk(call, checkpoints, task, tmp_path):
    one, run = checkpoints[0], tmp_path / "run"
    code, _, _ = call(
        *("committee", one, "--seeds=3", "--lora-rank=2", *QUICK, "-o", run),
        *("--combination", "majority", "--method", "training_dynamics"),
    )
    assert code == 0
    for number in (1, 2, 3):  # what methods record is kept of each member
        kept = run / "finetune" / "planted-committee" / f"member-{number}"
        assert hf_apt.read_dynamics(kept / "training_dynamics.npz").probability_EN.size
    record = json.loads((run / "finetune" / "planted-committee.json").read_text())
    assert [member["seed"] for member in record["members"]] == [42, 43, 44]
    assert len({member["num_trained_parameters"] for member in record["members"]}) == 1
    trained = record["members"][0]["num_trained_parameters"]
    cost = record["cost"]
    assert cost["committee"]["num_parameters"] == cost["member"]["num_parameters"] + 3 * trained
    assert cost["committee"]["latencies"][0]["in_parallel_ms"] is None
    folder = run / "finetune" / "planted-committee"
    logits = asked(hf_apt.AdapterCommittee.from_pretrained(folder), task, folder)
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(task.test.labels)).item()
    last = record["curves"]["majority"][-1]
    assert loss == pytest.approx(last["cross_entropy"], rel=1e-4)


def test_adapters_of_several_checkpoints_are_merged(call, checkpoints, tmp_path):
    one, other, _ = checkpoints
    code, _, _ = call("committee", one, other, "--lora-rank=2", *QUICK, "-o", tmp_path)
    assert code == 0
    saved = hf.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "finetune" / "planted-committee"
    )
    assert [member.config.hidden_size for member in saved.members] == [16, 8]


def test_what_makes_no_committee_is_one_sentence(call, checkpoints, checkpoint, tmp_path):
    one, other, _ = checkpoints
    for change, sentence in (
        ([one, other, "--seeds=2"], "2 seeds make 2 classifiers of one checkpoint, got 2"),
        ([one, checkpoint], "have different vocabularies"),
        ([one, tmp_path / "none"], "there is no checkpoint folder"),
        ([one, "--against", tmp_path / "none"], "there is no checkpoint folder"),
        ([one, other, "--sequence-length=64"], "longer than the 32 positions of"),
    ):
        code, _, last = call("committee", *QUICK, *change, "-o", tmp_path / "run")
        assert code == 2, change
        assert last.startswith("hf-apt: ")
        assert sentence in last
        assert not (tmp_path / "run" / "finetune").exists()


def test_no_text_that_an_objective_read_is_tested_with(call, checkpoints, task, tmp_path):
    """Neither one of the training to come, nor one of a member's or of the reference's."""
    read, fresh = tmp_path / "read", checkpoints[0]
    shutil.copytree(fresh, read)
    write_read_texts(read, task.test.texts[:3])
    objective = "--objective=rademacher:weight=1,texts=task:planted:train_per_class=200"
    for arguments, sentence in (
        ([fresh, fresh, objective], "objectives of this training read"),
        ([fresh, read], f"objectives of {read} read 3 of the"),
        ([fresh, fresh, "--against", read], f"objectives of {read} read 3 of the"),
    ):
        code, _, error = call("committee", *arguments, *QUICK, "-o", tmp_path / "run")
        assert (code, sentence in error) == (2, True), error
        assert not (tmp_path / "run").exists()


def test_what_was_read_is_kept_with_the_committee(call, checkpoints, tmp_path):
    folders = [tmp_path / f"m{place}" for place in (0, 1)]
    for place, folder in enumerate(folders):
        shutil.copytree(checkpoints[place], folder)
        write_read_texts(folder, [f"text {place}"])
    code, _, error = call("committee", *folders, *QUICK, "-o", tmp_path / "run")
    assert code == 0, error
    kept = np.load(tmp_path / "run/finetune/planted-committee" / NAME)
    assert np.array_equal(kept, numbers_of(["text 0", "text 1"]))
