"""`hf-apt images`: tables, a record and a page; what can be mended is one sentence."""

import json
import subprocess
import sys

import pytest
from small_images import image_folder, saved_classifier

from hf_apt.analysis.images.images_config import ImagesConfig
from hf_apt.cli.analysis.images import images_options
from hf_apt.data.images.image_source import ImageSource


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    saved_classifier(folder / "checkpoint")
    image_folder(folder / "data", per_label=12)
    return folder


def test_it_prints_the_tables_and_writes_record_and_page(call, folder, tmp_path) -> None:
    options = ["--data", folder / "data", "--test-per-class", "4", "-o", tmp_path / "run"]
    code, printed, error = call("images", folder / "checkpoint", *options)
    assert code == 0, error
    for part in ("Accuracy at each depth", "pixels", "block 3", "Confusions of labels", "noise"):
        assert part in printed
    assert "A linear head is right about" in printed
    record = json.loads((tmp_path / "run/studies/images-data.json").read_text())
    assert record["config"]["source"]["test_per_class"] == 4
    assert record["command"].startswith("hf-apt images")
    assert "Does an image classifier" in (tmp_path / "run/studies/images-data.html").read_text()
    code, printed, _ = call("images", folder / "checkpoint", *options, "--format", "json")
    assert code == 0
    assert json.loads(printed)["results"] == record["results"]


@pytest.mark.parametrize(
    ("checkpoint", "options", "sentence"),
    [
        ("bert6-narrow-wikipedia", [], "is a model of type 'bert6', which classifies no images"),
        ("./none", [], "there is no checkpoint folder './none'"),
        (None, ["--data", "./none"], "none does not exist"),
        (None, ["--data", "none.parquet"], "none.parquet does not exist"),
        (None, ["--test-per-class", "500"], "500 are asked for"),
        (None, ["--probe-c", "0"], "inverse_penalty must be a finite number above 0"),
    ],
)
def test_what_can_be_mended_is_one_sentence(call, folder, tmp_path, checkpoint, options, sentence):
    checkpoint = checkpoint or folder / "checkpoint"
    code, _, error = call("images", checkpoint, *options, "-o", tmp_path / "run")
    assert code == 2
    last = error.rstrip().rpartition("\n")[2]
    assert last.startswith("hf-apt: ")
    assert sentence in last
    assert not (tmp_path / "run" / "studies").exists()


def test_images_that_are_not_there_are_told_before_anything_heavy(tmp_path) -> None:
    code = (
        "import sys; from hf_apt import cli\n"
        "try: cli.main()\n"
        "except SystemExit as stop: code = stop.code\n"
        "heavy = {'torch', 'transformers', 'datasets', 'sklearn'} & set(sys.modules)\n"
        "print(code, sorted(heavy))"
    )
    command = [sys.executable, "-c", code, "images", "owner/model", "--data", "./none"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "2 []", done.stderr
    assert "none does not exist" in done.stderr


def test_options_are_the_fields_of_the_configuration() -> None:
    checkpoint, revision, config, folder = images_options(
        checkpoint="owner/vit", data="x/y", probe_c=0.1, untrained=False, seed=7
    )
    assert config == ImagesConfig(
        source=ImageSource(name="x/y", seed=7), inverse_penalty=0.1, untrained=False
    )
    assert (checkpoint, revision, folder.as_posix()) == ("owner/vit", None, "runs/vit-images")
