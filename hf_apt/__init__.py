"""Which tokens a masked language model has learnt, at which block, and what it confuses with what.

Importing hf_apt makes BERT-6, BERT with a convolutional front-end and soft committees known to
transformers' Auto classes. Public names are imported when they are first used, so that this takes
no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hf_apt.registration import COMMITTEE, register_lazily

if TYPE_CHECKING:
    from hf_apt.apt import Estimate, apt50, masked_accuracy, mean_apt
    from hf_apt.bert6 import (
        Bert6Config,
        Bert6ForMaskedLM,
        Bert6ForSequenceClassification,
        Bert6ForTokenClassification,
        Bert6Model,
    )
    from hf_apt.bert_conv import (
        BertConvConfig,
        BertConvForMaskedLM,
        BertConvForSequenceClassification,
        BertConvForTokenClassification,
        BertConvModel,
    )
    from hf_apt.clusters import TokenClusters, token_clusters
    from hf_apt.committee import (
        AdapterCommittee,
        SoftCommittee,
        SoftCommitteeConfig,
        combined,
        committee_curve,
    )
    from hf_apt.counts import DepthCounts, PairCounts
    from hf_apt.depth_losses import DepthLosses, depth_cross_entropy
    from hf_apt.head_training import train_heads
    from hf_apt.heads import DepthHeads, HeadConfig
    from hf_apt.masked_batches import MeasureConfig
    from hf_apt.masking import MaskedBatch, Masking, mask
    from hf_apt.pipeline import run_all
    from hf_apt.planted import PlantedLanguage, planted_language
    from hf_apt.pretrain import PretrainConfig
    from hf_apt.recipes import RunConfig, demo, narrow, paper
    from hf_apt.records import Run
    from hf_apt.shapes import SHAPES, ConvShape, ModelShape
    from hf_apt.sweep import VocabularySweep, vocabulary_sweep
    from hf_apt.tokens import Tokens, write_tokens
    from hf_apt.trunk import OwnHead, Trunk

__version__ = "0.1.0"

_HOME = {
    "apt": ("Estimate", "apt50", "masked_accuracy", "mean_apt"),
    "bert6": (
        "Bert6Config",
        "Bert6ForMaskedLM",
        "Bert6ForSequenceClassification",
        "Bert6ForTokenClassification",
        "Bert6Model",
    ),
    "bert_conv": (
        "BertConvConfig",
        "BertConvForMaskedLM",
        "BertConvForSequenceClassification",
        "BertConvForTokenClassification",
        "BertConvModel",
    ),
    "clusters": ("TokenClusters", "token_clusters"),
    "committee": (
        "AdapterCommittee",
        "SoftCommittee",
        "SoftCommitteeConfig",
        "combined",
        "committee_curve",
    ),
    "counts": ("DepthCounts", "PairCounts"),
    "depth_losses": ("DepthLosses", "depth_cross_entropy"),
    "head_training": ("train_heads",),
    "heads": ("DepthHeads", "HeadConfig"),
    "masking": ("MaskedBatch", "Masking", "mask"),
    "masked_batches": ("MeasureConfig",),
    "pipeline": ("run_all",),
    "planted": ("PlantedLanguage", "planted_language"),
    "pretrain": ("PretrainConfig",),
    "recipes": ("RunConfig", "demo", "narrow", "paper"),
    "records": ("Run",),
    "shapes": ("SHAPES", "ConvShape", "ModelShape"),
    "sweep": ("VocabularySweep", "vocabulary_sweep"),
    "tokens": ("Tokens", "write_tokens"),
    "trunk": ("OwnHead", "Trunk"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [*_MODULE]  # pyright: ignore[reportUnsupportedDunderAll]

register_lazily("bert6", "Bert6", "hf_apt.bert6")
register_lazily("bert_conv", "BertConv", "hf_apt.bert_conv")
register_lazily("soft_committee", "SoftCommittee", "hf_apt.committee", COMMITTEE)


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"hf_apt.{_MODULE[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULE])
