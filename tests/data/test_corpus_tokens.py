"""One law: a corpus tokenised in pieces, killed and continued, is the corpus tokenised at once."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_apt.data import corpus_tokens as tokenising
from hf_apt.data.corpora import Corpus, open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.corpus_tokens import is_begun, recorded_text, tokenise
from hf_apt.data.document_blocks import listed
from hf_apt.data.held_out import EmptySplitError, TwoSources, WholeText
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.sequences import Cutter
from hf_apt.data.tokens import NoSequenceError, Tokens, write_tokens
from hf_apt.records.run import Run
from hf_apt.runs.preparation import prepare
from hf_apt.runs.recipes import narrow_recipe

WORKER = Path(__file__).parents[1] / "support/workers" / "tokenising.py"
LENGTH = 24


@pytest.fixture(scope="module")
def texts(documents) -> list[str]:
    """3,535 different documents: four blocks."""
    return [f"w{number % 60} {text} w{number % 7}" for number in range(35) for text in documents]


@pytest.fixture(scope="module")
def source(texts, tmp_path_factory) -> CorpusSource:
    """Those documents in a file."""
    path = tmp_path_factory.mktemp("text") / "text.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return CorpusSource(name=str(path), validation_share=0.2)


def cutter_of(tokenizer, layout="packed") -> Cutter:
    return Cutter(tokenizer, length=LENGTH, layout=layout)


def contents(folder: Path) -> dict[str, bytes]:
    """All files but the record of what they were made of, and the marker that they are ours."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("source.json", ".hf_apt.json")
    }


@pytest.fixture(scope="module", params=["packed", "first"])
def layout(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def at_once(layout, source, tokenizer, tmp_path_factory) -> dict[str, bytes]:
    """Each side written by itself, from a list, as `write_tokens` does it."""
    corpus, folder = open_corpus(source), tmp_path_factory.mktemp("at-once")
    for side in ("train", "validation"):
        documents = list(getattr(corpus, side))
        assert len(documents) > 500
        options = {"sequence_length": LENGTH, "layout": layout}
        write_tokens(folder / side, documents, tokenizer, **options)
    return contents(folder)


def test_both_sides_in_one_pass_are_each_by_itself(source, tokenizer, layout, at_once, tmp_path):
    tokenise(tmp_path / "tokens", open_corpus(source), cutter_of(tokenizer, layout))
    assert contents(tmp_path / "tokens") == at_once
    assert sorted(at_once) == [
        f"{side}/{name}"
        for side in ("train", "validation")
        for name in ("description.json", "ids.bin", "starts.npy", "text.json")
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"], "something was left"


def fails_at(monkeypatch, name: str, call: int) -> None:
    """Let the function `name` of `tokenising` be called that often, then answer with Ctrl-C."""
    original, calls = getattr(tokenising, name), []

    def failing(*arguments, **options):
        calls.append(None)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(tokenising, name, failing)


FAULTS = [("writing", call) for call in range(1, 6)]
FAULTS += [("describe_tokens", 1), ("describe_tokens", 2)]


@pytest.mark.parametrize(("name", "call"), FAULTS)
def test_a_fault_at_any_record_changes_no_byte(
    name, call, source, tokenizer, layout, at_once, tmp_path, monkeypatch
):
    cutter, folder = cutter_of(tokenizer, layout), tmp_path / "tokens"
    with monkeypatch.context() as patch:
        fails_at(patch, name, call)
        with pytest.raises(KeyboardInterrupt):
            tokenise(folder, open_corpus(source), cutter, record_every=1)
    assert not folder.exists()
    assert is_begun(folder, open_corpus(source)) == (name != "writing" or call > 1)
    tokenise(folder, open_corpus(source), cutter, record_every=1)
    assert contents(folder) == at_once
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"]


def test_no_document_is_cut_twice_that_was_recorded(source, tokenizer, tmp_path, monkeypatch):
    cutter, seen = cutter_of(tokenizer), []
    cut = cutter.cut
    monkeypatch.setattr(cutter, "cut", lambda texts, *rest: seen.extend(texts) or cut(texts, *rest))
    with monkeypatch.context() as patch:
        fails_at(patch, "writing", 4)  # the first is of the beginning: two blocks are recorded
        with pytest.raises(KeyboardInterrupt):
            tokenise(tmp_path / "tokens", open_corpus(source), cutter, record_every=1)
    assert len(seen) == 3000
    seen.clear()
    tokenise(tmp_path / "tokens", open_corpus(source), cutter, record_every=1)
    assert len(seen) == 1535


def test_records_are_as_far_apart_as_was_asked(source, tokenizer, tmp_path, monkeypatch):
    for every, records in ((1, 5), (1500, 3), (10_000, 1)):
        written = []
        with monkeypatch.context() as patch:
            original = tokenising.writing
            patch.setattr(tokenising, "writing", lambda p: written.append(p) or original(p))  # noqa: B023
            folder = tmp_path / str(every)
            tokenise(folder, open_corpus(source), cutter_of(tokenizer), record_every=every)
        assert len(written) == records, every


@pytest.mark.parametrize(
    "at_call",
    [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(5, marks=pytest.mark.slow)],
)
def test_a_kill_in_the_middle_of_a_block_changes_no_byte(at_call, source, tokenizer, tmp_path):
    tokenise(tmp_path / "at-once", open_corpus(source), cutter_of(tokenizer))
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    folder = tmp_path / "made" / "tokens"
    done = subprocess.run(
        [sys.executable, str(WORKER), source.name, tmp_path / "tokenizer", folder, str(at_call)],
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not folder.exists()
    tokenise(folder, open_corpus(source), cutter_of(tokenizer), record_every=1)
    assert contents(folder) == contents(tmp_path / "at-once")
    assert [path.name for path in folder.parent.iterdir()] == ["tokens"]


def test_what_was_written_and_not_recorded_is_forgotten(
    source, tokenizer, layout, at_once, tmp_path, monkeypatch
):
    """As a power cut leaves it: longer files than the record says."""
    cutter, folder = cutter_of(tokenizer, layout), tmp_path / "tokens"
    with monkeypatch.context() as patch:
        fails_at(patch, "writing", 3)
        with pytest.raises(KeyboardInterrupt):
            tokenise(folder, open_corpus(source), cutter, record_every=1)
    grown = [path for path in tmp_path.rglob("*") if path.name.startswith(("ids", "lengths"))]
    assert len(grown) == 4
    for path in grown:
        path.write_bytes(path.read_bytes() + b"\x07" * 5)
    tokenise(folder, open_corpus(source), cutter, record_every=1)
    assert contents(folder) == at_once


def interrupted(folder: Path, corpus: Corpus, cutter: Cutter, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        fails_at(patch, "writing", 3)
        with pytest.raises(KeyboardInterrupt):
            tokenise(folder, corpus, cutter, record_every=1)


def test_files_shorter_than_their_record_are_refused(source, tokenizer, tmp_path, monkeypatch):
    cutter, folder = cutter_of(tokenizer), tmp_path / "tokens"
    interrupted(folder, open_corpus(source), cutter, monkeypatch)
    next(tmp_path.rglob("train/ids.bin")).write_bytes(b"")
    with pytest.raises(ValueError, match=r"ids.bin is shorter than the \d+ bytes .* recorded"):
        tokenise(folder, open_corpus(source), cutter, record_every=1)


def changed_text(source, texts, tmp_path) -> tuple[CorpusSource, list[str]]:
    path = tmp_path / "text.jsonl"
    other = [*texts, "w1 w2 w3 w4"]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in other))
    return replace(source, name=str(path)), other


def test_another_text_starts_again_with_a_warning(source, texts, tokenizer, tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    moved, _ = changed_text(source, texts, tmp_path / "a")
    cutter, folder = cutter_of(tokenizer), tmp_path / "tokens"
    interrupted(folder, open_corpus(moved), cutter, monkeypatch)
    assert is_begun(folder, open_corpus(moved))
    path = Path(moved.name)
    path.write_text(path.read_text() + json.dumps({"text": "w5 w6 w7 w8"}) + "\n")
    assert not is_begun(folder, open_corpus(moved))
    with pytest.warns(UserWarning, match="text or the tokenizer has changed .* starts again"):
        tokenise(folder, open_corpus(moved), cutter, record_every=1)
    tokenise(tmp_path / "other", open_corpus(moved), cutter)
    assert contents(folder) == contents(tmp_path / "other")


def test_another_tokenizer_starts_again_with_a_warning(source, tokenizer, tmp_path, monkeypatch):
    from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer

    other = vocabulary_tokenizer([*SPECIAL_TOKENS, *(f"w{number}" for number in range(70))])
    interrupted(tmp_path / "tokens", open_corpus(source), cutter_of(tokenizer), monkeypatch)
    with pytest.warns(UserWarning, match="starts again"):
        tokenise(tmp_path / "tokens", open_corpus(source), cutter_of(other), record_every=1)
    assert Tokens(tmp_path / "tokens" / "train").description.vocab_size == 75


def test_what_is_made_is_not_made_again(source, tokenizer, tmp_path, monkeypatch):
    cutter = cutter_of(tokenizer)
    tokenise(tmp_path / "tokens", open_corpus(source), cutter)
    before = contents(tmp_path)
    (tmp_path / ".tokens.partial").mkdir()  # a kill before it was taken away
    monkeypatch.setattr(cutter, "cut", lambda *_: pytest.fail("cut again"))
    tokenise(tmp_path / "tokens", open_corpus(source), cutter)
    assert contents(tmp_path) == before


def test_half_of_an_earlier_version_is_replaced(source, tokenizer, layout, at_once, tmp_path):
    """Which made one side after the other."""
    options = {"sequence_length": LENGTH, "layout": layout}
    write_tokens(tmp_path / "tokens" / "train", ["w1 w2 w3 " * 20], tokenizer, **options)
    tokenise(tmp_path / "tokens", open_corpus(source), cutter_of(tokenizer, layout))
    assert contents(tmp_path / "tokens") == at_once


@pytest.mark.parametrize("missing", ["train", "validation"])
def test_too_little_text_leaves_nothing(missing, tokenizer, tmp_path):
    full = {"train": listed(["w1 w2 w3 " * 20]), "validation": listed(["w1 w2 w3 " * 20])}
    sides = TwoSources(**full | {missing: listed(["w1"])})
    with pytest.raises(NoSequenceError, match="too little text"):
        tokenise(tmp_path / "tokens", Corpus("c", sides), cutter_of(tokenizer))
    assert not list(tmp_path.iterdir())


def test_a_streamed_corpus_of_one_side_is_told_when_it_was_read(tokenizer, tmp_path):
    from hf_apt.data.held_out import SplitByHash

    sides = SplitByHash(name="c", documents=listed(["w1 w2 w3 " * 20]), share=0.01)
    with pytest.raises(EmptySplitError, match="c has 1 training and 0 held-out documents"):
        tokenise(tmp_path / "tokens", Corpus("c", sides), cutter_of(tokenizer))
    assert not list(tmp_path.iterdir())


def test_tokens_say_of_what_they_were_made_and_other_text_makes_them_again(
    source, texts, tokenizer, tmp_path
):
    """Though size and date are as before."""
    moved, _ = changed_text(source, texts, tmp_path)
    path, folder = Path(moved.name), tmp_path / "tokens"
    tokenise(folder, open_corpus(moved), cutter_of(tokenizer))
    assert recorded_text(folder) == open_corpus(moved).key
    replace_text(path)
    with pytest.warns(UserWarning, match="the text of .* has changed since .* made again"):
        tokenise(folder, open_corpus(moved), cutter_of(tokenizer))
    assert recorded_text(folder) == open_corpus(moved).key
    tokenise(tmp_path / "other", open_corpus(moved), cutter_of(tokenizer))
    assert contents(folder) == contents(tmp_path / "other")


def test_tokens_of_before_there_was_a_record_are_used(source, tokenizer, tmp_path, monkeypatch):
    cutter, folder = cutter_of(tokenizer), tmp_path / "tokens"
    tokenise(folder, open_corpus(source), cutter)
    (folder / "source.json").unlink()
    monkeypatch.setattr(cutter, "cut", lambda *_: pytest.fail("cut again"))
    tokenise(folder, open_corpus(source), cutter)
    assert recorded_text(folder) == ""


def test_a_folder_of_the_users_is_not_replaced(source, tokenizer, tmp_path):
    folder = tmp_path / "tokens" / "train"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds files .*not"):
        tokenise(tmp_path / "tokens", open_corpus(source), cutter_of(tokenizer))
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_broken_record_is_named(source, tokenizer, tmp_path):
    tokenise(tmp_path / "tokens", open_corpus(source), cutter_of(tokenizer))
    (tmp_path / "tokens" / "source.json").write_text("{}")
    with pytest.raises(ValueError, match=r"source.json does not say of which text"):
        tokenise(tmp_path / "tokens", open_corpus(source), cutter_of(tokenizer))


def replace_text(path: Path) -> None:
    """Other words in a file of the same size and date."""
    before = path.stat()
    path.write_text(path.read_text().replace("w1 ", "w2 "))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


# In a run.


def config_of(source: CorpusSource):
    return replace(narrow_recipe(source), vocab_size=100, sequence_length=LENGTH)


def test_a_trained_tokenizer_is_kept_by_an_interruption(source, tmp_path, monkeypatch):
    """Which WordPiece it is depends on all text: it is not to be trained again."""
    run = Run(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(tokenising, "RECORD_EVERY", 1)
        fails_at(patch, "describe_tokens", 1)
        with pytest.raises(KeyboardInterrupt):
            prepare(config_of(source), run)
    with monkeypatch.context() as patch:
        patch.setattr(
            "hf_apt.runs.preparation.train_wordpiece", lambda *_: pytest.fail("trained again")
        )
        prepare(config_of(source), run)
    prepare(config_of(source), other := Run(tmp_path / "other"))
    assert contents(run.folder) == contents(other.folder)
    assert len(contents(run.folder)) >= 8


@pytest.fixture
def prepared(source, texts, tmp_path):
    """A run that is tokenised, and its configuration."""
    moved, _ = changed_text(source, texts, tmp_path)
    config, run = config_of(moved), Run(tmp_path / "run")
    prepare(config, run)
    return config, run


def test_replaced_text_is_tokenised_again_where_nothing_was_trained(prepared, tmp_path):
    config, run = prepared
    before = contents(run.folder)
    prepare(config, run)
    assert contents(run.folder) == before
    replace_text(Path(config.corpus.name))
    with pytest.warns(UserWarning, match=r"text.jsonl has changed: tokenising starts again"):
        prepare(config, run)
    prepare(config, other := Run(tmp_path / "other"))
    assert contents(run.folder) == contents(other.folder) != before


@pytest.mark.parametrize("made", ["training", "counts", "checkpoint"])
def test_replaced_text_is_refused_where_something_was_made_of_it(prepared, made):
    config, run = prepared
    run.path(made).mkdir()
    before = contents(run.folder)
    replace_text(Path(config.corpus.name))
    with pytest.raises(ValueError, match=r"made of other text .*text.jsonl has changed since"):
        prepare(config, run)
    assert contents(run.folder) == before


def test_a_tokenizer_edited_in_place_is_refused(prepared, tokenizer, tmp_path):
    from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer

    config, _ = prepared
    tokenizer.save_pretrained(tmp_path / "tok")
    config, run = replace(config, tokenizer=str(tmp_path / "tok")), Run(tmp_path / "own")
    prepare(config, run)
    run.path("counts").mkdir()
    prepare(config, run)
    other = [*SPECIAL_TOKENS, *(f"w{number}" for number in range(70))]
    vocabulary_tokenizer(other).save_pretrained(tmp_path / "tok")
    with pytest.raises(ValueError, match="another tokenizer: .*tok has changed since"):
        prepare(config, run)


def test_a_tokenizer_of_other_rules_is_another_one(prepared, tokenizer, tmp_path):
    """Lower-casing is no part of the vocabulary, and changes every token of a capital."""
    config, _ = prepared
    tokenizer.save_pretrained(tmp_path / "tok")
    config, run = replace(config, tokenizer=str(tmp_path / "tok")), Run(tmp_path / "own")
    prepare(config, run)
    run.path("counts").mkdir()
    path = tmp_path / "tok" / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"do_lower_case": False}))
    with pytest.raises(ValueError, match="another tokenizer: .*tok has changed since"):
        prepare(config, run)


def test_text_that_is_gone_is_not_asked_for_again(prepared):
    config, run = prepared
    Path(config.corpus.name).unlink()
    assert len(prepare(config, run)[0]) > 20


def test_before_tokenising_was_begun_it_is_trained_again(source, tmp_path, monkeypatch):
    run = Run(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr("hf_apt.runs.preparation.tokenise", lambda *_: pytest.fail("stop"))
        with pytest.raises(pytest.fail.Exception):
            prepare(config_of(source), run)
    trained: list[int] = []
    original = tokenising.tokenise
    from hf_apt.runs import preparation as module

    train = module.train_wordpiece
    monkeypatch.setattr(module, "train_wordpiece", lambda *a: trained.append(1) or train(*a))
    assert module.tokenise is original
    prepare(config_of(source), run)
    assert trained == [1]


def test_the_planted_language_is_the_same_from_any_place() -> None:
    corpus = PlantedCorpus(num_documents=2500, num_validation_documents=30).corpus(12)
    blocks = list(corpus.stream.blocks())
    assert [(len(block.train), len(block.validation)) for block in blocks] == [
        (1000, 0),
        (1000, 0),
        (500, 0),
        (0, 30),
    ]
    for number, block in enumerate(blocks):
        place = json.loads(json.dumps(block.place))
        assert list(corpus.stream.blocks(place)) == blocks[number + 1 :]


@pytest.mark.parametrize("layout", ["first", "packed"])
def test_text_of_which_all_is_measured_is_tokenised_once(
    tokenizer, documents, layout, tmp_path, monkeypatch
) -> None:
    whole = Corpus("texts", WholeText("texts", listed(documents)))
    cutter = Cutter(tokenizer, length=24, layout=layout)  # reads texts of its own
    calls: list[int] = []
    real = type(tokenizer).__call__

    def counted(self: Any, texts: Any, *args: Any, **options: Any) -> Any:
        if isinstance(texts, list):
            calls.append(len(texts))
        return real(self, texts, *args, **options)

    monkeypatch.setattr(type(tokenizer), "__call__", counted)
    tokenise(tmp_path / "tokens", whole, cutter)
    assert sum(calls) == len(documents)
    train, validation = (Tokens(tmp_path / "tokens" / side) for side in ("train", "validation"))
    assert np.array_equal(train.ids, validation.ids)
    assert np.array_equal(train.starts, validation.starts)
    assert train.text == validation.text is not None
    monkeypatch.undo()
    alone = write_tokens(
        tmp_path / "alone", documents, tokenizer, sequence_length=24, layout=layout
    )
    assert np.array_equal(alone.ids, validation.ids)
    assert alone.text == validation.text
