"""All seven depths in one pass, against one plain evaluation and against a pass per depth."""

import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.counts import DepthCounts
from hf_apt.trunk import OwnHead, Trunk

from .ratio import medians, report
from .text import masked_inputs

_VOCAB_SIZE = 8192


@torch.no_grad()
def run() -> bool:
    """Whether measuring a stock BERT, 6 x 128, V = 8,192, 8 x 128 tokens, is quick enough."""
    config = BertConfig(
        vocab_size=_VOCAB_SIZE,
        hidden_size=128,
        num_hidden_layers=6,
        num_attention_heads=2,
        intermediate_size=512,
    )
    model = BertForMaskedLM(config).eval()
    inputs = masked_inputs(num_sequences=8, vocab_size=_VOCAB_SIZE)
    ids, labels = inputs["input_ids"], inputs["labels"]
    asked = labels != -100
    trunk = Trunk(model)
    head = OwnHead(trunk)
    references = labels[asked].numpy()
    treatments = (references * 0).astype("uint8")

    def ours() -> None:
        counts = DepthCounts.empty(7, _VOCAB_SIZE)
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

    times = medians(
        {
            "ours": ours,
            "plain": plain,
            "per_depth": pass_per_depth,
            "everywhere": pass_per_depth_everywhere,
        },
        rounds=5,
    )
    bars = {
        "plain": ("plain evaluation with loss / seven depths with counts", 1.0),
        "per_depth": ("a pass per depth, modified positions / ours", 3.5),
        "everywhere": ("a pass per depth, logits everywhere / ours", 6.0),
    }
    return all(
        [
            report(name, ours=times["ours"], peer=times[variant], at_least=bar)
            for variant, (name, bar) in bars.items()
        ]
    )
