"""Checkpoints measured on an artificial corpus: beside its ceiling, and with its own words only."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hf_apt.cli.spelling.corpora import artificial_language
from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.runs.artificial.artificial_measurement import artificial_measurement, require_its_words
from hf_apt.runs.option_checks import require_valid
from hf_apt.runs.pipeline import begun, measure_run

TEXT = "paradigms:num_paradigms=2,num_topics=2,num_latents=2"
OPTIONS = ("--measure-sequences", 40, "--max-documents", 10, "-o")


@pytest.fixture
def untrained(tmp_path):
    """A small BERT with the words of `TEXT`."""
    from transformers import BertConfig, BertForMaskedLM

    corpus = ArtificialCorpus(language=artificial_language(TEXT))
    torch.manual_seed(0)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=corpus.vocab_size,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        )
    )
    folder = tmp_path / "untrained"
    model.save_pretrained(folder)
    corpus.tokenizer().save_pretrained(folder)
    return folder


def test_the_ceiling_stands_beside_the_model(untrained, tmp_path) -> None:
    """The same positions are asked of both, and the exact one is right more often."""
    config = artificial_measurement(artificial_language(TEXT))
    corpus: Any = config.corpus
    corpus = replace(corpus, num_documents=10, num_validation_documents=40)
    with begun(replace(config, corpus=corpus, sentences=False), tmp_path / "run") as run:
        measure_run(replace(config, corpus=corpus, sentences=False), run, str(untrained))
    own, best = run.counts("own_head"), run.counts("bayes")
    np.testing.assert_array_equal(own.support(), best.support())
    assert best.hits()[-1].sum() > 0.6 * best.support().sum() > 2 * own.hits()[-1].sum()
    planted_V = np.load(run.path("planted.npy"))
    assert planted_V.max() == 3  # two paradigms, and a small one of topics and of latents


def test_the_command_says_what_it_would_take(untrained, call, tmp_path) -> None:
    code, out, error = call("measure", untrained, TEXT, *OPTIONS, tmp_path / "run", "--dry-run")
    assert code == 0, error
    assert "2.00 k" in out  # tokens of 40 sequences of 50
    assert "the exact best predictor" in " ".join(out.split())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((TEXT.replace("paradigms=2", "paradigms=3"),), "and they are not the"),
        ((TEXT, "--validation-share", 0.5), "leave out --validation-share"),
        ((TEXT, "--column", "body"), "column says nothing about it"),
        (("planted",), "for the planted language there is `run`"),
    ],
)
def test_what_says_nothing_or_another_thing_is_refused(
    untrained, call, tmp_path, options, sentence
) -> None:
    code, _, error = call("measure", untrained, *options, *OPTIONS, tmp_path / "run")
    assert code != 0
    assert sentence in " ".join(error.split())
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_natural_text_is_refused(checkpoint) -> None:
    config = artificial_measurement(Bigram(vocab_size=16))
    require_valid(config)
    assert config.pretrain.num_steps == 0
    with pytest.raises(ValueError, match="and they are not the 21 of bigram:vocab_size=16"):
        require_its_words(str(checkpoint), config)


def test_a_causal_checkpoint_is_refused(tmp_path) -> None:
    from transformers import GPT2Config

    GPT2Config(architectures=["GPT2LMHeadModel"]).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="is a causal model, and the exact answers of bigram"):
        require_its_words(str(tmp_path), artificial_measurement(Bigram(vocab_size=16)))
