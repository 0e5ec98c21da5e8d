"""Laws of what a run costs: torch's own count of a real run's FLOPs, counts, and the order."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from live_bytes import peak_bytes
from planned_costs import CONFIG, CONV, T, costs_of
from torch.utils.flop_counter import FlopCounterMode

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.tokens import write_tokens
from hf_apt.depths.head_config import HeadConfig
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model, untrained_twin
from hf_apt.models.shapes import ModelShape
from hf_apt.runs import machine_speed as machine_speed_module
from hf_apt.runs.machine_speed import (
    OVERHEAD,
    SPREAD,
    Speed,
    _Trial,
    expected_seconds,
    machine_speed,
)
from hf_apt.runs.phase_costs import (
    PhaseCost,
    Work,
    counts_bytes,
    disk_bytes,
    measures_bytes,
    phase_costs,
)
from hf_apt.runs.recipes import narrow_recipe, paper_recipe
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.registry import MEASURES
from hf_apt.training.costs.counted_costs import CountedCosts, ForwardFlops, StackShape
from hf_apt.training.costs.model_costs import ModelCosts
from hf_apt.training.head_training import train_heads
from hf_apt.training.pretraining import pretrain, pretrainer


@pytest.fixture(autouse=True)
def known_peak(monkeypatch) -> None:
    """Products that are tried, for the peak and the fastest library, are none of the run's."""
    monkeypatch.setattr("hf_apt.training.progress.fastest_rate", lambda device, dtype: 1e9)
    monkeypatch.setenv("HF_APT_MATMUL", "default")


@pytest.fixture(scope="module")
def full_tokens(tokenizer, tmp_path_factory):
    """120 packed sequences of one document: nothing but the two ends of each is special."""
    words = np.random.default_rng(0).integers(0, 60, 120 * (T - 2))
    text = " ".join(f"w{word}" for word in words)
    folder = tmp_path_factory.mktemp("tokens") / "full"
    return write_tokens(folder, [text], tokenizer, sequence_length=T, layout="packed")


def counted(call) -> int:
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


@pytest.mark.parametrize("config", [CONFIG, CONV], ids=["bert6", "conv"])
def test_every_phase_does_the_flops_that_are_foretold(config, full_tokens, tmp_path, monkeypatch):
    """Of a real run, but for the number of positions that happen to be modified: 1 %."""
    # At the embeddings equal rows are asked once, which the costs leave out.
    monkeypatch.setattr("hf_apt.depths.sweep.equal_rows._distinct", lambda rows: None)
    model = new_model(config.shape, full_tokens, seed=0)
    model.set_attn_implementation("eager")
    expected = {cost.name: cost for cost in phase_costs(config, costs_of(config), len(full_tokens))}
    assert list(expected) == ["pretraining", "heads", "measuring", "untrained"]
    trainer = pretrainer(model, full_tokens, full_tokens, config.pretrain, tmp_path / "p")
    found = {"pretraining": counted(lambda: pretrain(trainer))}
    trunk = Trunk(model).prepare()
    readers = {"own_head": OwnHead(trunk)}

    def train() -> None:
        readers.update(
            train_heads(trunk, full_tokens, config.head_kinds, config.heads, tmp_path / "h")
        )

    found["heads"] = counted(train)
    found["measuring"] = counted(lambda: measure(trunk, full_tokens, readers, config.measure))
    twin = untrained_twin(model)
    twin.set_attn_implementation("eager")
    untrained = Trunk(twin).prepare()
    asked = {"untrained": OwnHead(untrained)}
    found["untrained"] = counted(lambda: measure(untrained, full_tokens, asked, config.measure))
    for name, flops in found.items():
        assert flops == pytest.approx(expected[name].work.flops, rel=0.02), name
        assert expected[name].memory > 4 * costs_of(config).num_parameters
    assert expected["pretraining"].tokens == 23 * 8 * T
    assert expected["heads"].tokens == 12 * 8 * T
    assert expected["measuring"].tokens == expected["untrained"].tokens == 2 * 50 * T


@pytest.mark.parametrize("num_distinct_steps", [None, 5])
@pytest.mark.parametrize(
    "done",
    ["", *(pytest.param(done, marks=pytest.mark.slow) for done in ("linear_head", "mlm_head"))],
)
def test_heads_cost_what_is_foretold_together_apart_and_with_kept_states(
    num_distinct_steps, done, full_tokens, tmp_path
):
    """The trunk once for both kinds, and not again for states that are kept; bytes of tensors."""
    heads = HeadConfig(num_steps=60, batch_size=32, num_distinct_steps=num_distinct_steps)
    config = replace(CONFIG, heads=heads)
    kinds = [kind for kind in config.head_kinds if kind != done]
    phases = phase_costs(config, costs_of(config), 100, done={done, "pretraining"})
    expected = {cost.name: cost for cost in phases[1:-2]}
    together = kinds[0] if done else "heads"
    assert list(expected) == [*([done] if done else []), together]
    model = new_model(config.shape, full_tokens, seed=0)
    model.set_attn_implementation("eager")
    trunk = Trunk(model).prepare()

    def train() -> None:
        train_heads(trunk, full_tokens, kinds, config.heads, tmp_path)

    assert counted(train) == pytest.approx(expected[together].work.flops, rel=0.02)
    weights = 4 * costs_of(config).num_parameters
    assert weights + peak_bytes(train) == pytest.approx(expected[together].memory, rel=0.15)


def test_of_a_larger_vocabulary_heads_hold_weights_and_no_logits():
    """Those of some positions of a depth are less than what the trunk takes before them."""
    config = paper_recipe(CorpusSource(name="x/y"))
    memory, weights = [], []
    for vocab_size in (10_000, 60_000):
        costs = costs_of(config, vocab_size)
        memory.append(phase_costs(config, costs, 800)[1].memory)
        weights.append(4 * costs.num_parameters + 16 * costs.trained_head_parameters("linear_head"))
    assert memory[1] - memory[0] == weights[1] - weights[0]


def test_narrow_windows_cost_less_and_only_in_attention():
    config = narrow_recipe(CorpusSource(name="x/y"))
    whole = replace(config, pretrain=replace(config.pretrain, windows=()))
    costs = costs_of(config, 8192)
    cut, uncut = (phase_costs(each, costs, 500)[0] for each in (config, whole))
    assert cut.tokens == uncut.tokens == 24_000 * 8 * 128
    assert cut.work.head_training == uncut.work.head_training
    steps = {8: 0.2, 16: 0.1, 32: 0.5}
    attention = 3 * 6 * 4 * 128  # by token and by token of the row
    saved = sum(share * (128 - width) * attention for width, share in steps.items()) * cut.tokens
    assert uncut.work.trunk_training - cut.work.trunk_training == pytest.approx(saved)


def test_costs_grow_with_what_is_asked():
    config = paper_recipe(CorpusSource(name="x/y"))
    costs = costs_of(config, 30_522)
    first = phase_costs(config, costs, 800)
    longer = replace(config, pretrain=replace(config.pretrain, num_steps=125_000))
    assert phase_costs(longer, costs, 800)[0].work.flops == pytest.approx(
        2 * first[0].work.flops, rel=0.01
    )
    assert [cost.name for cost in phase_costs(replace(config, untrained=False), costs, 800)] == [
        cost.name for cost in first[:-1]
    ]
    assert phase_costs(config, costs, 1600)[2].work.flops == 2 * first[2].work.flops
    in_parts = replace(config, pretrain=replace(config.pretrain, accumulation_steps=4))
    assert phase_costs(in_parts, costs, 800)[0].memory < first[0].memory
    assert phase_costs(in_parts, costs, 800)[0].work == first[0].work


@pytest.mark.parametrize("vocab_size", [7, 40_000, 50_000])
def test_counts_take_no_more_than_foretold(vocab_size):
    generator = np.random.default_rng(0)
    counts = DepthCounts.empty(3, vocab_size)
    num = 5000
    references = generator.integers(0, vocab_size, num)
    predictions = generator.integers(0, vocab_size, (3, num))
    counts.update(references, predictions, generator.integers(0, 3, num))
    taken = sum(each.keys.nbytes + each.counts.nbytes for depth in counts.pairs for each in depth)
    costs = ModelCosts(
        shape=ModelShape(hidden_size=16, num_heads=2, num_blocks=2),
        vocab_size=vocab_size,
        sequence_length=T,
    )
    most = counts_bytes(costs, num)
    assert taken <= most
    if vocab_size > 7:  # all pairs are distinct, or nearly so
        assert taken > 0.99 * most
        assert most == 3 * num * (16 if vocab_size == 50_000 else 12)


def test_measures_take_what_is_foretold():
    costs = costs_of(CONFIG)
    depths, size = costs.num_depths, costs.vocab_size
    ids = np.arange(9)
    answers = Answers(ids, ids % 3, ids + 91, np.zeros((depths, 9), int), np.ones((depths, 9)))
    taken = 0
    for kind in MEASURES:
        made = kind.empty(depths, size)
        made.update(answers)
        taken += sum(array.nbytes for array in made.arrays().values())
    assert taken == measures_bytes(costs, len(ids), 100)


def test_weights_on_disk_are_those_of_the_checkpoints(full_tokens, tmp_path):
    asked = replace(CONFIG.pretrain, num_steps=4, save_every=2, num_validation_sequences=2)
    shape = replace(CONFIG.shape, hidden_size=64)  # so that what is not weights is little
    config = replace(CONFIG, shape=shape, pretrain=asked, head_kinds=())
    trainer = pretrainer(
        new_model(shape, full_tokens, seed=0), full_tokens, full_tokens, asked, tmp_path
    )
    pretrain(trainer)
    weights = [*tmp_path.rglob("*.safetensors"), *tmp_path.rglob("optimizer.pt")]
    assert len(weights) == 4
    two = sum(path.stat().st_size for path in weights)
    one_and_model = two / 2 + costs_of(config).num_parameters * 4
    assert two + one_and_model == pytest.approx(disk_bytes(config, costs_of(config)), rel=0.1)


# The trial.


class Clock:
    """It is a second later at every look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


CLS = replace(CONFIG, shape=replace(CONFIG.shape, num_blocks=2, cls_norms=(2,)))


@pytest.mark.parametrize("config", [CONFIG, CONV, CLS], ids=["bert6", "conv", "cls"])
def test_a_trial_reports_the_flops_that_torch_counts(config):
    trial = _Trial(costs_of(config), 8, Clock(), 0.5)
    trial.model.set_attn_implementation("eager")
    for work in (trial.train_trunk, trial.train_head, trial.read_trunk, trial.read_head):
        said = []
        assert counted(lambda work=work, said=said: said.append(work())) == said[0], work.__name__


def test_speed_is_flops_over_time():
    costs = costs_of(CONFIG)
    speed = machine_speed(costs, batch_size=8, seconds=4, clock=Clock())
    assert speed.trunk_reading == 8 * ModelCosts(
        shape=replace(CONFIG.shape, num_blocks=1), vocab_size=65, sequence_length=T
    ).trunk_flops(T)
    assert speed.trunk_training == 3 * speed.trunk_reading
    assert speed.head_training == 3 * speed.head_reading


def in_turn(monkeypatch, *seconds: dict[str, float]) -> None:
    """Trials of trunk and head take so long by precision, one after the other."""
    left = iter(seconds)

    def taken(step, ways, rounds):
        by_precision = next(left)
        return {way: by_precision[way.precision] for way in ways}

    monkeypatch.setattr(machine_speed_module, "seconds_of", taken)


@pytest.mark.parametrize(("num_blocks", "expected"), [(1, "fp32"), (40, "bf16")])
def test_the_step_of_the_whole_model_decides(monkeypatch, num_blocks, expected):
    """Blocks are three times as fast in bfloat16, and the head is slower."""
    costs = costs_of(replace(CONFIG, shape=replace(CONFIG.shape, num_blocks=num_blocks)))
    in_turn(monkeypatch, {"fp32": 3.0, "bf16": 1.0}, {"fp32": 2.0, "bf16": 9.0})
    speed = machine_speed(costs, batch_size=8, seconds=1, clock=Clock())
    assert speed.training.precision == expected
    assert speed.reading.precision == "fp32"
    assert speed.is_tried


@pytest.mark.parametrize(
    ("asked", "is_short", "expected"),
    [
        ("auto", True, "fp32"),
        ("bf16", True, "bf16"),
        ("bf16", False, "bf16"),
        ("fp32", False, "fp32"),
    ],
)
def test_what_is_asked_for_is_what_is_tried(monkeypatch, asked, is_short, expected):
    """And training is timed in it, reading in that of measuring, heads of it in float32."""
    seen = {}
    for name in ("train_trunk", "train_head", "read_trunk", "read_head"):
        work = getattr(_Trial, name)

        def watched(self, name=name, work=work):
            seen[name] = torch.is_autocast_enabled("cpu")
            return work(self)

        monkeypatch.setattr(_Trial, name, watched)
    speed = machine_speed(
        costs_of(CONFIG),
        batch_size=8,
        training=asked,
        is_short=is_short,
        reading="bf16",
        seconds=1,
        clock=Clock(),
    )
    assert speed.training.precision == expected
    assert speed.reading.precision == "bf16"
    assert not speed.is_tried  # as nothing was left to choose
    is_rounded = expected == "bf16"
    assert seen == {
        **{"train_trunk": is_rounded, "train_head": is_rounded},
        **{"read_trunk": True, "read_head": False},
    }


def test_a_trial_is_of_the_shape_whatever_the_costs_are():
    """Of counted ones too: the FLOPs that a block is said to do are its own."""
    costs = CountedCosts(
        shape=StackShape(hidden_size=16, num_heads=2, num_blocks=9, inner_size=40),
        vocab_size=65,
        sequence_length=T,
        counted_parameters=7,
        count=lambda width: ForwardFlops(width, width, 1, 10, 16),
    )
    trial = _Trial(costs, 8, Clock(), 0.5)
    trial.model.set_attn_implementation("eager")
    said = []
    assert counted(lambda: said.append(trial.train_trunk())) == said[0]


def test_a_choice_is_made_on_few_states_and_leaves_all():
    costs = replace(costs_of(CONFIG), vocab_size=5000)
    trial = _Trial(costs, 512, Clock(), 0.5)
    before = trial.states_BTH, trial.states_NH, trial.labels_N
    trial.training_way("fp32")
    with trial._few():
        assert len(trial.states_NH) == len(trial.labels_N) < len(before[1])
    after = trial.states_BTH, trial.states_NH, trial.labels_N
    assert list(map(id, after)) == list(map(id, before))


def test_what_is_huge_is_tried_in_part():
    huge = ModelShape(hidden_size=1_000_000, num_heads=10)
    costs = ModelCosts(shape=huge, vocab_size=10**6, sequence_length=10**5)
    trial = _Trial(costs, 4096, Clock(), 1)
    assert sum(weights.numel() for weights in trial.model.parameters()) < 60e6
    assert len(trial.states_BTH) == 1
    with trial._few():
        assert trial.states_BTH.shape[:2] == (1, 16)
        assert len(trial.states_NH) == 16


def test_expected_time_is_flops_over_speed_with_overhead():
    speed = Speed(trunk_training=10, head_training=20, trunk_reading=40, head_reading=50)
    work = Work(trunk_training=100, head_training=100, trunk_reading=100, head_reading=100)
    for name, overhead in {
        "pretraining": OVERHEAD["pretraining"],
        "mlm_head": OVERHEAD["heads"],
        "untrained": OVERHEAD["measuring"],
    }.items():
        cost = PhaseCost(name=name, tokens=1, work=work, memory=1)
        assert expected_seconds(cost, speed) == pytest.approx(overhead * (10 + 5 + 2.5 + 2))
    assert SPREAD[0] < 1 < SPREAD[1]
