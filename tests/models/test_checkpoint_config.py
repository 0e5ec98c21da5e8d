"""What a configuration tells before weights are read: the kind of model, and its positions."""

from typing import Any

import pytest
import torch
import transformers as hf
from small_classifiers import CLASSIFIERS, batch, classifier
from small_trainers import SMALL

from hf_apt.models.checkpoint_config import encoder_config, require_length
from hf_apt.models.encoders import is_classifier, load_encoder
from hf_apt.models.loading import num_positions

T5 = {"vocab_size": 50, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
GPT2 = {"vocab_size": 50, "n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 16}
BART = {"vocab_size": 50, "d_model": 8, "encoder_layers": 1, "decoder_layers": 1}
BART |= {"encoder_ffn_dim": 8, "decoder_ffn_dim": 8}

OTHERS: dict[str, tuple[Any, str]] = {
    "T5": (lambda: hf.T5ForConditionalGeneration(hf.T5Config(**T5)), r"an encoder-decoder \(t5\)"),
    "BART": (
        lambda: hf.BartForSequenceClassification(
            hf.BartConfig(**BART, encoder_attention_heads=2, decoder_attention_heads=2)
        ),
        r"an encoder-decoder \(bart\)",
    ),
    "GPT-2": (lambda: hf.GPT2LMHeadModel(hf.GPT2Config(**GPT2)), r"a causal model \(gpt2\)"),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(
    "read", [encoder_config, load_encoder, lambda name: is_classifier(name, ())]
)
def test_what_is_no_encoder_is_told_which_kinds_work(kind, read, tmp_path):
    make, sentence = OTHERS[kind]
    make().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=f"is {sentence}, .* choose a checkpoint of BERT, RoBERTa"):
        read(str(tmp_path))


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_encoders_are_taken(family, tmp_path):
    classifier(family).save_pretrained(tmp_path)
    config = encoder_config(str(tmp_path))
    assert config.model_type == classifier(family).config.model_type


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "distilbert", "bert_conv"])
def test_a_text_may_be_as_long_as_the_model_has_positions(family, tmp_path):
    model = classifier(family)
    limit = num_positions(model.config)
    assert limit == model.config.max_position_embeddings - (family == "roberta")
    with torch.no_grad():
        model(**batch(2, limit))
        with pytest.raises((IndexError, RuntimeError)):
            model(**{name: torch.ones(1, limit + 1, dtype=torch.long) for name in batch()})
    model.save_pretrained(tmp_path)
    require_length(str(tmp_path), limit)
    with pytest.raises(ValueError, match=f"{limit + 1} tokens are longer than the {limit} pos"):
        require_length(str(tmp_path), limit + 1)


@pytest.mark.parametrize(
    ("stem", "limit"),
    [
        ("Camembert", 62),
        ("XLMRoberta", 62),
        ("MPNet", 62),
        ("Longformer", 62),
        ("XLMRobertaXL", 62),
    ],
)
def test_positions_from_the_one_after_the_padding(stem, limit):
    sizes = SMALL | {"max_position_embeddings": 64, "pad_token_id": 1}
    config = getattr(hf, f"{stem}Config")(**sizes)
    with torch.device("meta"):
        model = getattr(hf, f"{stem}ForMaskedLM")(config)
    table = next(
        module
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding)
    )
    assert num_positions(config) == limit == table.num_embeddings - table.padding_idx - 1


def test_relative_positions_have_no_limit():
    config = hf.DebertaV2Config(
        **SMALL | {"max_position_embeddings": 8},
        relative_attention=True,
        position_biased_input=False,
        position_buckets=4,
        pos_att_type=["p2c", "c2p"],
    )
    assert num_positions(config) is None
    with torch.no_grad():
        answer = hf.DebertaV2ForSequenceClassification(config).eval()(**batch(2, 30))
    assert answer.logits.isfinite().all()
    assert num_positions(hf.DebertaV2Config(**SMALL)) == SMALL["max_position_embeddings"]
