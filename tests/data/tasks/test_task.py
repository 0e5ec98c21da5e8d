"""Tasks by name and from files: columns, provenance, known best accuracy, bad input."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_apt.data.planted import planted_language, sample_documents
from hf_apt.data.planted.labels import label_posteriors, word_indices
from hf_apt.data.tasks.known_tasks import KNOWN_TASKS, RowSource
from hf_apt.data.tasks.rows import SourceRows
from hf_apt.data.tasks.splits import LabelledTexts
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig

TEXTS = [f"text {number}" for number in range(12)]
LABELS = ["good", "bad", "fair"] * 4


def write(path, texts=TEXTS, labels=LABELS, names=("text", "label")):
    """Both columns in a file of the kind that its name says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.table(dict(zip(names, (texts, labels), strict=True))), path)
        return path
    lines = [dict(zip(names, row, strict=True)) for row in zip(texts, labels, strict=True)]
    if path.suffix == ".csv":
        body = "\n".join(f"{row[names[0]]},{row[names[1]]}" for row in lines)
        path.write_text(f"{','.join(names)}\n{body}\n")
    elif path.suffix == ".json":
        path.write_text(json.dumps(lines))
    else:
        path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".json", ".jsonl", ".csv"])
def test_all_kinds_of_files_hold_the_same_task(tmp_path, suffix):
    file = write(tmp_path / f"reviews{suffix}")
    task = open_task(TaskConfig(name=str(file), test_per_class=1))
    assert (task.name, task.num_labels, task.chance) == ("reviews", 3, pytest.approx(1 / 3))
    assert task.label_names == ("bad", "fair", "good")
    known = dict(zip(TEXTS, LABELS, strict=True))
    for part, num in ((task.train, 9), (task.test, 3)):
        assert len(part) == num
        for text, label in zip(part.texts, part.labels, strict=True):
            assert task.label_names[label] == known[text]
    again = open_task(TaskConfig(name=str(write(tmp_path / "x.parquet")), test_per_class=1))
    assert (
        task.test.fingerprint() == again.test.fingerprint() == task.provenance["test_fingerprint"]
    )
    assert len(task.provenance["file_fingerprints"]) == 1
    json.dumps(task.provenance, allow_nan=False)


def test_files_named_test_are_what_is_tested_with(tmp_path):
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv", ["new a", "new b", "new c"], ["good", "bad", "fair"])
    task = open_task(TaskConfig(name=str(tmp_path)))
    assert sorted(task.test.texts) == ["new a", "new b", "new c"]
    assert len(task.train) == 12
    assert task.provenance["has_own_test_texts"]
    assert task.provenance["source"] == ["test.csv", "train.csv"]


def test_columns_can_be_named(tmp_path):
    file = write(tmp_path / "x.parquet", names=("body", "kind"))
    config = TaskConfig(name=str(file), text_column="body", label_column="kind", test_per_class=1)
    assert open_task(config).num_labels == 3
    with pytest.raises(ValueError, match="no column 'text' for the text: it has body, kind"):
        open_task(TaskConfig(name=str(file)))
    with pytest.raises(ValueError, match="no column 'label' for the label: it has body, kind"):
        open_task(TaskConfig(name=str(file), text_column="body"))


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv"])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_files_are_read_in_their_encoding(tmp_path, suffix, encoding):
    texts = [f"déjà vu {number}" for number in range(12)]
    file = tmp_path / f"x{suffix}"
    rows = [{"text": text, "label": label} for text, label in zip(texts, LABELS, strict=True)]
    body = {
        ".json": json.dumps(rows, ensure_ascii=False),
        ".jsonl": "\n".join(json.dumps(row, ensure_ascii=False) for row in rows),
        ".csv": "\n".join(["text,label", *(f"{row['text']},{row['label']}" for row in rows)]),
    }
    file.write_text(body[suffix], encoding=encoding)
    task = open_task(TaskConfig(name=str(file), test_per_class=1, encoding=encoding))
    assert sorted([*task.train.texts, *task.test.texts]) == sorted(texts)
    assert task.provenance["encoding"] == encoding
    with pytest.raises(ValueError, match=f"x{suffix} cannot be read as"):
        open_task(TaskConfig(name=str(file), test_per_class=1))


@pytest.mark.parametrize("encoding", ["klingon", "", "base64"])
def test_an_unknown_encoding_is_refused(encoding):
    with pytest.raises(ValueError, match=f"the encoding '{encoding}' is unknown"):
        open_task(TaskConfig(name="planted", encoding=encoding))


def raw_fewrel(path):
    """3 relations of 6 sentences, as FewRel's own file has them."""
    content = {
        relation: [
            {
                "tokens": [relation, "joins", f"x{place}", "."],
                "h": ["x", "Q1", [[0]]],
                "t": ["y", "Q2", [[2]]],
            }
            for place in range(6)
        ]
        for relation in ("P17", "P9", "P6")
    }
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("markers", [False, True])
def test_fewrel_is_read_from_its_own_json(tmp_path, markers):
    file = raw_fewrel(tmp_path / "train_wiki.json")
    config = TaskConfig(
        name="fewrel", data=str(file), entity_markers=markers, train_per_class=4, test_per_class=2
    )
    task = open_task(config)
    assert (task.name, len(task.train), len(task.test)) == ("fewrel", 12, 6)
    assert task.label_names == ("P17", "P6", "P9")
    assert all(("[E2] x" in text) == markers for text in task.train.texts)
    assert task.provenance["entity_markers"] is markers
    unmarked = {text.replace("[E1] ", "").replace(" [/E1]", "") for text in task.train.texts}
    unmarked = {text.replace("[E2] ", "").replace(" [/E2]", "") for text in unmarked}
    plain = open_task(
        TaskConfig(name="fewrel", data=str(file), train_per_class=4, test_per_class=2)
    )
    assert unmarked == set(plain.train.texts), "marking changes no split"


def test_the_papers_sizes_are_the_defaults(monkeypatch):
    sources: list[RowSource] = []

    def many(source):
        sources.append(source)
        texts = [f"{name} {place}" for name in "abcd" for place in range(2500)]
        rows = LabelledTexts(source.name, texts, [text[0] for text in texts])
        return SourceRows(rows, None)

    monkeypatch.setattr("hf_apt.data.tasks.task.read_rows", many)
    tasks = {name: open_task(TaskConfig(name=name)) for name in KNOWN_TASKS}
    sizes = {name: (len(task.train) // 4, len(task.test) // 4) for name, task in tasks.items()}
    assert sizes == {"fewrel": (630, 70), "dbpedia_14": (100, 100), "ag_news": (1000, 1000)}
    assert [source.text_column for source in sources] == ["tokens", "content", "text"]


def test_the_best_accuracy_of_the_planted_task_is_that_of_all_hidden_paths():
    """Three words and every path through the language, against the recursion."""
    language = planted_language(num_labels=4, label_noise=0.2)
    words = sample_documents(language, 5, 3, seed=9).words
    expected = np.zeros((5, 4))
    for topic in range(4):
        for latent in range(4):  # the first frames are longer than three words
            for frame, slots in enumerate(language.frames):
                assert len(slots) >= 3
                path = language.frame_start[frame] * language.latent_start[latent]
                for slot in range(3):
                    path = path * language.kind_words[slots[slot], topic, latent, words[:, slot]]
                weight = path * language.topic_probs[topic]
                expected += weight[:, None] * language.label_probs[topic]
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(label_posteriors(language, words), expected, rtol=1e-12)


def test_posteriors_are_calibrated_and_words_are_read_back():
    language = planted_language(num_labels=2, label_noise=0.3)
    documents = sample_documents(language, 3000, 9, seed=2)
    posteriors = label_posteriors(language, documents.words)
    best = posteriors.argmax(axis=1) == documents.labels
    expected = posteriors.max(axis=1)
    assert best.mean() == pytest.approx(expected.mean(), abs=4 * 0.5 / np.sqrt(3000))
    task = open_task(TaskConfig(name="planted", num_words=9))
    assert word_indices(planted_language(), task.test.texts).shape == (len(task.test), 9)


def test_the_planted_task_is_balanced_and_its_best_accuracy_is_that_of_its_noise():
    """One label in five is drawn from four: 0.85 is left where the words tell the topic."""
    task = open_task(TaskConfig(name="planted", num_words=60, test_per_class=400))
    assert (len(task.train), len(task.test), task.chance) == (800, 1600, 0.25)
    assert task.provenance["best_accuracy"] == pytest.approx(0.85, abs=4 * np.sqrt(0.13 / 1600))
    shorter = open_task(TaskConfig(name="planted", num_words=12))
    assert 0.4 < shorter.provenance["best_accuracy"] < task.provenance["best_accuracy"]


def test_sotu_asks_for_the_half_century():
    task = open_task(TaskConfig(name="sotu", train_per_class=20, test_per_class=10))
    assert task.label_names[0] == "1750-1799"
    assert task.label_names[-1] == "2000-2049"
    assert task.num_labels == 6


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty"),
        ("{not json", "cannot be read as json"),
        ('{"text": "a", "label": 0.5}\n{"text": "b", "label": 1.5}', "not float"),
        ('{"text": "a", "label": "x"}\n{"text": "b", "label": null}', "row 1 .* has no label"),
        ('{"text": "a", "label": "x"}\n{"text": null, "label": "y"}', "row 1 .* has no text"),
        ('{"text": "a", "label": "x"}\n{"text": "b", "label": "x"}', "has 1 class"),
        ('{"text": "a", "label": [1]}\n{"text": "b", "label": [2]}', "not list"),
    ],
)
def test_bad_files_are_told_in_a_sentence(tmp_path, content, sentence):
    file = tmp_path / "bad.jsonl"
    file.write_text(content)
    with pytest.raises(ValueError, match=sentence) as error:
        open_task(TaskConfig(name=str(file)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (TaskConfig(name="nowhere/x/y.csv"), "does not exist"),
        (TaskConfig(name="notes.md", data="x.csv"), "already says where its rows are"),
        (TaskConfig(name="planted", data="x.csv"), "already says where its rows are"),
        (TaskConfig(name="ag_news", entity_markers=True), "only the task fewrel has entities"),
        (TaskConfig(name="ag_news"), "no local file and its split 'train' cannot be read"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(config, sentence):
    with pytest.raises(ValueError, match=sentence):
        open_task(config)
