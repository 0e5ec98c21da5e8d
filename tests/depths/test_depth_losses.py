"""Laws of the cross-entropy at every depth: after the last block it is the model's own loss."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from small_trainers import MASKED, SMALL, made
from torch import Tensor

import hf_apt.depths.measurement as measure_module
from hf_apt.data.measurement_batches import MaskedBatches, MeasureConfig
from hf_apt.depths import own_head as own_head_module
from hf_apt.depths.depth_losses import depth_cross_entropy
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.sequence_losses import SequenceLosses, merged_losses

VOCAB = 65
CONFIG = MeasureConfig(masking_rate=0.25, seed=77, batch_size=7, num_realisations=2)


def run_whole() -> Any:
    """Its head adds a bias behind the decoder: logits have to be computed whole."""
    torch.manual_seed(0)
    model = hf.EsmForMaskedLM(hf.EsmConfig(**SMALL, pad_token_id=0, mask_token_id=4))
    torch.nn.init.normal_(model.lm_head.bias)
    return model.eval()


MODELS = {family: partial(made, family) for family in MASKED} | {"run whole": run_whole}


def looped(tokens: Any, decode: Any) -> tuple[np.ndarray, list[list[np.ndarray]]]:
    """Means by depth of -log p, and the losses of each sequence, one sequence after the other."""
    by_sequence: list[list[np.ndarray]] = [[] for _ in range(len(tokens))]
    one_by_one = MeasureConfig(**vars(CONFIG) | {"batch_size": 1})
    batches = MaskedBatches(tokens, one_by_one)
    for (_, index), (tokens_BT, batch) in zip(batches.starts, batches.part(), strict=True):
        labels = torch.from_numpy(batch.labels_BT)
        inputs = {
            "input_ids": torch.from_numpy(batch.input_ids_BT),
            "attention_mask": torch.from_numpy((tokens_BT != 0).astype(int)),
        }
        with torch.no_grad():
            by_sequence[index].append(decode(inputs, labels).numpy())
    losses = np.concatenate([part for parts in by_sequence for part in parts], axis=1)
    assert losses.shape[1] > 300
    return losses.mean(axis=1), by_sequence


@pytest.mark.parametrize("kind", MODELS)
def test_after_the_last_block_it_is_the_loss_of_the_model(kind, tokens, monkeypatch):
    monkeypatch.setattr(own_head_module, "_ROW_CHUNK", 5)
    model = MODELS[kind]()
    trunk = Trunk(model)
    head = OwnHead(trunk)
    assert (head._decoder is None) == (kind == "run whole")

    def loss(inputs: dict[str, Tensor], labels: Tensor) -> Tensor:
        num_asked = int((labels != -100).sum())
        # The mean of none is NaN: there is nothing to repeat then.
        return model(**inputs, labels=labels).loss.expand(1, num_asked)

    (expected,), _ = looped(tokens, loss)
    found = depth_cross_entropy(trunk, tokens, {"own_head": head}, CONFIG)["own_head"]
    assert found.cross_entropy_D[-1] == pytest.approx(expected, abs=1e-5)
    assert found.cross_entropy_D.shape == found.standard_error_D.shape == (trunk.num_depths,)
    assert len(set(found.cross_entropy_D.round(5))) == trunk.num_depths


@pytest.mark.parametrize("kind", ["own_head", "linear_head", "mlm_head"])
def test_at_every_depth_it_is_that_of_a_loop_over_whole_logits(kind, tokens):
    model = made("bert")
    trunk = Trunk(model)
    torch.manual_seed(3)
    heads = None if kind == "own_head" else DepthHeads(kind, trunk.num_depths, 16, VOCAB)
    decoder = OwnHead(trunk) if heads is None else heads

    def losses(inputs: dict[str, Tensor], labels: Tensor) -> Tensor:
        states = model.bert(**inputs, output_hidden_states=True).hidden_states
        asked = labels != -100
        rows = []
        for depth, state in enumerate(states):
            if heads is None:
                logits = model.cls(state[asked])
            else:
                logits = heads.decoders[depth](heads.transforms[depth](state[asked]))
            rows.append(-logits.double().log_softmax(dim=1)[range(len(logits)), labels[asked]])
        return torch.stack(rows)

    expected, by_sequence = looped(tokens, losses)
    found = depth_cross_entropy(trunk, tokens, {kind: decoder}, CONFIG)[kind]
    assert found.cross_entropy_D == pytest.approx(expected, abs=1e-5)
    sums = np.array([sum(part.sum(axis=1) for part in parts) for parts in by_sequence]).T
    sizes = np.array([sum(part.shape[1] for part in parts) for parts in by_sequence])
    assert found.num_positions == sizes.sum()
    reference = SequenceLosses(sums, sizes).standard_error()
    assert found.standard_error_D == pytest.approx(reference, abs=1e-6)


def test_the_counts_are_those_of_measure(tokens):
    trunk = Trunk(made("bert"))
    decoders = {"own_head": OwnHead(trunk), "again": OwnHead(trunk)}
    found = depth_cross_entropy(trunk, tokens, decoders, CONFIG)
    expected = measure(trunk, tokens, decoders, CONFIG)
    assert found.keys() == expected.keys()
    for name, counts in expected.items():
        for depth in range(trunk.num_depths):
            pairs, wanted = found[name].counts.at(depth), counts.at(depth)
            assert np.array_equal(pairs.keys, wanted.keys)
            assert np.array_equal(pairs.counts, wanted.counts)
            assert len(wanted.keys) > 100


def test_processes_share_the_batches_and_add_up(tokens, monkeypatch):
    """Each process' share by itself; the sum is the whole."""
    trunk = Trunk(made("bert"))
    decoders = {"own_head": OwnHead(trunk)}
    whole = depth_cross_entropy(trunk, tokens, decoders, CONFIG)["own_head"]
    kept: list[SequenceLosses] = []

    def keep(found: dict[str, Any], _: Any) -> dict[str, Any]:
        kept.extend(part for part in found.values() if isinstance(part, SequenceLosses))
        return found

    monkeypatch.setattr("hf_apt.depths.depth_losses.summed", keep)

    class Process:
        num_processes, is_main_process = 3, False

    for index in range(3):
        process: Any = Process()
        process.process_index = index
        monkeypatch.setattr(measure_module, "process_state", lambda process=process: process)
        depth_cross_entropy(trunk, tokens, decoders, CONFIG)
    total = merged_losses(kept)
    assert [part.num_positions > 0 for part in kept] == [True] * 3
    assert total.num_positions == whole.num_positions
    assert total.cross_entropy() == pytest.approx(whole.cross_entropy_D, rel=1e-12)
    assert total.standard_error() == pytest.approx(whole.standard_error_D, rel=1e-9)


def test_a_model_that_guesses_evenly_is_at_log_of_its_vocabulary(tokens):
    model = made("bert")
    with torch.no_grad():
        model.cls.predictions.transform.LayerNorm.weight.zero_()
        model.cls.predictions.transform.LayerNorm.bias.zero_()
        model.cls.predictions.bias.zero_()
    trunk = Trunk(model)
    found = depth_cross_entropy(trunk, tokens, {"own_head": OwnHead(trunk)}, CONFIG)["own_head"]
    assert found.cross_entropy_D == pytest.approx(np.full(trunk.num_depths, np.log(VOCAB)))
    assert found.standard_error_D == pytest.approx(np.zeros(trunk.num_depths), abs=1e-6)


def test_nothing_asked_is_nothing_swept():
    trunk = Trunk(made("bert"))
    nothing = torch.empty(trunk.num_depths, 0, 16)
    for decoder in (OwnHead(trunk), DepthHeads("mlm_head", trunk.num_depths, 16, VOCAB)):
        swept = decoder.sweep(nothing, torch.empty(0).long())
        assert [sweep.cross_entropy_N.shape for sweep in swept] == [(0,)] * trunk.num_depths


@pytest.mark.parametrize("kind", ["decoder found", "run whole"])
def test_a_target_outside_the_vocabulary_is_refused(kind):
    trunk = Trunk(made("bert") if kind == "decoder found" else run_whole())
    head = OwnHead(trunk)
    with pytest.raises(ValueError, match="target -100 is no id of a vocabulary of 65 tokens"):
        head.sweep(torch.zeros(trunk.num_depths, 2, 16), torch.tensor([3, -100]))


def test_a_model_too_small_for_the_tokens_is_refused(tokens):
    model = hf.BertForMaskedLM(hf.BertConfig(**SMALL | {"vocab_size": 64})).eval()
    trunk = Trunk(model)
    with pytest.raises(ValueError, match="65 tokens and the model only 64"):
        depth_cross_entropy(trunk, tokens, {"own_head": OwnHead(trunk)}, CONFIG)
