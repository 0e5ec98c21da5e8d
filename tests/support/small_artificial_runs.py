"""A pre-training of seconds on an artificial corpus."""

from dataclasses import replace
from typing import Any

from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.runs.artificial.artificial_recipe import artificial_recipe


def small_artificial_run(language: Any, **pretrain: Any) -> Any:
    """The configuration: 40 documents, two blocks of 16, two steps, changed by `pretrain`."""
    config = artificial_recipe(language)
    assert isinstance(config.corpus, ArtificialCorpus)
    return replace(
        config,
        corpus=replace(config.corpus, num_documents=40, num_validation_documents=8),
        sequence_length=10,
        shape=replace(config.shape, hidden_size=16, num_heads=2, num_blocks=2),
        pretrain=replace(config.pretrain, num_steps=2, batch_size=4, precision="fp32", **pretrain),
    )
