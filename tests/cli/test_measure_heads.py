"""Laws of `hf-apt measure --heads`: lenses beside heads, at the same positions, made once."""

import json
from dataclasses import replace

import pytest

import hf_apt
from hf_apt.records.run import Run
from hf_apt.runs import decoders

OPTIONS = (
    *("--jacobian-sequences", 4, "--head-steps", 2, "--sequence-length", 16),
    *("--validation-share", 0.4),
)


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents), encoding="utf-8")
    return path


@pytest.fixture
def measured(call, checkpoint, text, tmp_path):
    """The arguments of a measurement by all heads and lenses, made once; and its output."""
    arguments = ("measure", checkpoint, text, "--heads", "all", *OPTIONS, "-o", tmp_path / "run")
    code, out, error = call(*arguments)
    assert code == 0, error
    return arguments, out


def test_a_lens_is_measured_like_any_other_decoder(measured, call, monkeypatch, tmp_path) -> None:
    arguments, out = measured
    for name in ("Jacobian lens", "translator"):
        assert f"the own head after a {name}" in " ".join(out.split())
    run = Run(tmp_path / "run")
    assert set(run.whole_readouts()) == {
        *("own_head", "linear_head", "mlm_head", "jacobian", "translator")
    }
    own, *lenses = (run.counts(name) for name in ("own_head", "jacobian", "translator"))
    for lens in lenses:
        assert (lens.support() == own.support()).all()
        assert (lens.hits()[-1] == own.hits()[-1]).all()
    assert "Jacobian lens" in run.path("report.html").read_text()
    assert run.read_json("config.json")["jacobian"]["num_sequences"] == 4

    def never(*_, **__):
        raise AssertionError("made again")

    for name in ("fit_jacobian", "train_translator", "train_heads"):
        monkeypatch.setattr(decoders, name, never)
    run.counts_path("own_head").unlink()
    code, again, error = call(*arguments)
    assert code == 0, error
    assert again == out


def test_is_one_lens_better_than_another(measured, call, tmp_path) -> None:
    run, record = tmp_path / "run", tmp_path / "out/diff.json"
    code, out, error = call(
        *("diff", run, run, "--readout", "own_head", "--against", "jacobian", "-o", record.parent)
    )
    assert code == 0, error
    assert "A: own head, B: Jacobian lens" in " ".join(out.split())
    said = json.loads(record.read_text())
    assert (said["readout"], said["against"]) == ("own_head", "jacobian")
    readouts = hf_apt.Run(run).read_json("summary.json")["readouts"]
    for depth, figure in enumerate(said["mean_apt"]):
        for side, name in (("a", "own_head"), ("b", "jacobian")):
            mean = readouts[name][depth]["mean_apt"]["pooled"]["value"]
            assert figure[side] == pytest.approx(mean)
        assert figure["value"] == pytest.approx(figure["b"] - figure["a"])
    assert said["mean_apt"][-1]["value"] == said["accuracy"][-1]["value"] == 0
    other_way = hf_apt.diff(run, run, readout="jacobian", against="own_head")
    assert other_way.comparison.mean_apt[0].value == -said["mean_apt"][0]["value"]
    assert "A: Jacobian lens, B: own head" in other_way._repr_html_()
    page = other_way.save(tmp_path / "other.html").read_text()
    assert "own head against Jacobian lens" in page


def test_the_sentence_about_two_heads_counts_depths(measured, tmp_path) -> None:
    difference = hf_apt.diff(tmp_path / "run", tmp_path / "run", against="jacobian")
    figures = difference.comparison.mean_apt
    made = [
        replace(figures[0], low=low, high=high) for low, high in ((0.1, 0.2), (0.1, 0.3), (-2, -1))
    ]
    comparison = replace(difference.comparison, mean_apt=made)
    said = replace(difference, comparison=comparison).sentence
    assert said.startswith("B is better at 2 of 3 depths and worse at 1,")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--against", "logit"), "readout is 'logit': choose one of own_head"),
        (("--against", "untrained"), "holds no answers of untrained"),
    ],
)
def test_a_head_that_was_not_measured_is_one_sentence(
    measured, call, tmp_path, options, words
) -> None:
    run = tmp_path / "run"
    code, _, error = call("diff", run, run, *options)
    assert code == 2
    assert words in error.strip().splitlines()[-1]
