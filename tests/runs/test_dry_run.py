"""Laws of `hf-apt run --dry-run`: all phases, nothing made, nothing read, at once."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hf_apt import cli
from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.cli.tables.costs import amount, in_bytes, time_range
from hf_apt.data import corpora as corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.records.run import Run
from hf_apt.runs import dry_run
from hf_apt.runs.dry_run import SAMPLE, HeldOut, plan
from hf_apt.runs.machine_speed import Speed
from hf_apt.runs.recipes import RunConfig, demo_recipe, narrow_recipe, paper_recipe

FAST = Speed(trunk_training=1e10, head_training=1e10, trunk_reading=1e10, head_reading=1e10)


@pytest.fixture
def quick(monkeypatch):
    """A trial that takes no time."""
    monkeypatch.setattr(dry_run, "machine_speed", lambda *_, **__: FAST)


@pytest.fixture
def printed(monkeypatch, capsys, tmp_path):
    """What the command line prints, in an empty folder; its exit code and errors."""

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "error")
        monkeypatch.setattr(sys, "argv", ["hf-apt", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return called


@pytest.fixture
def unread(monkeypatch):
    """No corpus may be opened."""

    def refuse(*_, **__):
        raise AssertionError("the corpus was read")

    monkeypatch.setattr(corpus, "open_corpus", refuse)
    monkeypatch.setattr(corpus, "_read_files", refuse)


def rows(out: str) -> dict[str, str]:
    """The table's rows by the name of the phase."""
    return {
        match[1]: match[2]
        for line in out.splitlines()
        if (match := re.match(r"([a-zA-Z -]+?)  +(.*\S)", line))
    }


def test_planted_prints_all_phases_and_makes_no_folder(printed, tmp_path):
    """With a real trial."""
    code, out, _ = printed("run", "planted", "--dry-run", "--heads=both")
    assert code == 0
    phases = rows(out)
    for name in ("pre-training", "training both heads", "measuring"):
        assert len(re.findall(r"\d[\d.]* ?[kMGT]?B?", phases[name])) >= 4, name
    assert phases["fine-tuning"] == "not estimated"
    assert "4.80 M" in phases["pre-training"]  # 3,000 steps of 32 x 50
    assert re.search(r"B +(fp32|bf16) ", phases["pre-training"])
    assert re.search(r"B +fp32 ", phases["measuring"])
    assert "type: of products; in training by a trial of a step of pre-training" in out
    assert "exact best predictor" in out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert not list(tmp_path.iterdir())


def test_what_objectives_add_is_said_to_be_left_out(printed) -> None:
    """With a real trial: of a model with a generator, the model that is trained for its task."""
    code, out, _ = printed(
        *("run", "planted", "--dry-run", "--heads=none", "--task=none"),
        *("--objective", "multi_choice:weight=50", "--objective", "token_contrast:weight=0.1"),
    )
    assert code == 0
    said = " ".join(out.split())
    assert "not estimated: the generator beside the model, the passes of multi_choice and" in said
    assert "and token_contrast, reading and tokenising" in said
    plain = " ".join(
        printed("run", "planted", "--dry-run", "--heads=none", "--task=none")[1].split()
    )
    assert "not estimated: reading and tokenising" in plain


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ("graph_pairs:weight=1,links=no.csv", "the links of graph_pairs: there is no table no.csv"),
        ("rademacher:weight=1,texts=no.csv", "the texts of rademacher: no.csv does not exist"),
        ("rademacher:weight=1,texts=task:no.csv", "the texts of rademacher: no.csv does not exist"),
        ("rademacher:weight=1,texts=task:nothing", "'nothing' is no local file"),
        ("rademacher:weight=1,texts=task:planted:no=3", "'no=3' in 'task:planted:no=3' is no num"),
        ("rademacher:weight=1,texts=task:planted:seed=5", "read 2 of the 400 test texts of"),
    ],
)
def test_what_objectives_read_has_to_be_there(objective, said, printed, tmp_path) -> None:
    """It is said before anything is made, with and without a task."""
    task = () if "seed" in objective else ("--task=none",)
    for command in (("run", "--dry-run"), ("run",), ("pretrain",)):
        given = (*command, "planted", "-o", "made", *task, "--objective", objective)
        code, _, error = printed(*given)
        assert code
        assert re.search(said, " ".join(error.split()))
        assert not list(tmp_path.iterdir())


@pytest.fixture
def trials(monkeypatch):
    """What trials were asked for; what is asked for is what they find."""
    asked = []

    def speed(model, *, training, is_short, reading, seconds, **_):
        asked.append((training, is_short, reading, seconds))
        made = Arithmetic(precision="bf16" if training == "bf16" else "fp32")
        read = Arithmetic(precision=reading)
        return replace(FAST, training=made, reading=read, is_tried=not is_short)

    monkeypatch.setattr(dry_run, "machine_speed", speed)
    return asked


def found_precisions(plan) -> dict[str, str]:
    return {name: speed.training.precision for name, speed in plan.speeds.items()}


def test_each_phase_is_reckoned_in_the_precision_that_is_asked_for(trials, tmp_path):
    config = demo_recipe(task=None)
    config = replace(
        config,
        head_kinds=("linear_head", "jacobian"),
        pretrain=replace(config.pretrain, precision="bf16"),
        heads=replace(config.heads, precision="auto", num_steps=99),
        measure=replace(config.measure, precision="bf16"),
    )
    found = found_precisions(plan(config, tmp_path / "none"))
    assert found["pretraining"] == "bf16"
    assert found["linear_head"] == found["jacobian"] == "fp32"
    assert sorted(trials) == [
        ("bf16", False, "bf16", 1.0),
        ("fp32", True, "bf16", 1.0),  # lenses, and heads of too few steps for a trial of them
    ]


def test_one_trial_is_made_of_what_is_asked_for_alike(trials, tmp_path):
    """Heads round on request alone, whatever pre-training may do."""
    found = plan(demo_recipe(task=None), tmp_path / "none")
    assert trials == [("auto", False, "fp32", 1.0), ("fp32", False, "fp32", 1.0)]
    assert set(found.speeds) == set(found.seconds)
    compiled = replace(demo_recipe(task=None), head_kinds=())
    compiled = replace(compiled, pretrain=replace(compiled.pretrain, compile=True))
    plan(compiled, tmp_path / "none")
    assert trials[-1][:2] == ("auto", True)


def test_what_has_begun_goes_on_in_its_own_precision(trials, tmp_path):
    config = replace(demo_recipe(task=None), head_kinds=())
    run = begun(config, tmp_path / "run")
    made = Arithmetic(precision="bf16", attention="math")
    run.write_json("training/arithmetic.json", made.as_json())
    assert found_precisions(plan(config, run.folder))["pretraining"] == "bf16"
    assert trials[0][0] == "bf16"


def test_lenses_are_phases_of_their_own(quick, printed):
    code, out, _ = printed("run", "planted", "--dry-run", "--heads=all", "--jacobian-sequences=64")
    assert code == 0
    phases = rows(out)
    assert phases["the Jacobian lens"].startswith("3.20 k")  # 64 x 50
    assert phases["the translator"].startswith("800 k")  # 500 steps of 32 x 50
    assert "training both heads" in phases
    of_128 = rows(printed("run", "planted", "--dry-run", "--heads=jacobian")[1])
    assert of_128["the Jacobian lens"].startswith("6.40 k")
    assert "the translator" not in of_128
    assert max(map(len, out.splitlines())) <= 80


def test_text_is_not_read(quick, unread, printed, tmp_path):
    text = tmp_path / "texts.txt"
    text.write_text("a few words\n\nand some more\n")
    code, out, _ = printed("run", text, "--dry-run", "-o", tmp_path / "run")
    assert code == 0
    assert "for each 1,000 held-out sequences" in out
    assert "128 k" in rows(out)["measuring"]
    assert "fine-tuning" not in out
    code, out, _ = printed("run", text, "--dry-run", "--measure-sequences=300")
    assert "on 300 held-out sequences at most" in out
    assert [path.name for path in tmp_path.iterdir()] == ["texts.txt"]


def test_a_huge_model_is_answered_at_once(printed, tmp_path):
    """Petabytes and years, from a trial of a part."""
    size = ("--hidden-size=1000000", "--num-heads=1000", "--num-blocks=200")
    code, out, error = printed("run", "x/y", "--dry-run", *size)
    assert code == 0, error
    assert "PB" in rows(out)["pre-training"]
    assert "years" in rows(out)["pre-training"]
    assert max(map(len, out.splitlines())) <= 80
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["missing.parquet"], "missing.parquet does not exist"),
        (["planted", "--hidden-size=10", "--num-heads=3"], "no multiple of 3 heads"),
        (["x/y", "--tokenizer=missing.txt"], "missing.txt is missing"),
        (["x/y", "--recipe=demo"], "demo is not for the corpus"),
    ],
)
def test_what_the_run_would_refuse_is_refused(quick, printed, arguments, named):
    code, out, error = printed("run", *arguments, "--dry-run")
    assert code == 2
    assert named in error
    assert not rows(out)


def test_several_processes_are_told_what_they_send(quick, printed, monkeypatch):
    monkeypatch.setattr("hf_apt.runs.pipeline.is_main", lambda: True)
    _, alone, _ = printed("run", "x/y", "--recipe=narrow", "--dry-run")
    assert "processes:" not in alone
    monkeypatch.setenv("WORLD_SIZE", "8")
    found = {}
    for how in ("false", "true"):
        monkeypatch.setenv("ACCELERATE_USE_FSDP", how)
        _, out, _ = printed("run", "x/y", "--recipe=narrow", "--dry-run")
        found[how] = re.search(r"between 8 processes: each sends ([\d.]+) MB a step", out)[1]
        assert re.search(r"and at most [\d.]+ [kM]B when measuring is done", out)
        assert max(map(len, out.splitlines())) <= 80
    # 2.27 M parameters: 7 / 8 of 8 and of 12 bytes each.
    assert float(found["false"]) == pytest.approx(2.273 * 7, rel=0.01)
    assert float(found["true"]) == pytest.approx(2.273 * 7 * 1.5, rel=0.01)


# A folder that is there.


def begun(config: RunConfig, folder: Path, *done: str) -> Run:
    """A run's folder with the files by which phases are known to be done."""
    from dataclasses import asdict

    from hf_apt.stats.measures.readout import Readout
    from hf_apt.stats.measures.registry import MEASURES

    run = Run(folder)
    run.write_json("config.json", asdict(config))
    run.path("tokenizer").mkdir()
    run.path("training/checkpoint-1").mkdir(parents=True)
    for name in done:
        if name.endswith(".json"):
            run.write_json(name, {})
        elif name.endswith(".safetensors"):
            run.path(name).parent.mkdir(exist_ok=True)
            run.path(name).touch()
        else:
            run.write_readout(name, Readout.empty(2, 9, MEASURES))
    return run


def test_phases_that_are_done_are_marked(quick, printed, tmp_path):
    config = demo_recipe()
    run = begun(config, tmp_path / "run", "training.json", "heads/linear_head.safetensors")
    before = sorted(tmp_path.rglob("*"))
    _, out, _ = printed("run", "planted", "--dry-run", "-o", run.folder)
    phases = rows(out)
    for name in ("pre-training", "training linear heads"):
        assert phases[name].endswith("done")
    assert phases["measuring"].endswith(("s", "min"))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_that_is_done_needs_no_trial(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise AssertionError("a trial for nothing")

    monkeypatch.setattr(dry_run, "machine_speed", refuse)
    names = ("training.json", "heads/linear_head.safetensors", "finetune/planted.json")
    run = begun(demo_recipe(), tmp_path / "run", *names, "own_head", "linear_head", "untrained")
    found = plan(demo_recipe(), run.folder)
    assert found.done == {"pretraining", "linear_head", "measuring", "untrained", "finetuning"}
    assert found.seconds == {}


def test_another_run_in_the_folder_is_refused(quick, printed, tmp_path):
    run = begun(demo_recipe(), tmp_path / "run")
    code, _, error = printed("run", "planted", "--steps=7", "--dry-run", "-o", run.folder)
    assert code == 2
    assert "pretrain.num_steps" in error


def test_tokens_that_are_there_are_counted(quick, tokens, tmp_path):
    """The size of the vocabulary, and the number of held-out sequences."""
    import shutil

    import numpy as np

    config = replace(narrow_recipe(CorpusSource(name="x/y")), sequence_length=24, layout="first")
    config = replace(config, pretrain=replace(config.pretrain, windows=()))
    run = begun(config, tmp_path / "run")
    source = Path(tokens.ids.filename).parent
    for side in ("train", "validation"):
        shutil.copytree(source, run.path(f"tokens/{side}"))
    run.write_array("frequency.npy", np.zeros(65, np.int64))
    found = plan(config, run.folder)
    assert found.model.vocab_size == 65
    assert found.held_out == HeldOut(len(tokens))
    assert found.phases[-1].tokens == len(tokens) * 24


# What is known beforehand.


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (demo_recipe(), HeldOut(4000)),
        (replace(demo_recipe(), layout="packed"), HeldOut(4000 * 49 // 48)),
        (narrow_recipe(CorpusSource(name="x/y")), HeldOut(SAMPLE, "unknown")),
        (narrow_recipe(CorpusSource(name="x/y", max_documents=9)), HeldOut(SAMPLE, "unknown")),
        (paper_recipe(CorpusSource(name="x/y")), HeldOut(800, "at most")),
        (paper_recipe(CorpusSource(name="sotu", max_documents=10)), HeldOut(1, "at most")),
        (
            paper_recipe(CorpusSource(name="x/y", max_validation_documents=70)),
            HeldOut(70, "at most"),
        ),
    ],
)
def test_held_out_sequences_are_known_or_not(config, expected, tmp_path):
    assert dry_run._held_out(config, Run(tmp_path / "none")) == expected


def test_files_with_names_of_their_own_for_validation_are_of_unknown_length(tmp_path):
    for name in ("train.txt", "valid.txt"):
        (tmp_path / name).write_text("words")
    config = paper_recipe(CorpusSource(name=str(tmp_path)))
    assert dry_run._held_out(config, Run(tmp_path / "none")).certainty == "unknown"


def test_the_planted_vocabulary_is_that_of_its_tokenizer(tmp_path):
    found = dry_run._vocab_size(demo_recipe(), Run(tmp_path / "none"))
    assert found == len(demo_recipe().corpus.tokenizer())
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]))
    config = replace(demo_recipe(), tokenizer=str(vocabulary))
    assert dry_run._vocab_size(config, Run(tmp_path / "none")) == 7
    assert (
        dry_run._vocab_size(narrow_recipe(CorpusSource(name="x/y")), Run(tmp_path / "none")) == 8192
    )


# How figures are written.


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (999.6, "1.00 k"), (12_345, "12.3 k"), (999_600, "1.00 M")],
)
def test_amounts_have_three_digits(number, text):
    assert amount(number) == text
    assert in_bytes(number).endswith("B")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.1, "under 1 s"), (1, "under 1.5 s"), (60, "42 s to 1.5 min"), (3600, "42 min to 1.5 h")],
)
def test_times_are_ranges(seconds, text):
    assert time_range(seconds) == text


def test_a_plan_is_plain_figures(quick, tmp_path):
    """Its times are its FLOPs at the speed of the trial, within the overhead."""
    found = plan(demo_recipe(), tmp_path / "none")
    for cost in found.phases:
        assert 0.7 < found.seconds[cost.name] / (cost.work.flops / 1e10) < 1.5
    assert json.dumps(found.seconds)
    assert found.weights_bytes > 12 * found.model.num_parameters
    assert not (tmp_path / "none").exists()
