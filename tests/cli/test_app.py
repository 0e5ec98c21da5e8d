"""Laws of the command line: light help, one sentence for what can be mended, nothing half done."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import typer

import hf_apt
from hf_apt.cli.app import PANELS, app
from hf_apt.data.tokens import Tokens
from hf_apt.records.run import Run
from hf_apt.runs import pipeline

TINY = (
    "--steps=4 --batch-size=8 --hidden-size=16 --num-heads=2 --num-blocks=2 --heads=none "
    "--no-untrained --measure-sequences=16 --sequence-length=16 --vocab-size=100"
).split()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def sentence(result: tuple[int, str, str], code: int = 2) -> str:
    """What a failed call said: one line, after the progress bars and no traceback."""
    found, _, error = result
    lines = [line for line in error.splitlines() if "it/s" not in line and "docs/s" not in line]
    ours = [line for line in lines if line.startswith("hf-apt: ")]
    assert found == code, error
    assert len(ours) == 1, error
    assert lines[-1] == ours[0]
    assert "Traceback" not in error
    return ours[0]


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> Path:
    generator = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    words = [f"w{number}" for number in range(60)]
    with path.open("w") as file:
        for _ in range(1500):
            file.write(json.dumps({"text": " ".join(generator.choice(words, 20))}) + "\n")
    return path


@pytest.fixture(scope="module")
def run_folder(texts, tmp_path_factory) -> Path:
    """A tiny run, made through the console script in a process of its own."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    script = Path(sys.executable).with_name("hf-apt")
    done = subprocess.run(
        [script, "run", texts, *TINY, "-o", folder],
        capture_output=True,
        text=True,
        env={**__import__("os").environ, "COLUMNS": "80"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (folder.parent / "stdout").write_text(done.stdout)
    return folder


# Help.


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["measure", "--help"], []])
def test_help_needs_neither_torch_nor_transformers(arguments) -> None:
    code = (
        "import sys; from hf_apt import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'datasets', 'accelerate', 'scipy'} & set(sys.modules)\n"
        "print('heavy', sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "heavy []", done.stderr
    assert "Usage" in done.stdout


def test_commands_are_listed_in_the_order_in_which_they_are_used() -> None:
    listed = PANELS.values()
    names = [name for panel in listed for name in panel]
    assert names[:2] == ["lens", "measure"]
    group = typer.main.get_command(app)
    assert group.list_commands(click.Context(group)) == names  # pyright: ignore
    text = subprocess.run(
        [sys.executable, "-m", "hf_apt", "--help"], capture_output=True, text=True, check=True
    ).stdout
    places = [text.index(f"│ {name} ") for name in names]
    assert places == sorted(places)


def test_the_version_is_told_without_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hf_apt", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"hf-apt {hf_apt.__version__}\n"


def test_every_option_has_a_help_text() -> None:
    import inspect

    from hf_apt.cli.measure_options import measure_options
    from hf_apt.cli.run_options import run_options

    seen = 0
    for options in (run_options, measure_options):
        for name, parameter in inspect.signature(options).parameters.items():
            info = parameter.annotation.__metadata__[0]
            assert info.help, name
            seen += 1
    assert seen > 40


def test_no_option_of_a_run_is_ignored() -> None:
    """Each, given a value that is not its default, changes the configuration."""
    import inspect

    from hf_apt.cli.run_options import run_options

    default, _ = run_options(corpus="x/y")
    special = {
        "recipe": "paper",
        "precision": "bf16",
        "measure_precision": "bf16",
        "model": "bert-1",
        "layout": "first",
        "heads": "both",
        "tokenizer": "some/tokenizer",
        "report_to": ["tensorboard"],
        "objective": ["r_drop:weight=1"],
        "compile": True,
        "compile_mode": "reduce-overhead",
        "optimizer": "muon",
        "untrained": False,
        "config": "en",
        "split": "all",
        "column": "body",
        "dropout": 0.3,
        "learning_rate": 1e-6,
        "masking_rate": 0.31,
        "masking_law": "frequency",
        "generator": "width=0.25",
        "causal_share": 0.3,
        "keep_at": "10,100",
        "cls_norms": "1-6",
        "cls_projections": "1,2",
        "start_from": "bert6-narrow-wikipedia",
        "carried_parts": "attention",
        "validation_share": 0.3,
    }
    needs = {
        "compile_mode": {"compile": True},
        "generator": {"objective": ["replaced_tokens:weight=50"]},
        "carried_blocks": {"blocks_of": "x"},
        "carried_parts": {"blocks_of": "x"},
    }
    seen = 0
    for name in inspect.signature(run_options).parameters:
        if name in ("corpus", "output", "paragraphs"):  # the last is refused without .txt files
            continue
        others = needs.get(name, {})
        before = run_options(corpus="x/y", **others)[0] if others else default
        config, _ = run_options(corpus="x/y", **others, **{name: special.get(name, 12)})
        assert config != before, name
        seen += 1
    assert seen >= 25


# A run.


def test_the_console_script_makes_a_run(run_folder) -> None:
    found = {path.name for path in run_folder.iterdir()}
    assert {"checkpoint", "counts", "summary.json", "report.html"} <= found
    out = (run_folder.parent / "stdout").read_text()
    assert f"page: {run_folder / 'report.html'}" in out


def test_its_table_is_at_most_80_columns_wide(run_folder) -> None:
    lines = (run_folder.parent / "stdout").read_text().splitlines()
    table = [line for line in lines if not line.startswith("page: ")]
    assert len(table) > 6
    assert max(map(len, table)) <= 80
    assert "…" not in "".join(table)
    for name in ("depth", "mean APT", "growth", "accuracy", "APT(50)", "kept", "clusters"):
        assert any(name in line for line in table), name


def test_the_widest_table_fits_and_loses_no_figure(run_folder, capsys) -> None:
    """Every figure as wide as it can be, with the column that only the planted language has."""
    from rich.console import Console

    from hf_apt.cli.tables.measurement import tables

    summary = json.loads((run_folder / "summary.json").read_text())
    summary["readouts"]["bayes"] = summary["readouts"]["own_head"][-1:]
    wide = {"value": 0.123456, "standard_error": 0.045678, "num": 30522}
    for depths in summary["readouts"].values():
        for figures in depths:
            figures["mean_apt"]["pooled"] = figures["growth"] = wide
            figures["masked_accuracy"]["pooled"] = wide
            figures["confusion"]["num_kept"] = 30_522
            for entry in figures["clusters"]:
                entry |= {"num_clusters": 12_345, "agreement_planted": 0.987}
    console = Console(width=80, highlight=False)
    for table in tables(summary):
        console.print(table)
    out = capsys.readouterr().out
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80
    rows = [
        line
        for line in out.splitlines()
        if line.strip().startswith(("block", "embeddings")) and "±" in line
    ]
    assert len(rows) == 3
    for row in rows:
        assert all(figure in row for figure in ("0.123", "0.046", "30,522", "12,345", "0.987"))


def test_report_makes_summary_and_page_anew(call, run_folder, tmp_path) -> None:
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    (folder / "summary.json").unlink()
    (folder / "report.html").unlink()
    code, out, _ = call("report", folder)
    assert code == 0
    assert "mean APT" in out
    assert (folder / "report.html").stat().st_size > 1000


def test_measure_takes_the_checkpoint_of_a_run(call, run_folder, texts, tmp_path) -> None:
    arguments = ["measure", run_folder / "checkpoint", texts, "--sequence-length=16"]
    code, out, err = call(*arguments, "--measure-sequences=8", "-o", tmp_path / "m")
    assert code == 0, err
    assert (tmp_path / "m" / "counts" / "own_head.npz").exists()


def lines(path: Path, num_words: int) -> Path:
    """A file of 90 lines of so many words, which are 90 documents."""
    path.write_text(
        "".join(
            " ".join(f"w{(number + word) % 60}" for word in range(num_words)) + "\n"
            for number in range(90)
        )
    )
    return path


@pytest.mark.parametrize(("num_words", "layout"), [(7, "first"), (30, "packed")])
def test_measure_asks_all_of_a_file_as_its_documents_are(
    call, checkpoint, tmp_path, num_words, layout
) -> None:
    text = lines(tmp_path / "items.txt", num_words)
    arguments = ["measure", checkpoint, text, "--sequence-length=16", "--no-untrained"]
    code, _, error = call(*arguments, "-o", tmp_path / "m")
    assert code == 0, error
    assert "nothing was measured" not in error
    run = Run(tmp_path / "m")
    config = run.read_json("config.json")
    assert config["layout"] == layout
    assert config["corpus"]["validation_share"] == 1.0
    assert config["corpus"]["paragraphs"] is False
    description = Tokens(run.path("tokens/validation")).description
    # Items are read one by one; of 90 x 31 tokens with separators each 14 are a sequence.
    assert description.num_sequences == (90 if layout == "first" else 90 * 31 // 14)
    before = run.counts("own_head").support()
    code, out, error = call(*arguments, "-o", tmp_path / "m", "--format", "json")
    assert code == 0
    assert np.array_equal(run.counts("own_head").support(), before)
    assert "summary" in json.loads(out)
    assert f"nothing was measured: {run.folder} holds all of this already; " in error
    assert "another --output" in error


def test_measure_holds_text_back_where_heads_are_trained(call, checkpoint, tmp_path) -> None:
    text = lines(tmp_path / "items.txt", 7)
    arguments = ["measure", checkpoint, text, "--sequence-length=16", "--heads=linear"]
    arguments += ["--head-steps=2", "--validation-share=0.5", "--layout=first", "--no-untrained"]
    code, _, error = call(*arguments, "-o", tmp_path / "m")
    assert code == 0, error
    train, validation = (Tokens(tmp_path / f"m/tokens/{side}") for side in ("train", "validation"))
    assert len(train) + len(validation) == 90
    assert min(len(train), len(validation)) > 20
    found = sentence(call(*arguments, "--validation-share=1", "-o", tmp_path / "n"))
    assert "no text is left for training" in found


def test_paragraphs_are_documents_on_demand(call, checkpoint, tmp_path) -> None:
    text = tmp_path / "items.txt"
    text.write_text("\n\n".join(f"w{number % 60} w1\nw2 w3" for number in range(40)))
    arguments = ["measure", checkpoint, text, "--sequence-length=16", "--no-untrained"]
    code, _, error = call(*arguments, "--paragraphs", "-o", tmp_path / "m")
    assert code == 0, error
    assert len(Tokens(tmp_path / "m/tokens/validation")) == 40
    found = sentence(call(*arguments, "-o", tmp_path / "m"))
    assert "corpus.paragraphs (True before, now False)" in found
    other = tmp_path / "items.jsonl"
    other.write_text('{"text": "w1"}')
    found = sentence(call("measure", checkpoint, other, "--paragraphs", "-o", tmp_path / "n"))
    assert "--paragraphs is about .txt files" in found


def test_text_that_the_tokenizer_does_not_know_is_refused(call, checkpoint, tmp_path) -> None:
    text = tmp_path / "items.txt"
    text.write_text("EVQLVESGGGL\n" * 50)
    found = sentence(
        call("measure", checkpoint, text, "--sequence-length=16", "-o", tmp_path / "m")
    )
    assert "100 % of the 50 tokens are [UNK]: is this the tokenizer's text?" in found
    assert not (tmp_path / "m" / "tokens").exists()


# What the user can mend.


def test_another_configuration_is_one_sentence_and_changes_nothing(call, run_folder, texts) -> None:
    before = files(run_folder)
    result = call("run", texts, *TINY, "--steps=5", "-o", run_folder)
    found = sentence(result)
    assert "pretrain.num_steps" in found
    assert str(run_folder) in found
    assert files(run_folder) == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "nobody/nothing"], "'nobody/nothing'"),
        (["run", "missing.parquet"], "missing.parquet does not exist"),
        (["run", "planted", "--recipe=paper"], "paper is not for the corpus 'planted'"),
        (["run", "x/y", "--recipe=demo"], "demo is not for the corpus 'x/y'"),
        (["run", "planted", "--tokenizer=nobody/nothing"], "nobody/nothing"),
        (["report", "no-such-run"], "no-such-run is no finished hf_apt run"),
        (["measure", "nobody/nothing", "sotu"], "nobody/nothing"),
        (["measure", "nobody/nothing", "planted"], "there is `run`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_found_is_named(call, tmp_path, monkeypatch, arguments, named) -> None:
    monkeypatch.chdir(tmp_path)
    assert named in sentence(call(*arguments))
    hidden = {path.name for path in tmp_path.rglob("*") if path.name.startswith(".")}
    assert hidden <= {".hf_apt.json"}


@pytest.mark.parametrize("arguments", [["run", "--steps=0"], ["run", "--layout=odd"], ["walk"]])
def test_a_wrong_option_is_exit_code_2(call, arguments) -> None:
    code, _, error = call(*arguments)
    assert code == 2
    assert "Traceback" not in error


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(
    call, checkpoint, texts, tmp_path
) -> None:
    from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer

    other = vocabulary_tokenizer([*SPECIAL_TOKENS, *(f"w{number}" for number in range(90))])
    other.save_pretrained(tmp_path / "other")
    found = sentence(
        call(
            *("measure", checkpoint, texts, "--sequence-length=16"),
            *("--tokenizer", tmp_path / "other", "-o", tmp_path / "m"),
        )
    )
    assert "95 tokens" in found
    assert "65" in found


def test_sequences_longer_than_the_model_are_refused(call, checkpoint, texts, tmp_path) -> None:
    found = sentence(call("measure", checkpoint, texts, "-o", tmp_path / "m"))
    assert "128" in found
    assert "24" in found


def test_a_model_without_a_masked_lm_head_is_refused(
    call, tiny_model, tokenizer, texts, tmp_path
) -> None:
    tiny_model.bert.save_pretrained(tmp_path / "trunk")
    tokenizer.save_pretrained(tmp_path / "trunk")
    found = sentence(
        call("measure", tmp_path / "trunk", texts, "--sequence-length=16", "-o", tmp_path / "m")
    )
    assert "no masked-LM head of its own" in found


# Interruptions and a full disk.


def test_ctrl_c_is_a_sentence_and_exit_code_130(call, texts, tmp_path, monkeypatch) -> None:
    """In the middle of tokenising, so that a folder is half written."""
    interrupting(monkeypatch, KeyboardInterrupt())
    found = sentence(call("run", texts, *TINY, "-o", tmp_path / "run"), code=130)
    assert "goes on from here" in found
    no_partial_files(tmp_path)


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_disk_that_takes_no_more_is_a_sentence(call, texts, tmp_path, monkeypatch, kind) -> None:
    import os

    interrupting(monkeypatch, OSError(kind, os.strerror(kind), "the/file"))
    found = sentence(call("run", texts, *TINY, "-o", tmp_path / "run"))
    assert os.strerror(kind) in found
    assert "the/file" in found
    no_partial_files(tmp_path)


def test_a_checkpoint_that_does_not_fit_is_a_sentence(call, texts, tmp_path, monkeypatch) -> None:
    """What torch.save raises on a full disk, and what safetensors does."""
    for words in ("[enforce fail at inline_container.cc:672] . unexpected pos", "(os error 28)"):
        interrupting(monkeypatch, RuntimeError(words))
        found = sentence(call("run", texts, *TINY, "-o", tmp_path / "run"))
        assert "the disk seems full" in found
    no_partial_files(tmp_path)


def test_other_errors_are_not_hidden(call, texts, tmp_path, monkeypatch) -> None:
    interrupting(monkeypatch, KeyError("strange"))
    with pytest.raises(KeyError, match="strange"):
        call("run", texts, *TINY, "-o", tmp_path / "run")
    no_partial_files(tmp_path)


def test_a_full_disk_without_a_file_name_is_the_output(call, texts, tmp_path, monkeypatch) -> None:
    interrupting(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    found = sentence(call("run", texts, *TINY, "-o", tmp_path / "run"))
    assert f"No space left on device: {tmp_path / 'run'}, on a file system with" in found
    no_partial_files(tmp_path)


def interrupting(monkeypatch, error: BaseException) -> None:
    """Let `error` come while the frequencies are written, the last step of tokenising."""
    from hf_apt.data import tokens

    def failing(*_, **__):
        raise error

    monkeypatch.setattr(tokens, "fingerprint", failing)


def no_partial_files(folder: Path) -> None:
    """But for the files that grow, from which the same command goes on."""
    run = folder / "run"
    hidden = {path.name for path in run.rglob("*") if path.name.startswith(".")}
    assert hidden <= {".tokens.partial", ".hf_apt.json"}
    assert not (run / "tokens" / "train").exists()


def test_a_sentence_is_one_line_whatever_the_error_says(call, monkeypatch) -> None:
    def failing(*_):
        raise ValueError("first\nsecond")

    monkeypatch.setattr(pipeline, "run_all", failing)
    assert sentence(call("run", "planted")) == "hf-apt: first second"


# Names of folders.


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("planted", "planted"),
        ("wikimedia/wikipedia", "wikimedia-wikipedia"),
        ("/data/my texts/*.txt", "data-my-texts--.txt"),
        ("../..", "run"),
        ("", "run"),
    ],
)
def test_a_run_has_a_folder_of_its_own_inside_runs(name, stem) -> None:
    from hf_apt.cli.shared_options import run_folder

    assert run_folder(name) == Path("runs") / stem
