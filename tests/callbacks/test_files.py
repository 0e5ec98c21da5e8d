"""The callbacks' folder: only what they wrote themselves is replaced or dropped."""

import logging

import pytest
from small_trainers import scalars, trainer_of

from trainer_callbacks import AptCallback, AptPlotCallback
from trainer_callbacks.files import StepFiles

MINE = (
    "eval-step-00000009.json",
    "eval-step-00000009.csv",
    "figure-step-00000009.png",
    ".draft-step-00000009.json",
    "notes/eval-step-00000009.txt",
    "notes/.eval-step-00000009.json.a1b2c3d4",
)


@pytest.mark.usefixtures("quick_pictures")
def test_files_of_the_users_are_never_touched(tokenizer, tmp_path):
    folder = tmp_path / "apt"
    for name in MINE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    for _ in range(2):  # the second drops what the first wrote
        callbacks = [AptCallback(), AptPlotCallback()]
        trainer_of(tmp_path, tokenizer, callbacks=callbacks).train()
        assert all((folder / name).read_text() == "mine" for name in MINE)
    assert StepFiles(folder).steps(kind="png") == [2, 4, 6]


def test_a_file_that_is_not_ours_is_not_replaced(tokenizer, tmp_path, caplog):
    """Files of a version that kept no list among them."""
    path = tmp_path / "apt" / "eval-step-00000004.json"
    path.parent.mkdir()
    path.write_text("mine")
    trainer = trainer_of(tmp_path, tokenizer, callbacks=[AptCallback()])
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        trainer.train()
    (said,) = (r.getMessage() for r in caplog.records if r.name.startswith("trainer_callbacks"))
    assert f"{path} was there before and is kept: move it elsewhere." in said
    assert path.read_text() == "mine"
    assert list(scalars(trainer, "eval_mean_apt")) == [2, 4, 6]
    assert StepFiles(path.parent).steps(kind="npz") == [2, 4, 6]


def claimed(files: StepFiles, *names: tuple[str, int, str]) -> list:
    paths = [files.claimed(*name) for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("ours")
    return paths


def test_a_resumed_training_drops_later_files_and_leftovers(tmp_path):
    files = StepFiles(tmp_path / "apt")
    early, late, nested = claimed(
        files, ("eval", 2, "json"), ("eval", 5, "json"), ("test/x", 5, "npz")
    )
    leftover = late.with_name(f".{late.name}.a1b2c3_4")
    other = late.with_name(".eval-step-00000005.csv.a1b2c3_4")
    for path in (leftover, other):
        path.write_text("half")
    files.begin(4)
    assert early.exists()
    assert other.exists()
    assert not (late.exists())
    assert not (nested.exists())
    assert not (leftover.exists())
    late.write_text("mine, now")
    files.begin(0)
    assert late.exists()
    assert not early.exists()


@pytest.mark.parametrize("list_of_files", ['{"files": ["../../x-step-00000009.txt"]}', "[", "[1]"])
def test_a_list_that_was_tampered_with_drops_nothing_elsewhere(list_of_files, tmp_path):
    files = StepFiles(tmp_path / "run" / "apt")
    (path,) = claimed(files, ("eval", 9, "json"))
    outside = tmp_path / "x-step-00000009.txt"
    outside.write_text("mine")
    (files.folder / ".files.json").write_text(list_of_files)
    files.begin(0)
    assert outside.exists()
    assert path.exists()


@pytest.mark.parametrize("prefix", ["../x", "/x"])
def test_a_name_of_data_that_leads_out_of_the_folder(prefix, tmp_path):
    with pytest.raises(ValueError, match=r"leads out of .*: choose another name for the data$"):
        StepFiles(tmp_path / "apt").claimed(prefix, 2, "json")
