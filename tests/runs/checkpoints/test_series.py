"""Laws of several checkpoints on one text: each as if measured alone, nothing done twice."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hub_double import HubDouble

import hf_apt
from hf_apt.records.run import Run
from hf_apt.runs import pipeline
from hf_apt.runs.checkpoints import series as module
from hf_apt.runs.checkpoints.named import NamedCheckpoint, Series
from hf_apt.runs.checkpoints.on_text import TextOptions
from hf_apt.runs.checkpoints.series import measure_checkpoints, measure_series

STEPS = (9, 10, 100)
OPTIONS = TextOptions(sequence_length=24)
SHORT = "--sequence-length=24"


@pytest.fixture
def training(tiny_model, tokenizer, tmp_path):
    """A folder with three checkpoints of different weights, as a Trainer leaves them."""
    for step in STEPS:
        with torch.no_grad():
            for weight in tiny_model.parameters():
                weight += 0.05 * torch.randn(weight.shape, generator=torch.manual_seed(step))
        folder = tmp_path / f"training/checkpoint-{step}"
        tiny_model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return tmp_path / "training"


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents))
    return path


@pytest.fixture
def tokenised(monkeypatch) -> list[str]:
    """The folders whose tokens were made of text."""
    from hf_apt.runs import preparation

    made, tokenise = [], preparation.tokenise

    def noted(folder, *given, **options):
        made.append(folder.parent.name)
        return tokenise(folder, *given, **options)

    monkeypatch.setattr(preparation, "tokenise", noted)
    return made


@pytest.fixture
def loaded(monkeypatch) -> list[str]:
    """The checkpoints that were loaded to be measured."""
    from hf_apt.runs import measured_checkpoint

    names, load = [], measured_checkpoint.load_measured

    def noted(name):
        names.append(name.rpartition("/")[2])
        return load(name)

    monkeypatch.setattr(measured_checkpoint, "load_measured", noted)
    return names


def test_each_is_measured_as_if_alone_and_the_text_tokenised_once(
    training, text, tokenised, call, tmp_path
):
    output = tmp_path / "out"
    code, out, error = call(
        "measure",
        training,
        text,
        "--revisions",
        "checkpoint-*",
        SHORT,
        "-o",
        output,
    )
    assert code == 0, error
    assert tokenised == ["checkpoint-9"]
    assert f"hf-apt acquisition {output}/*" in "".join(out.split("\n"))
    assert all(len(line) <= 80 for line in out.splitlines())
    for step in STEPS:
        alone, run = Run(tmp_path / f"alone-{step}"), Run(output / f"checkpoint-{step}")
        given = (training / f"checkpoint-{step}", text, SHORT, "-o", alone.folder)
        assert call("measure", *given)[0] == 0
        for name in ("config.json", "model.json", "vocabulary.json", "fingerprints.json"):
            assert run.read_json(name) == alone.read_json(name)
        assert np.array_equal(run.counts("own_head").hits(), alone.counts("own_head").hits())
        last = run.read_json("summary.json")["readouts"]["own_head"][-1]
        (line,) = (line for line in out.splitlines() if line.startswith(f"checkpoint-{step} "))
        assert f"{last['mean_apt']['pooled']['value']:.3f}" in line
        assert f"{last['masked_accuracy']['pooled']['value']:.3f}" in line
    learnt = hf_apt.acquisition(sorted(output.iterdir()))
    assert learnt.measured.steps_S.tolist() == list(STEPS)


def test_tokens_are_one_file_on_the_disk(training, text, tmp_path):
    measured = measure_checkpoints(training, "*", text, output=tmp_path / "out", options=OPTIONS)
    first, second = (each.folder / "tokens/train" for each in measured.measured[:2])
    for path in first.iterdir():
        assert path.samefile(second / path.name) or path.name.startswith(".hf_apt")


def test_it_goes_on_where_it_was_interrupted(training, text, tmp_path, loaded, monkeypatch):
    finish = module.finish
    stopped = []

    def stops(run):
        if run.folder.name == "checkpoint-10" and not stopped:
            stopped.append(run)
            raise KeyboardInterrupt
        return finish(run)

    monkeypatch.setattr(module, "finish", stops)
    give = {"output": tmp_path / "out", "options": OPTIONS}
    with pytest.raises(KeyboardInterrupt):
        measure_checkpoints(training, "checkpoint-*", text, **give)
    assert loaded == ["checkpoint-9", "checkpoint-10"]
    measured = measure_checkpoints(training, "checkpoint-*", text, **give)
    assert loaded == ["checkpoint-9", "checkpoint-10", "checkpoint-100"]
    assert [each.seconds is None for each in measured.measured] == [True, False, False]
    again = measure_checkpoints(training, "checkpoint-*", text, **give)
    assert loaded[3:] == []
    assert again.to_pandas().equals(measured.to_pandas())
    assert again.to_pandas().step.tolist() == list(STEPS)


def test_another_text_is_not_mixed_in(training, text, tmp_path):
    give = {"output": tmp_path / "out", "options": OPTIONS}
    measure_checkpoints(training, "checkpoint-9", text, **give)
    text.write_text(text.read_text() + "\nw1 w2 w3 w4 w5 w6")
    with pytest.raises(ValueError, match="was made of other text"):
        measure_checkpoints(training, "checkpoint-*", text, **give)
    assert not (tmp_path / "out/checkpoint-10").exists()


def test_other_options_and_other_weights_are_refused(training, text, tmp_path):
    give = {"output": tmp_path / "out", "options": OPTIONS}
    measure_checkpoints(training, "checkpoint-*", text, **give)
    with pytest.raises(ValueError, match="checkpoint-9 holds a run with other options"):
        measure_checkpoints(training, "checkpoint-*", text, output=tmp_path / "out")
    shutil.copy(training / "checkpoint-9/model.safetensors", training / "checkpoint-10")
    with pytest.raises(ValueError, match="checkpoint-10 holds the measurement of another"):
        measure_checkpoints(training, "checkpoint-*", text, **give)


def test_a_tokenizer_of_its_own_gets_tokens_of_its_own(training, text, tokenised, tmp_path):
    from transformers import BertTokenizer

    from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer

    words = [*SPECIAL_TOKENS, *(f"w{number}" for number in reversed(range(60)))]
    vocabulary_tokenizer(words).save_pretrained(training / "checkpoint-10")
    ids = vocabulary_tokenizer([*SPECIAL_TOKENS, *(f"w{n}" for n in range(60))]).get_vocab()
    BertTokenizer(vocab=ids, do_lower_case=False).save_pretrained(training / "checkpoint-100")
    give = {"output": tmp_path / "out", "options": OPTIONS}
    measure_checkpoints(training, "checkpoint-*", text, **give)
    assert tokenised == ["checkpoint-9", "checkpoint-10", "checkpoint-100"]
    tokenised.clear()
    name = str(training / "checkpoint-9")
    measure_checkpoints(
        training, "*", text, output=tmp_path / "one", options=replace(OPTIONS, tokenizer=name)
    )
    assert tokenised == ["checkpoint-9"]


def test_one_without_weights_is_named_and_the_others_are_measured(training, text, call, tmp_path):
    (training / "checkpoint-9/model.safetensors").unlink()
    output = tmp_path / "out"
    given = ("measure", training, text, "--revisions=checkpoint-*", SHORT, "-o", output)
    code, out, error = call(*given)
    assert code == 2
    assert error.strip().endswith(
        "hf-apt: 1 of 3 checkpoints could not be measured: checkpoint-9; the others are whole."
    )
    assert "checkpoint-9 was left out" in out
    assert "holds no weights" in " ".join(out.split())
    assert sorted(path.name for path in output.iterdir()) == ["checkpoint-10", "checkpoint-100"]
    with pytest.warns(UserWarning, match="checkpoint-9 is left out: .* holds no weights"):
        measured = measure_checkpoints(
            training, "*", text, output=tmp_path / "two", options=OPTIONS
        )
    assert list(measured.left_out) == ["checkpoint-9"]
    for step in (10, 100):
        (training / f"checkpoint-{step}/config.json").unlink()
    with pytest.raises(ValueError, match="not one of 3 checkpoints can be measured. checkpoint-9"):
        measure_checkpoints(training, "*", text, output=tmp_path / "three", options=OPTIONS)
    assert not (tmp_path / "three").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--revisions=step*"], "matches 'step*': there is checkpoint-9, checkpoint-10"),
        (["--revisions=*", "--revision=main"], "--revisions names several and --revision one"),
        (["--revisions=*", "--sequence-length=400"], "longer than the model's"),
        (["--revisions=*", "-o", "{folder}/text.txt"], "is a file, and a folder is wanted"),
    ],
)
def test_a_mistake_is_one_sentence(training, text, call, tmp_path, options, words):
    options = [option.format(folder=tmp_path) for option in options]
    code, _, error = call("measure", training, text, "-o", tmp_path / "out", *options)
    assert code == 2
    assert words in error.strip().splitlines()[-1]


def test_the_folder_of_one_run_is_refused(training, text, call, tmp_path):
    output = tmp_path / "out"
    assert call("measure", training / "checkpoint-9", text, SHORT, "-o", output)[0] == 0
    code, _, error = call("measure", training, text, "--revisions=*", SHORT, "-o", output)
    assert code == 2
    assert "is the folder of one run" in error
    (tmp_path / "mine/checkpoint-10").mkdir(parents=True)
    (tmp_path / "mine/checkpoint-10/notes.txt").write_text("mine")
    code, _, error = call(
        "measure", training, text, "--revisions=*", SHORT, "-o", tmp_path / "mine"
    )
    assert code == 2
    assert "holds files that are not hf_apt's" in error
    assert len(list((tmp_path / "mine").iterdir())) == 1


def test_revisions_of_the_hub_are_measured_and_not_downloaded_again(
    training, text, hub: HubDouble, call, tmp_path, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", hub.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    repo = hub.add("model", "owner/steps", {"README.md": b""})
    for step in STEPS:
        folder = training / f"checkpoint-{step}"
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        repo.branches[f"step{step}"] = repo.commit(files)
    given = ("measure", "owner/steps", text, "--revisions=step*", SHORT)
    code, out, error = call(*given, "-o", tmp_path / "out")
    assert code == 0, error
    for step in STEPS:
        run = Run(tmp_path / f"out/step{step}")
        model = run.read_json("model.json")
        assert model["revision"] == repo.branches[f"step{step}"]
        assert (
            run.read_json("config.json")["tokenizer"]
            == f"owner/steps@{repo.branches[f'step{step}']}"
        )
    hub.requests.clear()
    shutil.rmtree(tmp_path / f"cache/models--owner--steps/snapshots/{repo.branches['step100']}")
    code, again, error = call(*given, "-o", tmp_path / "out")
    assert code == 0, error
    assert again.count("before") == 3
    assert not hub.asked(f"GET .*{repo.branches['step100']}")


def test_it_runs_through_the_same_chain_as_one_checkpoint():
    assert module.measure_run is pipeline.measure_run
    assert module.begun is pipeline.begun


def test_a_head_that_was_counted_reaches_summary_and_page(training, text, call, tmp_path):
    """Stopped after the counts, the next call makes what is read of them."""
    output = tmp_path / "out"
    given = ("measure", training, text, "--revisions", "checkpoint-9", SHORT, "-o", output)
    assert call(*given)[0] == 0
    run = Run(output / "checkpoint-9")
    untrained = run.path("counts/untrained.npz")
    for name in run.path("measures").glob("own_head*"):
        shutil.copy(name, name.with_name(name.name.replace("own_head", "untrained")))
    assert "before" in call(*given)[1]
    shutil.copy(run.counts_path("own_head"), untrained)
    page = run.path("report.html").read_bytes()
    assert call(*given, "--untrained")[0] == 0
    assert "untrained" in run.read_json("summary.json")["readouts"]
    assert run.path("report.html").read_bytes() != page


def test_another_commit_of_a_branch_is_told_before_any_work(training, text, tmp_path, monkeypatch):
    output = tmp_path / "out"
    checkpoints = [
        NamedCheckpoint(f"checkpoint-{step}", str(training / f"checkpoint-{step}"))
        for step in STEPS
    ]
    config = module.config_on_text(checkpoints[0].name, text, OPTIONS)
    measure_series(Series(checkpoints, own_tokenizers=False), config, output)
    run = Run(output / "checkpoint-100")
    run.write_json("model.json", run.read_json("model.json") | {"revision": "a" * 40})
    moved = [*checkpoints[:2], replace(checkpoints[2], name="owner/name@" + "b" * 40)]
    monkeypatch.setattr(module, "measure_run", lambda *_: pytest.fail("measured"))
    shutil.rmtree(output / "checkpoint-9")
    with pytest.raises(ValueError, match="checkpoint-100 is another commit now .*aaaaaaaa before"):
        measure_series(Series(moved, own_tokenizers=False), config, output)
    assert not (output / "checkpoint-9").exists()


def test_several_processes_are_refused(training, text, tmp_path, monkeypatch):
    state = SimpleNamespace(num_processes=2, is_main_process=True)
    monkeypatch.setattr(module, "process_state", lambda: state)
    with pytest.raises(ValueError, match="by one process: give the command without torchrun"):
        measure_checkpoints(training, "*", text, output=tmp_path / "out", options=OPTIONS)
    assert not (tmp_path / "out").exists()
