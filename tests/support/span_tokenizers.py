"""Small tokenizers of three families, with brackets, and small models and sentences for them."""

from functools import cache
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, ByteLevelBPETokenizer
from transformers import AlbertTokenizer, BertTokenizer, RobertaTokenizer

from hf_apt.spans.mentions import Mention, Sentence

PEOPLE = ["ann", "bob", "eve", "max"]
PLACES = ["rome", "york", "oslo", "cairo"]
OTHERS = ["the", "saw", "in", "went", "to", "it", "(", ")", "new", "and", "red", "hill"]
WORDS = [*PEOPLE, *PLACES, *OTHERS]
FAMILIES = ("bert", "roberta", "albert")


@cache
def tokenizer_of(family: str) -> Any:
    """A tokenizer that knows the words above, and others by letters or not at all."""
    if family == "bert":
        vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[", "]", *WORDS, "##s"]
        return BertTokenizer(vocab={token: index for index, token in enumerate(vocab)})
    if family == "roberta":
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        trained = ByteLevelBPETokenizer()
        texts = [" ".join([*WORDS, "[", "]", *WORDS, "[", "]"])] * 20
        trained.train_from_iterator(texts, 400, special_tokens=special, show_progress=False)
        import json

        model = json.loads(trained.to_str())["model"]
        merges: Any = [
            tuple(pair if isinstance(pair, list) else pair.split()) for pair in model["merges"]
        ]
        mask: Any = AddedToken("<mask>", lstrip=True, special=True)
        return RobertaTokenizer(vocab=model["vocab"], merges=merges, mask_token=mask)
    pieces = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    letters = ["▁", *"abcdefghijklmnopqrstuvwxyz()[]<>/"]
    known = [f"▁{word}" for word in (*WORDS, "[", "]")]
    scores = [*((piece, 0.0) for piece in pieces), *((letter, -9.0) for letter in letters)]
    return AlbertTokenizer(vocab=[*scores, *((piece, -2.0) for piece in known)])


def encoder_for(tokenizer: Any, num_labels: int = 5, *, seed: int = 0, **changed: Any) -> Any:
    """A tagger of tokens with a fresh BERT of two blocks, or what `changed` says, that answers."""
    from transformers import BertConfig, BertForTokenClassification

    sizes = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "initializer_range": 0.2,
        "pad_token_id": tokenizer.pad_token_id,
        "num_labels": num_labels,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BertForTokenClassification(BertConfig(**sizes | changed)).eval()


def grammar(num: int, *, seed: int = 0) -> list[Sentence]:
    """Sentences with one person of one word and one place of one or two."""
    generator = np.random.default_rng(seed)

    def one_of(words: list[str]) -> str:
        return words[generator.integers(len(words))]

    sentences = []
    for _ in range(num):
        place = [*(["new"] if generator.random() < 0.5 else []), one_of(PLACES)]
        before = ["the", "red", "hill"][: generator.integers(4)]
        words = [*before, one_of(PEOPLE), "went", "to", *place, "and", "saw", "it"]
        start = len(before)
        mentions = (
            Mention(start, start + 1, "person"),
            Mention(start + 3, start + 3 + len(place), "place"),
        )
        sentences.append(Sentence(tuple(words), mentions))
    return sentences
