"""Laws of what is decoded: one read for all, and after the last block the model's own loss."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from small_trainers import MASKED, SMALL, made
from torch import Tensor

import hf_apt.depths.measurement as measure_module
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches
from hf_apt.depths import own_head as own_head_module
from hf_apt.depths.decoded import Decoded
from hf_apt.depths.depth_pass import read
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.measures.cross_entropy import CrossEntropy

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


def cross_entropy(trunk: Trunk, tokens: Any, decoder: Any) -> CrossEntropy:
    """The measure of one decoder."""
    found = measure(trunk, tokens, {"decoder": decoder}, CONFIG)["decoder"].measures
    return found["cross_entropy"]


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
    found = cross_entropy(trunk, tokens, head)
    assert found.mean()[-1] == pytest.approx(expected, abs=1e-5)
    assert found.mean().shape == found.standard_error().shape == (trunk.num_depths,)
    assert len(set(found.mean().round(5))) == trunk.num_depths


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
    found = cross_entropy(trunk, tokens, decoder)
    assert found.mean() == pytest.approx(expected, abs=1e-5)
    sums = np.array([sum(part.sum(axis=1) for part in parts) for parts in by_sequence]).T
    sizes = np.array([sum(part.shape[1] for part in parts) for parts in by_sequence])
    assert found.num_positions == sizes.sum()
    reference = CrossEntropy(sums, sizes).standard_error()
    assert found.standard_error() == pytest.approx(reference, abs=1e-6)


@pytest.mark.parametrize("kind", ["own_head", "mlm_head"])
def test_the_counts_are_those_of_predictions_alone(kind, tokens):
    """The sweep finds the most probable token that a plain arg-max finds, to the last position."""
    trunk = Trunk(made("bert"))
    torch.manual_seed(3)
    decoder = (
        OwnHead(trunk) if kind == "own_head" else DepthHeads(kind, trunk.num_depths, 16, VOCAB)
    )
    swept = measure(trunk, tokens, {kind: decoder}, CONFIG)[kind]
    predicted = measure(trunk, tokens, {kind: decoder}, CONFIG, measures=())[kind]
    assert predicted.measures == {} != swept.measures
    for depth in range(trunk.num_depths):
        pairs, wanted = swept.counts.at(depth), predicted.counts.at(depth)
        assert np.array_equal(pairs.keys, wanted.keys)
        assert np.array_equal(pairs.counts, wanted.counts)
        assert len(wanted.keys) > 100


def test_a_decoder_that_only_predicts_is_only_counted(tokens):
    trunk = Trunk(made("bert"))
    head = OwnHead(trunk)
    found = measure(trunk, tokens, {"a": head, "b": lambda hidden: head(hidden)}, CONFIG)
    assert found["b"].measures == {}
    assert np.array_equal(found["a"].counts.hits(), found["b"].counts.hits())


def test_one_pass_serves_any_number_of_readers(tokens):
    """Readers of answers and a stranger's reader of states, from one pass of the trunk."""

    class Norms:
        """The mean norm of the hidden states."""

        def __init__(self):
            self.total, self.num = 0.0, 0

        def update(self, batch: Any, hidden_DNH: Tensor) -> None:
            self.total += hidden_DNH.norm(dim=-1).sum(dim=1)
            self.num += hidden_DNH.shape[1]

    trunk = Trunk(made("bert"))
    trunk.at({"input_ids": torch.ones(1, 24, dtype=int)}, torch.eye(24)[:1].bool())
    norms, head = Norms(), Decoded(trunk, OwnHead(trunk))
    passes: list[int] = []
    hook = trunk.module.register_forward_hook(lambda *_: passes.append(1))
    read(trunk, measure_module.asked_batches(tokens, CONFIG), [head, norms])
    hook.remove()
    head_passes = len(MaskedBatches(tokens, CONFIG).starts)
    # The own head runs the model with the trunk's output replaced, once at the embeddings and once
    # for all blocks; that is no pass of the trunk's own code.
    assert len(passes) == head_passes * 3
    assert norms.num == head.total.readout.counts.support().sum()
    assert (norms.total / norms.num > 1).all()


def test_processes_share_the_batches_and_add_up(tokens, monkeypatch):
    """Each process' share by itself; merged, they are the whole."""
    trunk = Trunk(made("bert"))
    head = OwnHead(trunk)
    whole = measure(trunk, tokens, {"own_head": head}, CONFIG)["own_head"]

    class Process:
        num_processes, is_main_process = 3, False

    parts = []
    for index in range(3):
        process: Any = Process()
        process.process_index = index
        monkeypatch.setattr(measure_module, "process_state", lambda process=process: process)
        parts.append(Decoded(trunk, head))
        read(trunk, measure_module.asked_batches(tokens, CONFIG), [parts[-1]])
    first, *others = (part.total for part in parts)
    assert all(part.total.readout.measures["cross_entropy"].num_positions > 0 for part in parts)
    for other in others:
        first.merge(other)
    assert np.array_equal(first.readout.counts.hits(), whole.counts.hits())
    for name, measured in whole.measures.items():
        for key, array in measured.arrays().items():
            assert first.readout.measures[name].arrays()[key] == pytest.approx(array, rel=1e-12), (
                key
            )


def test_a_model_that_guesses_evenly_is_at_log_of_its_vocabulary(tokens):
    model = made("bert")
    with torch.no_grad():
        model.cls.predictions.transform.LayerNorm.weight.zero_()
        model.cls.predictions.transform.LayerNorm.bias.zero_()
        model.cls.predictions.bias.zero_()
    trunk = Trunk(model)
    found = cross_entropy(trunk, tokens, OwnHead(trunk))
    assert found.mean() == pytest.approx(np.full(trunk.num_depths, np.log(VOCAB)))
    assert found.standard_error() == pytest.approx(np.zeros(trunk.num_depths), abs=1e-6)


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
        measure(trunk, tokens, {"own_head": OwnHead(trunk)}, CONFIG)
