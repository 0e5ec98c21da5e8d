"""One law: a run on tokens made elsewhere is the run on the same text: losses and counts."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from token_files import tokenised_by_datatrove
from workers.pretokenised import config, measured

from hf_apt.data.corpora import open_corpus
from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.data.tokens import Tokens
from hf_apt.records.run import Run
from hf_apt.runs.natural_layout import natural_layout
from hf_apt.runs.pipeline import begun, pretrain_run
from hf_apt.runs.planning.text_size import text_size

WORKER = Path(__file__).parents[1] / "support/workers" / "pretokenised.py"


@pytest.fixture(scope="module")
def corpora(documents, tokenizer, tmp_path_factory) -> tuple[str, str, str]:
    """A text, the same tokenised by datatrove in the order in which it is read, the vocabulary."""
    pytest.importorskip("datatrove")
    folder = tmp_path_factory.mktemp("corpora")
    vocabulary = folder / "vocab.txt"
    tokens = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    vocabulary.write_text("\n".join(token for token, _ in tokens) + "\n")
    text = folder / "text.jsonl"
    text.write_text("".join(json.dumps({"text": each}) + "\n" for each in documents))
    corpus = open_corpus(config(str(text), str(vocabulary)).corpus)
    train, stored = list(corpus.train), folder / "tokens"
    loaded = load_tokenizer(str(vocabulary))
    tokenised_by_datatrove(stored, [train[:20], train[20:]], loaded, folder)
    held_out = [list(corpus.validation)]
    tokenised_by_datatrove(stored, held_out, loaded, folder, save_filename="validation")
    return str(text), str(stored), str(vocabulary)


def assert_same_run(one: Run, other: Run) -> None:
    for side in ("train", "validation"):
        ids = [Tokens(run.path(f"tokens/{side}")).ids for run in (one, other)]
        assert np.array_equal(*map(np.asarray, ids))
    trained = [run.read_json("training.json") for run in (one, other)]
    for name in ("train_loss", "validation_loss", "num_tokens_seen", "weights"):
        assert trained[0][name] == trained[1][name], name
    assert one.whole_readouts() == other.whole_readouts() != []
    for name in one.whole_readouts():
        first, second = (run.readout(name).counts for run in (one, other))
        for pairs, expected in zip(first.pairs, second.pairs, strict=True):
            for found, wanted in zip(pairs, expected, strict=True):
                assert np.array_equal(found.keys, wanted.keys)
                assert np.array_equal(found.counts, wanted.counts)


def test_a_run_on_stored_tokens_is_that_on_their_text(corpora, tmp_path):
    text, stored, vocabulary = corpora
    runs = [measured(name, vocabulary, tmp_path / Path(name).name) for name in (text, stored)]
    assert_same_run(*runs)


@pytest.mark.slow
def test_and_so_it_is_on_two_processes(corpora, tmp_path):
    text, stored, vocabulary = corpora
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [sys.executable, *launch, str(WORKER), vocabulary, str(tmp_path), text, stored],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert_same_run(Run(tmp_path / "0"), Run(tmp_path / "1"))


def test_layout_and_size_are_foretold_alike(corpora, tmp_path):
    text, stored, vocabulary = corpora
    for length in (8, 24, 64):
        layouts = {
            natural_layout(config(name, vocabulary).corpus, vocabulary, length)
            for name in (text, stored)
        }
        assert len(layouts) == 1
    sizes = {
        text_size(each, each.corpus, Run(tmp_path / "none"), load_tokenizer(vocabulary))
        for each in (config(name, vocabulary) for name in (text, stored))
    }
    assert len(sizes) == 1


def test_the_tokenizer_has_to_be_named(corpora, tmp_path):
    _, stored, vocabulary = corpora
    unnamed = replace(config(stored, vocabulary), tokenizer=None)
    with pytest.raises(ValueError, match=r"holds token ids: name the tokenizer .*tokenizer.json"):
        with begun(unnamed, tmp_path / "run") as run:
            pretrain_run(unnamed, run)
