"""LoRA: nothing changes before training, adapters and heads alone change in it; one trunk."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_classifiers import CLASSIFIERS, batch, classifier

from hf_apt.depths.trunk import Trunk
from hf_apt.models.committee import COMBINATIONS, AdapterCommittee, SoftCommittee
from hf_apt.models.lora import (
    is_adapted,
    merge_adapter,
    num_trained,
    with_adapter,
    with_saved_adapter,
)

FAMILIES = list(CLASSIFIERS)


def logits(model):
    with torch.no_grad():
        return model(**batch()).logits


def shaken(model, seed=0):
    """The adapter as if it had been trained: other weights in all that is trained."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight += 0.1 * torch.randn(weight.shape, generator=generator)
    return model


def batch_norms(model):
    return [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fresh_adapter_changes_no_answer(family):
    before = logits(classifier(family))
    adapted = with_adapter(classifier(family), 3, seed=0).eval()
    assert is_adapted(adapted)
    assert torch.equal(logits(adapted), before)
    assert (logits(shaken(adapted)) - before).abs().max() > 1e-2


@pytest.mark.parametrize("family", FAMILIES)
def test_trained_are_factors_in_every_block_and_the_head(family):
    model = classifier(family)
    linear = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and any(map(str.isdigit, name.split(".")))
    }
    head = [
        weight.numel()
        for name, weight in model.named_parameters()
        if any(part in name for part in ("classifier", "pooler", "head."))
    ]
    norms = sum(weight.numel() for norm in batch_norms(model) for weight in norm.parameters())
    num_factors = sum(3 * (each.in_features + each.out_features) for each in linear.values())
    assert len(linear) >= 6
    assert len(head) >= 2
    adapted = with_adapter(model, 3, seed=0)
    assert num_trained(adapted) == num_factors + sum(head) + norms
    kinds = ("lora_A", "lora_B", "modules_to_save.default")
    trained = [name for name, weight in adapted.named_parameters() if weight.requires_grad]
    assert all(any(kind in name for kind in kinds) for name in trained), trained


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_adapter_is_small_and_merges_into_the_weights(family, tmp_path):
    trained = shaken(with_adapter(classifier(family), 3, seed=0).eval())
    expected = logits(trained)
    num = num_trained(trained)
    trained.save_pretrained(tmp_path)
    saved = load_file(tmp_path / "adapter_model.safetensors")
    running = [means for norm in batch_norms(classifier(family)) for means in norm.buffers()]
    assert bool(running) == (family == "bert_conv")
    assert sum(weight.numel() for weight in saved.values()) == num + sum(
        means.numel() for means in running
    )
    again = with_saved_adapter(classifier(family), tmp_path).eval()
    torch.testing.assert_close(logits(again), expected)
    plain = merge_adapter(again)
    assert not is_adapted(plain)
    assert type(plain) is type(classifier(family))
    torch.testing.assert_close(logits(plain), expected, atol=1e-5, rtol=1e-5)
    assert merge_adapter(plain) is plain


def test_seeds_draw_other_factors():
    def factors(seed):
        adapted = with_adapter(classifier("bert"), 3, seed=seed)
        named = adapted.named_parameters()
        return torch.cat([weight.flatten() for name, weight in named if "lora_A" in name])

    assert torch.equal(factors(1), factors(1))
    assert not torch.equal(factors(1), factors(2))


@pytest.mark.parametrize("whole", [True, False])
def test_the_trunk_of_an_adapted_model_is_the_adapted_one(whole):
    adapted = shaken(with_adapter(classifier("bert"), 3, seed=0).eval())
    trunk = Trunk(adapted if whole else adapted.get_base_model())
    inputs = batch()
    asked = inputs["attention_mask"].bool()
    hidden = trunk.at(inputs, asked)
    with torch.no_grad():
        states = merge_adapter(adapted)(**inputs, output_hidden_states=True).hidden_states
    expected = torch.stack([state[asked] for state in states])
    torch.testing.assert_close(hidden, expected, atol=1e-5, rtol=1e-5)
    plain = Trunk(classifier("bert")).at(inputs, asked)
    assert (plain[0] - expected[0]).abs().max() == 0
    assert (plain[1] - expected[1]).abs().max() > 1e-2


def test_running_means_belong_to_the_adapter(tmp_path):
    """A batch normalisation in a block: training moves its means without a gradient."""

    def with_norm():
        model = classifier("bert")
        output = model.bert.encoder.layer[0].output
        output.dense = torch.nn.Sequential(output.dense, Normed(16))
        return model.eval()

    adapted = with_adapter(with_norm(), 2, seed=0)
    adapted.train()(**batch())
    expected = logits(adapted.eval())
    adapted.save_pretrained(tmp_path)
    read = with_saved_adapter(with_norm(), tmp_path).eval()
    torch.testing.assert_close(logits(read), expected)
    assert (expected - logits(with_norm())).abs().max() > 1e-4


class Normed(torch.nn.BatchNorm1d):
    def forward(self, states_bth):
        return super().forward(states_bth.transpose(1, 2)).transpose(1, 2)


@pytest.mark.parametrize(
    ("rank", "sentence"),
    [
        (0, "rank of at least 1"),
        (-2, "got -2"),
        (17, "a rank of 17 is larger than the matrices .* 16 wide at most"),
        (100_000, "a rank of 100000 is larger"),
    ],
)
def test_a_rank_of_no_use_is_refused(rank, sentence):
    with pytest.raises(ValueError, match=sentence):
        with_adapter(classifier("bert"), rank, seed=0)


@pytest.fixture
def adapters(tmp_path):
    """Folders of three adapters of one BERT, and the answers of each alone."""
    classifier("bert").save_pretrained(tmp_path / "base")
    folders, expected = [], []
    for seed in range(3):
        model = type(classifier("bert")).from_pretrained(tmp_path / "base")
        trained = shaken(with_adapter(model, 3, seed=seed).eval(), seed)
        expected.append(logits(trained))
        folders.append(tmp_path / f"adapter-{seed}")
        trained.save_pretrained(folders[-1])
    return folders, torch.stack(expected)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_adapters_answer_as_a_committee_of_merged_models_does(adapters, combination):
    folders, rows = adapters
    committee = AdapterCommittee.from_adapters(classifier("bert"), folders, combination)
    torch.testing.assert_close(committee.member_logits(**batch()), rows)
    whole = SoftCommittee.from_members(
        [merge_adapter(with_saved_adapter(classifier("bert"), folder)) for folder in folders],
        combination,
    )
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    with torch.no_grad():
        output, expected = (each(**batch(), labels=labels) for each in (committee, whole))
    torch.testing.assert_close(output.logits, expected.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(output.loss, expected.loss, atol=1e-5, rtol=1e-5)
    assert not committee.training


def test_a_committee_of_one_adapter_is_its_model(adapters):
    folders, rows = adapters
    one = AdapterCommittee.from_adapters(classifier("bert"), folders[:1])
    torch.testing.assert_close(logits(one).exp(), rows[0].softmax(dim=-1))


def test_the_trunk_is_in_memory_once(adapters):
    folders, _ = adapters
    trunk = sum(weight.numel() for weight in classifier("bert").parameters())
    adapter = num_trained(with_adapter(classifier("bert"), 3, seed=0))
    for number in (1, 3):
        committee = AdapterCommittee.from_adapters(classifier("bert"), folders[:number])
        assert sum(weight.numel() for weight in committee.parameters()) == trunk + number * adapter


@pytest.mark.parametrize("adapted_here", [False, True])
def test_a_committee_is_read_as_it_was_saved(adapters, tmp_path, adapted_here):
    folders, _ = adapters
    if adapted_here:  # peft calls this adapter "default" and keeps it elsewhere
        base = type(classifier("bert")).from_pretrained(tmp_path / "base")
        saved = AdapterCommittee(shaken(with_adapter(base, 3, seed=0)), "mean_logits")
    else:
        base = type(classifier("bert")).from_pretrained(tmp_path / "base")
        saved = AdapterCommittee.from_adapters(base, folders, "mean_logits")
    saved.save_pretrained(tmp_path / "committee")
    content = json.loads((tmp_path / "committee" / "committee.json").read_text())
    assert content["combination"] == "mean_logits"
    assert len(content["members"]) == (1 if adapted_here else 3)
    read = AdapterCommittee.from_pretrained(tmp_path / "committee")
    torch.testing.assert_close(logits(read), logits(saved))


def test_folders_without_adapters_are_refused(adapters, tmp_path):
    model = classifier("bert")
    for folders, sentence in (([], "at least one member"), ([tmp_path], "holds no adapter")):
        with pytest.raises(ValueError, match=sentence):
            AdapterCommittee.from_adapters(model, folders)
    with pytest.raises(ValueError, match="holds no committee of adapters"):
        AdapterCommittee.from_pretrained(tmp_path)


def test_an_adapter_may_be_as_wide_as_the_matrices():
    assert is_adapted(with_adapter(classifier("bert"), 16, seed=0))


def changed(folder, **fields):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def pickled(folder):
    class Code:
        def __reduce__(self):
            return (Path.touch, (folder / "was_run",))

    (folder / "adapter_model.safetensors").unlink()
    torch.save({"weight": Code()}, folder / "adapter_model.bin")


BROKEN = {
    "pickle": (pickled, "has no adapter_model.safetensors, only adapter_model.bin, a pickle"),
    "no weights": (
        lambda folder: (folder / "adapter_model.safetensors").unlink(),
        "adapter-0' has no adapter_model.safetensors: save it as safetensors",
    ),
    "weights cut short": (
        lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"junk"),
        "adapter_model.safetensors is broken",
    ),
    "empty": (lambda folder: (folder / "adapter_config.json").write_text(""), "is no valid JSON"),
    "cut": (lambda folder: (folder / "adapter_config.json").write_text("{"), "is no valid JSON"),
    "list": (lambda folder: (folder / "adapter_config.json").write_text("[]"), "is no JSON object"),
    "kind": (
        lambda folder: changed(folder, peft_type="X"),
        "adapter_config.json has the peft_type",
    ),
    "rank": (lambda folder: changed(folder, r=10**9), "a rank of 1000000000, and no weight"),
    "ranks": (
        lambda folder: changed(folder, rank_pattern={"query": 99}),
        "a rank of 99, and no weight",
    ),
    "other rank": (lambda folder: changed(folder, r=2), "is broken or of another model .*mismatch"),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize(
    "read",
    [with_saved_adapter, lambda model, folder: AdapterCommittee.from_adapters(model, [folder])],
)
def test_a_broken_adapter_is_named_in_a_sentence(adapters, kind, read):
    (folder, *_), _ = adapters
    breaking, sentence = BROKEN[kind]
    breaking(folder)
    with pytest.raises(ValueError, match=sentence) as raised:
        read(classifier("bert"), folder)
    assert str(folder) in str(raised.value) or "rank" in kind
    assert "\n" not in str(raised.value)
    assert not (folder / "was_run").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "committee.json is no valid JSON"),
        ("{", "committee.json is no valid JSON"),
        ("[]", "committee.json is no committee's"),
        ('{"members": []}', "committee.json is no committee's"),
        ('{"members": [1], "combination": "majority"}', "committee.json is no committee's"),
        ('{"members": ["member_0"]}', "committee.json is no committee's"),
        ('{"members": ["member_0"], "combination": "vote"}', "no combination is called 'vote'"),
    ],
)
def test_a_committee_whose_file_is_broken_is_named(adapters, tmp_path, content, sentence):
    folders, _ = adapters
    folder = tmp_path / "committee"
    AdapterCommittee.from_adapters(classifier("bert"), folders).save_pretrained(folder)
    (folder / "committee.json").write_text(content)
    with pytest.raises(ValueError, match=sentence):
        AdapterCommittee.from_pretrained(folder)
