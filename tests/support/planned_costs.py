"""Small configurations whose costs are known."""

from __future__ import annotations

from dataclasses import replace

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.head_config import HeadConfig
from hf_apt.models.shapes import ConvShape, ModelShape
from hf_apt.runs.recipes import RunConfig
from hf_apt.training.costs.model_costs import ModelCosts
from hf_apt.training.pretrain_config import PretrainConfig

T = 24


CONFIG = RunConfig(
    corpus=CorpusSource(name="x/y"),
    sequence_length=T,
    shape=ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0),
    pretrain=PretrainConfig(
        num_steps=23,
        batch_size=8,
        masking_rate=0.3,
        windows=((8, 0.3), (12, 0.5)),
        num_validation_sequences=20,
    ),
    head_kinds=("linear_head", "mlm_head"),
    heads=HeadConfig(num_steps=12, batch_size=8),
    measure=MeasureConfig(num_sequences=50, num_realisations=2),
)


CONV = replace(CONFIG, shape=replace(CONFIG.shape, num_blocks=1, conv=ConvShape(num_channels=4)))


def costs_of(config: RunConfig, vocab_size: int = 65) -> ModelCosts:
    return ModelCosts(
        shape=config.shape, vocab_size=vocab_size, sequence_length=config.sequence_length
    )
