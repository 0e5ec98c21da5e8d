"""Where a study is kept: nobody's files are touched, and one process makes it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hf_apt.cli.analysis.studied import place_of, study_into

MODEL = "bert6-narrow-wikipedia"


@pytest.mark.parametrize(
    "asked",
    [
        ("anchors", MODEL),
        ("cls", MODEL),
        ("experts", MODEL),
        ("kernels", MODEL, "--task", "sotu"),
        ("smoothness", MODEL, "--task", "sotu"),
        ("images", MODEL),
        ("transfer", "."),
    ],
    ids=lambda asked: asked[0],
)
def test_a_folder_of_somebody_elses_is_refused_before_any_work(asked, tmp_path, call) -> None:
    theirs = tmp_path / "studies" / "theirs.json"
    theirs.parent.mkdir()
    theirs.write_text("{}", encoding="utf-8")
    code, _, error = call(*asked, "-o", tmp_path)
    assert code != 0
    assert str(tmp_path) in error
    assert error.count("\n") <= 2, "one sentence"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["theirs.json"]


def test_several_processes_are_refused(monkeypatch, tmp_path) -> None:
    several = SimpleNamespace(num_processes=2)
    monkeypatch.setattr("hf_apt.models.devices.process_state", lambda: several)
    with pytest.raises(ValueError, match="made by one process"):
        study_into(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_study_has_a_folder_of_its_own_unless_told(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place_of(MODEL, None, "cls")[1].name == f"{MODEL}-cls"
    assert place_of(MODEL, tmp_path, "cls") == (MODEL, tmp_path)
