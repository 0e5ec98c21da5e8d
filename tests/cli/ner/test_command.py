"""`hf-apt ner`: tables and a record; what can be mended is one sentence, before anything heavy."""

import json
import subprocess
import sys

import pytest
from span_tokenizers import encoder_for, grammar, tokenizer_of

from hf_apt.cli.ner.command import ner_options
from hf_apt.spans.mentions import tags_of
from hf_apt.training.finetune_config import FinetuneConfig

TINY = "--epochs=1 --sequence-length=48 --shots=1 --draws=2 --test-sentences=4".split()
SMALL = "--max-span-words=2 --max-rows=4 --batch-size=8".split()


@pytest.fixture
def names(tmp_path):
    lines = [
        "\n".join(
            f"{w} {t}"
            for w, t in zip(each.words, tags_of(each.mentions, len(each.words)), strict=True)
        )
        for each in grammar(20)
    ]
    path = tmp_path / "names.conll"
    path.write_text("\n\n".join(lines) + "\n")
    return path


@pytest.fixture
def encoder(tmp_path):
    folder = tmp_path / "encoder"
    encoder_for(tokenizer_of("bert")).save_pretrained(folder)
    tokenizer_of("bert").save_pretrained(folder)
    return folder


def test_it_prints_the_tables_and_writes_the_record(call, encoder, names, tmp_path) -> None:
    run = tmp_path / "run"
    code, printed, _ = call("ner", encoder, names, *TINY, *SMALL, "-o", run)
    assert code == 0
    assert max(map(len, printed.splitlines())) <= 200
    for part in ("spans between masks", "tags of words", "nearest prototypes", "F1 by depth"):
        assert part in printed
    assert "1-shot, 2 types: " in printed
    assert "± is the standard error over draws of sentences" in printed
    record = json.loads((run / "studies/ner-names.json").read_text())
    assert (run / "studies/ner-names.html").exists()
    assert not (run / "ner/names.json").exists(), "one place only"
    assert record["config"]["num_shots"] == 1
    assert record["config"]["finetune"]["num_epochs"] == 1
    code, printed, _ = call("ner", encoder, names, *TINY, *SMALL, "-o", run, "--format", "json")
    assert code == 0
    assert json.loads(printed)["results"]["arms"] == record["results"]["arms"]


def test_a_cut_trunk_is_in_the_table_of_depths_and_runs_stand_side_by_side(
    call, encoder, names, tmp_path
) -> None:
    cut = "--arm=spans", "--arm=prototypes", "--cut", "--draws=1"
    for run in ("one", "two"):
        code, printed, _ = call("ner", encoder, names, *TINY, *SMALL, *cut, "-o", tmp_path / run)
        assert code == 0
    header, *rows = printed[printed.index("F1 by depth") :].splitlines()[1:6]
    assert "spans between masks" in header
    assert [row.split()[0] for row in rows[1:]] == ["embeddings", "block", "block"]
    assert all(len(row.split()) >= 3 for row in rows[1:])
    assert "One draw has no error" in printed
    code, printed, _ = call("compare", tmp_path / "one", tmp_path / "two", "--study", "ner-names")
    assert code == 0
    assert "Names found, strict F1" in printed


@pytest.mark.slow
def test_a_dry_run_says_what_it_would_take_and_makes_nothing(call, encoder, names, tmp_path):
    run = tmp_path / "run"
    options = *TINY, *SMALL, "--cut", "--arm=spans", "--arm=tokens", "--arm=prototypes", "-o", run
    code, printed, _ = call("ner", encoder, names, *options, "--dry-run", "--format", "json")
    assert code == 0
    assert not run.exists()
    costs = {each["arm"]: each for each in json.loads(printed)["arms"]}
    code, _, _ = call("ner", encoder, names, *options)
    assert code == 0
    record = json.loads((run / "studies/ner-names.json").read_text())["results"]
    for arm, num_models in (("spans", 6), ("tokens", 6), ("prototypes", 0)):
        assert costs[arm]["num_trainings"] == num_models
        taken = [one["num_steps"] for draw in record["draws"] for key, one in draw.items()
                 if key.partition(" ")[0] == arm]  # fmt: skip
        assert costs[arm]["num_steps"] == sum(taken)
        assert costs[arm]["seconds_testing"] > 0
        assert (costs[arm]["seconds_training"] > 0) is (num_models > 0)
    asked = [draw["spans"]["asked"]["num_spans"] for draw in record["draws"]]
    assert costs["spans"]["num_asked"] == 3 * sum(asked)
    code, printed, _ = call("ner", encoder, names, *options, "--dry-run")
    assert code == 0
    assert "What finding names would cost" in printed


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--shots", "90"], "there are 20 mentions of the type 'person' to draw from, and 90"),
        (["--sequence-length", "4000"], "longer than the 64 positions of"),
        (["--epochs", "0"], "learn for one epoch at least"),
    ],
)
def test_what_can_be_mended_is_one_sentence(call, encoder, names, tmp_path, change, sentence):
    code, _, error = call("ner", encoder, names, *TINY, *SMALL, "-o", tmp_path / "run", *change)
    assert code == 2
    last = error.rstrip().rpartition("\n")[2]
    assert last.startswith("hf-apt: ")
    assert sentence in last
    assert not (tmp_path / "run" / "ner").exists()


def test_a_bad_file_is_refused_before_anything_heavy(names, tmp_path) -> None:
    names.write_text("EU S-x\n")
    code = (
        "import sys; from hf_apt import cli\n"
        "try: cli.main()\n"
        "except SystemExit as stop: code = stop.code\n"
        "heavy = {'torch', 'transformers', 'datasets', 'sklearn'} & set(sys.modules)\n"
        "print(code, sorted(heavy))"
    )
    command = [sys.executable, "-c", code, "ner", "bert6-narrow-wikipedia", str(names)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "2 []", done.stderr
    assert "tag 0 is 'S-x'" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_options_are_those_of_fine_tuning(tmp_path) -> None:
    checkpoint, data, config, folder = ner_options(
        checkpoint="bert6-narrow-wikipedia", data="x/names.conll", weight_decay=0.02, arm=["merged"]
    )
    assert config.finetune == FinetuneConfig(weight_decay=0.02)
    assert config.arms == ("merged",)
    assert (checkpoint, data) == ("bert6-narrow-wikipedia", "x/names.conll")
    assert folder.as_posix() == "runs/bert6-narrow-wikipedia-names-in-names"
