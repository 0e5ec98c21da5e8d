"""Laws of `hf-apt acquisition`: what is read, what is refused, and what is shown."""

import json

import numpy as np
import pytest

import hf_apt
from hf_apt.records.run import Run
from hf_apt.runs.acquisition import acquisition
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.token_cross_entropy import TokenCrossEntropy

STEPS = (0, 10, 30, 100, 300, 1000)
LEARNT_AT = {0: 10, 1: 100, 2: 300, 3: 10}
SUPPORT = np.array([100, 60, 40, 50, 30, 5, 0])
WORDS = ["the", "of", "[red]", "once", "never", "rare", "absent"]
DEPTHS, VOCAB = 2, len(SUPPORT)


def counts_at(step: int) -> tuple[np.ndarray, np.ndarray]:
    """Right answers and cross-entropies: half of them from the step on; 3 is best at step 30."""
    hits_V = np.zeros(VOCAB, int)
    for token, age in LEARNT_AT.items():
        hits_V[token] = SUPPORT[token] // 2 if step >= age else 0
    hits_V[3] = 50 if step == 30 else hits_V[3]
    hits_DV = np.stack([np.zeros(VOCAB, int), hits_V])
    falls = 1 / (1 + (np.maximum(step, 1) / 60) ** 4)
    losses_DV = np.stack([SUPPORT * 1.9, SUPPORT * (0.2 + 1.7 * falls)])
    return hits_DV, losses_DV


def write_steps(folder, *, steps=STEPS, data="eval", losses=True):
    (folder / "apt").mkdir(parents=True, exist_ok=True)
    for step in steps:
        hits, cross_entropy = counts_at(step)
        arrays = {"hits": hits, "support": SUPPORT}
        arrays |= {"cross_entropy": cross_entropy.astype(np.float32)} if losses else {}
        np.savez(folder / "apt" / f"{data}-step-{step:08}.npz", **arrays)
    return folder


def write_run(folder, step: int) -> Run:
    hits_DV, losses_DV = counts_at(step)
    counts = DepthCounts.empty(DEPTHS, VOCAB)
    for token, support in enumerate(SUPPORT):
        right_DN = np.arange(support) < hits_DV[:, token, None]
        predictions_DN = np.where(right_DN, token, (token + 1) % VOCAB)
        counts.update(np.full(support, token), predictions_DN, np.zeros(support, int))
    run = Run(folder)
    run.write_readout("own_head", Readout(counts, {"": TokenCrossEntropy(losses_DV)}))
    run.write_json("vocabulary.json", WORDS)
    return run


def test_when_is_a_word_learnt(tmp_path, call):
    """The planted steps, from a callback's files, in function, table, page and record."""
    folder = write_steps(tmp_path)
    learnt = hf_apt.acquisition(folder)
    ages_V = learnt.ages.apt_ages_DV[-1]
    assert {token: ages_V[token] for token in LEARNT_AT} == LEARNT_AT
    assert np.isnan(ages_V[4:]).all()
    assert np.isnan(learnt.ages.apt_ages_DV[0]).all()
    assert learnt.ages.forgetting_DV[-1][[0, 3]].tolist() == [0, 0.5]
    assert learnt.ages.surprisal_ages_DV is not None
    # Chance is log 7; the middle between it and the least surprisal is crossed near step 60.
    assert learnt.ages.surprisal_ages_DV[-1][:5] == pytest.approx(np.full(5, 57), rel=0.1)
    code, out, error = call("acquisition", folder, "--format", "json")
    assert code == 0, error
    assert json.loads(out)["steps"]
    code, out, error = call("acquisition", folder, "-o", tmp_path / "out")
    assert code == 0, error
    assert out.startswith("4 of 5 tokens asked at least 20 times are learnt, half of them by step")
    assert "<3>" in out
    assert all(len(line) <= 80 for line in out.split("record:")[0].splitlines())
    record = json.loads((tmp_path / "out/acquisition.json").read_text())
    assert record["tokens"] == [0, 1, 2, 3, 4]
    assert record["apt_age"] == [[None] * 5, [10, 100, 300, 10, None]]
    page = (tmp_path / "out/acquisition.html").read_text()
    assert "are learnt" in page
    assert "http" not in page.replace("http-equiv", "")


def test_checkpoints_that_were_measured_say_the_same_with_words(tmp_path, call):
    runs = [write_run(tmp_path / f"bert-step{step}-on-sotu-{step}", step).folder for step in STEPS]
    of_files = acquisition(write_steps(tmp_path / "training"))
    of_runs = acquisition(list(reversed(runs)))
    for name in ("apt_ages_DV", "forgetting_DV"):
        one, other = getattr(of_files.ages, name), getattr(of_runs.ages, name)
        assert np.array_equal(one, other, equal_nan=True)
    frame = of_runs.to_pandas()
    assert frame[(frame.text == "[red]") & (frame.depth == 1)].apt_age.tolist() == [300]
    steps = [part for step in STEPS for part in ("--step", step + 1)]
    code, out, error = call("acquisition", *runs, *steps)
    assert code == 0, error
    assert "[red]" in out
    assert "half of them by step 56." in out


def test_confusions_are_those_of_the_counts(tmp_path, call):
    """Of runs their own, of a callback's files those that lie beside, at the same positions."""
    runs = [write_run(tmp_path / f"at-{step}", step) for step in STEPS]
    of_runs = acquisition([run.folder for run in runs])
    training = write_steps(tmp_path / "training")
    assert acquisition(training).confusions == (None,) * len(STEPS)
    for run, step in zip(runs, STEPS, strict=True):
        (training / "confusion").mkdir(exist_ok=True)
        run.counts("own_head").save(training / f"confusion/eval-step-{step:08}.npz")
    of_files = acquisition(training)
    assert of_files.confusions == of_runs.confusions
    # At step 30 tokens 0 and 3 are learnt; the others, asked 20 times at least, are always wrong.
    taken = of_runs.confusions[2]
    assert taken is not None
    assert [(pair.token, pair.answer, pair.share) for pair in taken[1]] == [
        *((1, 2, 1.0), (2, 3, 1.0), (4, 5, 1.0)),
        (0, 1, 0.5),
    ]
    code, _, error = call("acquisition", *(run.folder for run in runs), "-o", tmp_path / "out")
    assert code == 0, error
    page = (tmp_path / "out/acquisition.html").read_text()
    assert "of → [red] 100\xa0%" in page
    other = DepthCounts.empty(DEPTHS, VOCAB)
    other.update(np.arange(3), np.zeros((DEPTHS, 3), int), np.zeros(3, int))
    other.save(training / "confusion/eval-step-00000030.npz")
    assert acquisition(training).confusions[2] is None


def test_words_of_files_are_those_of_a_tokenizer(tmp_path, checkpoint):
    learnt = acquisition(write_steps(tmp_path / "training"), tokenizer=str(checkpoint))
    assert learnt.words is not None
    assert learnt.words[:5] == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def test_older_files_have_ages_by_accuracy(tmp_path, call):
    write_steps(tmp_path, losses=False)
    assert acquisition(tmp_path).ages.surprisal_ages_DV is None
    _, out, _ = call("acquisition", tmp_path)
    assert "not kept, or less than four steps" in " ".join(out.split())


def test_other_data_have_their_own_name(tmp_path):
    write_steps(tmp_path, data="eval_long")
    assert acquisition(tmp_path, data="eval_long").measured.steps_S.tolist() == list(STEPS)
    with pytest.raises(ValueError, match="choose the data eval_long"):
        acquisition(tmp_path)


def test_other_positions_are_refused(tmp_path):
    write_steps(tmp_path)
    path = tmp_path / "apt/eval-step-00000030.npz"
    hits, _ = counts_at(30)
    np.savez(path, hits=hits, support=np.roll(SUPPORT, 1) + 50)
    with pytest.raises(ValueError, match=r"0030.npz was asked for other tokens than .*0000.npz"):
        acquisition(tmp_path)
    np.savez(path, hits=hits[:1], support=SUPPORT)
    with pytest.raises(ValueError, match=r"00000030.npz is of other depths or tokens"):
        acquisition(tmp_path)
    np.savez(path, hits=hits + 999, support=SUPPORT)
    with pytest.raises(ValueError, match=r"00000030.npz holds no hits and support"):
        acquisition(tmp_path)


def test_what_is_no_training_is_refused(tmp_path):
    with pytest.raises(ValueError, match="AptCallback writes them"):
        acquisition(tmp_path)
    with pytest.raises(ValueError, match="notes.txt is neither"):
        acquisition([tmp_path / "notes.txt"])
    with pytest.raises(ValueError, match="no measurement was given"):
        acquisition([])
    write_steps(tmp_path, steps=[7])
    with pytest.raises(ValueError, match="1 step tells no age"):
        acquisition(tmp_path)
    with pytest.raises(ValueError, match="min_support must be a whole number"):
        acquisition(tmp_path, min_support=0)
    with pytest.raises(ValueError, match="steps are for folders"):
        acquisition(tmp_path, steps=[1])


def test_folders_without_a_step_are_refused(tmp_path):
    runs = [write_run(tmp_path / name, 10).folder for name in ("first", "second")]
    with pytest.raises(ValueError, match="first has no number in its name"):
        acquisition(runs)
    with pytest.raises(ValueError, match="1 steps came with 2 folders"):
        acquisition(runs, steps=[1])
    with pytest.raises(ValueError, match="are both of step 5"):
        acquisition(runs, steps=[5, 5])
    with pytest.raises(ValueError, match="holds no answers of mlm_head"):
        acquisition(runs, steps=[1, 2], readout="mlm_head")
