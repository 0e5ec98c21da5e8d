"""Laws of one sentence asked at every depth: the model's own probabilities, cut models, errors."""

from typing import Any

import pytest
import torch
import transformers as hf

from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.truncation import cut
from hf_apt.depths.trunk import Trunk
from hf_apt.models.encoders import Encoder
from hf_apt.models.weights_digest import model_digest
from hf_apt.runs.sentence_lens import lens

TEXT = "w1 w2 [MASK] w4"
SMALL = {"vocab_size": 65, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


@pytest.fixture
def bert() -> hf.BertForMaskedLM:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = hf.BertConfig(
            **SMALL, intermediate_size=32, max_position_embeddings=24, initializer_range=0.5
        )
        return hf.BertForMaskedLM(config).eval()


def probabilities(model, tokenizer, text: str) -> torch.Tensor:
    """What the model itself says (V) at the mask, by its own forward pass."""
    inputs = tokenizer(text, return_tensors="pt")
    at = int((inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero())
    with torch.no_grad():
        return model(**inputs).logits[0, at].double().softmax(dim=0)


def test_the_last_depth_is_the_models_own_answer(bert, tokenizer) -> None:
    (asked,) = lens(TEXT, bert, tokenizer, true="w9", top=65).asked
    expected_V = probabilities(bert, tokenizer, TEXT)
    last, words = asked.depths[-1], tokenizer.get_vocab()
    said_V = torch.zeros(65, dtype=torch.float64)
    for token, probability in zip(last.tokens, last.probabilities, strict=True):
        said_V[words[token]] = probability
    torch.testing.assert_close(said_V, expected_V, rtol=1e-4, atol=1e-7)
    assert list(last.probabilities) == sorted(last.probabilities, reverse=True)
    entropy = -sum(p * torch.log2(p) for p in expected_V)
    assert last.entropy == pytest.approx(float(entropy), rel=1e-5)
    true = words["w9"]
    assert last.true_rank == 1 + int((expected_V > expected_V[true]).sum())
    assert last.true_probability == pytest.approx(float(expected_V[true]), rel=1e-4)
    assert (asked.index, asked.true, asked.lens) == (3, "w9", "own_head")


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_model_cut_after_a_block_answers_as_that_depth_does(bert, tokenizer, depth) -> None:
    (asked,) = lens(TEXT, bert, tokenizer).asked
    shallow = cut(Encoder(bert, tokenizer), depth).model
    expected_V = probabilities(shallow, tokenizer, TEXT)
    best = expected_V.argsort(descending=True)[:5].tolist()
    assert asked.depths[depth].tokens == tuple(tokenizer.convert_ids_to_tokens(best))
    assert asked.depths[depth].probabilities == pytest.approx(expected_V[best].tolist(), rel=1e-4)


def test_equal_logits_have_the_lowest_ids_first(bert, tokenizer) -> None:
    with torch.no_grad():
        bert.cls.predictions.decoder.weight.zero_()
        bert.cls.predictions.bias.zero_()
    (asked,) = lens(TEXT, bert, tokenizer, true="w0", top=3).asked
    for at in asked.depths:
        assert at.tokens == ("[PAD]", "[UNK]", "[CLS]")
        assert at.probabilities == pytest.approx([1 / 65] * 3)
        assert at.entropy == pytest.approx(torch.log2(torch.tensor(65.0)).item())
        assert at.true_rank == 6  # after the five special tokens


def test_a_word_and_each_token_are_asked_as_if_masks_were_written(bert, tokenizer) -> None:
    (written,) = lens(TEXT, bert, tokenizer, true="w3").asked
    (named,) = lens("w1 w2 w3 w4", bert, tokenizer, mask="w3").asked
    in_turn = lens("w1 w2 w3 w4", bert, tokenizer, each=True).asked
    assert named == written == in_turn[2]
    assert [asked.true for asked in in_turn] == ["w1", "w2", "w3", "w4"]


def test_a_fitted_lens_is_read_beside_the_own_head(bert, tokenizer, tmp_path) -> None:
    trunk = Trunk(bert)
    weights_DHH = torch.eye(16).roll(1, dims=0).expand(3, 16, 16).clone()
    maps = DepthMaps("jacobian", weights_DHH, torch.zeros(3, 16), model_digest(bert), 1)
    maps.save(tmp_path / "lens.safetensors")
    from_memory = lens(TEXT, bert, tokenizer, lenses=("own_head", maps))
    from_file = lens(TEXT, bert, tokenizer, lenses=("own_head", tmp_path / "lens.safetensors"))
    assert from_memory == from_file
    own, other = from_memory.asked
    assert (own.lens, other.lens) == ("own_head", "jacobian")
    assert own.depths[-1] == other.depths[-1]
    assert own.depths[1] != other.depths[1]
    assert trunk.num_depths == len(own.depths) == 3


def test_a_causal_model_is_asked_for_the_next_token(tokenizer, tmp_path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = hf.GPT2Config(
            vocab_size=65, n_embd=16, n_layer=2, n_head=2, n_positions=24, initializer_range=0.5
        )
        model = hf.GPT2LMHeadModel(config).eval()
    (asked,) = lens("w1 w2", model, tokenizer).asked
    inputs = tokenizer("w1 w2", return_tensors="pt")
    with torch.no_grad():
        expected_V = model(input_ids=inputs["input_ids"]).logits[0, -1].double().softmax(0)
    best = expected_V.argsort(descending=True)[:5].tolist()
    assert asked.depths[-1].tokens == tuple(tokenizer.convert_ids_to_tokens(best))
    assert (asked.shown, asked.index) == ("w1 w2 [MASK]", 4)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    (named,) = lens("w1 w2", str(tmp_path)).asked
    assert named.depths[-1].tokens == asked.depths[-1].tokens
    assert named.depths[-1].probabilities == pytest.approx(asked.depths[-1].probabilities, rel=1e-5)
    with pytest.raises(ValueError, match="predicts the next token"):
        lens("w1 w2", model, tokenizer, each=True)


def test_a_checkpoint_answers_as_the_loaded_model_does(checkpoint, tiny_model, tokenizer) -> None:
    named, loaded = lens(TEXT, str(checkpoint)), lens(TEXT, tiny_model, tokenizer)
    # A product's last bits are those of where in memory its weights lie: a file's lie elsewhere.
    for one, other in zip(named.asked, loaded.asked, strict=True):
        assert (one.index, one.shown, one.lens) == (other.index, other.shown, other.lens)
        for mine, theirs in zip(one.depths, other.depths, strict=True):
            assert mine.tokens == theirs.tokens
            assert mine.probabilities == pytest.approx(theirs.probabilities, rel=1e-5)
            assert mine.entropy == pytest.approx(theirs.entropy, rel=1e-5)
    assert named.model == checkpoint.name  # a page to share holds no folder of yours


def test_what_cannot_be_asked_is_refused(bert, tokenizer, tmp_path) -> None:
    wrong: list[tuple[tuple[Any, ...], str]] = [
        (("w1 w2", bert, tokenizer), r"there is no \[MASK\]"),
        (("[MASK] " * 40, bert, tokenizer), "the text has 42 tokens.* the model takes 24"),
        ((TEXT, bert), "needs its tokenizer"),
        ((TEXT, str(tmp_path / "nothing")), "there is no checkpoint folder"),
        ((TEXT, "no-such-model"), "no-such-model"),
        ((7, bert, tokenizer), "text must be a string"),
    ]
    for arguments, words in wrong:
        with pytest.raises(ValueError, match=words):
            lens(*arguments)
    with pytest.raises(ValueError, match="top must be a whole number of at least 1, got 0"):
        lens(TEXT, bert, tokenizer, top=0)
    for lenses, words in (
        (("logit",), "there is no lens 'logit'"),
        ((), "give own_head at least"),
        (("own_head", "own_head"), "two of the lenses are of one kind"),
    ):
        with pytest.raises(ValueError, match=words):
            lens(TEXT, bert, tokenizer, lenses=lenses)
    assert lens(TEXT, bert, tokenizer, lenses="own_head") == lens(TEXT, bert, tokenizer)  # pyright: ignore
    for wrong_type in ({"true": 5}, {"true": [5]}, {"mask": 5}):
        with pytest.raises(ValueError, match="must be text, got 5"):
            lens(TEXT, bert, tokenizer, **wrong_type)
    for pair in ((5, tokenizer), (bert, 5)):
        with pytest.raises(ValueError, match="is 5: give"):
            lens(TEXT, *pair)


def test_a_lens_of_another_model_and_a_model_without_a_head_are_refused(bert, tokenizer) -> None:
    maps = DepthMaps("jacobian", torch.zeros(3, 16, 16), torch.zeros(3, 16), "0" * 16, 1)
    with pytest.raises(ValueError, match="made for another model"):
        lens(TEXT, bert, tokenizer, lenses=(maps,))
    classifier = hf.BertForSequenceClassification(bert.config).eval()
    with pytest.raises(ValueError, match="BertForSequenceClassification"):
        lens(TEXT, classifier, tokenizer)


def test_weights_that_are_not_finite_are_refused(bert, tokenizer) -> None:
    with torch.no_grad():
        bert.bert.encoder.layer[1].output.dense.bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="no answer at depth 2"):
        lens(TEXT, bert, tokenizer)
