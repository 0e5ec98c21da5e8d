"""Laws of the convolutional front-end: padding changes nothing; its depths and checkpoints."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from fresh_process import CLASSES_CHOSEN, NO_HF_APT, answer
from torch import nn

from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.bert6 import BertConvConfig, BertConvForMaskedLM
from hf_apt.models.bert6.modeling_bert_conv import ConvFrontEnd, MaskedBatchNorm
from hf_apt.models.encoders import load_encoder
from hf_apt.models.fresh import new_model, untrained_twin
from hf_apt.models.loading import load_masked_lm
from hf_apt.models.shapes import ConvShape, ModelShape
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrain, pretrainer

KERNELS = [(3, 3), (16, 3), (2, 4)]
LENGTHS = (11, 7, 4)
AUTO_CLASSES_FIRST = """
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, BertConfig
AutoModelForMaskedLM.from_config(BertConfig(num_hidden_layers=1, hidden_size=12))
import hf_apt
"""
WITHOUT_HF_APT = (
    NO_HF_APT
    + """
import json, sys
import numpy as np, torch
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification
checkpoint, ids = sys.argv[1], torch.from_numpy(np.load(sys.argv[2]))
model = AutoModelForMaskedLM.from_pretrained(checkpoint, trust_remote_code=True)
assert not any(name.split(".")[0] == "hf_apt" for name in sys.modules)
print(json.dumps({
    "class": [type(model).__name__, type(model).__module__.split(".")[0]],
    "logits": model(ids).logits.tolist(),
}))
"""
)


def made(kernel: tuple[int, int] = (3, 3), **changed: Any) -> BertConvForMaskedLM:
    """A small model of two blocks in evaluation mode, whose normalisation has seen data."""
    sizes = {"vocab_size": 65, "hidden_size": 16, "num_attention_heads": 2}
    conv = {"conv_layers": 2, "conv_channels": 4, "conv_kernel": kernel}
    rest = {"num_hidden_layers": 2, "intermediate_size": 32, "max_position_embeddings": 40}
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = BertConvForMaskedLM(BertConvConfig(**sizes | conv | rest | still | changed))
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(5.0)
            else:  # scales of normalisations are called weights, too
                nn.init.normal_(weight, mean=float(name.endswith("weight")), std=0.1)
        for _ in range(20):
            model.train()(torch.randint(5, 65, (8, 12)))
    return model.eval()


def padded(num_left: int, num_right: int) -> dict[str, torch.Tensor]:
    """Three texts of different lengths; that many positions more than the longest needs."""
    generator = torch.Generator().manual_seed(1)
    size = (len(LENGTHS), num_left + max(LENGTHS) + num_right)
    inputs = {
        "input_ids": torch.zeros(size, dtype=torch.long),
        "attention_mask": torch.zeros(size, dtype=torch.long),
        "position_ids": torch.zeros(size, dtype=torch.long),
    }
    for row, length in enumerate(LENGTHS):
        at = slice(num_left, num_left + length)
        inputs["input_ids"][row, at] = torch.randint(5, 65, (length,), generator=generator)
        inputs["attention_mask"][row, at] = 1
        inputs["position_ids"][row, at] = torch.arange(length)
    return inputs


def states(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """The logits and hidden states at the present positions, side by side: (P, V + D * H)."""
    outputs = model(**inputs, output_hidden_states=True)
    everything = torch.cat([outputs.logits, *outputs.hidden_states], dim=-1)
    return everything[inputs["attention_mask"] == 1]


# Padding.


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("training", [False, True])
def test_padding_changes_nothing(kernel, training):
    """Neither what is answered nor, in training, the gradients and the running statistics."""
    answers, statistics, gradients = [], [], []
    for extra in ((0, 0), (0, 9), (5, 3)):
        model = made(kernel).train(training)
        values = states(model, padded(*extra))
        answers.append(values.detach())
        if training:
            values.square().sum().backward()
            gradients.append([w.grad for w in model.parameters() if w.grad is not None])
        statistics.append([buffer.double() for buffer in model.bert.encoder.conv.buffers()])
    assert len(answers[0]) == sum(LENGTHS)
    assert answers[0].std() > 0.1
    for other in (1, 2):
        torch.testing.assert_close(answers[other], answers[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(statistics[other], statistics[0], rtol=1e-5, atol=1e-6)
    for other in gradients[1:]:
        assert len(other) > 20
        for one, expected in zip(other, gradients[0], strict=True):
            torch.testing.assert_close(one, expected, rtol=1e-3, atol=1e-3)


def test_a_text_alone_is_answered_as_among_longer_ones():
    model, inputs = made(), padded(0, 2)
    with torch.no_grad():
        together = model(**inputs).logits
        for row, length in enumerate(LENGTHS):
            alone = model(inputs["input_ids"][row : row + 1, :length]).logits[0]
            torch.testing.assert_close(together[row, :length], alone, rtol=1e-5, atol=1e-5)


def test_a_mask_that_says_more_than_who_is_there_is_refused():
    ids = torch.ones(2, 5, dtype=torch.long)
    with pytest.raises(ValueError, match=r"has the shape \(2, 1, 5, 5\): give one of \(batch"):
        made()(ids, attention_mask=torch.ones(2, 1, 5, 5))


# The normalisation and the convolutions, against those of torch.


@pytest.mark.parametrize("mask", ["none", "full"])
def test_the_norm_is_batch_norm_where_nothing_is_padded(mask):
    torch.manual_seed(0)
    ours, stock = MaskedBatchNorm(3).double(), nn.BatchNorm2d(3).double()
    present = None if mask == "none" else torch.ones(4, 5, dtype=torch.bool)
    for training in (True, True, False):
        image = torch.randn(4, 3, 5, 6, dtype=torch.double) * 3 + 1
        ours.train(training)
        stock.train(training)
        torch.testing.assert_close(ours(image, present), stock(image))
    assert ours.state_dict().keys() == stock.state_dict().keys()
    for name, expected in stock.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], expected)
    assert ours.num_batches_tracked == 2


def test_the_norm_is_over_present_positions_only():
    torch.manual_seed(0)
    norm = MaskedBatchNorm(3).double()
    image = torch.randn(4, 3, 5, 6, dtype=torch.double)
    present = torch.rand(4, 5) < 0.6
    normed = norm(image, present)
    for channel in range(3):
        seen = [
            image[row, channel, place, unit]
            for row, place in present.nonzero().tolist()
            for unit in range(6)
        ]
        mean = sum(seen) / len(seen)
        variance = sum((value - mean) ** 2 for value in seen) / len(seen)
        expected = (image[:, channel] - mean) / (variance + norm.eps) ** 0.5
        torch.testing.assert_close(normed[:, channel][present], expected[present])
        torch.testing.assert_close(norm.running_mean[channel], 0.1 * mean)
        unbiased = variance * len(seen) / (len(seen) - 1)
        torch.testing.assert_close(norm.running_var[channel], 0.9 + 0.1 * unbiased)
    assert not normed.transpose(1, 2)[~present].any()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_the_front_end_is_torchs_same_convolutions(kernel):
    front = made(kernel, conv_layers=3).bert.encoder.conv
    sizes = [(1, 4, kernel), (4, 4, kernel), (4, 4, kernel), (4, 1, (1, 1))]
    stock = nn.Sequential()
    for channels_in, channels_out, spanned in sizes:
        conv = nn.Conv2d(channels_in, channels_out, spanned, padding="same")
        stock.extend([conv, nn.BatchNorm2d(channels_out), nn.GELU()])
    assert len(front.state_dict()) == len(stock.state_dict())
    pairs = zip(stock.state_dict(), front.state_dict().values(), strict=True)
    stock.load_state_dict(dict(pairs))
    hidden = torch.randn(2, 9, 16)
    with torch.no_grad():
        expected = stock.eval()(hidden[:, None])[:, 0]
        torch.testing.assert_close(front(hidden), expected)
    assert expected.std() > 0.02


@pytest.mark.parametrize(
    "wrong", [{"conv_layers": 0}, {"conv_channels": -1}, {"conv_kernel": (3,)}]
)
def test_a_front_end_that_cannot_be_is_refused(wrong):
    (value,) = wrong.values()
    with pytest.raises(ValueError, match="give positive numbers, the kernel as a pair") as caught:
        BertConvConfig(**wrong)
    assert str(value) in str(caught.value)


# Depths.


@pytest.mark.parametrize("num_blocks", [1, 2])
def test_the_depths_are_embeddings_front_end_and_blocks(num_blocks):
    model, inputs = made(num_hidden_layers=num_blocks), padded(0, 0)
    present = inputs["attention_mask"] == 1
    with torch.no_grad():
        hidden = model(**inputs, output_hidden_states=True).hidden_states
        embeddings = model.bert.embeddings(inputs["input_ids"])
        convolved = model.bert.encoder.conv(embeddings, present)
    assert len(hidden) == num_blocks + 2
    torch.testing.assert_close(hidden[0][present], embeddings[present])
    torch.testing.assert_close(hidden[1][present], convolved[present])
    trunk = Trunk(model)
    assert trunk.num_depths == num_blocks + 2 == len(model.config.depth_names)
    assert model.config.depth_names == ["embeddings", "conv", "block 1", "block 2"][: len(hidden)]


def test_the_own_head_at_the_last_depth_is_the_model():
    model, inputs = made(), padded(0, 3)
    asked = (torch.rand(inputs["input_ids"].shape) < 0.5) & (inputs["attention_mask"] == 1)
    model.train()  # it is measured by its running statistics all the same, and moves none
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trunk = Trunk(model)
    head = OwnHead(trunk)
    hidden = trunk.at(inputs, asked)
    logits = head.logits(hidden[-1])
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    with torch.no_grad():
        expected = model.eval()(**inputs).logits[asked]
    torch.testing.assert_close(logits, expected)
    predictions = head(hidden)
    assert torch.equal(predictions[-1], expected.argmax(dim=-1))
    assert len({tuple(row) for row in predictions.tolist()}) == trunk.num_depths
    assert head._decoder is not None


def test_training_asks_for_logits_at_labels_only():
    model, inputs = made().train(), padded(0, 3)
    labels = torch.where(inputs["input_ids"] % 3 == 1, inputs["input_ids"], -100)
    everywhere = model(**inputs).logits
    outputs = model(**inputs, labels=labels, num_items_in_batch=17)
    expected = everywhere[labels != -100]
    torch.testing.assert_close(outputs.logits, expected)
    loss = nn.functional.cross_entropy(expected, labels[labels != -100], reduction="sum") / 17
    torch.testing.assert_close(outputs.loss, loss)


# Checkpoints.


@pytest.fixture
def saved(tokenizer, tmp_path) -> tuple[BertConvForMaskedLM, Path]:
    model = made()
    model.save_pretrained(tmp_path / "conv")
    tokenizer.save_pretrained(tmp_path / "conv")
    return model, tmp_path / "conv"


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(5, 65, (3, 17), generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
def test_every_auto_class_knows_it(saved, ids):
    model, checkpoint = saved
    printed = answer(AUTO_CLASSES_FIRST + CLASSES_CHOSEN, checkpoint, ids)
    folder = "hf_apt.models.bert6"
    endings = ["MaskedLM", "MaskedLM", "SequenceClassification", "TokenClassification"]
    assert printed["classes"] == [
        f"{folder}.configuration_bert_conv.BertConvConfig",
        f"{folder}.configuration_bert_conv.BertConvConfig",
        f"{folder}.modeling_bert_conv.BertConvForMaskedLM",
        f"{folder}.modeling_bert_conv.BertConvModel",
        *(f"{folder}.modeling_bert_conv.BertConvFor{ending}" for ending in endings),
    ]
    assert printed["tokenizer"] == ["BertTokenizer", [2, 5 + 3, 5 + 5, 3]]
    torch.testing.assert_close(torch.tensor(printed["logits"]), model(ids).logits)


@pytest.mark.slow
def test_it_opens_where_there_is_no_hf_apt(saved, ids):
    model, checkpoint = saved
    assert {path.name for path in checkpoint.glob("*.py")} == {
        *("configuration_bert6.py", "modeling_bert6.py"),
        *("configuration_bert_conv.py", "modeling_bert_conv.py"),
    }
    printed = answer(WITHOUT_HF_APT, checkpoint, ids)
    assert printed["class"] == ["BertConvForMaskedLM", "transformers_modules"]
    torch.testing.assert_close(torch.tensor(printed["logits"]), model(ids).logits)


def test_it_is_read_again_with_its_statistics(saved, ids):
    model, checkpoint = saved
    again = load_masked_lm(str(checkpoint))
    assert again.config.conv_kernel == (3, 3)
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    twin = untrained_twin(again)
    assert type(twin) is BertConvForMaskedLM
    statistics = {name: buffer for name, buffer in twin.named_buffers() if "running" in name}
    assert len(statistics) == 6
    assert all((buffer == ("var" in name)).all() for name, buffer in statistics.items())


def test_a_classifier_begins_from_the_trunk_and_its_statistics(saved):
    model, checkpoint = saved
    encoder = load_encoder(str(checkpoint), label_names=["a", "b", "c"])
    assert type(encoder.model).__name__ == "BertConvForSequenceClassification"
    kept = {k: v for k, v in encoder.model.bert.state_dict().items() if "pooler" not in k}
    for name, value in model.bert.state_dict().items():
        assert torch.equal(kept.pop(name), value), name
    assert not kept
    inputs = padded(0, 0)
    with torch.no_grad():
        assert encoder.model(**inputs).logits.shape == (3, 3)
    assert Trunk(encoder.model).num_depths == 4


def test_pretraining_goes_on_with_the_statistics_where_it_stopped(tokens, tmp_path):
    shape = ModelShape(
        hidden_size=16, num_heads=2, num_blocks=1, conv=ConvShape(num_channels=4), dropout=0.0
    )
    config = PretrainConfig(num_steps=4, batch_size=8, save_every=2, num_validation_sequences=8)

    def trained(folder: Path) -> dict[str, torch.Tensor]:
        model = new_model(shape, tokens, seed=1)
        losses = pretrain(pretrainer(model, tokens, tokens, config, folder))
        assert 0 < losses["validation_loss"] < 10
        return model.state_dict()

    whole = trained(tmp_path / "whole")
    shutil.copytree(tmp_path / "whole" / "checkpoint-2", tmp_path / "again" / "checkpoint-2")
    again = trained(tmp_path / "again")
    assert isinstance(new_model(shape, tokens, seed=1).bert.encoder.conv, ConvFrontEnd)
    norms = [name for name in whole if name.endswith("num_batches_tracked")]
    assert [int(whole[name]) for name in norms] == [4, 4, 4]
    for name, value in whole.items():
        assert torch.equal(again[name], value), name
