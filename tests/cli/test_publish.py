"""Laws of `hf-apt publish`: light help, a dry run that is exact, a sentence for what goes wrong."""

import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from hub_double import READER_TOKEN

from hf_apt.records.run import Run

REPO = "owner/bert-6"


@pytest.fixture
def call(call, monkeypatch):
    """`hf-apt publish`, without waiting: exit code, standard output, standard error."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    return partial(call, "publish")


@pytest.fixture
def folder(finished_run, tmp_path) -> Path:
    """A copy of the run that may be changed."""
    shutil.copytree(finished_run.folder, tmp_path / "run")
    return tmp_path / "run"


def sentence(result: tuple[int, str, str]) -> str:
    """What a failed call said: one line, and no traceback."""
    code, _, error = result
    assert code == 2, error
    (line,) = [line for line in error.splitlines() if line.startswith("hf-apt: ")]
    assert line.endswith(".")
    assert "Traceback" not in error
    return line


def listed(out: str) -> dict[str, int]:
    """The files of a dry run, with their sizes."""
    found = re.findall(r"^ *([\d,]+)  (\S+)$", out, re.M)
    return {name: int(size.replace(",", "")) for size, name in found}


# Help.


@pytest.mark.parametrize(
    "command", [[], ["--help"], ["checkpoint", "--help"], ["metric", "--help"]]
)
def test_help_is_light(command) -> None:
    code = (
        "import sys; from hf_apt import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'jinja2', 'matplotlib', 'scipy'}\n"
        "print('heavy', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "publish", *command], capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "heavy []", done.stderr
    assert "Usage" in done.stdout


def test_every_option_has_a_help_text() -> None:
    import inspect

    from hf_apt.cli.publish import card_options, publish_metric, publish_space

    seen = 0
    for options in (card_options, publish_metric, publish_space):
        for name, parameter in inspect.signature(options).parameters.items():
            assert parameter.annotation.__metadata__[0].help, name
            seen += 1
    assert seen == 19


# What is sent.


@pytest.mark.parametrize("options", [[], ["--public"]])
def test_a_dry_run_lists_what_is_then_sent(call, hub, folder, options) -> None:
    (folder / "checkpoint" / "training_args.bin").write_text("mine")
    code, out, _ = call("checkpoint", folder, "--repo", REPO, "--dry-run", *options)
    assert code == 0
    assert hub.requests == []
    assert f"left out  {folder}/checkpoint/training_args.bin" in out
    seen = "public" if options else "private"
    assert out.splitlines()[-1].endswith(f"to {REPO} (model, {seen}); nothing was sent.")
    code, out_sent, _ = call("checkpoint", folder, "--repo", REPO, *options)
    assert code == 0
    files = hub.repo(REPO).files
    assert {n: len(files[n]) for n in files if n != ".gitattributes"} == listed(out)
    assert hub.repo(REPO).private == (not options)
    assert f"{seen}: {hub.url}/{REPO}\nrevision: {hub.repo(REPO).commits[-1][0]}\n" in out_sent


def test_a_repetition_says_that_all_was_there(call, hub, folder) -> None:
    assert "already" not in call("checkpoint", folder, "--repo", REPO)[1]
    assert "all of it was there already." in call("checkpoint", folder, "--repo", REPO)[1]
    assert len(hub.repo(REPO).commits) == 2


def test_options_end_up_on_the_card(call, hub, folder) -> None:
    call("checkpoint", folder, "--repo", REPO)
    before = hub.repo(REPO).files
    code, _, _ = call(
        *("card", folder, "--repo", REPO, "--license", "mit", "--data-license", "as they say"),
        *("--data", "some letters", "--dataset", "a/letters"),
    )
    assert code == 0
    after = hub.repo(REPO).files
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"README.md"}
    text = after["README.md"].decode()
    for said in ("license: mit", "as they say", "some letters", "- a/letters"):
        assert said in text


def test_a_card_can_be_read_before_it_is_sent(call, hub, folder, tmp_path) -> None:
    code, out, _ = call("card", folder, "--repo", REPO, "--output", tmp_path / "card")
    assert code == 0
    assert out == f"card: {tmp_path / 'card' / 'README.md'}\n"
    written = {str(p.relative_to(tmp_path / "card")) for p in (tmp_path / "card").rglob("*.*")}
    assert {"README.md", "figures/confusion.png"} <= written
    assert hub.requests == []
    call("checkpoint", folder, "--repo", REPO)
    assert (tmp_path / "card" / "README.md").read_bytes() == hub.repo(REPO).files["README.md"]


def test_a_card_is_written_again_in_its_own_folder(call, folder, tmp_path) -> None:
    command = ("card", folder, "--repo", REPO, "-o", tmp_path / "card")
    assert call(*command)[0] == 0
    code, _, error = call(*command, "--license", "mit")
    assert code == 0, error
    assert "license: mit" in (tmp_path / "card" / "README.md").read_text()


@pytest.mark.parametrize("options", [[], ["--repo", "owner/token_clusters"]])
def test_a_metric_is_published_under_its_own_name(call, hub, options) -> None:
    code, out, _ = call("metric", "token_clusters", "--dry-run", *options)
    assert code == 0
    assert not hub.repos
    code, _, error = call("metric", "token_clusters", *options)
    assert code == 0, error
    space = hub.repo("owner/token_clusters", "space")
    assert space.private
    assert space.sdk == "static"
    assert set(space.files) - {".gitattributes"} == set(listed(out))
    assert "token_clusters.py" in space.files


# What the user can mend.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["checkpoint", "RUN", "--repo", "bert-6"], "'bert-6' is no repository: give it as OWNER/"),
        (["card", "RUN", "--repo", REPO, "--dataset", "a b"], "'a b' is no repository"),
        (["checkpoint", "nowhere", "--repo", REPO], "nowhere is no finished hf_apt run"),
        (["card", "RUN", "--repo", REPO], f"there is no {REPO} that this token may see (404)"),
        (["metric", "bleu"], "there is no metric 'bleu': there are anchor_vector, apt, "),
        (["metric", "apt", "--repo", "owner/other"], "give owner/apt."),
        (["checkpoint", "RUN", "--repo", "others/bert-6"], "may not write to others/bert-6 (403)"),
    ],
)
def test_a_mistake_is_a_sentence_and_sends_nothing(call, hub, folder, arguments, said) -> None:
    arguments = [folder if argument == "RUN" else argument for argument in arguments]
    assert said in sentence(call(*arguments))
    assert not hub.repos
    assert not hub.asked("PUT|POST .*/(preupload|commit)/")


@pytest.mark.parametrize("kind", ["checkpoint", "card"])
def test_an_unfinished_run_is_refused(call, hub, folder, kind) -> None:
    (folder / "summary.json").unlink()
    said = sentence(call(kind, folder, "--repo", REPO))
    assert "is no finished hf_apt run: it has no summary.json" in said
    assert hub.requests == []


def test_other_weights_are_refused_even_dry(call, hub, folder) -> None:
    (folder / "checkpoint" / "model.safetensors").write_bytes(b"others")
    assert "of other weights" in sentence(call("checkpoint", folder, "--repo", REPO, "--dry-run"))


def test_a_secret_is_refused_even_dry(call, hub, folder) -> None:
    run = Run(folder)
    run.write_json("environment.json", run.read_json("environment.json") | {"x": "hf_" + "a1" * 17})
    for options in ([], ["--dry-run"]):
        said = sentence(call("checkpoint", folder, "--repo", REPO, *options))
        assert "environment.json holds what looks like a token of the Hub" in said
    assert hub.requests == []


def test_tokens_missing_unknown_or_for_reading_are_named(call, hub, folder, monkeypatch) -> None:
    arguments = ("checkpoint", folder, "--repo", REPO)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "(401): log in again with `hf auth login`; nothing was sent." in sentence(
        call(*arguments)
    )
    assert "(401)" in sentence(call("metric", "apt"))
    monkeypatch.setenv("HF_TOKEN", READER_TOKEN)
    assert f"may not write to {REPO} (403); nothing was sent." in sentence(call(*arguments))
    monkeypatch.delenv("HF_TOKEN")
    assert "log in with `hf auth login`, or set HF_TOKEN" in sentence(call(*arguments))
    assert "log in with `hf auth login`" in sentence(call("metric", "apt"))
    assert call(*arguments, "--dry-run")[0] == 0
    assert not hub.repos


def test_a_hub_that_breaks_down_is_a_sentence_and_the_command_goes_on(call, hub, folder) -> None:
    hub.fail("POST .*/commit/", 503, times=99)
    said = sentence(call("checkpoint", folder, "--repo", REPO))
    assert "the Hub answered 503" in said
    assert said.endswith("The same command goes on from here.")
    hub.heal()
    assert call("checkpoint", folder, "--repo", REPO)[0] == 0
    assert "model.safetensors" in hub.repo(REPO).files


def test_a_hub_that_is_not_there_is_a_sentence(call, hub, folder, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    said = sentence(call("checkpoint", folder, "--repo", REPO))
    assert "the connection to http://127.0.0.1:9 failed" in said
    assert "nothing was sent." in said


def test_a_licence_that_the_hub_does_not_know_stops_all(call, hub, tmp_path) -> None:
    said = sentence(call("checkpoint", tmp_path, "--repo", REPO, "--license", "Apache 2.0"))
    assert "the Hub knows no licence 'Apache 2.0'" in said
    assert hub.requests == []


def test_a_file_of_the_users_is_not_written_over(call, hub, folder, tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("mine")
    said = sentence(call("card", folder, "--repo", REPO, "-o", tmp_path / "mine"))
    assert "mine holds files that are not hf_apt's (README.md): nothing was written" in said
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["README.md"]
    assert (tmp_path / "mine" / "README.md").read_text() == "mine"


# A page as a Space.


def test_a_space_is_written_listed_or_sent(call, folder, tmp_path, hub) -> None:
    command = ("space", folder, "--repo", "owner/page")
    code, out, _ = call(*command, "--dry-run")
    assert code == 0
    assert listed(out).keys() == {"README.md", "index.html"}
    assert "(space, private); nothing was sent." in out
    assert not hub.repos
    code, _, _ = call(*command, "-o", tmp_path / "space")
    assert code == 0
    assert not hub.repos
    page = (tmp_path / "space/index.html").read_bytes()
    assert call(*command, "-o", tmp_path / "space")[0] == 0  # again, over its own
    code, out, error = call(*command)
    assert code == 0, error
    assert hub.repos["space", "owner/page"].files["index.html"] == page
