"""All seven depths in one pass, against one plain evaluation and other ways to see all depths.

Once as a bare pass over one batch; once end to end, from tokens on disk, against the evaluation
that transformers' Trainer makes.
"""

import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.counts import DepthCounts

from .ratio import medians, report
from .sizes import BERT6, TINY, Size
from .stock import stock_trainer
from .text import masked_inputs, written_tokens, zipf_sequences

_PLAIN = "plain evaluation with loss / seven depths with counts"
_PER_DEPTH = "a pass per depth, modified positions / ours"
_EVERYWHERE = "a pass per depth, logits everywhere / ours"
_LENSES = "evaluation of lenses at every layer and position / ours"


def run() -> bool:
    """Whether measuring a stock BERT is quick enough at both sizes."""
    bars = {
        TINY: {_PLAIN: 1.04, _PER_DEPTH: 4.0, _EVERYWHERE: 7.0, _LENSES: 8.3},
        BERT6: {_PLAIN: 1.07, _PER_DEPTH: 4.6, _EVERYWHERE: 7.5, _LENSES: 5.0},
    }
    return all(
        [
            *(_compared(size, at_least) for size, at_least in bars.items()),
            _end_to_end(TINY, num_sequences=256, batch_size=32, rounds=3, bars=(1.1, 0.9)),
            _end_to_end(BERT6, num_sequences=16, batch_size=8, rounds=2, bars=(1.06, 1.0)),
        ]
    )


def _end_to_end(
    size: Size, *, num_sequences: int, batch_size: int, rounds: int, bars: tuple[float, float]
) -> bool:
    """`Trainer.evaluate` has its sequences in memory and computes the loss alone.

    `bars` are for counts alone, and with cross-entropy and prediction depth at every depth.

    The batch size is the one that suits it best, of 8, 16, 32, 64 and of 4, 8, 16 sequences.
    """
    model = BertForMaskedLM(BertConfig(**size.config())).eval()
    ids_BT = zipf_sequences(num_sequences, size.vocab_size)
    trunk = Trunk(model).prepare()
    decoders = {"own_head": OwnHead(trunk)}
    config = MeasureConfig(batch_size=batch_size)
    with (
        written_tokens(ids_BT, size.vocab_size) as tokens,
        stock_trainer(
            model, ids_BT, per_device_eval_batch_size=batch_size, prediction_loss_only=True
        ) as trainer,
    ):

        def counted() -> None:
            measure(trunk, tokens, decoders, config, measures=())["own_head"].counts.hits()

        def measured() -> None:
            measure(trunk, tokens, decoders, config)["own_head"].figures()

        ours = {"counts": counted, "counts and measures": measured}
        times = medians({**ours, "peer": trainer.evaluate}, rounds=rounds)
    return all(
        [
            report(
                f"{size.name}: Trainer.evaluate, loss only / measure, seven depths with {name}",
                ours=times[name],
                peer=times["peer"],
                at_least=at_least,
                tokens=ids_BT.size,
            )
            for name, at_least in zip(ours, bars, strict=True)
        ]
    )


@torch.no_grad()
def _compared(size: Size, bars: dict[str, float]) -> bool:
    model = BertForMaskedLM(BertConfig(**size.config())).eval()
    inputs = masked_inputs(num_sequences=size.batch_size, vocab_size=size.vocab_size)
    ids, labels = inputs["input_ids"], inputs["labels"]
    asked = labels != -100
    trunk = Trunk(model).prepare()
    head = OwnHead(trunk)
    references = labels[asked].numpy()
    treatments = (references * 0).astype("uint8")

    def ours() -> None:
        counts = DepthCounts.empty(7, size.vocab_size)
        predictions = head(trunk.at({"input_ids": ids}, asked))
        counts.update(references, predictions.numpy(), treatments)
        counts.hits()

    def plain() -> None:
        float(model(input_ids=ids, labels=labels).loss)

    def pass_per_depth() -> None:
        for depth in range(7):
            states = model.bert(ids, output_hidden_states=True).hidden_states
            model.cls(states[depth][asked]).argmax(-1)

    def pass_per_depth_everywhere() -> None:
        for depth in range(7):
            states = model.bert(ids, output_hidden_states=True).hidden_states
            model.cls(states[depth]).argmax(-1)

    translators = [torch.nn.Linear(size.hidden_size, size.hidden_size) for _ in range(7)]

    def lenses() -> None:
        # One forward pass; at every layer and position a translator, the head, cross-entropy, the
        # divergence from the final distribution and the moments of the log-probabilities.
        states = model.bert(ids, output_hidden_states=True).hidden_states
        final = model.cls(states[-1]).log_softmax(dim=-1)
        for state, translator in zip(states, translators, strict=True):
            lens = model.cls(state + translator(state)).log_softmax(dim=-1)
            torch.nn.functional.cross_entropy(lens.flatten(0, 1), ids.flatten())
            (final.exp() * (final - lens)).sum(dim=-1).mean()
            probabilities = lens.exp().flatten(0, 1)
            probabilities.mean(dim=0)
            lens.flatten(0, 1).mean(dim=0)

    variants = {_PLAIN: plain, _PER_DEPTH: pass_per_depth, _EVERYWHERE: pass_per_depth_everywhere}
    times = medians({"ours": ours, **variants, _LENSES: lenses}, rounds=size.rounds)
    return all(
        [
            report(f"{size.name}: {name}", ours=times["ours"], peer=times[name], at_least=bar)
            for name, bar in bars.items()
        ]
    )
