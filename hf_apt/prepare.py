"""From text to what training and measuring read: tokenizer, tokens, vocabulary, frequencies."""

from __future__ import annotations

from itertools import islice
from typing import Any

from hf_apt.atomic import writing_folder
from hf_apt.corpus import Corpus, open_corpus
from hf_apt.planted.corpus import PlantedCorpus
from hf_apt.recipes import RunConfig
from hf_apt.records import Run
from hf_apt.tokenizers import load_tokenizer, train_wordpiece, vocabulary
from hf_apt.tokens import Tokens, write_tokens

WORDPIECE_DOCUMENTS = 150_000
"""A WordPiece is trained on at most so many documents."""


def prepare(config: RunConfig, run: Run) -> tuple[Tokens, Tokens]:
    """The training and held-out tokens of a run, made where they are not there yet.

    Leaves `tokenizer/`, `tokens/`, `vocabulary.json`, `frequency.npy` and, for the planted
    language, `planted.npy`.
    """
    train_folder, validation_folder = run.path("tokens/train"), run.path("tokens/validation")
    if not run.path("frequency.npy").exists():
        corpus = _open(config)
        tokenizer = _tokenizer(config, run, corpus)
        sizes = {"sequence_length": config.sequence_length, "layout": config.layout}
        write_tokens(
            train_folder,
            corpus.train,
            tokenizer,
            num_documents=corpus.num_train,
            label="Tokenising training text",
            **sizes,
        )
        write_tokens(
            validation_folder,
            corpus.validation,
            tokenizer,
            num_documents=corpus.num_validation,
            label="Tokenising held-out text",
            **sizes,
        )
        run.write_json("vocabulary.json", vocabulary(tokenizer))
        if isinstance(config.corpus, PlantedCorpus):
            run.write_array("planted.npy", config.corpus.classes())
        run.write_array("frequency.npy", Tokens(train_folder).frequency())  # last: all is there
    return Tokens(train_folder), Tokens(validation_folder)


def _open(config: RunConfig) -> Corpus:
    if isinstance(config.corpus, PlantedCorpus):
        return config.corpus.corpus(num_words=config.sequence_length - 2)
    return open_corpus(config.corpus)


def _tokenizer(config: RunConfig, run: Run, corpus: Corpus) -> Any:
    if isinstance(config.corpus, PlantedCorpus) and config.tokenizer is None:
        tokenizer = config.corpus.tokenizer()
    elif config.tokenizer is not None:
        tokenizer = load_tokenizer(config.tokenizer)
    else:
        num = min(corpus.num_train or WORDPIECE_DOCUMENTS, WORDPIECE_DOCUMENTS)
        tokenizer = train_wordpiece(islice(corpus.train, num), config.vocab_size, num)
    with writing_folder(run.path("tokenizer")) as partial:
        tokenizer.save_pretrained(partial)
    return tokenizer
