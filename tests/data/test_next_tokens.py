"""Next tokens asked of an encoder: the loss of transformers' own causal BERT, and no look ahead."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertLMHeadModel

from hf_apt.data.training_draws import TrainingDraws, next_tokens, with_causal_mask
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrainer

SHAPE = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0, initializer_range=0.3)


def test_labels_are_the_next_tokens_but_for_special_ones(tokens):
    batch = next_tokens(tokens, np.arange(20))
    special = set(tokens.description.special_ids)
    for ids, labels in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        after = [*ids[1:], None]
        assert labels == [-100 if token is None or token in special else token for token in after]


@torch.no_grad()
def test_the_loss_is_that_of_a_decoder_of_transformers(tokens):
    model = new_model(SHAPE, tokens, seed=0)
    content = model.config.to_dict() | {"is_decoder": True, "model_type": "bert"}
    decoder = BertLMHeadModel(BertConfig(**content)).eval()
    decoder.load_state_dict(model.state_dict(), strict=False)
    batch = next_tokens(tokens, np.arange(12))
    labels = torch.where(
        torch.isin(batch["input_ids"], torch.tensor(tokens.description.special_ids)),
        -100,
        batch["input_ids"],
    )
    expected = decoder(batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels)
    for mode in (model.train(), model.eval()):
        loss = mode(**with_causal_mask(batch)).loss
        assert loss.item() == pytest.approx(expected.loss.item(), rel=1e-5)


@torch.no_grad()
def test_no_position_sees_a_later_one_nor_padding(tokens):
    model = new_model(SHAPE, tokens, seed=0).eval()
    batch = with_causal_mask(next_tokens(tokens, np.arange(6)))
    del batch["labels"]
    before = model(**batch).logits
    changed = batch["input_ids"].clone()
    changed[:, 5:] = (changed[:, 5:] + 7) % 60
    after = model(**batch | {"input_ids": changed}).logits
    assert torch.allclose(after[:, :5], before[:, :5], atol=1e-6)
    assert not torch.allclose(after[:, 5:], before[:, 5:], atol=1e-2)
    assert before.isfinite().all()


def test_draws_after_the_share_are_those_without_it(tokens):
    masking = tokens.masking(seed=4)
    plain = TrainingDraws(tokens, masking, num_draws=300)
    both = TrainingDraws(tokens, masking, num_draws=300, causal_until=160)
    for draws in ([160, 161], list(range(200, 208))):
        before, after = plain.__getitems__(draws), both.__getitems__(draws)
        assert all(torch.equal(after[name], before[name]) for name in before)
    first, hidden = both.__getitems__([0, 1, 2, 3]), plain.__getitems__([0, 1, 2, 3])
    true = torch.where(hidden["labels"] == -100, hidden["input_ids"], hidden["labels"])
    assert torch.equal(first["input_ids"], true), "the same texts, in the same order"
    alone = [both.__getitems__([draw]) for draw in range(4)]
    for name in first:
        assert torch.equal(torch.cat([each[name] for each in alone]), first[name])


def test_windows_see_their_own_tokens_alone(packed_tokens):
    masking, length = packed_tokens.masking(seed=4), packed_tokens.description.sequence_length
    draws = TrainingDraws(
        packed_tokens, masking, num_draws=8, windows=((length // 2, 8),), causal_until=8
    )
    batch, whole = draws.__getitems__([0, 1]), next_tokens(packed_tokens, draws._at([0, 1])[0])
    assert batch["attention_mask"].shape == (4, 1, length // 2, length // 2)
    for name in ("input_ids", "labels"):
        assert torch.equal(batch[name], whole[name].reshape(4, -1)), name
    lower = torch.ones(length // 2, length // 2).tril().bool()
    assert torch.equal(batch["attention_mask"], lower.expand_as(batch["attention_mask"]))
    assert batch["position_ids"][1, 0] == length // 2


@pytest.mark.parametrize("accumulation_steps", [1, 2])
def test_a_training_asks_for_next_tokens_first(accumulation_steps, tokens, tmp_path):
    """By hand: the loss of the first step is of next tokens, that of the third of masks."""
    config = PretrainConfig(
        num_steps=4,
        batch_size=8,
        accumulation_steps=accumulation_steps,
        learning_rate=1e-9,
        causal_share=0.5,
        seed=5,
        num_validation_sequences=4,
    )
    model = new_model(SHAPE, tokens, seed=0)
    trainer = pretrainer(model, tokens, tokens, config, tmp_path)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    draws: Any = trainer.train_dataset
    twin = new_model(SHAPE, tokens, seed=0).train()
    for step in range(4):
        batch = draws.__getitems__(list(range(8 * step, 8 * step + 8)))
        assert (batch["attention_mask"].dim() == 4) == (step < 2)
        assert losses[step] == pytest.approx(twin(**batch).loss.item(), rel=1e-4)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_is_from_0_to_1(share):
    with pytest.raises(ValueError, match="causal_share"):
        PretrainConfig(num_steps=4, causal_share=share)
