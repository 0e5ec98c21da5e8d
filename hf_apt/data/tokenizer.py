"""The tokenizer: one from the Hub or a folder, a BERT vocabulary file, or one trained here."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hf_apt.records.checkpoints import checkpoint_path

_MOST_CHARACTERS = 1000
"""Most characters of a trained WordPiece, the trainer's own default."""

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def load_tokenizer(name: str, *, needs_mask: bool = True) -> Any:
    """The tokenizer of a Hub id, a folder, a shipped checkpoint, or a BERT `vocab.txt`.

    One that does not need a mask, as a causal model's, pads with its end of text if it has no
    padding token. Raises ValueError if there is none, or if it has no padding token, or needs a
    mask token and has none.
    """
    path = Path(name).expanduser()
    if path.suffix == ".txt":
        if not path.is_file() or path.stat().st_size == 0:
            raise ValueError(f"the vocabulary {path} is missing or empty.")
        # Not splitlines: a token can be a Unicode line separator.
        tokens = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        missing = [token for token in SPECIAL_TOKENS if token not in tokens]
        if missing:
            raise ValueError(f"the vocabulary {path} lacks {', '.join(missing)}: is it a BERT one?")
        if len(set(tokens)) < len(tokens):
            twice = next(token for place, token in enumerate(tokens) if token in tokens[:place])
            raise ValueError(f"the vocabulary {path} has the token {twice!r} twice.")
        return vocabulary_tokenizer(tokens)
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint_path(name), trust_remote_code=False)
    except Exception as error:  # files can be broken in any way
        if "trust_remote_code" in str(error):
            raise ValueError(
                f"the tokenizer of {name!r} needs Python code of its own, which hf_apt does not "
                "run."
            ) from error
        raise ValueError(
            f"no tokenizer in {name!r}: {[*str(error).splitlines(), type(error).__name__][0]}"
        ) from error
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        # What transformers makes of a checkpoint's configuration where its tokenizer is missing.
        raise ValueError(f"no tokenizer in {name!r}: its files are missing.")
    return _completed(tokenizer, name, needs_mask)


def _completed(tokenizer: Any, name: str, needs_mask: bool) -> Any:
    """`tokenizer`, which pads with its end of text where it needs no mask and has no padding."""
    if needs_mask and tokenizer.mask_token_id is None:
        raise ValueError(f"the tokenizer of {name!r} has no mask token: it is not for masked LMs.")
    if not needs_mask and tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        raise ValueError(f"the tokenizer of {name!r} has no padding token.")
    return tokenizer


def vocabulary_tokenizer(tokens: Iterable[str]) -> Any:
    """A lower-casing BERT tokenizer over `tokens`, whose ids are their indices."""
    from transformers import BertTokenizer

    return BertTokenizer(vocab={token: index for index, token in enumerate(tokens)})


def train_wordpiece(documents: Iterable[str], vocab_size: int, num_documents: int | None) -> Any:
    """A lower-casing BERT WordPiece tokenizer trained on `documents`, with a progress bar.

    Of the characters the 1,000 commonest are kept, of equally common ones the first in Unicode: the
    same documents give the same vocabulary.

    Ids 0-4 are [PAD], [UNK], [CLS], [SEP], [MASK]. A corpus of few distinct words gives fewer than
    `vocab_size` tokens. Memory: the distinct words; the documents wait in a temporary file.
    """
    from tokenizers import BertWordPieceTokenizer
    from tokenizers.normalizers import BertNormalizer
    from tqdm.auto import tqdm

    if vocab_size < 100:
        raise ValueError(f"a WordPiece vocabulary needs at least 100 tokens, got {vocab_size}.")
    normalised = BertNormalizer(lowercase=True).normalize_str
    occurrences: Counter[str] = Counter()
    with tempfile.TemporaryFile("w+", encoding="ascii") as waiting:
        for text in tqdm(
            documents, desc="Reading for WordPiece", total=num_documents, unit=" docs"
        ):
            waiting.write(f"{json.dumps(text)}\n")
            occurrences.update("".join(normalised(text).split()))
        kept = sorted(occurrences, key=lambda each: (-occurrences[each], each))[:_MOST_CHARACTERS]

        def trained(size: int, first: list[str]) -> list[str]:
            waiting.seek(0)
            wordpiece = BertWordPieceTokenizer(lowercase=True)
            texts = map(json.loads, waiting)
            wordpiece.train_from_iterator(
                texts,
                size,
                special_tokens=first,
                limit_alphabet=len(kept),
                initial_alphabet=kept,
                show_progress=False,
            )
            by_id = sorted(wordpiece.get_vocab().items(), key=lambda item: item[1])
            return [token for token, _ in by_id]

        # The trainer numbers continuations (##a) in the random order of a hash table, breaks ties
        # between merges by number, and ties between rare characters by that order, too. So the
        # characters are chosen here, and it is run for the alphabet alone first, which then comes
        # sorted.
        alphabet = set(trained(1, list(SPECIAL_TOKENS))) - set(SPECIAL_TOKENS)
        return vocabulary_tokenizer(trained(vocab_size, [*SPECIAL_TOKENS, *sorted(alphabet)]))


def vocabulary(tokenizer: Any) -> list[str]:
    """The tokens as text, by id; an id without a token reads `<id>`."""
    ids = tokenizer.get_vocab()
    tokens = [f"<{index}>" for index in range(max(ids.values()) + 1)]
    for token, index in ids.items():
        tokens[index] = token
    return tokens


def fingerprint(tokenizer: Any) -> str:
    """A short hash of the tokenizer's vocabulary and special tokens."""
    content = "\n".join([*vocabulary(tokenizer), *map(str, tokenizer.all_special_ids)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def is_same_tokenizer(one: Any, other: Any) -> bool:
    """Whether vocabulary, special tokens and rules, such as merges and lower-casing, are the same.

    Truncation and padding are no rules. Tokenizers in plain Python are compared by their class and
    what they were made with.
    """
    return fingerprint(one) == fingerprint(other) and _rules(one) == _rules(other)


def _rules(tokenizer: Any) -> Any:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        made_with = {key: str(value) for key, value in tokenizer.init_kwargs.items()}
        files = {key for key in made_with if key.endswith("_file") or key == "name_or_path"}
        return type(tokenizer).__name__, {key: made_with[key] for key in made_with.keys() - files}
    rules = json.loads(backend.to_str())
    return {key: rules[key] for key in rules.keys() - {"truncation", "padding"}}
