"""The benchmark's figures are the counters' at the same positions, and a slow loop's."""

import json

import numpy as np
import pytest
import torch
from small_trainers import looped, made

from hf_apt.data.bench.benchmark import Benchmark, Passage
from hf_apt.data.bench.word_questions import word_batches, word_questions
from hf_apt.depths.asked_labels import labels_asked
from hf_apt.depths.bench.word_bench import bench
from hf_apt.depths.decoded import Decoded
from hf_apt.depths.depth_pass import read
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    generator = np.random.default_rng(4)
    passages = []
    for number in range(30):
        words = [f"w{word}" for word in generator.integers(0, 12, generator.integers(6, 14))]
        ends = np.cumsum([len(word) + 1 for word in words])
        starts = ends - [len(word) + 1 for word in words]
        # The third and the fourth word are one of two tokens.
        spans = ((starts[0], ends[0] - 1), (starts[2], ends[3] - 1), (starts[5], ends[5] - 1))
        passages.append(Passage(f"p{number}", " ".join(words), spans))
    return Benchmark("b", 1, "0" * 64, tuple(passages))


@pytest.fixture(scope="module")
def labelled(benchmark, tokenizer) -> list[dict]:
    """The same questions as any masked language model takes them, a passage a batch."""
    batches = []
    for asked in word_batches(word_questions(benchmark.passages, tokenizer), 1):
        labels = torch.full_like(asked.inputs["input_ids"], -100)
        labels[asked.asked_BT] = torch.from_numpy(asked.references_N)
        batches.append({**asked.inputs, "labels": labels})
    return batches


def test_counts_are_those_of_the_counters_at_the_same_positions(
    benchmark, labelled, tokenizer
) -> None:
    model = made("bert")
    result = bench(model, tokenizer, benchmark, batch_size=7)
    trunk = Trunk(model)
    measured = Decoded(trunk, OwnHead(trunk))
    asked = (
        labels_asked(batch, range(len(batch["input_ids"])), trunk, mask_id=4) for batch in labelled
    )
    read(trunk, asked, [measured])
    counts = measured.total.readout.counts
    assert (result.readout.counts.hits() == counts.hits()).all()
    assert (result.readout.counts.support() == counts.support()).all()
    assert counts.support("masked").sum() == counts.support().sum() == 4 * 30
    for figures, slow in zip(result.tokens, measured.total.figures(), strict=True):
        assert figures["cross_entropy"].value == pytest.approx(slow["cross_entropy"].value)
    for depth, table in looped("bert", model, labelled).items():
        right = sum(times for (true, said), times in table.items() if true == said)
        assert result.tokens[depth]["accuracy"].value == right / (4 * 30)


def test_words_are_those_of_a_slow_loop_over_the_whole_model(
    benchmark, labelled, tokenizer
) -> None:
    model = made("bert")
    hits, nats = [], []
    for batch in labelled:
        with torch.no_grad():
            logits = model(batch["input_ids"], batch["attention_mask"]).logits[0]
        log_p = logits.double().log_softmax(-1)
        places = (batch["labels"][0] != -100).nonzero()[:, 0].tolist()
        asked = [(place, batch["labels"][0, place]) for place in places]
        right = [bool(logits[place].argmax() == true) for place, true in asked]
        lost = [-float(log_p[place, true]) for place, true in asked]
        hits += [right[0], right[1] and right[2], right[3]]
        nats += [lost[0], lost[1] + lost[2], lost[3]]
    result = bench(model, tokenizer, benchmark)
    last = result.words[-1]
    assert 0 < sum(hits) < len(hits)
    assert last["accuracy"].value == np.mean(hits)
    assert last["cross_entropy"].value == pytest.approx(np.mean(nats), rel=1e-5)


def test_figures_do_not_depend_on_the_batches_and_go_into_json(benchmark, tokenizer) -> None:
    model = made("bert")
    one, many = (bench(model, tokenizer, benchmark, batch_size=size) for size in (1, 30))
    assert [each["accuracy"] for each in one.words] == [each["accuracy"] for each in many.words]
    record = json.loads(json.dumps(one.record()))
    assert record["sha256"] == "0" * 64
    assert (record["num_words"], record["num_tokens"], len(record["depths"])) == (90, 120, 3)
    assert "90 words" in repr(one)


def test_what_cannot_be_asked_is_refused_before_any_pass(benchmark, tokenizer, tmp_path) -> None:
    with pytest.raises(ValueError, match="predicts the next token"):
        bench(made("gpt2"), tokenizer, benchmark)
    with pytest.raises(ValueError, match="holds no benchmark"):
        bench(made("bert"), tokenizer, tmp_path)
    with pytest.raises(ValueError, match="batch_size"):
        bench(made("bert"), tokenizer, benchmark, batch_size=0)
    long = Passage("long", " ".join(["w1"] * 60), ((0, 2),))
    with pytest.raises(ValueError, match="40 positions|positions"):
        bench(made("bert"), tokenizer, Benchmark("b", 1, "", (long,)))


def test_a_logit_that_is_not_finite_is_said(benchmark, tokenizer) -> None:
    model = made("bert")
    with torch.no_grad():
        model.bert.encoder.layer[1].output.dense.bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="has no answer"):
        bench(model, tokenizer, benchmark)
