"""All seven depths in one pass, against one plain evaluation and other ways to see all depths.

Once as a bare pass over one batch; once end to end, from tokens on disk, against the evaluation
that transformers' Trainer makes.
"""

import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.decoded import Decoded
from hf_apt.depths.depth_pass import read
from hf_apt.depths.measurement import asked_batches, measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.precision.measuring_arithmetic import measuring_arithmetic
from hf_apt.depths.sweep import chunks, streamed_argmax
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.counts import DepthCounts

from .arithmetic import has_bfloat16, has_faster_float32
from .ratio import medians, report
from .sizes import BERT6, TINY, Size
from .stock import stock_trainer
from .text import masked_inputs, written_tokens, zipf_sequences

_PLAIN = "plain evaluation with loss / seven depths with counts"
_PER_DEPTH = "a pass per depth, modified positions / ours"
_EVERYWHERE = "a pass per depth, logits everywhere / ours"
_LENSES = "evaluation of lenses at every layer and position / ours"


Bars = tuple[float, float]
"""With a faster float32 library, and without."""

_BARS: dict[Size, tuple[Bars, Bars, Bars]] = {
    TINY: ((2.1, 1.1), (1.7, 0.9), (2.6, 1.8)),
    BERT6: ((2.1, 0.95), (1.9, 0.9), (2.9, 1.45)),
}
"""Of counts, of counts and measures, and of counts with the trunk in bfloat16."""


def run() -> bool:
    """Whether measuring a stock BERT is quick enough at both sizes."""
    bars = {
        TINY: {_PLAIN: (1.04, 0.9), _PER_DEPTH: 3.9, _EVERYWHERE: 6.9, _LENSES: 7.0},
        BERT6: {_PLAIN: (1.07, 0.9), _PER_DEPTH: 4.6, _EVERYWHERE: 6.8, _LENSES: 5.0},
    }
    return all(
        [
            *(_compared(size, at_least) for size, at_least in bars.items()),
            _end_to_end(TINY, num_sequences=256, batch_size=32, rounds=3, bars=_BARS[TINY]),
            _end_to_end(BERT6, num_sequences=16, batch_size=8, rounds=2, bars=_BARS[BERT6]),
            *(_swept(size) for size in (TINY, BERT6)),
        ]
    )


def _end_to_end(
    size: Size,
    *,
    num_sequences: int,
    batch_size: int,
    rounds: int,
    bars: tuple[Bars, Bars, Bars],
) -> bool:
    """`Trainer.evaluate` has its sequences in memory and computes the loss alone.

    `bars` are those of `_BARS`; measures are cross-entropy and prediction depth at every depth.

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

        def rounded() -> None:
            # As a long measurement does it: without the comparison of its first batches.
            asked = asked_batches(tokens, config)
            way = measuring_arithmetic(trunk, tokens, "bf16")
            reader = Decoded(trunk, decoders["own_head"], ())
            read(trunk, asked, [reader], arithmetic=way)
            reader.total.readout.counts.hits()

        ours = {"counts": counted, "counts and measures": measured}
        if has_bfloat16():
            ours["counts, trunk in bfloat16, without the comparison"] = rounded
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
            for name, at_least in zip(ours, map(_judged, bars), strict=False)
        ]
    )


def _judged(bar: Bars | float) -> float:
    """The bar of this processor."""
    return bar if isinstance(bar, float) else bar[0 if has_faster_float32() else 1]


@torch.no_grad()
def _swept(size: Size) -> bool:
    """The arg-max over the vocabulary, against all rows at once by torch's default library."""
    torch.manual_seed(0)
    weights_VE = torch.randn(size.vocab_size, size.hidden_size)
    bias_V = torch.randn(size.vocab_size)
    passed = []
    for num_rows in (300, 2000, 6000):
        features_NE = torch.randn(num_rows, size.hidden_size)

        def all_rows(features_NE: torch.Tensor = features_NE) -> torch.Tensor:
            best_N = torch.full((len(features_NE),), -torch.inf)
            ids_N = torch.zeros(len(features_NE), dtype=torch.long)
            for start in range(0, size.vocab_size, 1024):
                chunk = slice(start, start + 1024)
                logits_NK = torch.nn.functional.linear(
                    features_NE, weights_VE[chunk], bias_V[chunk]
                )
                largest_N, index_N = chunks._largest(logits_NK)
                ids_N = torch.where(largest_N > best_N, index_N + start, ids_N)
                best_N = torch.maximum(best_N, largest_N)
            return ids_N

        def ours(features_NE: torch.Tensor = features_NE) -> torch.Tensor:
            return streamed_argmax(features_NE, weights_VE, bias_V)

        assert torch.equal(ours(), all_rows())
        times = medians({"ours": ours, "peer": all_rows}, rounds=size.rounds)
        # Where the third cache holds the logits of all rows, tiles gain nothing.
        bars = (1.65, 0.75) if size is TINY else (1.85, 0.75)
        passed.append(
            report(
                f"arg-max of {num_rows:,} rows, {size.name}: chunks of all rows by torch / ours",
                ours=times["ours"],
                peer=times["peer"],
                at_least=_judged(bars),
            )
        )
    return all(passed)


@torch.no_grad()
def _compared(size: Size, bars: dict[str, Bars | float]) -> bool:
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
            report(
                f"{size.name}: {name}",
                ours=times["ours"],
                peer=times[name],
                at_least=_judged(bar),
            )
            for name, bar in bars.items()
        ]
    )
