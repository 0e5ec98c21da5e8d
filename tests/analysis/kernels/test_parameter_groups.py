"""Groups of parameters: each trained parameter in one, by block and kind."""

import pytest
from small_functions import tiny_classifier, tiny_gpt2, tiny_masked_lm

from hf_apt.analysis.kernels.parameter_groups import parameter_groups
from hf_apt.analysis.kernels.trained_arms import with_block_adapters


def names_of(model, selection="all") -> list[str]:
    return [name for group in parameter_groups(model, selection) for name in group.names]


@pytest.mark.parametrize("kind", ["classifier", "masked", "causal"])
def test_every_parameter_is_in_one_group(tokenizer, kind) -> None:
    model = {
        "classifier": lambda: tiny_classifier(tokenizer).model,
        "masked": lambda: tiny_masked_lm(tokenizer),
        "causal": lambda: tiny_gpt2(tokenizer),
    }[kind]()
    assert sorted(names_of(model)) == sorted(name for name, _ in model.named_parameters())
    groups = parameter_groups(model)
    assert sum(group.num_values for group in groups) == sum(p.numel() for p in model.parameters())
    assert [group.place for group in groups if group.kind == "attention"] == ["block 1", "block 2"]
    norms = [name for group in groups if group.kind == "norms" for name in group.names]
    assert norms
    assert all("norm" in name.lower() or "ln_" in name for name in norms)
    last = groups[-1]
    assert last.place == "head"
    if kind == "causal":
        assert last.names == ("transformer.ln_f.weight", "transformer.ln_f.bias")
    for group in groups:
        assert all(("attn" in n or "attention" in n) for n in group.names) or (
            group.kind != "attention"
        )


def test_selections_leave_out_what_they_say(tokenizer) -> None:
    model = tiny_masked_lm(tokenizer)
    assert all(name.endswith("bias") for name in names_of(model, "biases"))
    assert not any("embeddings" in name for name in names_of(model, "no_embeddings"))
    assert not any(name.startswith("cls.") for name in names_of(model, "no_head"))
    assert all(".layer." in name for name in names_of(model, "blocks"))
    with pytest.raises(ValueError, match="choose one of all"):
        parameter_groups(model, "attention")  # pyright: ignore[reportArgumentType]


def test_of_adapters_the_adapters_alone_are_trained(tokenizer) -> None:
    model = with_block_adapters(tiny_masked_lm(tokenizer), 2, seed=0)
    names = names_of(model)
    assert names
    assert all("lora_" in name for name in names)
    groups = {group.place for group in parameter_groups(model)}
    assert groups == {"block 1", "block 2"}


def test_where_nothing_is_trained_it_is_said(tokenizer) -> None:
    model = tiny_gpt2(tokenizer)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(ValueError, match="no parameter of GPT2LMHeadModel is trained"):
        parameter_groups(model)
    bias = next(p for name, p in model.named_parameters() if name.endswith("wte.weight"))
    bias.requires_grad_(True)
    with pytest.raises(ValueError, match="no trained parameters of 'no_embeddings'"):
        parameter_groups(model, "no_embeddings")
