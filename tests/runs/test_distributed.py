"""One law: how many processes share the work changes no count and no head."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from workers.measuring import CONFIG, measured

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches
from hf_apt.depths.heads import DepthHeads
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.stats.counts import DepthCounts

WORKER = Path(__file__).parents[1] / "support/workers" / "measuring.py"
NUMBERS = (2, 3)


@pytest.fixture(scope="module")
def folder(tokens, tmp_path_factory) -> Path:
    """Holds what every process of 1, 2 and 3 returned."""
    folder = tmp_path_factory.mktemp("distributed")
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2)
    new_model(shape, tokens, seed=3).save_pretrained(folder / "checkpoint")
    places = [str(folder / "checkpoint"), str(Path(tokens.ids.filename).parent), str(folder)]
    measured(*places)
    done = subprocess.run(
        [sys.executable, str(WORKER), *places, *map(str, NUMBERS)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return folder


def assert_same(counts: DepthCounts, expected: DepthCounts) -> None:
    assert (counts.num_depths, counts.vocab_size) == (expected.num_depths, expected.vocab_size)
    for pairs, expected_pairs in zip(counts.pairs, expected.pairs, strict=True):
        for found, wanted in zip(pairs, expected_pairs, strict=True):
            assert np.array_equal(found.keys, wanted.keys)
            assert np.array_equal(found.counts, wanted.counts)


@pytest.mark.parametrize("decoder", ["own_head", "again"])
@pytest.mark.parametrize("number", NUMBERS)
def test_every_process_returns_the_total_of_one(number, decoder, folder):
    alone = DepthCounts.load(folder / f"{decoder}-0-of-1.npz")
    assert alone.at(0).total > 100
    for rank in range(number):
        assert_same(DepthCounts.load(folder / f"{decoder}-{rank}-of-{number}.npz"), alone)


@pytest.mark.parametrize("number", NUMBERS)
def test_heads_trained_by_several_are_those_trained_by_one(number, folder):
    alone = DepthHeads.load(folder / "heads-0-of-1.safetensors", "mlm_head").state_dict()
    for rank in range(number):
        path = folder / f"heads-{rank}-of-{number}.safetensors"
        shared = DepthHeads.load(path, "mlm_head").state_dict()
        assert shared.keys() == alone.keys()
        for name, weight in alone.items():
            torch.testing.assert_close(shared[name], weight, rtol=1e-4, atol=1e-5, msg=name)


def test_the_batches_cannot_be_shared_equally(tokens):
    num_batches = len(MaskedBatches(tokens, CONFIG).starts)
    assert num_batches == 13
    assert num_batches % 2
    assert num_batches % 3


@pytest.mark.parametrize("num_parts", [1, 2, 3, 5, 20])
def test_parts_hold_every_batch_once(num_parts, tokens):
    batches = MaskedBatches(tokens, MeasureConfig(batch_size=8, num_realisations=2))

    def shown(index: int, num_parts: int) -> list[bytes]:
        return [batch.input_ids_BT.tobytes() for _, batch in batches.part(index, num_parts)]

    parts = [shown(index, num_parts) for index in range(num_parts)]
    assert sorted(sum(parts, [])) == sorted(shown(0, 1))
    assert len(set(shown(0, 1))) == 26
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
