"""The comparison of arms: a record with errors over draws, gone on with, and learnt in the end."""

import dataclasses
import json
from pathlib import Path

import pytest
from span_tokenizers import encoder_for, grammar, tokenizer_of

from hf_apt.models.encoders import Encoder
from hf_apt.records.run import Run
from hf_apt.records.studies.study_record import study_name
from hf_apt.spans import ner_study
from hf_apt.spans.mentions import tags_of
from hf_apt.spans.ner_arms import Shots, span_figures
from hf_apt.spans.ner_config import ARMS, NerConfig
from hf_apt.spans.ner_study import measure_ner
from hf_apt.spans.ner_task import open_ner
from hf_apt.spans.span_tagger import SpanTagger
from hf_apt.spans.word_tagger import load_word_tagger
from hf_apt.training.finetune_config import FinetuneConfig

LABELS = ("person", "place")
TINY = NerConfig(
    num_shots=2,
    num_draws=2,
    test_sentences=6,
    max_span_words=3,
    max_rows=6,
    arms=ARMS,
    finetune=FinetuneConfig(num_epochs=1, sequence_length=48, batch_size=8),
)


@pytest.fixture
def names(tmp_path) -> str:
    """A file of 30 sentences."""
    lines = [
        {"tokens": each.words, "ner_tags": tags_of(each.mentions, len(each.words))}
        for each in grammar(30)
    ]
    path = tmp_path / "names.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return str(path)


@pytest.fixture
def encoder(tmp_path) -> str:
    """A checkpoint of two blocks."""
    folder = tmp_path / "encoder"
    encoder_for(tokenizer_of("bert")).save_pretrained(folder)
    tokenizer_of("bert").save_pretrained(folder)
    return str(folder)


def measured(encoder: str, names: str, folder: Path, **changed):
    config = dataclasses.replace(TINY, **changed)
    return measure_ner(encoder, open_ner(names, config), config, Run(folder))


def test_a_record_has_all_arms_with_errors(encoder, names, tmp_path) -> None:
    study = measured(encoder, names, tmp_path / "run")
    assert study_name(study) == "ner-names"
    assert study["config"]["finetune"]["num_epochs"] == 1
    record = study["results"]
    assert list(record["arms"]) == list(ARMS)
    for arm, figures in record["arms"].items():
        values = [draw[arm]["score"]["f1"] for draw in record["draws"]]
        assert figures["f1"]["value"] == pytest.approx(sum(values) / 2)
        assert figures["f1"]["standard_error"] == pytest.approx(abs(values[0] - values[1]) / 2)
        assert all(draw[arm]["score"]["num_true"] == 12 for draw in record["draws"])
    steps = {arm: figures["num_steps"] for arm, figures in record["arms"].items()}
    assert steps["tokens"] == steps["spans"] > steps["prototypes"] == 0
    by_depth = record["arms"]["prototypes"]["f1_by_depth"]
    assert len(by_depth) == len(record["depths"]) == 3
    tagger = SpanTagger.load(tmp_path / "run/ner/names")
    assert tagger.model.config.labels() == LABELS


def test_it_goes_on_after_the_last_training_and_cuts(encoder, names, tmp_path, monkeypatch) -> None:
    trained: list[str] = []
    original = ner_study._figures

    def counted(shots, encoder, item, saved):
        trained.append(item.key)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return original(shots, encoder, item, saved)

    monkeypatch.setattr(ner_study, "_figures", counted)
    changed = {"arms": ("spans", "tokens", "prototypes"), "cut": True, "num_draws": 1}
    with pytest.raises(KeyboardInterrupt):
        measured(encoder, names, tmp_path / "run", **changed)
    study = measured(encoder, names, tmp_path / "run", **changed)
    record = study["results"]
    once = ["spans", "spans cut after 0", "spans cut after 1"]
    more = ["tokens", "tokens cut after 0", "tokens cut after 1", "prototypes"]
    assert trained == [*once, once[-1], *more]
    for arm in ("spans", "tokens"):
        by_depth = record["arms"][arm]["f1_by_depth"]
        assert [each["num"] for each in by_depth] == [1, 1, 1]
        assert by_depth[-1]["value"] == record["arms"][arm]["f1"]["value"]
    (table,) = (each for each in study["tables"] if each["title"] == "F1 by depth")
    assert list(table["header"]) == [
        *("depth", "spans between masks", "tags of words", "nearest prototypes")
    ]
    assert [row[1] for row in table["rows"]] == record["arms"]["spans"]["f1_by_depth"]
    assert list(study["figures"][0]["curves"]) == list(table["header"][1:])
    trained.clear()
    measured(encoder, names, tmp_path / "run", **changed)
    assert trained == []
    other = dataclasses.replace(TINY.finetune, learning_rate=1e-4)
    measured(encoder, names, tmp_path / "run", arms=("prototypes",), num_draws=1, finetune=other)
    assert trained == ["prototypes"]


@pytest.mark.slow
@pytest.mark.parametrize("switches", ["spans", "no_mask", "no_brackets", "merged"])
def test_a_small_grammar_is_learnt(switches, tmp_path) -> None:
    config = NerConfig(
        max_span_words=3,
        max_rows=12,
        finetune=FinetuneConfig(
            num_epochs=25, sequence_length=48, learning_rate=5e-3, batch_size=32, seed=1
        ),
    )
    shots = Shots(tuple(grammar(48)), tuple(grammar(30, seed=1)), LABELS, config, tmp_path)
    tokenizer = tokenizer_of("bert")
    encoder = Encoder(encoder_for(tokenizer), tokenizer)
    assert span_figures(shots, encoder, switches)["score"]["f1"] > 0.9


def test_sentences_that_are_not_learnt_from_test(names) -> None:
    task = open_ner(names, dataclasses.replace(TINY, test_sentences=None))
    assert task.labels == LABELS
    learnt = [set(each) for each in task.train]
    assert not set(task.test) & (learnt[0] | learnt[1])
    assert task.provenance["num_test_sentences"] == len(task.test)
    assert not task.provenance["has_own_test_sentences"]
    assert open_ner(names, TINY).test == open_ner(names, TINY).test
    whole = open_ner(names, dataclasses.replace(TINY, num_shots=2, num_draws=1, test_sentences=3))
    assert len(whole.test) == 3
    assert set(whole.test) <= {*task.test, *task.train[1]}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([(["a"], ["O"], "train"), (["a"], ["B-x"], "test")], "all its tags are O"),
        ([(["a"], ["B-x"], "train"), (["a"], ["B-y"], "test")], "of the type 'y' occur in testing"),
        ([(["a"], ["B-x"], "train"), (["a"], ["O"], "test")], "no mention to test with"),
        ([(["a"], ["B-x"], "train")], "there are 1 mentions of the type 'x' to draw from, and 2"),
    ],
)
def test_data_that_make_no_task_are_named(lines, told, tmp_path) -> None:
    rows = [{"tokens": words, "ner_tags": tags, "split": part} for words, tags, part in lines]
    path = tmp_path / "few.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    shots = 2 if "draw from" in told else 0
    with pytest.raises(ValueError, match=told):
        open_ner(str(path), dataclasses.replace(TINY, num_shots=shots))


def test_a_checkpoint_of_other_tags_gets_a_fresh_head(encoder) -> None:
    one, two = (
        load_word_tagger(encoder, ("O", "B-x", "I-x"), seed=seed, sequence_length=64).model
        for seed in (1, 2)
    )
    assert one.config.id2label == {0: "O", 1: "B-x", 2: "I-x"}
    differing = [
        name
        for name, weight in one.state_dict().items()
        if not bool((weight == two.state_dict()[name]).all())
    ]
    assert differing == ["classifier.weight"]
    with pytest.raises(ValueError, match="longer than the model's 64 positions"):
        load_word_tagger(encoder, ("O",), seed=0, sequence_length=65)


def test_broken_figures_are_measured_again(encoder, names, tmp_path) -> None:
    changed = {"arms": ("prototypes",), "num_draws": 1}
    expected = measured(encoder, names, tmp_path / "run", **changed)
    (tmp_path / "run/ner/names-draw-0.json").write_text("{")
    again = measured(encoder, names, tmp_path / "run", **changed)
    first, second = (each["results"]["arms"]["prototypes"]["f1"] for each in (expected, again))
    assert first == second
