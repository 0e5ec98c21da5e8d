"""A generator and its discriminator that both begin as one checkpoint."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_artificial_runs import small_artificial_run
from transformers import BertConfig, BertForMaskedLM

from hf_apt.data.artificial.zipf import Zipf
from hf_apt.models.encoders import load_trunk
from hf_apt.models.generator_shape import SHARINGS, GeneratorShape
from hf_apt.models.loading import load_masked_lm
from hf_apt.runs.option_checks import require_valid
from hf_apt.runs.pipeline import begun, pretrain_run
from hf_apt.runs.preparation import prepare
from hf_apt.runs.starting.continuation import continued
from hf_apt.runs.starting.starting_model import starting_model
from hf_apt.runs.starting.two_from_one import two_from_one
from hf_apt.training.objectives.replaced_tokens import ReplacedTokens

IDS = torch.tensor([[2, 7, 8, 9, 3, 0], [2, 5, 6, 3, 11, 12]])
MASK = (IDS != 0).long()


def a_bert(**settings: Any) -> Any:
    torch.manual_seed(3)
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 3}
    model = BertForMaskedLM(BertConfig(vocab_size=20, intermediate_size=24, **sizes, **settings))
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)  # none is 0 or 1
    return model.eval()


@pytest.mark.parametrize("sharing", SHARINGS)
def test_the_generator_answers_and_the_discriminator_reads_as_the_model(sharing) -> None:
    model, shape = a_bert(), GeneratorShape(width=1.0, embeddings=sharing, heads=("multi_choice",))
    both = two_from_one(model, shape, seed=0)
    with torch.no_grad():
        expected = model(IDS, attention_mask=MASK, output_hidden_states=True)
        assert torch.equal(both(IDS, attention_mask=MASK).logits, expected.logits)
        for reader in (both.discriminator, both.discriminator_model()):
            states = reader(IDS, attention_mask=MASK).last_hidden_state
            assert torch.equal(states, expected.hidden_states[-1])
        assert torch.equal(both.generator_model()(IDS, attention_mask=MASK).logits, expected.logits)


def test_fresh_heads_are_those_of_the_seed() -> None:
    model, shape = a_bert(), GeneratorShape(width=1.0, heads=("replaced_tokens",))
    heads = [two_from_one(model, shape, seed=seed).heads.state_dict() for seed in (0, 0, 1)]
    first = next(name for name, weight in heads[0].items() if weight.dim() == 2)
    assert torch.equal(heads[0][first], heads[1][first])
    assert not torch.equal(heads[0][first], heads[2][first])


def test_no_weight_of_the_model_itself_is_trained() -> None:
    model = a_bert()
    both = two_from_one(model, GeneratorShape(width=1.0, embeddings="none"), seed=0)
    theirs = {each.data_ptr() for each in model.parameters()}
    assert not theirs & {each.data_ptr() for each in both.parameters()}


def test_a_run_goes_on_with_both(tmp_path) -> None:
    with begun(small_artificial_run(Zipf(vocab_size=30)), tmp_path / "first") as run:
        pretrain_run(small_artificial_run(Zipf(vocab_size=30)), run)
    start = str(tmp_path / "first/checkpoint")
    objective = (ReplacedTokens(weight=50.0),)
    config = continued(small_artificial_run(Zipf(vocab_size=30), objectives=objective), start)
    generator = GeneratorShape(width=1.0, heads=("replaced_tokens",))
    config = replace(config, shape=replace(config.shape, generator=generator))
    require_valid(config)
    with begun(config, tmp_path / "run") as run:
        both, origin = starting_model(config, prepare(config, run)[0])
        assert origin["started"]["checkpoint"] == start
        assert torch.equal(both(IDS).logits, load_masked_lm(start)(IDS).logits)
        pretrain_run(config, run)
    for part, reader in (("generator", load_masked_lm), ("discriminator", load_trunk)):
        before = load_file(tmp_path / "first/checkpoint/model.safetensors")
        words = reader(str(tmp_path / "run" / part)).get_input_embeddings().weight
        assert words.shape == before["bert.embeddings.word_embeddings.weight"].shape
        assert not torch.equal(words, before["bert.embeddings.word_embeddings.weight"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_act": "relu"}, "has another activation than gelu, which a generator"),
        ({"tie_word_embeddings": False}, "has an untied head, which a generator"),
    ],
)
def test_a_checkpoint_that_no_generator_can_be_is_refused(settings, message, tmp_path) -> None:
    a_bert(**settings).save_pretrained(tmp_path / "bert")
    generator = GeneratorShape(width=1.0, heads=("replaced_tokens",))
    config = continued(small_artificial_run(Zipf(vocab_size=16)), str(tmp_path / "bert"))
    config = replace(
        config,
        shape=replace(config.shape, generator=generator),
        pretrain=replace(config.pretrain, objectives=(ReplacedTokens(weight=50.0),)),
    )
    with pytest.raises(ValueError, match=message):
        require_valid(config)
