"""Laws of the measurement, held against a loop over single examples and full logits."""

from pathlib import Path
from typing import Any

import numpy as np
import oracles
import pytest
import torch
import transformers as hf

from hf_apt.data.masking import mask
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches, NextTokenBatches
from hf_apt.data.tokens import Tokens, write_tokens
from hf_apt.depths.measurement import measure, predicts_next_tokens, require_fit
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.stats.apt import mean_apt
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.registry import MEASURES
from trainer_callbacks import AptCallback

NUM_REALISATIONS = 2
SEED = 77
RATE = 0.25


@pytest.fixture(scope="module")
def trunk(tokens) -> Trunk:
    """Of a model whose weights are large enough for its depths to differ."""
    model = new_model(ModelShape(hidden_size=16, num_heads=2, num_blocks=2), tokens, seed=3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4.0)
    return Trunk(model.eval())


def merged_counts(parts: list[DepthCounts]) -> DepthCounts:
    total = DepthCounts.empty(parts[0].num_depths, parts[0].vocab_size)
    for part in parts:
        total.merge(part)
    return total


def config_of(**changed: Any) -> MeasureConfig:
    asked = {"num_realisations": NUM_REALISATIONS, "masking_rate": RATE, "seed": SEED}
    return MeasureConfig(**asked | changed)


Tables = dict[tuple[int, int], oracles.Table]
"""By (depth, treatment): how often each (reference, prediction) occurred."""


def tables_of(counts: DepthCounts) -> Tables:
    found: Tables = {}
    for depth, by_treatment in enumerate(counts.pairs):
        for treatment, pairs in enumerate(by_treatment):
            for key, count in zip(pairs.keys.tolist(), pairs.counts.tolist(), strict=True):
                pair = divmod(key, counts.vocab_size)
                found.setdefault((depth, treatment), {})[pair] = count
    return found


def looped(model: Any, tokens: Tokens, realisations: range, num_sequences: int) -> Tables:
    masking = tokens.masking(seed=SEED, rate=RATE)
    found: Tables = {}
    for realisation in realisations:
        for index in range(num_sequences):
            sequence = tokens.ids[tokens.starts[index] : tokens.starts[index + 1]].astype(int)
            batch = mask(sequence[None], np.array([index]), masking, epoch=realisation)
            with torch.no_grad():
                outputs = model.bert(torch.tensor(batch.input_ids_BT), output_hidden_states=True)
                logits = [model.cls(state)[0].tolist() for state in outputs.hidden_states]
            for position, label in enumerate(batch.labels_BT[0].tolist()):
                if label == -100:
                    continue
                treatment = int(batch.treatments_BT[0, position])
                for depth, of_depth in enumerate(logits):
                    row = of_depth[position]
                    table = found.setdefault((depth, treatment), {})
                    pair = (label, row.index(max(row)))
                    table[pair] = table.get(pair, 0) + 1
    return found


@pytest.fixture(scope="module")
def expected(trunk, tokens) -> Tables:
    return looped(trunk.model, tokens, range(NUM_REALISATIONS), len(tokens))


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
def test_counts_are_those_of_a_loop_whatever_the_batch_size(batch_size, trunk, tokens, expected):
    config = config_of(batch_size=batch_size)
    found = measure(trunk, tokens, {"own_head": OwnHead(trunk)}, config)
    assert tables_of(found["own_head"].counts) == expected
    assert len({max(table.values()) for table in expected.values()}) > 1


def test_batches_are_as_long_as_their_longest_sequence(tokens, trunk, monkeypatch):
    """With the very counts of batches that are all filled up to the longest possible sequence."""
    config, decoders = config_of(batch_size=4), {"own_head": OwnHead(trunk)}
    lengths = np.diff(tokens.starts)
    widths = [tokens_BT.shape[1] for tokens_BT, _ in MaskedBatches(tokens, config).part()]
    assert widths[: len(widths) // 2] == [
        lengths[start : start + 4].max() for start in range(0, len(lengths), 4)
    ]
    assert len(set(widths)) > 3
    short = tables_of(measure(trunk, tokens, decoders, config)["own_head"].counts)
    filled = Tokens.padded
    monkeypatch.setattr(Tokens, "padded", lambda self, indices, **_: filled(self, indices))
    assert {batch.shape[1] for batch, _ in MaskedBatches(tokens, config).part()} == {24}
    assert tables_of(measure(trunk, tokens, decoders, config)["own_head"].counts) == short


@pytest.mark.parametrize("measures", [(), MEASURES])
def test_a_measurement_of_nothing_is_refused(trunk, tokens, tokenizer, tmp_path, measures):
    """Of one token, at which this seed asks nothing."""
    few = write_tokens(tmp_path / "t", ["w1"], tokenizer, sequence_length=8, layout="first")
    config = MeasureConfig(seed=1, masking_rate=0.001)
    with pytest.raises(ValueError, match="^no position of the 1 sequences in .* Give more text"):
        measure(trunk, few, {"own_head": OwnHead(trunk)}, config, measures=measures)


def test_packed_sequences_are_counted_likewise(trunk, packed_tokens):
    expected = looped(trunk.model, packed_tokens, range(1), 10)
    config = config_of(batch_size=4, num_realisations=1, num_sequences=10)
    found = measure(trunk, packed_tokens, {"own_head": OwnHead(trunk)}, config)
    assert tables_of(found["own_head"].counts) == expected


def test_realisations_add_up(trunk, tokens):
    decoders = {"own_head": OwnHead(trunk)}
    first = measure(trunk, tokens, decoders, config_of(num_realisations=1))["own_head"].counts
    both = measure(trunk, tokens, decoders, config_of(num_realisations=2))["own_head"].counts
    second = looped(trunk.model, tokens, range(1, 2), len(tokens))
    assert tables_of(first) != second
    for (depth, treatment), table in tables_of(both).items():
        one, other = tables_of(first)[depth, treatment], second[depth, treatment]
        assert table == {
            pair: one.get(pair, 0) + other.get(pair, 0) for pair in one.keys() | other.keys()
        }


def test_every_modified_position_is_counted_once_at_every_depth(trunk, tokens):
    config = config_of(num_sequences=50)
    indices = np.arange(50)
    num_modified = sum(
        (
            mask(
                tokens.padded(indices), indices, MaskedBatches(tokens, config).masking, epoch=epoch
            )
        ).modified_BT.sum()
        for epoch in range(NUM_REALISATIONS)
    )
    counts = measure(trunk, tokens, {"own_head": OwnHead(trunk)}, config)["own_head"].counts
    assert counts.num_depths == 3
    for depth in range(3):
        assert counts.at(depth).total == num_modified
        assert np.array_equal(counts.at(depth).support(), counts.support())
    assert counts.support()[:5].sum() == 0  # special tokens are never asked for


def test_no_more_sequences_than_asked_for_or_than_there_are(tokens):
    assert MaskedBatches(tokens, config_of(num_sequences=7)).num_sequences == 7
    assert MaskedBatches(tokens, config_of(num_sequences=9999)).num_sequences == len(tokens)
    assert MaskedBatches(tokens, config_of()).num_sequences == len(tokens)


@pytest.mark.parametrize("num_decoders", [1, 3])
def test_one_forward_pass_a_batch_serves_all_decoders(num_decoders, trunk, tokens):
    calls: list[int] = []
    assert not predicts_next_tokens(trunk.model)  # found out by experiment, once for a model
    hook = trunk.module.encoder.register_forward_hook(lambda *_: calls.append(1))
    decoders = {
        f"decoder {number}": lambda hidden, number=number: torch.full(hidden.shape[:2], number)
        for number in range(num_decoders)
    }
    counts = measure(trunk, tokens, decoders, config_of(batch_size=10))
    hook.remove()
    assert len(calls) == NUM_REALISATIONS * 11
    for number, readout in enumerate(counts.values()):
        assert {key % 65 for key in readout.counts.at(1).keys.tolist()} == {number}


def test_a_model_in_training_mode_is_measured_without_dropout_and_left_in_it(
    trunk, tokens, expected
):
    trunk.model.train()
    try:
        state = torch.get_rng_state()
        found = measure(trunk, tokens, {"own_head": OwnHead(trunk)}, config_of())
        assert tables_of(found["own_head"].counts) == expected
        assert all(module.training for module in trunk.model.modules())
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        trunk.model.eval()
    found = measure(trunk, tokens, {"own_head": OwnHead(trunk)}, config_of())
    assert not any(module.training for module in trunk.model.modules())
    assert all(weight.grad is None for weight in trunk.model.parameters())


def test_an_untrained_model_knows_nothing(tokens):
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2)
    means = []
    for seed in range(10):
        trunk = Trunk(new_model(shape, tokens, seed=seed).eval())
        counts = measure(trunk, tokens, {"own_head": OwnHead(trunk)}, config_of())[
            "own_head"
        ].counts
        hits, support = counts.hits("masked"), counts.support("masked")
        means.append([mean_apt(hits_V, support).value for hits_V in hits])
    # One in 65 where nothing is shown; a token that is always answered counts as one in 60.
    assert np.mean(means) == pytest.approx(1 / 65, abs=0.01)


def test_a_model_that_is_told_the_answer_knows_everything(trunk, tokens):
    batches = MaskedBatches(tokens, config_of())
    answers = iter([batch.labels_BT[batch.modified_BT] for _, batch in batches.part()])
    told = {"told": lambda hidden: torch.tensor(next(answers)).expand(len(hidden), -1)}
    counts = measure(trunk, tokens, told, config_of())["told"].counts
    assert np.array_equal(counts.hits(), np.stack([counts.support()] * 3))


def test_merging_measurements_of_two_seeds_adds_their_support(trunk, tokens):
    decoders = {"own_head": OwnHead(trunk)}
    parts = [measure(trunk, tokens, decoders, config_of(seed=s))["own_head"].counts for s in (1, 2)]
    assert tables_of(parts[0]) != tables_of(parts[1])
    assert np.array_equal(merged_counts(parts).support(), parts[0].support() + parts[1].support())


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("num_realisations", 0),
        ("batch_size", 0),
        ("num_sequences", 0),
        ("num_sequences", -3),
        ("masking_rate", 0.0),
        ("masking_rate", 1.5),
        ("masking_rate", float("nan")),
        ("seed", -1),
        ("seed", 2**64),
    ],
)
def test_senseless_numbers_are_refused(name, wrong):
    with pytest.raises(ValueError, match=rf"^{name} must .*, got {wrong}\.$"):
        MeasureConfig(**{name: wrong})


@pytest.mark.parametrize("asked", ["own head", "own head, counted alone"])
def test_activations_that_are_not_finite_are_refused(asked, tokens):
    model = new_model(ModelShape(hidden_size=16, num_heads=2, num_blocks=2), tokens, seed=3)
    with torch.no_grad():
        model.bert.encoder.layer[1].output.LayerNorm.weight.fill_(3e38)
        model.bert.encoder.layer[1].output.LayerNorm.bias.fill_(3e38)
    trunk = Trunk(model.eval())
    measures = () if "alone" in asked else MEASURES
    message = r"^own head has no answer for \d+ at depth 2 positions of \d+, because .* not finite"
    with pytest.raises(ValueError, match=message):
        measure(trunk, tokens, {"own head": OwnHead(trunk)}, config_of(), measures=measures)


def test_a_folder_of_tokens_is_not_opened_tokens(trunk):
    with pytest.raises(ValueError, match=r"^tokens must be opened first, .*, got 'here'\.$"):
        measure(trunk, "here", {"own_head": OwnHead(trunk)}, config_of())  # pyright: ignore


# Whether a model has the token ids and the positions.

SMALL = {
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 26,
}


def of_length(length: int, tokenizer: Any, folder: Path) -> Tokens:
    text = " ".join(f"w{number % 60}" for number in range(40))
    return write_tokens(folder, [text], tokenizer, sequence_length=length, layout="first")


@pytest.mark.parametrize(
    ("model_type", "longest"),
    [("bert", 26), ("electra", 26), ("roberta", 24), ("mpnet", 24), ("xlm-roberta-xl", 24)],
)
def test_sequences_may_be_as_long_as_the_model_has_positions(
    model_type, longest, tokenizer, tmp_path
):
    config = hf.AutoConfig.for_model(model_type, vocab_size=65, pad_token_id=1, **SMALL)
    model = hf.AutoModelForMaskedLM.from_config(config).eval()
    with pytest.raises((IndexError, RuntimeError)):
        model(torch.full((1, longest + 1), 7))
    with pytest.raises(ValueError, match=f"of {longest + 1} tokens are longer .* {longest} pos"):
        require_fit(model, of_length(longest + 1, tokenizer, tmp_path / "long"))
    held = of_length(longest, tokenizer, tmp_path / "longest")
    require_fit(model, held)
    trunk = Trunk(model)
    counts = measure(trunk, held, {"own_head": OwnHead(trunk)}, config_of())
    assert counts["own_head"].counts.at(1).total > 0


def test_a_tokenizer_larger_than_the_model_is_refused(tokens):
    config = hf.BertConfig(vocab_size=64, **SMALL)
    trunk = Trunk(hf.BertForMaskedLM(config).eval())
    with pytest.raises(ValueError, match="the tokenizer has 65 tokens and the model only 64"):
        measure(trunk, tokens, {}, config_of())


# Causal models.


@pytest.fixture(scope="module")
def gpt() -> hf.GPT2LMHeadModel:
    """A tiny GPT-2 whose answers differ from depth to depth."""
    torch.manual_seed(5)
    sizes: Any = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32, "vocab_size": 65}
    return hf.GPT2LMHeadModel(hf.GPT2Config(**sizes, initializer_range=0.5)).eval()


@pytest.mark.parametrize("layout", ["tokens", "packed_tokens"])
@pytest.mark.parametrize("batch_size", [1, 16])
def test_a_causal_model_is_asked_for_next_tokens_as_by_the_callback(
    gpt, layout, batch_size, request, tokenizer, tmp_path
):
    tokens: Tokens = request.getfixturevalue(layout)
    trunk = Trunk(gpt)
    config = MeasureConfig(batch_size=batch_size)
    counts = measure(trunk, tokens, {"own": OwnHead(trunk)}, config)["own"].counts
    rows = [row.tolist() for row in np.split(np.asarray(tokens.ids), tokens.starts[1:-1])]
    special = set(tokens.description.special_ids)
    asked = [[-100 if token in special else token for token in row] for row in rows]
    labelled: Any = [{"input_ids": a, "labels": b} for a, b in zip(rows, asked, strict=True)]
    trainer = hf.Trainer(
        model=gpt,
        args=hf.TrainingArguments(
            str(tmp_path), per_device_eval_batch_size=7, report_to=[], use_cpu=True
        ),
        eval_dataset=labelled,
        data_collator=hf.DataCollatorForTokenClassification(tokenizer),
        callbacks=[AptCallback()],
    )
    trainer.evaluate()
    table = np.load(next((tmp_path / "apt").glob("*.npz")))
    assert np.array_equal(counts.hits(), table["hits"])
    assert np.array_equal(counts.support(), table["support"])
    following = np.concatenate([row[1:] for row in asked])
    expected_V = np.bincount(following[following >= 0], minlength=65)
    assert np.array_equal(counts.support(), expected_V)
    assert not counts.support("replaced").any()
    assert not counts.support("unchanged").any()
    assert len({tuple(hits_V) for hits_V in counts.hits().tolist()}) > 1


@pytest.mark.parametrize(
    "changed", [{"masking_rate": 0.3}, {"seed": 1}, {"num_realisations": 2}], ids=str
)
def test_a_causal_model_is_not_masked(gpt, tokens, changed):
    trunk = Trunk(gpt)
    with pytest.raises(ValueError, match=f"nothing is masked, so that {next(iter(changed))}="):
        measure(trunk, tokens, {"own": OwnHead(trunk)}, MeasureConfig(**changed))


@pytest.mark.parametrize("num_parts", [1, 3])
def test_parts_of_next_token_batches_are_all_of_them_once(tokens, num_parts):
    batches = NextTokenBatches(tokens, MeasureConfig(batch_size=10, num_sequences=57))
    whole = dict(batches.part())
    parts = [dict(batches.part(index, num_parts)) for index in range(num_parts)]
    assert sorted(start for part in parts for start in part) == list(range(0, 57, 10))
    for start, batch in ((start, batch) for part in parts for start, batch in part.items()):
        assert all(torch.equal(batch[name], whole[start][name]) for name in batch)
    sizes = [batches.num_tokens(index, num_parts) for index in range(num_parts)]
    assert sum(sizes) == sum(batch["input_ids"].numel() for batch in whole.values())
