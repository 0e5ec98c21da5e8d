"""Laws of `hf-apt diff`: what is compared, what is refused, and what is shown."""

import json
from dataclasses import replace

import numpy as np
import pytest

import hf_apt
from hf_apt.records.run import Run
from hf_apt.runs.diff import diff
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.registry import MEASURES

VOCAB, DEPTHS, SEQUENCES = 40, 3, 60
WORDS = [f"w{number}" for number in range(VOCAB - 1)] + ["##[red]s"]


def answers(seed: int = 0) -> Answers:
    """Every token once in each sequence, answered by its successor."""
    references_N = np.tile(np.arange(VOCAB), SEQUENCES)
    treatments_N = np.random.default_rng(seed).choice(3, len(references_N), p=(0.8, 0.1, 0.1))
    wrong_DN = np.tile((references_N + 1) % VOCAB, (DEPTHS, 1))
    sequences_N = np.repeat(np.arange(SEQUENCES), VOCAB)
    return Answers(references_N, treatments_N, sequences_N, wrong_DN, np.ones(wrong_DN.shape))


def write(folder, known, *, seed: int = 0, words=WORDS, masks=None) -> Run:
    """A run in which the tokens `known` are always right after the last block."""
    made = answers(seed)
    predictions_DN = made.predictions_DN.copy()
    right_N = np.isin(made.references_N, list(known))
    predictions_DN[-1, right_N] = made.references_N[right_N]
    readout = Readout.empty(DEPTHS, VOCAB, MEASURES)
    readout.update(replace(made, predictions_DN=predictions_DN))
    run = Run(folder)
    run.write_readout("own_head", readout)
    run.write_json("vocabulary.json", words)
    run.write_array("frequency.npy", np.arange(VOCAB) + 1)
    run.write_json("config.json", {"measure": {"seed": 1, "batch_size": 64} | (masks or {})})
    return run


@pytest.fixture
def runs(tmp_path):
    """B has forgotten tokens 0 to 2 of A's twenty, and learnt 30 to 39."""
    return (
        write(tmp_path / "a", range(20)),
        write(tmp_path / "b", [*range(3, 20), *range(30, 40)], masks={"batch_size": 8}),
    )


def test_is_this_checkpoint_better(runs, call, tmp_path):
    a, b = runs
    code, out, error = call("diff", a.folder, b.folder, "--format", "json")
    assert code == 0, error
    assert json.loads(out) == json.loads(json.dumps(hf_apt.diff(a.folder, b.folder).record)) | {
        "command": f"hf-apt diff {a.folder} {b.folder} --format json"
    }
    code, out, error = call("diff", a.folder, b.folder, "-o", tmp_path / "out")
    assert code == 0, error
    # 7 tokens of 40 more.
    assert out.startswith("B is better: mean APT +0.175, 95 % interval +0.175 to +0.175.")
    assert "Tokens gained: 10" in out
    assert "Tokens lost: 3" in out
    assert "##[red]s" in out
    assert all(len(line) <= 80 for line in out.split("record:")[0].splitlines())
    record = json.loads((tmp_path / "out/diff.json").read_text())
    assert record["schema"] == "hf_apt.diff/1"
    assert [change["text"] for change in record["lost"]] == ["w0", "w1", "w2"]
    assert [figure["value"] for figure in record["mean_apt"]] == pytest.approx([0, 0, 7 / VOCAB])
    page = (tmp_path / "out/diff.html").read_text()
    assert "B is better" in page
    assert "##[red]s" in page
    for name, figure in zip(record["depths"], record["mean_apt"], strict=True):
        num = f"n = {figure['num']} tokens"
        for side in ("a", "b"):
            assert f"mean APT, {side.upper()}, {name}: {figure[side]:.4f}, {num}" in page
        value = f"{figure['value']:.4f} ± {figure['standard_error']:.4f}"
        assert f"B − A of mean APT, {name}: {value} (standard error over 20 stretches" in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_other_way_round_it_is_worse(runs):
    a, b = runs
    one, other = hf_apt.diff(a.folder, b.folder), hf_apt.diff(str(b.folder), a)
    assert other.sentence.startswith("B is worse: mean APT −0.175")
    assert [c.token for c in one.comparison.gained] == [c.token for c in other.comparison.lost]


def test_the_figures_are_a_data_frame(runs):
    difference = hf_apt.diff(*runs)
    frame = difference.to_pandas()
    assert set(frame["figure"]) == {"mean_apt", "accuracy"}
    means = frame[frame["figure"] == "mean_apt"]
    assert means["depth"].tolist() == list(difference.depths)
    assert means["value"].tolist() == [each.value for each in difference.comparison.mean_apt]
    assert (frame["b"] - frame["a"]).tolist() == pytest.approx(frame["value"].tolist())


def test_a_checkpoint_is_not_better_than_itself(runs):
    same = diff(runs[0], runs[0])
    assert same.sentence.startswith("No difference can be told: mean APT +0.000")
    assert same.comparison.gained == same.comparison.lost == []


def test_did_my_added_tokens_learn_anything(runs, call, tmp_path):
    a, b = runs
    (tmp_path / "added.txt").write_text("w30\n\nw31\nw25\n")
    code, out, error = call("diff", a.folder, b.folder, "--tokens", tmp_path / "added.txt")
    assert code == 0, error
    assert "Mean APT of 3 named tokens, over 3 tokens" in out
    line = out.split("named tokens")[1].splitlines()[5]
    assert line.split()[:4] == ["block", "2", "0.000", "0.667"]


def test_tokens_that_are_none_are_refused(runs):
    with pytest.raises(ValueError, match=r"'none' is no token of .*a: give tokens as they stand"):
        diff(*runs, tokens=["w1", "none"])
    with pytest.raises(ValueError, match="no token was named"):
        diff(*runs, tokens=[])


def test_other_masks_are_refused_with_what_to_do(runs, tmp_path):
    other = write(tmp_path / "other", range(20), seed=5)
    with pytest.raises(ValueError, match="as they are of other asked positions: give both"):
        diff(runs[0], other)
    other = write(tmp_path / "seeded", range(20), masks={"seed": 7})
    with pytest.raises(ValueError, match="as seed is 1 in one and 7 in the other: give both"):
        diff(runs[0], other)


def test_other_tokenizers_are_refused_by_the_first_token_that_differs(runs, tmp_path):
    other = write(tmp_path / "other", [], words=["w0", "x", *WORDS[2:]])
    with pytest.raises(ValueError, match=r"token 1 is 'w1' in .* and 'x' in .* --tokenizer"):
        diff(runs[0], other)


def test_a_folder_without_answers_is_refused(runs, tmp_path):
    with pytest.raises(ValueError, match="there is no folder .*missing: name one"):
        diff(runs[0], tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no answers of own_head: `hf-apt measure`"):
        diff(runs[0], tmp_path / "empty")
    with pytest.raises(ValueError, match="holds no answers of mlm_head, only of own_head"):
        diff(*runs, readout="mlm_head")
    with pytest.raises(ValueError, match="readout is 'head': choose one of own_head"):
        diff(*runs, readout="head")
    runs[1].path("measures/own_head-apt_by_stretch.npz").unlink()
    with pytest.raises(ValueError, match="before answers were kept by stretches of text"):
        diff(*runs)


@pytest.mark.parametrize("rate", [0, 1, "x"])
def test_a_rate_that_is_none_is_refused(runs, rate):
    with pytest.raises(ValueError, match="rate must lie between 0 and 1"):
        diff(*runs, rate=rate)


def test_a_page_of_another_kind_is_refused(runs, tmp_path):
    with pytest.raises(ValueError, match=r"neither .html nor .json"):
        diff(*runs).save(tmp_path / "diff.png")
    (tmp_path / "mine.json").write_text("mine")
    with pytest.raises(ValueError, match="mine.json is there already"):
        diff(*runs).save(tmp_path / "mine.json")
    assert (tmp_path / "mine.json").read_text() == "mine"
