"""Laws of heads trained for every depth: they share a pass of a frozen trunk, and no more."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
import transformers as hf
from torch import Tensor, nn
from torch.utils.data import Dataset

from hf_apt.data.masking import mask
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.head_config import HeadConfig
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.measurement import measure
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.records.run import Run
from hf_apt.runs.decoders import decoders
from hf_apt.stats.counts import DepthCounts
from hf_apt.training import head_training
from hf_apt.training.head_training import heads_trainer, train_heads
from hf_apt.training.progress import NamedProgress

KINDS = ("linear_head", "mlm_head")
VOCAB, WIDTH = 65, 16
SHORT = HeadConfig(num_steps=6, batch_size=8, seed=4)
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def trunk(tiny_model) -> Trunk:
    """Of weights large enough for its depths to differ."""
    with torch.no_grad():
        for weight in tiny_model.parameters():
            weight.mul_(4.0)
    return Trunk(tiny_model).prepare()


class OneDepth:
    """A trunk of which only one depth is seen."""

    def __init__(self, trunk: Trunk, depth: int):
        self.model, self.hidden_size = trunk.model, trunk.hidden_size
        self.num_depths = 1
        self._trunk, self._depth = trunk, depth

    def prepare(self) -> "OneDepth":
        return self

    def at(self, inputs: dict[str, Tensor], asked_BT: Tensor) -> Tensor:
        return self._trunk.at(inputs, asked_BT)[self._depth : self._depth + 1]


def begin_alike(heads: DepthHeads, embeddings_VH: Tensor) -> None:
    """The same first weights for each depth, however many there are."""
    with torch.no_grad():
        for parts in (heads.decoders, heads.transforms):
            for part in parts:
                generator = torch.Generator().manual_seed(9)
                for weight in part.parameters():
                    weight.copy_(torch.randn(weight.shape, generator=generator) / 4)


@every_kind
def test_all_depths_together_are_each_depth_alone(kind, trunk, tokens, tmp_path, monkeypatch):
    monkeypatch.setattr(DepthHeads, "begin_from", begin_alike)
    together = train_heads(trunk, tokens, [kind], SHORT, tmp_path)[kind].state_dict()
    for depth in range(3):
        one: Any = OneDepth(trunk, depth)
        alone = train_heads(one, tokens, [kind], SHORT, tmp_path)[kind].state_dict()
        for name, weight in alone.items():
            in_all = name.replace("s.0.", f"s.{depth}.", 1)
            torch.testing.assert_close(together[in_all], weight, rtol=0, atol=1e-6, msg=name)
    weights = [together[f"decoders.{depth}.weight"] for depth in range(3)]
    assert (weights[0] - weights[1]).abs().max() > 1e-3
    assert (weights[1] - weights[2]).abs().max() > 1e-3


@every_kind
def test_training_is_adamw_on_the_mean_loss_of_the_modified_positions(
    kind, trunk, tokens, tmp_path
):
    """Written out for all depths with a loop of torch's own parts, from the same first weights."""
    found = train_heads(trunk, tokens, [kind], SHORT, tmp_path)[kind].state_dict()
    with torch.random.fork_rng():
        torch.manual_seed(SHORT.seed)
        heads = DepthHeads(kind, 3, WIDTH, VOCAB)
    embeddings = trunk.model.bert.embeddings.word_embeddings.weight.detach()
    for decoder in heads.decoders:
        decoder.weight.data, decoder.bias.data = embeddings.clone(), torch.zeros(VOCAB)
    optimizer = torch.optim.AdamW(heads.parameters(), lr=1.0, weight_decay=0.0)
    order = np.random.default_rng([SHORT.seed, 0]).permutation(len(tokens))
    for step in range(6):
        for group in optimizer.param_groups:  # one step of warm-up from 0, then down to 0
            group["lr"] = SHORT.learning_rate * (0 if step == 0 else (6 - step) / 5)
        indices = order[step * 8 : (step + 1) * 8]
        padded = tokens.padded(indices)
        batch = mask(padded, indices, tokens.masking(seed=SHORT.seed), epoch=0)
        with torch.no_grad():
            states = trunk.model.bert(
                torch.tensor(batch.input_ids_BT),
                attention_mask=torch.tensor(padded != 0).long(),
                output_hidden_states=True,
            ).hidden_states
        asked = torch.tensor(batch.modified_BT)
        labels = torch.tensor(batch.labels_BT)[asked]
        optimizer.zero_grad()
        for depth, state in enumerate(states):
            logits = heads.decoders[depth](heads.transforms[depth](state[asked]))
            nn.functional.cross_entropy(logits, labels).backward()
        optimizer.step()
    for name, weight in heads.state_dict().items():
        torch.testing.assert_close(found[name], weight, rtol=1e-4, atol=1e-5, msg=name)


@every_kind
def test_the_trunk_is_left_as_it_was_and_evaluated(kind, trunk, tokens, tmp_path):
    model = trunk.model
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    asked_grad = [weight.requires_grad for weight in model.parameters()]
    modes: list[bool] = []
    hook = model.bert.encoder.layer[0].register_forward_hook(
        lambda module, *_: modes.append(module.training or torch.is_grad_enabled())
    )
    train_heads(trunk, tokens, [kind], SHORT, tmp_path)
    hook.remove()
    assert modes == [False] * SHORT.num_steps  # one pass a step serves all depths
    assert not any(module.training for module in model.modules())
    assert [weight.requires_grad for weight in model.parameters()] == asked_grad
    for name, weight in model.named_parameters():
        assert weight.grad is None, name
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, before[name]), name


@every_kind
def test_heads_are_the_same_again(kind, trunk, tokens, tmp_path):
    first = train_heads(trunk, tokens, [kind], SHORT, tmp_path / "first")[kind].state_dict()
    torch.rand(3)
    again = train_heads(trunk, tokens, [kind], SHORT, tmp_path / "again")[kind].state_dict()
    for name, weight in first.items():
        assert torch.equal(again[name], weight), name


@pytest.mark.parametrize("num_distinct_steps", [None, 2])
def test_kinds_trained_together_are_those_trained_apart(
    num_distinct_steps, trunk, tokens, tmp_path
):
    """With one pass of the trunk a step for both."""
    config = replace(SHORT, num_distinct_steps=num_distinct_steps)
    passes = counted_passes(trunk)
    together = train_heads(trunk, tokens, KINDS, config, tmp_path)
    assert len(passes) == (num_distinct_steps or 6)
    assert tuple(together) == KINDS
    for kind in KINDS:
        alone = train_heads(trunk, tokens, [kind], config, tmp_path)[kind].state_dict()
        assert together[kind].kind == kind
        for name, weight in together[kind].state_dict().items():
            torch.testing.assert_close(weight, alone[name], rtol=0, atol=1e-7, msg=name)
    assert len(passes) == 3 * (num_distinct_steps or 6)


def test_a_run_trains_the_kinds_that_it_lacks_in_one_pass_and_none_again(trunk, tokens, tmp_path):
    config: Any = SimpleNamespace(head_kinds=KINDS, heads=SHORT)
    passes, num_passes, written = counted_passes(trunk), [], []
    for missing in (KINDS, ("mlm_head",), ()):
        for kind in missing:
            (tmp_path / f"heads/{kind}.safetensors").unlink(missing_ok=True)
        found = decoders(trunk, tokens, config, Run(tmp_path))
        assert list(found) == ["own_head", *KINDS]
        num_passes.append(len(passes))
        written.append({kind: (tmp_path / f"heads/{kind}.safetensors").stat() for kind in KINDS})
    assert num_passes == [6, 12, 12]
    linear = [each["linear_head"].st_mtime_ns for each in written]
    assert linear == linear[:1] * 3
    assert written[0]["mlm_head"].st_mtime_ns < written[1]["mlm_head"].st_mtime_ns


def test_heads_of_another_model_or_broken_ones_are_trained_again(trunk, tokens, tmp_path):
    config: Any = SimpleNamespace(head_kinds=("linear_head",), heads=SHORT)
    path = tmp_path / "heads/linear_head.safetensors"
    decoders(trunk, tokens, config, Run(tmp_path))
    whole = path.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], whole[:-9] + b"\1" + whole[-8:]):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"linear_head\.safetensors"):
            DepthHeads.load(path, "linear_head")
        with pytest.warns(UserWarning, match=r"linear_head\.safetensors .* trained again"):
            decoders(trunk, tokens, config, Run(tmp_path))
        assert path.read_bytes() == whole
    other: Any = SimpleNamespace(head_kinds=("linear_head",), heads=replace(SHORT, num_steps=5))
    with pytest.warns(UserWarning, match="another model, text or training"):
        decoders(trunk, tokens, other, Run(tmp_path))
    with torch.no_grad():
        next(trunk.model.parameters()).add_(0.1)
    with pytest.warns(UserWarning, match="another model, text or training"):
        decoders(trunk, tokens, other, Run(tmp_path))


def counted_passes(trunk: Trunk) -> list[None]:
    """Grows by one for every pass of the trunk."""
    passes: list[None] = []
    trunk.model.bert.encoder.layer[0].register_forward_hook(lambda *_: passes.append(None))
    return passes


@pytest.mark.parametrize(
    ("free", "some_passes"),
    [(10**10, (3,)), (0, (9,)), (10**4, (5, 7))],
    ids=["all", "none", "some"],
)
@pytest.mark.parametrize("precision", ["fp32", pytest.param("bf16", marks=pytest.mark.slow)])
def test_states_that_are_kept_change_nothing_but_the_number_of_passes(
    free, some_passes, precision, trunk, tokens, tmp_path, monkeypatch
):
    """Against draws that are written out: the first three steps, again and again."""
    sizes = (trunk.num_depths, trunk.hidden_size, tokens.description.vocab_size)
    weights = [w.numel() for kind in KINDS for w in DepthHeads(kind, *sizes).parameters()]
    training = 12 * sum(weights)  # gradients and moments, which are still to come
    monkeypatch.setattr(head_training, "free_memory", lambda _: training + free)
    config = replace(SHORT, num_steps=9, num_distinct_steps=3, precision=precision)
    passes = counted_passes(trunk)
    found = train_heads(trunk, tokens, KINDS, config, tmp_path)
    num_passes = len(passes)
    assert num_passes in some_passes
    monkeypatch.setattr(head_training, "RepeatedDraws", Written)
    expected = train_heads(trunk, tokens, KINDS, replace(config, num_distinct_steps=None), tmp_path)
    assert len(passes) == num_passes + 9
    for kind in KINDS:
        for name, weight in expected[kind].state_dict().items():
            assert torch.equal(found[kind].state_dict()[name], weight), name


class Written(Dataset):
    """Nine batches of eight: each of the first three, three times over."""

    def __init__(self, draws: Any, *, num_draws: int, num_distinct: int):
        assert (num_draws, num_distinct) == (72, 72)
        self.draws = draws

    def __len__(self) -> int:
        return 72

    def __getitems__(self, draws: list[int]) -> dict[str, Tensor]:
        batch = {0: 0, 24: 0, 48: 0, 8: 8, 32: 8, 56: 8, 16: 16, 40: 16, 64: 16}[draws[0]]
        found = self.draws.__getitems__(list(range(batch, batch + 8)))
        return found | {"draws": torch.tensor(draws)}


@pytest.mark.parametrize("num_distinct_steps", [6, 7])
def test_draws_that_never_come_again_are_not_kept(num_distinct_steps, trunk, tokens, tmp_path):
    config = replace(SHORT, num_distinct_steps=num_distinct_steps)
    _, model = heads_trainer(trunk, tokens, KINDS, config, tmp_path)
    assert model.kept.num_bytes_left == 0
    found = train_heads(trunk, tokens, KINDS, config, tmp_path)
    expected = train_heads(trunk, tokens, KINDS, SHORT, tmp_path)
    for kind in KINDS:
        for name, weight in expected[kind].state_dict().items():
            assert torch.equal(found[kind].state_dict()[name], weight), name


@every_kind
def test_products_in_bfloat16_train_nearly_the_same(kind, trunk, tokens, tmp_path):
    """As graphics cards make them; weights and their sums stay in float32."""
    losses = []
    for precision in ("fp32", "bf16"):
        config = HeadConfig(num_steps=40, batch_size=16, learning_rate=1e-2, precision=precision)
        heads = train_heads(trunk, tokens, [kind], config, tmp_path)[kind]
        assert {weight.dtype for weight in heads.parameters()} == {torch.float32}
        losses.append(loss_on(heads, trunk, tokens))
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], abs=0.03)


def test_the_optimiser_is_adamw_in_one_kernel(trunk, tokens, tmp_path):
    trainer, _ = heads_trainer(trunk, tokens, KINDS, SHORT, tmp_path)
    optimizer = trainer.create_optimizer()
    assert type(optimizer) is torch.optim.AdamW
    assert {group["fused"] for group in optimizer.param_groups} == {True}


@pytest.mark.parametrize(
    ("kinds", "name"),
    [
        (["linear_head"], "Linear heads"),
        (["mlm_head"], "MLM heads"),
        (KINDS, "Both heads"),
    ],
)
def test_the_bar_says_what_is_trained(kinds, name, trunk, tokens, tmp_path):
    trainer, _ = heads_trainer(trunk, tokens, kinds, SHORT, tmp_path)
    bars = [bar for bar in trainer.callback_handler.callbacks if isinstance(bar, NamedProgress)]
    assert [bar.name for bar in bars] == [name]


def test_heads_that_diverge_end_with_what_to_lower(trunk, tokens, tmp_path):
    """In a step that is not logged, too: what is left is looked at."""
    with pytest.raises(ValueError, match=r"training has diverged: .*; lower the learning rate"):
        train_heads(trunk, tokens, KINDS, replace(SHORT, learning_rate=1e38), tmp_path)


def test_what_cannot_be_trained_is_refused_in_a_sentence(trunk, tokens, tmp_path):
    with pytest.raises(ValueError, match="no kind of head is called 'l': take linear_head or"):
        train_heads(trunk, tokens, cast(Any, "linear_head"), SHORT, tmp_path)
    for number in (0, -1):
        with pytest.raises(ValueError, match=f"num_distinct_steps must be .* got {number}"):
            replace(SHORT, num_distinct_steps=number)


@every_kind
def test_saved_heads_are_loaded_whole(kind, trunk, tokens, tmp_path):
    heads = train_heads(trunk, tokens, [kind], SHORT, tmp_path)[kind]
    assert not heads.training
    heads.save(tmp_path / "deep" / "heads.safetensors")
    loaded = DepthHeads.load(tmp_path / "deep" / "heads.safetensors", kind)
    assert not loaded.training
    assert loaded.kind == kind
    assert loaded.state_dict().keys() == heads.state_dict().keys()
    for name, weight in heads.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight), name
    hidden = torch.randn(3, 20, WIDTH, generator=torch.Generator().manual_seed(0))
    assert torch.equal(loaded(hidden), heads(hidden))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["heads.safetensors"]


@pytest.mark.parametrize("num_depths", [1, 13])
def test_any_number_of_depths_is_loaded_in_order(num_depths, tmp_path):
    heads = DepthHeads("mlm_head", num_depths, 4, 7)
    heads.save(tmp_path / "heads.safetensors")
    loaded = DepthHeads.load(tmp_path / "heads.safetensors", "mlm_head")
    assert len(loaded.decoders) == len(loaded.transforms) == num_depths
    for name, weight in heads.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight), name


def test_an_mlm_head_is_that_of_bert():
    heads = DepthHeads("mlm_head", 2, WIDTH, VOCAB)
    stock = hf.BertForMaskedLM(
        hf.BertConfig(
            vocab_size=VOCAB,
            hidden_size=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            layer_norm_eps=1e-5,
        )
    ).cls.predictions
    dense, activation, norm = heads.transforms[1]
    assert isinstance(activation, nn.GELU)
    assert activation.approximate == "none"
    stock.transform.dense.load_state_dict(dense.state_dict())
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    stock.transform.LayerNorm.load_state_dict(norm.state_dict())
    stock.decoder.weight = heads.decoders[1].weight
    stock.decoder.bias = heads.decoders[1].bias
    hidden = torch.randn(9, WIDTH)
    with torch.no_grad():
        expected = stock(hidden)
    assert torch.equal(heads(hidden.expand(2, -1, -1))[1], expected.argmax(dim=-1))
    loss = heads.loss(hidden.expand(2, -1, -1), torch.arange(9))
    by_hand = [
        -heads.decoders[depth](heads.transforms[depth](hidden)).log_softmax(-1)[row, row]
        for depth in range(2)
        for row in range(9)
    ]
    torch.testing.assert_close(loss, torch.stack(by_hand).sum())


def test_a_linear_head_is_one_linear_map():
    heads = DepthHeads("linear_head", 2, WIDTH, VOCAB)
    assert sum(weight.numel() for weight in heads.parameters()) == 2 * (WIDTH + 1) * VOCAB
    hidden = torch.randn(2, 9, WIDTH)
    expected = [
        (hidden[depth] @ heads.decoders[depth].weight.T + heads.decoders[depth].bias).argmax(-1)
        for depth in range(2)
    ]
    assert torch.equal(heads(hidden), torch.stack(expected))


def loss_on(heads: DepthHeads, trunk: Trunk, tokens: Any) -> list[float]:
    """Mean cross-entropy at each depth, on masks that training did not see."""
    indices = np.arange(len(tokens))
    padded = tokens.padded(indices)
    batch = mask(padded, indices, tokens.masking(seed=99), epoch=0)
    inputs = {
        "input_ids": torch.tensor(batch.input_ids_BT),
        "attention_mask": torch.tensor(padded != 0).long(),
    }
    asked = torch.tensor(batch.modified_BT)
    labels, hidden = torch.tensor(batch.labels_BT)[asked], trunk.at(inputs, asked)
    with torch.no_grad():
        return [
            nn.functional.cross_entropy(decoder(transform(state)), labels).item()
            for decoder, transform, state in zip(
                heads.decoders, heads.transforms, hidden, strict=True
            )
        ]


@every_kind
def test_training_lowers_the_loss_at_every_depth(kind, trunk, tokens, tmp_path):
    losses = []
    for num_steps in (1, 80):  # the first step is warm-up's, of rate 0
        config = HeadConfig(num_steps=num_steps, batch_size=16, learning_rate=1e-2)
        heads = train_heads(trunk, tokens, [kind], config, tmp_path)[kind]
        losses.append(loss_on(heads, trunk, tokens))
    before, after = losses
    assert all(late < early - 0.3 for late, early in zip(after, before, strict=True)), losses


def mean_accuracy(counts: DepthCounts, depth: int, treatment: str) -> float:
    support = counts.support(treatment)
    often = support > 0
    return float((counts.hits(treatment)[depth][often] / support[often]).mean())


def test_at_depth_0_a_linear_head_can_but_copy(tokens, tmp_path):
    """The embeddings show [MASK], a random token or the token itself, which one cannot know."""
    model = new_model(ModelShape(hidden_size=64, num_heads=2, num_blocks=1), tokens, seed=3)
    trunk = Trunk(model.eval())
    config = HeadConfig(num_steps=250, batch_size=32, learning_rate=2e-2)
    heads = train_heads(trunk, tokens, ["linear_head"], config, tmp_path)["linear_head"]
    counts = measure(trunk, tokens, {"head": heads}, MeasureConfig(num_realisations=8))[
        "head"
    ].counts
    assert mean_accuracy(counts, 0, "unchanged") > 0.5  # it copies what it is shown,
    assert mean_accuracy(counts, 0, "masked") < 0.1  # and knows nothing of what it is not
    support = counts.support()
    mean_apt = (counts.hits()[0][support > 0] / support[support > 0]).mean()
    assert 0.03 < mean_apt < 0.2


@every_kind
def test_a_decoder_need_not_be_as_wide_as_the_hidden_states(kind, tokens, tmp_path):
    config = hf.ElectraConfig(
        vocab_size=VOCAB,
        embedding_size=8,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
    )
    trunk = Trunk(hf.ElectraForMaskedLM(config).eval())
    assert trunk.model.get_output_embeddings().weight.shape == (VOCAB, 8)
    heads = train_heads(trunk, tokens, [kind], SHORT, tmp_path)[kind]
    counts = measure(trunk, tokens, {kind: heads}, MeasureConfig())[kind].counts
    assert counts.num_depths == 3
    assert counts.at(2).total > 100


def test_nothing_is_written_beside_what_the_trainer_needs(trunk, tokens, tmp_path):
    train_heads(trunk, tokens, ["linear_head"], SHORT, tmp_path / "work")
    assert not [path for path in Path(tmp_path).rglob("*") if path.is_file()]


def test_a_step_that_asks_for_nothing_costs_nothing():
    heads = DepthHeads("linear_head", 2, 4, 7)
    nothing = torch.zeros(0, dtype=torch.long)
    loss = heads.loss(torch.zeros(2, 0, 4), nothing, divisor=torch.tensor(0))
    loss.backward()
    assert float(loss.detach()) == 0
    for weight in heads.parameters():
        assert weight.grad is None or not weight.grad.any()
