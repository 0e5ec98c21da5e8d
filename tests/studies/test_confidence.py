"""The record of confidence: who is asked, where APT comes from, and what is printed of it."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import oracles
import pytest
import torch
from rich.console import Console
from scipy import stats

from hf_apt.cli.tables import confidence
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.data.tokens import Tokens
from hf_apt.depths.own_head_counts import counts_in_run
from hf_apt.models.encoders import load_encoder
from hf_apt.models.loading import load_masked_lm
from hf_apt.records.fingerprints import file_fingerprint
from hf_apt.records.run import Run
from hf_apt.stats.confidence import confidences
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import plain
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.slopes.apt_noise import GroupedHits
from hf_apt.stats.slopes.class_slope import class_slope
from hf_apt.stats.slopes.corrected_slope import corrected_slope, token_shares
from hf_apt.stats.substitution import FlatInputs, answered, position_groups
from hf_apt.studies.confidence import FinetunedClassifier, confidence_record
from hf_apt.studies.confidence_config import ConfidenceConfig
from hf_apt.studies.confidence_counts import counts_of_texts
from hf_apt.studies.substitution_models import classifier, logits_before, own_answer
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetune

CONFIG = ConfidenceConfig(num_realisations=2)


@pytest.fixture
def task(tmp_path):
    rng = np.random.default_rng(0)
    lines = [
        {
            "text": " ".join(f"w{word}" for word in rng.integers(0, 50, size)),
            "label": "ab"[size % 2],
        }
        for size in rng.integers(1, 14, 100)
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return open_task(TaskConfig(name=str(file), train_per_class=10, test_per_class=15))


@pytest.fixture
def finetuned(checkpoint, task):
    """Not trained, but with labels and confidences that differ from text to text."""
    encoder = load_encoder(str(checkpoint), label_names=task.label_names)
    finetuned = FinetunedClassifier(
        str(checkpoint), encoder, task, sequence_length=12, batch_size=7
    )
    inputs = FlatInputs.of(encoder.encode(task.test.texts, 12), [])
    with torch.no_grad():
        encoder.model.classifier.weight *= 20_000
        mean_C = classifier(encoder, inputs, 7)(inputs.ids_P).mean(axis=0)
        encoder.model.classifier.bias -= torch.from_numpy(mean_C)
    return finetuned


@pytest.fixture
def inputs(finetuned):
    rows = finetuned.encoder.encode(finetuned.task.test.texts, 12)
    assert len({len(row) for row in rows}) > 5
    return FlatInputs.of(rows, finetuned.encoder.tokenizer.all_special_ids)


@pytest.fixture
def logits(finetuned, inputs):
    logits = classifier(finetuned.encoder, inputs, 7)(inputs.ids_P)
    assert 0.2 < logits.argmax(axis=1).mean() < 0.8
    return logits


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_each_position_is_answered_as_the_model_alone_answers_it(finetuned, inputs, batch_size):
    model, tokenizer = load_masked_lm(finetuned.checkpoint), finetuned.encoder.tokenizer
    groups = position_groups(inputs, 3, seed=1)
    filled = answered(inputs.ids_P, groups, 4, own_answer(model, tokenizer, inputs, batch_size))
    num_checked = 0
    for ids, group, answers in zip(
        inputs.rows(inputs.ids_P), inputs.rows(groups), inputs.rows(filled), strict=True
    ):
        assert (group < 0).sum() == 2, "[CLS] and [SEP] are not asked for"
        for number in set(group[group >= 0].tolist()):
            shown = torch.tensor(
                [[4 if g == number else i for i, g in zip(ids, group, strict=True)]]
            )
            with torch.no_grad():
                best = model(input_ids=shown).logits[0].argmax(dim=-1)
            for place in np.flatnonzero(group == number):
                assert answers[place] == best[place]
                num_checked += 1
    assert num_checked == inputs.eligible_P.sum()


def test_padding_on_the_left_leaves_each_token_its_own_answer(finetuned, inputs, monkeypatch):
    tokenizer = finetuned.encoder.tokenizer
    tokenizer.padding_side = "left"
    seen = []

    class Echo:
        """A trunk and a head that answer what is shown."""

        def __init__(self, _):
            pass

        def at(self, batch, asked_BT):
            seen.append(int((batch["attention_mask"][:, 0] == 0).sum()))
            return batch["input_ids"][asked_BT][None]

        def __call__(self, hidden_DN):
            return hidden_DN

    monkeypatch.setattr("hf_apt.studies.substitution_models.Trunk", Echo)
    monkeypatch.setattr("hf_apt.studies.substitution_models.OwnHead", Echo)
    answer = own_answer(load_masked_lm(finetuned.checkpoint), tokenizer, inputs, 7)
    shown = np.where(inputs.eligible_P, np.arange(len(inputs.ids_P)) % 60 + 5, inputs.ids_P)
    asked = position_groups(inputs, 2, seed=1) == 1
    assert (answer(shown, asked) == shown[asked]).all()
    assert sum(seen) > 5, "there was padding"


def test_ids_are_classified_as_they_are(finetuned, inputs):
    ids = np.where(inputs.eligible_P, 64 - inputs.ids_P % 50, inputs.ids_P)
    all_logits = classifier(finetuned.encoder, inputs, 7)(ids)
    for row, logits in zip(inputs.rows(ids), all_logits, strict=True):
        with torch.no_grad():
            alone = finetuned.encoder.model(input_ids=torch.tensor([row.tolist()])).logits[0]
        np.testing.assert_allclose(logits, alone, atol=0.02)  # the weights are 20,000 times normal
    assert (classifier(finetuned.encoder, inputs, 7)(ids) == all_logits).all()


@pytest.mark.parametrize(("moved_by", "num_passes"), [(0.0, 1), (1e-6, 1 + 5)])
def test_logits_that_are_known_are_not_read_again_unless_a_bit_differs(
    finetuned, inputs, logits, moved_by, num_passes
):
    passes = []
    finetuned.encoder.model.register_forward_hook(lambda *_: passes.append(1))
    longest = inputs.lengths_I.argmax()
    read = logits.copy()
    read[longest] = read[longest] * (1 + moved_by)
    before = logits_before(finetuned.encoder, inputs, 7, read)
    assert (before == logits).all()
    assert len(inputs.lengths_I) == 30
    assert len(passes) == num_passes


def test_what_a_trainer_read_is_what_the_substitution_test_would_read(task, checkpoint, tmp_path):
    encoder = load_encoder(str(checkpoint), label_names=task.label_names)
    config = FinetuneConfig(num_epochs=1, sequence_length=12, batch_size=7)
    read = finetune(encoder, task, config, tmp_path / "trainer")
    inputs = FlatInputs.of(encoder.encode(task.test.texts, 12), encoder.tokenizer.all_special_ids)
    passes = []
    encoder.model.register_forward_hook(lambda *_: passes.append(1))
    assert logits_before(encoder, inputs, 7, read) is read
    assert len(passes) == 1
    assert (classifier(encoder, inputs, 7)(inputs.ids_P) == read).all()


def test_counts_of_texts_are_those_of_a_loop_over_the_masked_positions(finetuned, tmp_path):
    config = MeasureConfig(num_realisations=2, batch_size=8)
    model, texts = load_masked_lm(finetuned.checkpoint), finetuned.task.train.texts
    tokenizer = finetuned.encoder.tokenizer
    counts = counts_of_texts(
        model, tokenizer, texts, tmp_path / "asked", config, sequence_length=12
    )
    tokens = Tokens(tmp_path / "asked")
    assert len(tokens) == len(texts)
    asked, answers, groups = [], [], []
    batches = MaskedBatches(tokens, config)
    for (_, start), (ids_BT, batch) in zip(batches.starts, batches.part(), strict=True):
        for number, (true, shown, modified) in enumerate(
            zip(ids_BT, batch.input_ids_BT, batch.modified_BT, strict=True), start
        ):
            length = int((true != 0).sum())
            with torch.no_grad():
                best = model(input_ids=torch.from_numpy(shown[None, :length])).logits[0].argmax(-1)
            for place in np.flatnonzero(modified):
                asked.append(int(true[place]))
                answers.append(int(best[place]))
                groups.append(number * min(20, len(texts)) // len(texts))
    table = oracles.pair_counts(asked, answers)
    matrix = counts.pairs.matrix().tocoo()
    assert len(table) > 20
    assert {
        (int(i), int(j)): int(n)
        for i, j, n in zip(matrix.row, matrix.col, matrix.data, strict=True)
    } == table
    assert counts.grouped_by == "sequences"
    for group in range(20):
        support, hits = np.zeros((2, 65), int)
        for true, answer, other in zip(asked, answers, groups, strict=True):
            support[true] += group == other
            hits[true] += group == other and answer == true
        assert (counts.groups.support_GV[group] == support).all()
        assert (counts.groups.hits_GV[group] == hits).all()


def measured(folder, checkpoint, *, weights=None, by_sequence=False) -> tuple[Run, DepthCounts]:
    """A run of random counts, of 30 words, that has measured `checkpoint`."""
    run, rng = Run(folder), np.random.default_rng(5)
    asked = rng.integers(5, 35, 900)
    answers = np.where(rng.random((3, 900)) < 0.4, asked, rng.integers(5, 35, (3, 900)))
    counts = DepthCounts.empty(3, 65).update(asked, answers, np.zeros(900, np.uint8))
    readout = Readout(counts, {})
    if by_sequence:
        groups, zeros = np.sort(rng.integers(0, 40, 900)), np.zeros((3, 900))
        by_sequences = RarefiedApt.empty(3)
        by_sequences.update(Answers(asked, np.zeros(900, np.uint8), groups, answers, zeros))
        readout = Readout(counts, {RarefiedApt.name: by_sequences})
    run.write_readout("own_head", readout)
    weights = weights or file_fingerprint(checkpoint / "model.safetensors")
    run.write_json("model.json", {"weights": weights, "name": "tiny"})
    return run, counts


def test_a_runs_counts_are_taken_for_its_own_weights_only(checkpoint, tmp_path):
    run, counts = measured(tmp_path / "run", checkpoint)
    in_run = counts_in_run(run, str(checkpoint))
    assert in_run is not None
    assert (in_run.hits() == counts.hits()).all()
    other, _ = measured(tmp_path / "other", checkpoint, weights="0123")
    assert counts_in_run(other, str(checkpoint)) is None
    assert counts_in_run(Run(tmp_path / "none"), str(checkpoint)) is None
    # Of the Hub, and not in its cache: nothing to compare.
    other.write_json("model.json", {"weights": None, "name": "owner/one"})
    assert counts_in_run(other, "owner/one") is None


def test_the_record_is_read_off_the_runs_counts(finetuned, inputs, logits, checkpoint, tmp_path):
    run, counts = measured(tmp_path / "run", checkpoint)
    record = confidence_record(finetuned, logits, CONFIG, run, tmp_path)
    assert json.loads(json.dumps(record)) == record
    assert record["apt_source"]["source"] == "run"
    assert record["apt_source"]["num_tokens"] == 30
    assert record["apt_source"]["num_asked"] == 900
    known = [i for i in inputs.ids_P.tolist() if i >= 5]
    covered = sum(i < 35 for i in known) / len(known)
    assert record["apt_source"]["covered"] == pytest.approx(covered)
    assert not (tmp_path / "asked").exists()

    apt = counts.hits()[2] / np.maximum(counts.support(), 1)
    x = []
    for row in inputs.rows(inputs.ids_P):
        values = [apt[i] for i in row if 5 <= i < 35]
        x.append(sum(values) / len(values) if values else math.nan)
    p = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum(axis=1, keepdims=True)
    with np.load(run.path("finetune/rows-inputs.npz")) as arrays:
        np.testing.assert_allclose(arrays["mean_apt_N"], x)
        np.testing.assert_allclose(arrays["confidence_N"], p.max(axis=1), rtol=1e-5)
        assert (arrays["label_N"] == finetuned.task.test.labels).all()
        assert (arrays["predicted_N"] == logits.argmax(axis=1)).all()
    there = ~np.isnan(x)
    line = stats.linregress(np.array(x)[there], p.max(axis=1)[there])
    assert record["slope"]["value"] == pytest.approx(line.slope, rel=1e-5)
    assert record["slope"]["low"] < line.slope < record["slope"]["high"]
    assert record["pearson"]["value"] == pytest.approx(line.rvalue, rel=1e-5)
    assert record["num_inputs"] == 30
    assert sum(part["confidence"]["num"] for part in record["bins"]) == there.sum()
    labels = finetuned.task.test.labels
    within = class_slope(np.array(x)[there], p.max(axis=1)[there], labels[there])
    for name in ("value", "low", "high"):
        assert record["within_class_slope"][name] == pytest.approx(getattr(within, name), rel=1e-4)
    assert within.value != pytest.approx(line.slope, rel=0.01)
    right = (logits.argmax(axis=1) == labels).mean()
    assert record["accuracy"]["value"] == pytest.approx(right)
    assert record["calibration"]["equal_width"]["error"] >= 0
    before = record["substitution"]["before"]
    assert before["accuracy"]["value"] == pytest.approx(right)
    assert before["confidence"]["value"] == pytest.approx(record["mean_confidence"]["value"])


@pytest.mark.parametrize("kept", [True, False])
def test_the_noise_of_apt_is_read_off_the_sequences_where_a_run_kept_them(
    finetuned, inputs, logits, checkpoint, tmp_path, kept
):
    run, counts = measured(tmp_path / "run", checkpoint, by_sequence=kept)
    record = confidence_record(finetuned, logits, CONFIG, run, tmp_path)
    corrected, support = record["corrected"], counts.support()
    assert corrected["grouped_by"] == ("sequences" if kept else "positions")
    hits = counts.hits()[2]
    groups = GroupedHits.dealt(hits, support, seed=2509)
    if kept:
        groups = GroupedHits.kept(run.readout("own_head").measures[RarefiedApt.name], 65)
    assert groups.is_spread_V.sum() == 30
    assert corrected["covered"] == pytest.approx(record["apt_source"]["covered"])
    confidence_I, labels = confidences(logits), finetuned.task.test.labels
    shares = token_shares(
        inputs.padded(inputs.ids_P), inputs.padded(inputs.eligible_P), groups.is_spread_V
    )
    for name, classes in (("pooled", np.zeros(30, int)), ("within_class", labels)):
        expected = corrected_slope(shares, confidence_I, classes, groups)
        assert corrected[name] == plain(expected)
        assert expected.reliability < 1
    assert corrected["pooled"]["slope"]["num"] == record["slope"]["num"]


def test_without_a_run_the_training_texts_are_asked(finetuned, inputs, logits, tmp_path):
    record = confidence_record(finetuned, logits, CONFIG, Run(tmp_path / "run"), tmp_path)
    assert record["apt_source"]["source"] == "training texts"
    assert record["corrected"]["grouped_by"] == "sequences"
    assert 0 < record["corrected"]["covered"] < record["apt_source"]["covered"]
    assert 0 < record["apt_source"]["covered"] <= 1
    assert len(Tokens(tmp_path / "asked")) == len(finetuned.task.train)
    doses = record["substitution"]["doses"]
    num = int(inputs.eligible_P.sum())
    assert doses["all"]["prediction"]["replaced"]["num"] == num
    assert num / 7 <= doses["one_group"]["prediction"]["replaced"]["num"] < num / 3
    for dose in doses.values():
        assert list(dose) == ["prediction", "random", "random_by_frequency"]
        same = {kind["replaced"]["identical"] for kind in dose.values()}
        assert max(same) - min(same) < 1e-12
        for kind in dose.values():
            shares = [value for key, value in kind["replaced"].items() if key != "num"]
            assert sum(shares) == pytest.approx(1)
    again = confidence_record(
        finetuned, logits, CONFIG, Run(tmp_path / "again"), tmp_path / "twice"
    )
    assert again == record


def test_without_a_masked_lm_only_calibration_is_left(finetuned, logits, tmp_path):
    finetuned.encoder.model.save_pretrained(tmp_path / "classifier")
    finetuned.encoder.tokenizer.save_pretrained(tmp_path / "classifier")
    headless = replace(finetuned, checkpoint=str(tmp_path / "classifier"))
    run = Run(tmp_path / "run")
    with pytest.warns(UserWarning, match="need a masked language model .*: .*no masked-LM head"):
        record = confidence_record(headless, logits, CONFIG, run, tmp_path)
    assert list(record) == ["num_inputs", "mean_confidence", "accuracy", "calibration", "left_out"]
    assert record["left_out"] in confidence.footer({"confidence": record})
    assert confidence.tables({"confidence": record}) == []
    with np.load(run.path("finetune/rows-inputs.npz")) as arrays:
        assert np.isnan(arrays["mean_apt_N"]).all()
        assert len(arrays["confidence_N"]) == 30


def test_what_is_printed_fits_and_shows_the_recorded_figures(
    finetuned, logits, checkpoint, tmp_path
):
    run, _ = measured(tmp_path / "run", checkpoint)
    record = confidence_record(finetuned, logits, CONFIG, run, tmp_path)
    console = Console(width=80, file=io.StringIO(), highlight=False)
    bins, doses = confidence.tables({"confidence": record})
    assert len(bins.rows) == len(record["bins"])
    assert len(doses.rows) == 2 * (1 + 3)
    for part in (bins, doses):
        console.print(part)
    printed = console.file.getvalue() + confidence.footer({"confidence": record})
    assert max(map(len, printed.splitlines())) <= 80
    assert "…" not in printed
    for value in (
        record["slope"]["low"],
        record["within_class_slope"]["high"],
        record["corrected"]["pooled"]["slope"]["low"],
        record["corrected"]["within_class"]["slope"]["value"],
        record["corrected"]["within_class"]["reliability"],
        record["spearman"]["value"],
        record["calibration"]["equal_count"]["error"],
        record["bins"][0]["confidence"]["value"],
        record["substitution"]["doses"]["one_group"]["random"]["changed_labels"]["value"],
        record["substitution"]["doses"]["all"]["prediction"]["replaced"]["identical"],
    ):
        assert f"{value:.3f}" in printed
