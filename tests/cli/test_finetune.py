"""`hf-apt finetune`: a table per protocol, a record in the run's folder, one sentence on errors."""

import copy
import json
import re
import shutil

import numpy as np
import pytest

from hf_apt.cli.finetune import finetune_options
from hf_apt.data.tasks.known_tasks import KNOWN_TASKS
from hf_apt.data.tasks.read_texts import NAME, numbers_of, write_read_texts
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.ownership import mark
from hf_apt.records.run import Run
from hf_apt.studies.block_accuracy import measure_blocks
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.objectives.rademacher import Rademacher

TINY = "--epochs=1 --sequence-length=16 --train-per-class=6 --test-per-class=3 --task".split()


@pytest.fixture
def call(call):
    """`hf-apt finetune`: exit code, standard output, last line of the error."""

    def called(*arguments):
        code, out, error = call("finetune", *arguments)
        return code, out, error.rstrip().rpartition("\n")[2]

    return called


@pytest.fixture
def rows(tmp_path):
    lines = [{"text": f"w{i} w{i % 9} w{i % 7}", "label": "ab"[i % 2]} for i in range(40)]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def test_it_prints_the_tables_and_writes_the_record(call, checkpoint, rows, tmp_path):
    code, printed, _ = call(checkpoint, *TINY, rows, "-o", tmp_path / "run", "--untrained")
    assert code == 0
    assert len(re.findall(r"^embeddings +0\.", printed, re.M)) == 4
    assert "within one standard error of the best is enough" in " ".join(printed.split())
    assert "12 training and 6 test texts of 2 classes; chance 0.500" in printed
    assert "Confidence by mean APT" in printed
    assert "slope of confidence on mean APT" in printed
    assert "Labels after tokens are replaced" in printed
    record = json.loads((tmp_path / "run" / "finetune" / "rows.json").read_text())
    assert record["config"]["finetune"]["num_epochs"] == 1
    assert list(record["models"]) == ["pretrained", "untrained"]
    assert (tmp_path / "run" / "finetune" / "rows" / "model.safetensors").exists()


def test_uneven_classes_and_wrong_labels_are_said_wherever_figures_are(
    call, checkpoint, rows, tmp_path
):
    options = "--imbalance=3 --label-noise=0.25 --loss=logit_adjusted:tau=1".split()
    code, printed, _ = call(checkpoint, *TINY, rows, *options, "-o", tmp_path / "run")
    assert code == 0
    assert "8 training and 6 test texts of 2 classes" in printed
    assert (
        "training texts made long-tailed, the largest class 3 times the smallest; 25 %" in printed
    )
    assert "macro F1 of the same, pretrained: " in printed
    record = json.loads((tmp_path / "run" / "finetune" / "rows.json").read_text())
    assert record["config"]["finetune"]["loss"] == {"name": "logit_adjusted", "tau": 1.0}
    assert record["provenance"][0]["label_noise"] == 0.25
    assert 0 <= record["models"]["pretrained"]["macro_f1"]["value"] <= 1
    figures = record["models"]["pretrained"]["frozen"]["mean"]
    assert len(figures["prototype_cosine"]) == len(record["depths"])


def test_a_run_is_gone_on_with_in_its_own_folder(call, checkpoint, rows, tmp_path):
    run = tmp_path / "a-run"
    shutil.copytree(checkpoint, run / "checkpoint")
    mark(run, "run")
    code, printed, _ = call(run, *TINY, rows, "--epochs=0")
    assert code == 0
    assert len(re.findall(r"^embeddings +0\.", printed, re.M)) == 1
    assert (run / "finetune" / "rows.json").exists()


def test_the_page_of_a_finished_run_is_written_anew(call, checkpoint, rows, finished_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished_run.folder, run)
    mark(run, "run")
    code, printed, _ = call(checkpoint, *TINY, rows, "--untrained", "--cut", "-o", run)
    assert code == 0
    assert f"page: {run / 'report.html'}" in printed
    page = (run / "report.html").read_text()
    for part in ("Fine-tuned on tasks", "Without pre-training", "What replaced tokens do"):
        assert part in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--task", "nowhere.csv"], "nowhere.csv does not exist"),
        (["--text-column", "body"], "no column 'body' for the text"),
        (["--train-per-class", "1", "--test-per-class", "90"], "90 are asked for"),
        (["--sequence-length", "4000"], "longer than the 24 positions of"),
        (["--lora-rank", "100000"], "a rank of 100000 is larger than the matrices"),
        (["--encoding", "klingon"], "the encoding 'klingon' is unknown"),
        (["--entity-markers"], "only the task fewrel has entities"),
    ],
)
def test_what_can_be_mended_is_one_sentence(call, checkpoint, rows, tmp_path, change, sentence):
    code, _, last = call(checkpoint, *TINY, rows, "-o", tmp_path / "run", *change)
    assert code == 2
    assert last.startswith("hf-apt: ")
    assert sentence in last
    assert not (tmp_path / "run" / "finetune" / "rows.json").exists()


@pytest.mark.parametrize(
    ("texts", "labels", "sentence"),
    [
        (["a", "b"], ["x", "x"], "has 1 class: there is nothing to tell apart"),
        (["a", ""], ["x", "y"], "row 1 of"),
        (["a", "  "], ["x", "y"], "has no text"),
        (["a", None], ["x", "y"], "has no text"),
        (["a", "b"], [0.0, 1.0], "label 0.0: a class is a text or an integer, not float"),
        (["a", "b"], [True, False], "not bool"),
        (["a", "b"], ["x", None], "row 1 of"),
        (["a", "b"], ["x", ""], "has no label"),
        (["a", "b"], [0, -1], "labels of this split seem to be withheld"),
    ],
)
def test_rows_that_make_no_task_are_one_sentence(
    call, checkpoint, tmp_path, texts, labels, sentence
):
    file = tmp_path / "bad.jsonl"
    lines = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    file.write_text("\n".join(map(json.dumps, lines)))
    code, _, last = call(checkpoint, *TINY, file, "-o", tmp_path / "run")
    assert code == 2
    assert last.startswith("hf-apt: ")
    assert sentence in last
    assert not (tmp_path / "run").exists()


def test_a_label_of_test_alone_is_one_sentence(call, checkpoint, rows, tmp_path):
    folder = tmp_path / "split"
    folder.mkdir()
    shutil.copy(rows, folder / "train.jsonl")
    (folder / "test.jsonl").write_text('{"text": "w1 w2", "label": "c"}\n')
    code, _, last = call(checkpoint, *TINY, folder, "-o", tmp_path / "run")
    assert code == 2
    assert "the label 'c' of" in last
    assert "occurs in test and never in training" in last


def test_labels_as_numbers_or_digits_are_the_same_classes(call, checkpoint, tmp_path):
    found = []
    for place, kind in enumerate((int, str)):
        lines = [{"text": f"w{i} w{i % 9}", "label": kind(i % 2)} for i in range(40)]
        file = tmp_path / str(place) / "rows.jsonl"
        file.parent.mkdir()
        file.write_text("\n".join(map(json.dumps, lines)))
        code, _, _ = call(checkpoint, *TINY, file, "--epochs=0", "-o", file.parent / "run")
        assert code == 0
        found.append(json.loads((file.parent / "run" / "finetune" / "rows.json").read_text()))
    assert found[0]["label_names"] == found[1]["label_names"] == ["0", "1"]
    assert found[0]["models"] == found[1]["models"]


def test_a_classifier_of_fewer_classes_is_one_sentence(call, checkpoint, rows, tmp_path):
    from hf_apt.models.encoders import load_encoder

    encoder = load_encoder(str(checkpoint), label_names=("a",))
    encoder.model.save_pretrained(tmp_path / "one")
    encoder.tokenizer.save_pretrained(tmp_path / "one")
    code, _, last = call(tmp_path / "one", *TINY, rows, "-o", tmp_path / "run")
    assert code == 2
    assert "classifies 1 labels (a, ...), the task has 2 (a, b, ...)" in last


@pytest.mark.parametrize(
    ("added", "sentence"),
    [
        (["w60", "w61"], "the tokenizer has 67 tokens and the model only 65"),
        (None, "no tokenizer in"),
    ],
)
def test_a_checkpoint_with_another_tokenizer_or_none_is_one_sentence(
    call, checkpoint, tokenizer, rows, tmp_path, added, sentence
):
    for file in checkpoint.glob("tokenizer*"):
        file.unlink()
    if added:
        larger = copy.deepcopy(tokenizer)
        larger.add_tokens(added)
        larger.save_pretrained(checkpoint)
    code, _, last = call(checkpoint, *TINY, rows, "-o", tmp_path / "run")
    assert code == 2
    assert sentence in last
    assert not (tmp_path / "run" / "finetune" / "rows.json").exists()


def test_poolings_and_the_cut_protocol_can_be_chosen(call, checkpoint, rows, tmp_path):
    chosen = ["--pooling", "flatten", "--pooling", "cls", "--pooling", "flatten", "--cut"]
    code, printed, _ = call(checkpoint, *TINY, rows, "-o", tmp_path / "run", *chosen)
    assert code == 0
    record = json.loads((tmp_path / "run" / "finetune" / "rows.json").read_text())
    model = record["models"]["pretrained"]
    assert list(model["finetuned"]) == ["flatten", "cls"]
    assert len(model["cut"]) == 3
    assert "cut after the block, then fine-tuned" in " ".join(printed.split())
    assert "linear flatten" in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 100
    code, _, last = call(checkpoint, *TINY, rows, "-o", tmp_path, "--cut", "--epochs=0")
    assert (code, "has to be fine-tuned" in last) == (2, True)


def test_what_an_objective_reads_is_there_and_no_test(call, checkpoint, rows, tmp_path):
    """It is said before anything is measured."""
    for texts, sentence in (
        ("none.csv", "the texts of rademacher: none.csv does not exist"),
        (f"task:{rows}:test_per_class=1", "objectives of this training read 4 of the 6 test texts"),
    ):
        objective = ("--objective", f"rademacher:weight=1,texts={texts}")
        folder = tmp_path / "run"
        code, _, error = call(checkpoint, *TINY, rows, *objective, "-o", folder)
        assert code == 2
        assert sentence in error
        assert not folder.exists()


def test_what_an_objective_reads_is_no_test_in_python(checkpoint, rows, tmp_path):
    read = Rademacher(weight=1, texts=f"task:{rows}:test_per_class=1")
    task = TaskConfig(name=str(rows), train_per_class=6, test_per_class=3)
    training = FinetuneConfig(num_epochs=1, sequence_length=16, objectives=(read,))
    features = FeatureConfig(sequence_length=16)
    config = BlockAccuracyConfig(task=task, features=features, finetune=training)
    with pytest.raises(ValueError, match="of this training read 4 of the 6 test texts"):
        measure_blocks(str(checkpoint), config, Run(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_what_was_read_is_kept_with_the_fine_tuned_model(call, checkpoint, rows, tmp_path):
    write_read_texts(checkpoint, ["a text"])
    texts = f"task:{rows}:train_per_class=6;test_per_class=3"
    own = f"--objective=rademacher:weight=1,texts={texts},num_texts=4"
    code, _, error = call(checkpoint, *TINY, rows, own, "-o", tmp_path / "run")
    assert code == 0, error
    task = TaskConfig(name=str(rows), train_per_class=6, test_per_class=3)
    kept = np.load(tmp_path / "run/finetune/rows" / NAME)
    assert np.array_equal(kept, numbers_of([*open_task(task).train.texts, "a text"]))


def test_what_is_left_out_is_as_in_the_paper():
    """Sizes of the tasks: tests/data/tasks/test_task.py."""
    for task in KNOWN_TASKS:
        _, config, _ = finetune_options(checkpoint="a-checkpoint", task=task)
        assert config == BlockAccuracyConfig(task=TaskConfig(name=task))
        assert (config.task.train_per_class, config.task.test_per_class) == (None, None)
    training = config.finetune
    assert (training.num_epochs, training.batch_size, training.learning_rate) == (50, 32, 5e-5)
    assert training.weight_decay == 0.01
    assert training.sequence_length == config.features.sequence_length == 128
    assert config.features.poolings == ("cls", "mean", "max")


def test_a_missing_checkpoint_is_one_sentence(call, rows, tmp_path):
    code, _, last = call(tmp_path / "none", *TINY, rows)
    assert code == 2
    assert "there is no checkpoint folder" in last


def test_a_line_says_what_fine_tuning_reached():
    from hf_apt.cli.tables import finetuned

    found = {"value": 0.8, "standard_error": 0.02, "num": 1}
    record = {
        "task": "kinds",
        "chance": 0.25,
        "models": {"pretrained": {"classifier": found}, "untrained": {"classifier": found}},
        "provenance": [{"best_accuracy": 0.845}],
    }
    assert finetuned.footer({"kinds": record}) == (
        "fine-tuned on kinds: 0.800 ± 0.020, without pre-training 0.800 ± 0.020, at best 0.845, "
        "chance 0.250"
    )
    assert finetuned.footer({"kinds": record | {"models": {}, "provenance": [{}]}}) == (
        "fine-tuned on kinds: chance 0.250"
    )
