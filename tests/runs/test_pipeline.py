"""Laws of the whole chain: what it leaves, that it goes on where it stopped, what it refuses."""

import inspect
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.depths.head_config import HeadConfig
from hf_apt.models.shapes import ConvShape, ModelShape
from hf_apt.ownership import MARKER
from hf_apt.records.fingerprints import file_fingerprint
from hf_apt.records.run import Run
from hf_apt.runs import pipeline
from hf_apt.runs.pipeline import begin, finish, measure_run, pretrain_run, run_all
from hf_apt.runs.recipes import RunConfig, demo_recipe, named_recipe
from hf_apt.stats.estimates import plain
from hf_apt.stats.measures.registry import MEASURES
from hf_apt.training.pretrain_config import PretrainConfig

CONFIG = RunConfig(
    corpus=PlantedCorpus(num_documents=200, num_validation_documents=48),
    sequence_length=16,
    layout="first",
    shape=ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0),
    pretrain=PretrainConfig(num_steps=4, batch_size=8, save_every=2, num_validation_sequences=8),
    heads=HeadConfig(num_steps=2, batch_size=8),
    measure=MeasureConfig(num_sequences=32, batch_size=16),
)
REMADE = {"config.json", "environment.json", "summary.json", "report.html"}
"""Written anew by every call: what was asked and what is read off the counts."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    """A run that was brought to its end once; tests that change it work on a copy."""
    return run_all(CONFIG, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def copied(finished, tmp_path) -> Run:
    shutil.copytree(finished.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def stamps(run: Run) -> dict[str, tuple[int, int]]:
    """When every file was last written, and which one it is."""
    return {
        str(path.relative_to(run.folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in run.folder.rglob("*")
        if path.is_file()
    }


def hidden(run: Run) -> list[Path]:
    """Hidden files and folders that are no markers."""
    return [path for path in run.folder.rglob(".*") if path.name != MARKER]


def changed(before: dict, after: dict) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def figures(run: Run) -> dict:
    """The summary without the moment at which it was made."""
    return {key: value for key, value in run.read_json("summary.json").items() if key != "created"}


def no_work(monkeypatch) -> None:
    """Make every expensive part an error."""

    def never(*_, **__):
        raise AssertionError("done again")

    for name in (
        "hf_apt.runs.preparation.tokenise",
        "hf_apt.training.pretraining.pretrain",
        "hf_apt.depths.measurement.measure",
        "hf_apt.runs.decoders.train_heads",
    ):
        monkeypatch.setattr(name, never)


# What there is at the end.


def test_a_run_leaves_the_documented_files(finished) -> None:
    names = {path.name for path in finished.folder.iterdir()}
    documented = {
        line.split()[0].rstrip("/")
        for line in inspect.cleandoc(Run.__doc__).split("::")[1].splitlines()
        if line.startswith("    ") and line[4:5].strip()  # deeper: goes on with the line above
    }
    assert len(documented) >= 12
    # What is in Run's own table, and the three that the chain adds to it.
    assert names - documented <= {"tokenizer", "model.json", "training.json", MARKER}
    others = {"finetune", "studies", "steps", "generator", "discriminator"}
    others |= {"pairs_head.safetensors"}
    assert documented - names == others, "which a task, a study and options of a training make"
    assert not hidden(finished), "a partial file was left"
    assert finished.readouts() == ["own_head", "linear_head", "untrained", "bayes"]


def test_a_run_shows_five_sentences_of_its_measurement_or_none(copied) -> None:
    before = copied.path("sentences.json").read_bytes()
    assert len(copied.read_json("sentences.json")["sentences"]) == 5
    assert 'id="sentences"' in copied.path("report.html").read_text()
    contexts = copied.read_json("contexts.json")
    assert contexts["counts"] == copied.read_json("sentences.json")["counts"]
    assert '"contexts":[[' in copied.path("report.html").read_text()
    for path in copied.path("counts").iterdir():
        path.unlink()
    run_all(CONFIG, copied.folder)
    assert copied.path("sentences.json").read_bytes() == before  # the same measurement
    run_all(replace(CONFIG, sentences=False), copied.folder)  # measured before, and not shown now
    assert not copied.path("sentences.json").exists()
    assert not copied.path("contexts.json").exists()
    assert 'id="sentences"' not in copied.path("report.html").read_text()
    with pytest.warns(UserWarning, match="shows none of the held-out text"):
        run_all(CONFIG, copied.folder)
    assert not copied.path("sentences.json").exists()
    assert '"contexts":null' in copied.path("report.html").read_text()


def test_the_checkpoint_is_opened_by_transformers_with_its_tokenizer(finished) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    checkpoint = finished.path("checkpoint")
    model = AutoModelForMaskedLM.from_pretrained(checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    assert model.config.vocab_size == len(tokenizer) == len(finished.vocabulary())


def test_every_readout_was_asked_the_same(finished) -> None:
    supports = [finished.counts(readout).at(0).support() for readout in finished.readouts()]
    assert len(supports) == 4
    assert supports[0].sum() > 50
    assert all(np.array_equal(support, supports[0]) for support in supports)


@pytest.mark.parametrize("readout", ["own_head", "linear_head", "untrained"])
def test_measures_are_kept_and_summarised(finished, readout) -> None:
    """Cross-entropy and prediction depth of the pass that counted, without another one."""
    kept = finished.readout(readout)
    summarised = finished.read_json("summary.json")["readouts"][readout]
    assert list(kept.measures) == [measure.name for measure in MEASURES]
    for depth, figures in enumerate(kept.figures()):
        for key, estimate in figures.items():
            assert summarised[depth][key] == plain(estimate)
            num = kept.counts.support().sum()  # too few to rarefy
            assert estimate.num == (0 if key == "rarefied_mean_apt" else num)
    assert summarised[-1]["settled_answers"]["value"] == 1.0
    assert 0 < summarised[0]["cross_entropy"]["value"] < 20


def test_a_record_that_cannot_be_read_is_told_before_anything_is_written(copied) -> None:
    copied.write_json("finetune/later.json", {"schema": "hf_apt.block_accuracy/99"})
    before = stamps(copied)
    with pytest.raises(ValueError, match=r"later.json is a .* reads hf_apt.block_accuracy/1 and "):
        finish(copied)
    assert stamps(copied) == before


def test_what_is_known_exactly_has_no_measures(finished, copied) -> None:
    bayes = finished.read_json("summary.json")["readouts"]["bayes"][0]
    assert bayes["cross_entropy"] is None
    shutil.rmtree(copied.path("measures"))  # a run of before there were measures
    finish(copied)
    before = copied.read_json("summary.json")["readouts"]["own_head"]
    assert [depth["cross_entropy"] for depth in before] == [None] * 3


def test_the_summary_says_what_was_done(finished) -> None:
    summary = finished.read_json("summary.json")
    assert summary["corpus"]["num_train_sequences"] == 200
    assert summary["corpus"]["num_validation_sequences"] == 48
    assert summary["training"]["num_steps"] == 4
    assert summary["training"]["num_sequences_seen"] == 32
    assert summary["training"]["num_tokens_seen"] == 32 * 16
    assert [len(depths) for depths in summary["readouts"].values()] == [3, 3, 3, 1]
    assert sum(summary["masking"]["num_modified"].values()) == finished.counts("bayes").at(0).total
    assert summary["model"]["weights"] == file_fingerprint(
        finished.path("checkpoint/model.safetensors")
    )


# Again, and on from an interruption.


def test_a_second_call_does_nothing_again(copied, monkeypatch) -> None:
    before, summary = stamps(copied), figures(copied)
    no_work(monkeypatch)
    run_all(CONFIG, copied.folder)
    assert changed(before, stamps(copied)) <= REMADE
    assert figures(copied) == summary


INTERRUPTIONS = {
    "while tokenising": ("hf_apt.data.corpus_tokens.describe_tokens", 1),
    "before pre-training": ("hf_apt.training.pretraining.pretrain", 0),
    "before heads": ("hf_apt.runs.decoders.train_heads", 0),
    "before measuring": ("hf_apt.depths.measurement.measure", 0),
    "before the twin": ("hf_apt.depths.measurement.measure", 1),
    "before the ceiling": ("hf_apt.data.planted.corpus.PlantedCorpus.bayes_counts", 0),
    "before the page": ("hf_apt.report.write_report", 0),
}


def test_it_goes_on_after_an_interruption_between_any_two_phases(
    finished, tmp_path, monkeypatch
) -> None:
    """One run, interrupted at seven places in turn, ends as the one that never was."""
    interrupted = 0
    for target, calls in INTERRUPTIONS.values():
        with monkeypatch.context() as patch:
            stop_at_call(patch, target, calls)
            with pytest.raises(KeyboardInterrupt):
                run_all(CONFIG, tmp_path / "run")
        interrupted += 1
    run = run_all(CONFIG, tmp_path / "run")
    assert interrupted == 7
    assert not hidden(run)
    expected, found = figures(finished), figures(run)
    for summary in (expected, found):
        summary["training"].pop("seconds")
    assert found == expected
    for readout in finished.readouts():
        one, other = finished.counts(readout), run.counts(readout)
        assert np.array_equal(one.hits(), other.hits()), readout


def stop_at_call(patch, target: str, num_before: int) -> None:
    """Let `target` be called `num_before` times, then answer with Ctrl-C."""
    from pkgutil import resolve_name

    original, calls = resolve_name(target), []

    def stopping(*args, **kwargs):
        if len(calls) == num_before:
            raise KeyboardInterrupt
        calls.append(None)
        return original(*args, **kwargs)

    patch.setattr(target, stopping)


@pytest.mark.parametrize("lost", ["model.json", "counts/own_head.npz", "summary.json"])
def test_a_file_that_an_interruption_kept_from_being_is_made(copied, lost) -> None:
    """Whatever was written before it: an interruption can fall between any two files."""
    order = {"model.json": ["model.json", "counts"], "counts/own_head.npz": ["counts"]}
    summary = figures(copied)
    for name in [*order.get(lost, []), "summary.json", "report.html"]:
        path = copied.path(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    run_all(CONFIG, copied.folder)
    assert figures(copied) == summary


def test_a_measure_that_is_missing_is_made_again(copied) -> None:
    """Else its figures would leave page and summary without a word."""
    summary = figures(copied)
    copied.path("measures/own_head-cross_entropy.npz").unlink()
    copied.path("measures/untrained-apt_by_stretch.npz").unlink()
    run_all(CONFIG, copied.folder)
    assert figures(copied) == summary


def test_counts_are_never_without_their_model(copied, monkeypatch) -> None:
    """Else a run that is interrupted between the two could never be finished."""
    shutil.rmtree(copied.path("counts"))
    copied.path("model.json").unlink()
    monkeypatch.setattr(Run, "write_json", _interrupting(Run.write_json, "model.json"))
    with pytest.raises(KeyboardInterrupt):
        run_all(CONFIG, copied.folder)
    assert copied.readouts() == []


def _interrupting(original, stop):
    def write_json(self, name, content):
        if name == stop:
            raise KeyboardInterrupt
        original(self, name, content)

    return write_json


def test_heads_can_be_asked_for_later(copied) -> None:
    before = stamps(copied)
    run_all(replace(CONFIG, head_kinds=("linear_head", "mlm_head")), copied.folder)
    assert "mlm_head" in copied.readouts()
    touched = changed(before, stamps(copied))
    assert "training.json" not in touched
    assert "heads/linear_head.safetensors" not in touched
    assert "counts/bayes.npz" not in touched


# Another configuration.


@pytest.mark.parametrize(
    ("told", "change"),
    [
        ("sequence_length (16 before, now 32)", {"sequence_length": 32}),
        (
            "corpus.num_documents (200 before, now 201)",
            {"corpus": replace(CONFIG.corpus, num_documents=201)},
        ),
        ("shape.num_blocks (2 before, now 3)", {"shape": replace(CONFIG.shape, num_blocks=3)}),
        (
            "pretrain.num_steps (4 before, now 5): the learning rate falls to 0 at the last step",
            {"pretrain": replace(CONFIG.pretrain, num_steps=5)},
        ),
        ("measure.seed (2509 before, now 1)", {"measure": replace(CONFIG.measure, seed=1)}),
        ("heads.num_steps (2 before, now 3)", {"heads": replace(CONFIG.heads, num_steps=3)}),
        (
            "shape.num_blocks (2 before, now 3), pretrain.seed (42 before, now 1):",
            {
                "shape": replace(CONFIG.shape, num_blocks=3),
                "pretrain": replace(CONFIG.pretrain, seed=1, save_every=3),
            },
        ),
    ],
    ids=["length", "corpus", "shape", "steps", "measure", "heads", "several"],
)
def test_other_options_in_the_folder_are_refused_by_name_and_nothing_is_touched(
    finished, told, change
) -> None:
    before = stamps(finished)
    with pytest.raises(ValueError, match=re.escape(told)) as error:
        run_all(replace(CONFIG, **change), finished.folder)
    assert str(finished.folder) in str(error.value)
    assert "\n" not in str(error.value)
    assert "save_every" not in str(error.value), "which changes no result"
    assert stamps(finished) == before


def test_what_changes_no_result_may_change(copied, monkeypatch) -> None:
    no_work(monkeypatch)
    other = replace(CONFIG.pretrain, save_every=3, report_to=("tensorboard",))
    run_all(replace(CONFIG, pretrain=other), copied.folder)
    assert copied.read_json("config.json")["pretrain"]["save_every"] == 3


def test_until_something_is_made_of_an_option_it_may_be_corrected(copied) -> None:
    """One wrong option does not cost the folder, nor what does not depend on it."""
    for name in ("training", "checkpoint", "heads", "counts"):
        shutil.rmtree(copied.path(name))
    for name in ("training.json", "model.json"):
        copied.path(name).unlink()
    before = stamps(copied)
    config = replace(CONFIG, pretrain=replace(CONFIG.pretrain, masking_rate=0.3, num_steps=3))
    pretrain_run(config, begin(config, copied.folder))
    assert copied.read_json("training.json")["num_steps"] == 3
    assert not any(name.startswith("tokens/") for name in changed(before, stamps(copied)))
    with pytest.raises(ValueError, match="sequence_length"):
        begin(replace(config, sequence_length=12), copied.folder)


@pytest.mark.parametrize("setting", [{"max_documents": 9}, {"column": "body"}])
def test_settings_of_a_text_are_refused_for_the_planted_language(setting) -> None:
    with pytest.raises(ValueError, match=f"made, not read: {next(iter(setting))} says nothing"):
        named_recipe("auto", CorpusSource(name="planted", **setting))


# Somebody else's files, and another process.


@pytest.mark.parametrize("name", ["config.json", "checkpoint/model.safetensors", "notes.txt"])
def test_a_folder_of_the_users_is_left_as_it_was(tmp_path, name) -> None:
    path = tmp_path / "mine" / name
    path.parent.mkdir(parents=True)
    path.write_text('{"model_type": "bert"}')
    before = stamps(Run(tmp_path))
    for start in (run_all, begin):
        with pytest.raises(ValueError, match="holds files that are not hf_apt's"):
            start(CONFIG, tmp_path / "mine")
    assert stamps(Run(tmp_path)) == before


def test_a_file_of_the_users_in_the_checkpoint_folder_is_kept(tmp_path) -> None:
    run = begin(CONFIG, tmp_path / "run")
    run.path("checkpoint").mkdir()
    run.path("checkpoint/notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"checkpoint holds files .*notes\.txt"):
        pretrain_run(CONFIG, run)
    assert run.path("checkpoint/notes.txt").read_text() == "mine"


def test_a_checkpoint_that_training_did_not_leave_is_refused(copied) -> None:
    weights = copied.path("checkpoint/model.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    for name in ("counts", "heads"):
        shutil.rmtree(copied.path(name))
    with pytest.raises(ValueError, match="is not the one that training left there"):
        run_all(CONFIG, copied.folder)


def test_a_record_of_training_without_its_figures_is_refused(copied) -> None:
    record = copied.read_json("training.json")
    del record["validation_loss"]
    copied.write_json("training.json", record)
    with pytest.raises(ValueError, match=r"training\.json does not say validation_loss"):
        run_all(CONFIG, copied.folder)


@pytest.mark.slow
def test_two_starts_at_once_give_one_run(finished, tmp_path) -> None:
    """One ends with a sentence and the other as if it were alone; the command again is right."""
    code = (
        "import sys; from tests.runs.test_pipeline import CONFIG;"
        "from hf_apt.runs.pipeline import run_all; run_all(CONFIG, sys.argv[1])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    root = Path(__file__).parents[2]
    pair = [
        subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    errors = [process.communicate(timeout=240)[1] for process in pair]
    codes = [process.returncode for process in pair]
    assert 0 in codes
    for code, error in zip(codes, errors, strict=True):
        assert code == 0 or "another process writes into" in error.splitlines()[-1]
    run = run_all(CONFIG, tmp_path / "run")
    expected, now = figures(finished), figures(run)
    for summary in (expected, now):
        summary["training"].pop("seconds")
        summary.pop("command")
    assert now == expected
    assert not hidden(run)


def test_a_run_of_before_there_were_front_ends_is_the_same_run(copied, monkeypatch) -> None:
    """A field that its config.json does not have yet counts as what is its default now."""
    config, summary = copied.read_json("config.json"), figures(copied)
    del config["shape"]["conv"]
    del config["pretrain"]["windows"]
    del config["untrained"]
    copied.write_json("config.json", config)
    no_work(monkeypatch)
    with pytest.raises(ValueError, match="shape.conv"):
        run_all(replace(CONFIG, shape=replace(CONFIG.shape, conv=ConvShape())), copied.folder)
    run_all(CONFIG, copied.folder)
    assert figures(copied) == summary
    assert "conv" in copied.read_json("config.json")["shape"]


def test_a_measurement_of_before_depths_had_names_is_still_reported(copied) -> None:
    model, page = copied.read_json("model.json"), copied.path("report.html").read_text()
    assert model.pop("depths") == ["embeddings", "block 1", "block 2"]
    copied.write_json("model.json", model)
    finish(copied)
    assert copied.path("report.html").read_text().count("block\xa02") == page.count("block\xa02")


def test_a_mistake_that_left_nothing_can_be_corrected_in_place(tmp_path) -> None:
    """As a misspelt column: the folder holds no more than what was asked for."""
    from hf_apt.data.corpus_source import CorpusSource

    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"body": f"w{n} w{n + 1} " * 9}) + "\n" for n in range(90)))
    wrong = CorpusSource(name=str(path), validation_share=0.2)
    config = replace(CONFIG, corpus=wrong, vocab_size=100)
    with pytest.raises(ValueError, match="no column 'text'"):
        pretrain_run(config, begin(config, tmp_path / "run"))
    config = replace(config, corpus=replace(wrong, column="body"))
    run = begin(config, tmp_path / "run")
    train, _ = pipeline._prepared(config, run)
    assert len(train) > 20
    assert run.read_json("config.json")["corpus"]["column"] == "body"


# Parts alone.


def test_measuring_alone_gives_the_same_counts(finished, tmp_path) -> None:
    """The shipped tokenizer of a checkpoint is enough; heads and twin are left out."""
    config = replace(
        CONFIG,
        tokenizer=str(finished.path("checkpoint")),
        head_kinds=(),
        untrained=False,
    )
    run = begin(config, tmp_path / "run")
    measure_run(config, run, str(finished.path("checkpoint")))
    finish(run)
    assert run.readouts() == ["own_head", "bayes"]
    for readout in run.readouts():
        assert np.array_equal(run.counts(readout).hits(), finished.counts(readout).hits())
    summary = run.read_json("summary.json")
    assert summary["training"] is None
    assert summary["model"]["num_blocks"] == 2


def test_another_checkpoint_in_the_folder_of_a_measurement_is_refused(finished, tmp_path) -> None:
    """Else the counts of the first one would pass for those of the second."""
    import torch
    from safetensors.torch import load_file, save_file

    config = replace(CONFIG, head_kinds=(), untrained=False, corpus=replace(CONFIG.corpus, seed=0))
    other = tmp_path / "other"
    shutil.copytree(finished.path("checkpoint"), other)
    weights = load_file(other / "model.safetensors")
    save_file(
        {name: torch.zeros_like(weight) for name, weight in weights.items()},
        other / "model.safetensors",
        metadata={"format": "pt"},
    )
    run = begin(config, tmp_path / "run")
    measure_run(config, run, str(finished.path("checkpoint")))
    before = stamps(run)
    with pytest.raises(ValueError, match="another checkpoint"):
        measure_run(config, run, str(other))
    assert stamps(run) == before


def test_a_model_with_more_ids_than_its_tokenizer_is_measured(finished, tmp_path) -> None:
    """Vocabularies are often filled up to a round number in the weights only."""
    from transformers import AutoModelForMaskedLM

    padded = tmp_path / "padded"
    shutil.copytree(finished.path("checkpoint"), padded)
    model = AutoModelForMaskedLM.from_pretrained(padded)
    size = model.config.vocab_size
    model.resize_token_embeddings(size + 7, mean_resizing=False)
    model.get_output_embeddings().bias.data[-1] = 100.0  # an id without a token always wins
    model.save_pretrained(padded)
    config = replace(CONFIG, head_kinds=("linear_head",), untrained=True)
    run = begin(config, tmp_path / "run")
    measure_run(config, run, str(padded))
    finish(run)
    assert run.readouts() == ["own_head", "linear_head", "untrained", "bayes"]
    assert run.counts("own_head").at(2).hits().sum() == 0
    assert run.path("report.html").stat().st_size > 1000


def test_the_report_is_made_from_the_folder_alone_and_without_torch(copied) -> None:
    summary = figures(copied)
    page = without_charts(copied)
    for name in ("summary.json", "report.html"):
        copied.path(name).unlink()
    for name in ("checkpoint", "training", "heads", "tokenizer"):
        shutil.rmtree(copied.path(name))
    code = (
        "import sys; from pathlib import Path; from hf_apt.runs.pipeline import finish;"
        "from hf_apt.records.run import Run; finish(Run(Path(sys.argv[1])));"
        "print(sorted({'torch', 'transformers', 'datasets', 'accelerate'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(copied.folder)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "[]"
    assert figures(copied) == summary
    assert len(without_charts(copied)) == len(page)  # but for the time at which it was made


def without_charts(run: Run) -> str:
    """The page but for its charts, which are drawn in other processes alone."""
    return re.sub(r"<svg.*?</svg>", "", run.path("report.html").read_text("utf-8"), flags=re.S)


@pytest.mark.parametrize("missing", ["config.json", "model.json", "counts"])
def test_an_unfinished_run_has_no_report(copied, missing) -> None:
    path = copied.path(missing)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ValueError, match="no finished hf_apt run") as error:
        finish(copied)
    assert str(copied.folder) in str(error.value)


def test_environment_is_flat_json() -> None:
    from hf_apt.records.environment import environment

    found = json.loads(json.dumps(environment()))
    assert {"python", "hf_apt", "torch", "processor", "cores", "device"} <= set(found)
    assert all(isinstance(value, str | int | None) for value in found.values())
    assert Path(sys.executable).exists()


def on_task(name: str, **sizes: int) -> RunConfig:
    """`CONFIG` with a fine-tuning of one epoch in the end."""
    asked = demo_recipe(task=name).finetune
    assert asked is not None
    assert asked.finetune is not None
    return replace(
        CONFIG,
        finetune=replace(
            asked,
            task=replace(asked.task, num_words=12, **sizes),
            features=replace(asked.features, sequence_length=14, poolings=("mean",)),
            finetune=replace(asked.finetune, num_epochs=1, sequence_length=14),
            confidence=None,
        ),
    )


def test_a_finished_run_can_be_asked_for_a_task_and_is_not_fine_tuned_twice(copied):
    config = on_task("planted", train_per_class=8, test_per_class=5)
    before = stamps(copied)
    run_all(config, copied.folder)
    new = changed(before, stamps(copied)) - REMADE
    assert {name.split("/")[0] for name in new} == {"finetune"}
    record = copied.read_json("finetune/planted.json")
    assert set(record["models"]) == {"pretrained", "untrained"}
    assert len(record["models"]["pretrained"]["finetuned"]["mean"]["linear"]) == 3
    assert "mean_apt" in record["agreement"]["finetuned"]["mean"]
    # The same counts, in a file of other bytes.
    path = copied.counts_path("own_head")
    with np.load(path) as arrays:
        np.savez(path, **arrays)
    before = stamps(copied)
    run_all(config, copied.folder)
    assert changed(before, stamps(copied)) <= REMADE | {"finetune/planted.json"}


def test_what_makes_no_task_is_told_before_anything_is_done(tmp_path):
    with pytest.raises(ValueError, match="nowhere.csv"):
        run_all(on_task("./nowhere.csv"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_planted_language_has_a_task_of_its_own_and_other_text_has_none():
    planted, text = CorpusSource(name="planted"), CorpusSource(name="text.txt")
    assert named_recipe("auto", planted).finetune == demo_recipe().finetune
    assert named_recipe("auto", planted, task="none").finetune is None
    assert named_recipe("auto", text).finetune is named_recipe("paper", text).finetune is None
    asked = named_recipe("paper", text, task="dbpedia_14").finetune
    assert asked is not None
    assert asked.task.name == "dbpedia_14"
    assert asked.untrained
