"""A pre-training that goes on from a whole checkpoint: its weights, its size, its tokenizer."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_artificial_runs import small_artificial_run
from transformers import GPT2Config, GPT2LMHeadModel, RobertaConfig, RobertaForMaskedLM

from hf_apt.cli.run_options import run_options
from hf_apt.data.artificial.zipf import Zipf
from hf_apt.data.tokenizer import load_tokenizer, vocabulary
from hf_apt.models.loading import load_masked_lm
from hf_apt.runs.option_checks import require_valid
from hf_apt.runs.pipeline import begun, pretrain_run
from hf_apt.runs.preparation import prepare
from hf_apt.runs.recipes import demo_recipe
from hf_apt.runs.starting.continuation import continued
from hf_apt.runs.starting.starting_model import starting_model
from hf_apt.training.pretrain_config import CONTINUED_LEARNING_RATE, PretrainConfig

SHIPPED = "bert6-narrow-wikipedia"


def tiny(vocab_size: int = 30) -> Any:
    return small_artificial_run(Zipf(vocab_size=vocab_size))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first") / "run"
    with begun(tiny(), folder) as run:
        pretrain_run(tiny(), run)
    return folder / "checkpoint"


def test_all_weights_are_the_checkpoints_and_the_record_says_so(first, tmp_path) -> None:
    config = continued(tiny(), str(first))
    assert config.shape.hidden_size == 16
    assert config.pretrain.learning_rate == CONTINUED_LEARNING_RATE
    with begun(config, tmp_path / "run") as run:
        model, origin = starting_model(config, prepare(config, run)[0])
        theirs, ours = load_file(first / "model.safetensors"), model.state_dict()
        assert theirs
        assert all(torch.equal(ours[key], value) for key, value in theirs.items())
        pretrain_run(config, run)
    record = json.loads((tmp_path / "run/training.json").read_text())
    assert record["started"] == origin["started"]
    assert record["started"]["checkpoint"] == str(first)
    after = load_file(tmp_path / "run/checkpoint/model.safetensors")
    assert not all(torch.equal(after[key], value) for key, value in theirs.items())


def test_another_kind_of_model_goes_on(first, tmp_path) -> None:
    tokenizer = load_tokenizer(str(first))
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2}
    model = RobertaForMaskedLM(
        RobertaConfig(
            vocab_size=len(vocabulary(tokenizer)),
            intermediate_size=12,
            max_position_embeddings=16,
            pad_token_id=tokenizer.pad_token_id,
            **sizes,
        )
    )
    model.save_pretrained(tmp_path / "roberta")
    tokenizer.save_pretrained(tmp_path / "roberta")
    config = continued(tiny(), str(tmp_path / "roberta"))
    with begun(config, tmp_path / "run") as run:
        pretrain_run(config, run)
    made = json.loads((tmp_path / "run/checkpoint/config.json").read_text())
    assert made["model_type"] == "roberta"
    assert {name: made[name] for name in sizes} == sizes


def test_cls_gets_paths_that_begin_as_copies(first, tmp_path) -> None:
    config = continued(tiny(), str(first))
    config = replace(config, shape=replace(config.shape, cls_norms=(1, 2), cls_projections=(1,)))
    with begun(config, tmp_path / "run") as run:
        train, _ = prepare(config, run)
        model, _ = starting_model(config, train)
        plain = load_masked_lm(str(first))
        assert model.config.model_type == "bert6_cls"
        assert len(model.state_dict()) > len(plain.state_dict())
        ids = torch.as_tensor(np.array(train.ids[:40]).astype(np.int64)).view(4, 10)
        assert torch.allclose(model(ids).logits, plain(ids).logits, atol=1e-6)
        pretrain_run(config, run)
    made = json.loads((tmp_path / "run/checkpoint/config.json").read_text())
    assert (made["model_type"], made["cls_norms"]) == ("bert6_cls", [1, 2])


def test_dropout_is_given_to_a_checkpoint_that_has_none(first, tmp_path) -> None:
    config = continued(tiny(), str(first))
    assert config.shape.dropout == 0
    config = replace(config, shape=replace(config.shape, dropout=0.2))
    with begun(config, tmp_path / "run") as run:
        model, _ = starting_model(config, prepare(config, run)[0])
        plain = load_masked_lm(str(first))
        ids = torch.arange(8)[None]
        assert torch.equal(model(ids).logits, plain(ids).logits)
        model.train()
        assert not torch.equal(model(ids).logits, model(ids).logits)
        pretrain_run(config, run)
    made = json.loads((tmp_path / "run/checkpoint/config.json").read_text())
    assert made["hidden_dropout_prob"] == made["attention_probs_dropout_prob"] == 0.2


def test_tokens_of_another_tokenizer_are_refused(first, tmp_path) -> None:
    config = continued(tiny(20), str(first))
    with (
        pytest.raises(ValueError, match="the words of zipf.* are not those that .* has learnt"),
        begun(config, tmp_path / "run"),
    ):
        pass
    assert not (tmp_path / "run").exists()
    text, _ = run_options(corpus="x/y", start_from=SHIPPED)
    for tokenizer in (str(first), None):
        with pytest.raises(ValueError, match="the tokens of .* are not those that 'bert6-narrow"):
            require_valid(replace(text, tokenizer=tokenizer))


def test_options_of_the_command_give_tokenizer_and_size() -> None:
    config, _ = run_options(corpus="x/y", start_from=SHIPPED, recipe="narrow")
    assert config.tokenizer == config.pretrain.start_from == SHIPPED
    assert (config.shape.hidden_size, config.shape.num_blocks) == (128, 6)
    assert config.pretrain.windows == ()
    require_valid(config)
    told, _ = run_options(corpus="x/y", start_from=SHIPPED, learning_rate=3e-4)
    assert told.pretrain.learning_rate == 3e-4
    with pytest.raises(ValueError, match="--model bert-1 another: leave one out"):
        run_options(corpus="x/y", start_from=SHIPPED, model="bert-1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 64}, "hidden_size is 64, and 'bert6-narrow-wikipedia' has 128"),
        ({"sequence_length": 512}, "512 tokens are longer than the 128 positions"),
        ({"causal_share": 0.5}, "a checkpoint goes on with masked tokens"),
        (
            {"objective": ["replaced_tokens:weight=50"], "generator": "width=0.5"},
            "the generator's width is 0.5, and both .* begin as 'bert6-narrow-wikipedia'",
        ),
        ({"blocks_of": "x"}, "leave --start-from or --blocks-of out"),
    ],
)
def test_what_does_not_go_with_the_checkpoint_is_one_sentence(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        require_valid(run_options(corpus="x/y", start_from=SHIPPED, **options)[0])


def test_a_task_has_as_many_positions_as_the_checkpoint(tmp_path) -> None:
    config, _ = run_options(corpus="x/y", start_from=SHIPPED, sequence_length=8, task="sotu")
    require_valid(config)  # its texts are longer than the sequences, and the checkpoint takes them


def test_a_checkpoint_that_fills_no_masks_is_refused(tmp_path) -> None:
    GPT2LMHeadModel(GPT2Config(vocab_size=9, n_embd=8, n_layer=1, n_head=1)).save_pretrained(
        tmp_path / "gpt2"
    )
    with pytest.raises(ValueError, match=r"gpt2' is no masked LM \(gpt2\)"):
        continued(demo_recipe(), str(tmp_path / "gpt2"))
    with pytest.raises(ValueError, match="nowhere"):
        continued(demo_recipe(), str(tmp_path / "nowhere"))


def test_a_model_starts_from_one_thing() -> None:
    with pytest.raises(ValueError, match="from all of 'a' and from the blocks of 'b'"):
        PretrainConfig(num_steps=1, start_from="a", blocks_of="b")
