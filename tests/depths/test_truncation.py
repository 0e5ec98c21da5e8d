"""A cut model is what the whole one is at that depth, and answers by the whole one's head."""

import pytest
import torch
import transformers as hf
from model_families import FAMILIES
from model_families import made as made_masked
from small_trainers import GPT2, IDS, SMALL

from hf_apt import Bert6Config
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.truncation import cut
from hf_apt.depths.trunk import Trunk
from hf_apt.models.bert6 import BertConvConfig
from hf_apt.models.encoders import Encoder

THREE = SMALL | {"num_hidden_layers": 3}
FOUR = SMALL | {"num_hidden_layers": 4}
DISTIL = {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 40}
RELATIVE = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}
GROUPS = {
    f"{part}_groups": 1 for part in ("q", "k", "v", "post_attention", "intermediate", "output")
}

CONFIGS = {
    "bert6": lambda: Bert6Config(**THREE),
    "bert": lambda: hf.BertConfig(**THREE),
    "roberta": lambda: hf.RobertaConfig(**THREE, pad_token_id=0),
    "distilbert": lambda: hf.DistilBertConfig(vocab_size=65, **DISTIL),
    "modernbert": lambda: hf.ModernBertConfig(**THREE, **IDS),
    "electra": lambda: hf.ElectraConfig(**THREE, embedding_size=8),
    "albert": lambda: hf.AlbertConfig(**THREE, embedding_size=8),
    "albert, a block each": lambda: hf.AlbertConfig(**THREE, embedding_size=8, num_hidden_groups=3),
}
UNCUTTABLE = {
    "deberta": (lambda: hf.DebertaV2Config(**THREE, **RELATIVE), 0),
    "xlm": (lambda: hf.XLMConfig(vocab_size=65, emb_dim=16, n_layers=3, n_heads=2), 2),
    # Before its blocks stands what is no block.
    "conv": (lambda: BertConvConfig(**THREE), 0),
    # Which block is repeated depends on how often.
    "albert": (lambda: hf.AlbertConfig(**FOUR, embedding_size=8, num_hidden_groups=2), 2),
}


def made(config) -> Encoder:
    """A classifier whose states depend on everything, unlike those of a fresh one."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = hf.AutoModelForSequenceClassification.from_config(config)
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(4.0)
            else:
                torch.nn.init.normal_(weight, mean=float(name.endswith("weight")), std=0.2)
    return Encoder(model.eval(), None)


@pytest.fixture
def inputs():
    ids = torch.randint(5, 65, (3, 9), generator=torch.Generator().manual_seed(1))
    present = torch.ones_like(ids)
    present[1, 6:] = 0
    return {"input_ids": ids, "attention_mask": present}


@pytest.mark.parametrize("family", CONFIGS)
def test_its_last_states_are_the_wholes_at_that_depth(family, inputs):
    whole = made(CONFIGS[family]())
    trunk = Trunk(whole.model)
    present = inputs["attention_mask"].bool()
    states = trunk.at(inputs, present)
    before = {name: value.clone() for name, value in whole.model.state_dict().items()}
    name = next(name for name, each in whole.model.named_modules() if each is trunk.module)
    sizes = []
    for depth in range(4):
        model = cut(whole, depth).model
        with torch.no_grad():
            found = model.get_submodule(name)(**inputs).last_hidden_state[present]
            torch.testing.assert_close(found, states[depth], rtol=1e-4, atol=1e-5)
            answers = model(**inputs).logits
        assert model.config.num_hidden_layers == depth
        assert {n for n, _ in whole.model.classifier.named_parameters()} == {
            n for n, _ in model.classifier.named_parameters()
        }
        sizes.append(sum(weight.numel() for weight in model.parameters()))
    assert torch.equal(answers, whole.model(**inputs).logits)
    assert sizes == sorted(sizes)
    assert (len(set(sizes)) == 4) == (family != "albert")
    assert whole.model.config.num_hidden_layers == 3
    after = whole.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_what_is_left_has_weights_of_its_own(inputs):
    whole = made(CONFIGS["bert"]())
    part = cut(whole, 2)
    with torch.no_grad():
        for weight in part.model.parameters():
            weight.zero_()
    assert all(weight.abs().sum() > 0 for weight in whole.model.parameters() if weight.dim() > 1)


@pytest.mark.parametrize("family", UNCUTTABLE)
def test_what_cannot_be_cut_is_told_in_a_sentence(family):
    config, depth = UNCUTTABLE[family]
    with pytest.raises(ValueError, match=f"cannot be cut after block {depth}"):
        cut(made(config()), depth)


@pytest.mark.parametrize("depth", [-1, 4])
def test_a_depth_that_is_not_there_is_refused(depth):
    with pytest.raises(ValueError, match=f"cut after 0 to 3 blocks, not {depth}"):
        cut(made(CONFIGS["bert"]()), depth)


MORE = {
    "camembert": lambda: hf.CamembertForMaskedLM(hf.CamembertConfig(**THREE, pad_token_id=0)),
    "convbert": lambda: hf.ConvBertForMaskedLM(hf.ConvBertConfig(**THREE, embedding_size=16)),
    "data2vec": lambda: hf.Data2VecTextForMaskedLM(hf.Data2VecTextConfig(**THREE, pad_token_id=0)),
    "deberta": lambda: hf.DebertaForMaskedLM(hf.DebertaConfig(**THREE, **RELATIVE)),
    "ernie": lambda: hf.ErnieForMaskedLM(hf.ErnieConfig(**THREE)),
    "layoutlm": lambda: hf.LayoutLMForMaskedLM(hf.LayoutLMConfig(**THREE)),
    "megatron": lambda: hf.MegatronBertForMaskedLM(hf.MegatronBertConfig(**THREE)),
    "mpnet": lambda: hf.MPNetForMaskedLM(hf.MPNetConfig(**THREE, pad_token_id=0)),
    "pre-norm roberta": lambda: hf.RobertaPreLayerNormForMaskedLM(
        hf.RobertaPreLayerNormConfig(**THREE, pad_token_id=0)
    ),
    "rembert": lambda: hf.RemBertForMaskedLM(
        hf.RemBertConfig(**THREE, input_embedding_size=8, output_embedding_size=16)
    ),
    "roformer": lambda: hf.RoFormerForMaskedLM(hf.RoFormerConfig(**THREE)),
    "squeezebert": lambda: hf.SqueezeBertForMaskedLM(
        hf.SqueezeBertConfig(**THREE, embedding_size=16, **GROUPS)
    ),
    "yoso": lambda: hf.YosoForMaskedLM(hf.YosoConfig(**THREE, use_expectation=True)),
    "gpt2": lambda: hf.GPT2LMHeadModel(hf.GPT2Config(**GPT2 | {"n_layer": 3})),
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**THREE)),
}


def made_of_more(family: str):
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = MORE[family]()
        for weight in model.parameters():
            weight.mul_(4.0 if weight.dim() > 1 else 1.0)
    return model.eval()


@pytest.mark.parametrize("family", [*FAMILIES, *MORE])
def test_a_model_cut_after_a_block_answers_as_that_depth_does(family):
    """With its own normalisation and head: this is what a depth's own-head answer means."""
    model = made_of_more(family) if family in MORE else made_masked(family)
    trunk = Trunk(model)
    head = OwnHead(trunk)
    vocab_size = model.config.vocab_size
    ids = torch.randint(5, vocab_size, (2, 9), generator=torch.Generator().manual_seed(1))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    states = trunk.at(inputs, torch.ones(2, 9, dtype=torch.bool))
    answers = []
    for depth in (1, 2, 3):
        part = cut(Encoder(model, None), depth).model
        with torch.no_grad():
            logits = part(**inputs).logits.flatten(0, 1)
        torch.testing.assert_close(head.logits(states[depth]), logits, rtol=1e-3, atol=1e-4)
        answers.append(logits)
    assert not torch.allclose(answers[0], answers[2], rtol=1e-3, atol=1e-4)
