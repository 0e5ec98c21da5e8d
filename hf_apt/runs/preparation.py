"""From text to what training and measuring read: tokenizer, tokens, vocabulary, frequencies."""

from __future__ import annotations

from itertools import islice
from typing import Any

from hf_apt.atomic import writing_folder
from hf_apt.data.corpora import Corpus, open_corpus
from hf_apt.data.corpus_tokens import is_begun, tokenise
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.sequences import Cutter
from hf_apt.data.tokenizer import load_tokenizer, train_wordpiece, vocabulary
from hf_apt.data.tokens import Tokens
from hf_apt.records.run import Run
from hf_apt.runs.recipes import RunConfig

WORDPIECE_DOCUMENTS = 150_000
"""A WordPiece is trained on at most so many documents."""


def prepare(config: RunConfig, run: Run) -> tuple[Tokens, Tokens]:
    """The training and held-out tokens of a run, made where they are not there yet.

    Leaves `tokenizer/`, `tokens/`, `vocabulary.json`, `frequency.npy` and, for the planted
    language, `planted.npy`. Interrupted, it goes on where it was: in the middle of tokenising, but
    from the beginning of a WordPiece's training. Memory: that of
    `hf_apt.data.corpus_tokens.tokenise` and, where one is trained, of a WordPiece's distinct words;
    it does not grow with the documents otherwise.
    """
    if not run.path("frequency.npy").exists():
        corpus = _open(config)
        cutter = Cutter(
            _tokenizer(config, run, corpus), length=config.sequence_length, layout=config.layout
        )
        tokenise(run.path("tokens"), corpus, cutter)
        run.write_json("vocabulary.json", vocabulary(cutter.tokenizer))
        if isinstance(config.corpus, PlantedCorpus):
            run.write_array("planted.npy", config.corpus.classes())
        frequency_V = Tokens(run.path("tokens/train")).frequency()
        run.write_array("frequency.npy", frequency_V)  # last: all is there
    return Tokens(run.path("tokens/train")), Tokens(run.path("tokens/validation"))


def _open(config: RunConfig) -> Corpus:
    if isinstance(config.corpus, PlantedCorpus):
        return config.corpus.corpus(num_words=config.sequence_length - 2)
    return open_corpus(config.corpus)


def _tokenizer(config: RunConfig, run: Run, corpus: Corpus) -> Any:
    if isinstance(config.corpus, PlantedCorpus) and config.tokenizer is None:
        tokenizer = config.corpus.tokenizer()
    elif config.tokenizer is not None:
        tokenizer = load_tokenizer(config.tokenizer)
    elif run.path("tokenizer").exists() and is_begun(run.path("tokens"), corpus):
        return load_tokenizer(str(run.path("tokenizer")))
    else:
        num = min(corpus.stream.num_documents or WORDPIECE_DOCUMENTS, WORDPIECE_DOCUMENTS)
        texts = islice(corpus.train, WORDPIECE_DOCUMENTS)
        tokenizer = train_wordpiece(texts, config.vocab_size, num)
    with writing_folder(run.path("tokenizer")) as partial:
        tokenizer.save_pretrained(partial)
    return tokenizer
