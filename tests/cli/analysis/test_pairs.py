"""Laws of `hf-apt pairs`: the record of the study, a run's own language, mistakes told."""

import numpy as np
import pytest

from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.tokens import write_tokens
from hf_apt.records.run import Run
from hf_apt.records.studies.study_files import read_study
from hf_apt.training.pairs.head_file import HEAD_FILE, WordPairHead, write_pair_head
from hf_apt.training.pairs.pair_head import PairHead

SMALL = ("--best", 4, "--drawn", 2, "--distance", 1, "--distance", 2, "--max-texts", 3)


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents[:10]))
    return path


def test_the_record_is_written_and_shown(call, checkpoint, text, tmp_path) -> None:
    run = tmp_path / "run"
    code, out, error = call("pairs", checkpoint, "--text", text, *SMALL, "-o", run)
    assert code == 0, error
    record = read_study(Run(run), "pairs")
    assert record["config"]["distances"] == [1, 2]
    assert record["provenance"]["num_texts"] == 3
    assert f"{record['results']['gap'][-1]['value']:.3f}" in out
    assert record["results"]["exact"] is None


def test_a_run_of_a_made_language_has_the_exact_law_beside(call, tmp_path) -> None:
    from hf_apt.models.fresh import new_model
    from hf_apt.models.shapes import ModelShape

    corpus = ArtificialCorpus(language=Bigram(vocab_size=9), num_validation_documents=4)
    run, tokenizer = tmp_path / "run", corpus.tokenizer()
    for side in ("train", "validation"):
        tokens = write_tokens(
            run / "tokens" / side,
            list(corpus.corpus(10).validation),
            tokenizer,
            sequence_length=12,
            layout="first",
        )
    shape = ModelShape(hidden_size=8, num_heads=1, num_blocks=1)
    new_model(shape, tokens, seed=1).save_pretrained(run / "checkpoint")
    tokenizer.save_pretrained(run / "checkpoint")
    Run(run).write_json("config.json", {"corpus": {"name": corpus.name, "language": {}}})
    head = PairHead(8, num_answers=10, rank=2, max_distance=2)
    write_pair_head(run / HEAD_FILE, WordPairHead(head, np.arange(5, 14)))
    code, out, error = call("pairs", run, *SMALL, "-o", tmp_path / "out")
    assert code == 0, error
    record = read_study(Run(tmp_path / "out"), "pairs")
    assert record["results"]["pair_head"]["from_truth"]["value"] > 0
    assert record["results"]["pair_head"]["gap"]["value"] == pytest.approx(0.0, abs=1e-6)
    assert "pair head" in out
    assert record["results"]["exact"]["gap"]["value"] > 0
    assert record["provenance"]["text"] == "the run's held-out text"
    assert "exact law" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--text", "planted"], "planted"),
        (["--text", "no.txt"], "no.txt does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, options, words, tmp_path) -> None:
    code, _, error = call("pairs", checkpoint, *options, "-o", tmp_path / "run")
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last
