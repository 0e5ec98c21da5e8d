"""What the demo reaches over seeds of training, as a share of the exact best predictor.

The language, its held-out text and the masks of the measurement stay the same; weights, order and
masks of training change. It takes some minutes a seed and is run by name:
`OMP_NUM_THREADS=1 python -m tests.benchmarks demo_seeds`.
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.tokens import Tokens
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import to_device
from hf_apt.models.fresh import new_model
from hf_apt.records.run import Run
from hf_apt.runs.preparation import prepare
from hf_apt.runs.recipes import RunConfig, demo_recipe
from hf_apt.stats.apt import mean_apt
from hf_apt.stats.counts import DepthCounts, PairCounts
from hf_apt.training.pretraining import pretrain, pretrainer

from .ratio import report

SEEDS = range(42, 45)
"""The recipe's own seed and the next two."""

LEAST_SHARE = 0.9
"""Of the ceiling of mean APT over all words, at every seed."""


def run() -> bool:
    """Whether every seed's last block reaches its share of the ceiling; prints two lines a seed."""
    config = demo_recipe(task=None)
    assert isinstance(config.corpus, PlantedCorpus)
    with TemporaryDirectory() as folder:
        train, validation = prepare(config, Run(Path(folder)))
        best = config.corpus.bayes_counts(validation, config.measure).at(0)
        is_content_V = config.corpus.classes() >= 0
        return all(
            [
                reaches(seed, trained_counts(config, train, validation, seed), best, is_content_V)
                for seed in SEEDS
            ]
        )


def trained_counts(config: RunConfig, train: Tokens, validation: Tokens, seed: int) -> DepthCounts:
    """The answers of the own head at every depth, of a model trained from this seed."""
    with TemporaryDirectory() as folder:
        model = new_model(config.shape, train, seed=seed)
        trainer = pretrainer(
            model, train, validation, replace(config.pretrain, seed=seed), Path(folder)
        )
        pretrain(trainer)
    trunk = Trunk(to_device(model))
    return measure(trunk, validation, {"own_head": OwnHead(trunk)}, config.measure)[
        "own_head"
    ].counts


def reaches(seed: int, counts: DepthCounts, best: PairCounts, is_content_V: np.ndarray) -> bool:
    """Whether mean APT over all words reaches `LEAST_SHARE` of the ceiling.

    Prints a line for all words and one for those of paradigms, without the function words.
    """
    last = counts.at(counts.num_depths - 1)
    reached = {}
    for words, tokens_V in (("all words", None), ("words of paradigms", is_content_V)):
        # The ratio that is printed is peer / ours: what the model reaches of the ceiling.
        reached[words] = report(
            f"demo, seed {seed}, mean APT over {words}: model / ceiling",
            ours=mean_apt(best.hits(), best.support(), tokens_V=tokens_V).value,
            peer=mean_apt(last.hits(), last.support(), tokens_V=tokens_V).value,
            at_least=LEAST_SHARE if tokens_V is None else 0.0,
            unit="mean APT",
        )
    return reached["all words"]
