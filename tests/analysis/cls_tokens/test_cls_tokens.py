"""Laws of the cosines at normalisations: those of hidden states, and planted ones."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf

from hf_apt.analysis.cls_tokens.cls_config import ClsConfig
from hf_apt.analysis.cls_tokens.cls_study import cls_study, findings, is_parted
from hf_apt.analysis.cls_tokens.cls_tokens import ClsTokens, PlaceCosines, cls_tokens
from hf_apt.analysis.cls_tokens.normalisations import Place
from hf_apt.stats.estimates import Estimate


def made() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        config = hf.BertConfig(
            vocab_size=65,
            hidden_size=16,
            num_attention_heads=2,
            intermediate_size=32,
            num_hidden_layers=2,
            max_position_embeddings=48,
            initializer_range=0.5,
        )
        return hf.BertModel(config).eval()


@pytest.fixture(scope="module")
def texts(documents) -> list[str]:
    return documents[:12]


def slow(states_TH) -> tuple[float, float]:
    """The mean cosine of the first state with those between, and of these with one another."""
    unit = states_TH / np.linalg.norm(states_TH, axis=1, keepdims=True)
    own = unit[1:-1]
    cosines = own @ own.T
    return float((own @ unit[0]).mean()), float(cosines[np.triu_indices(len(own), 1)].mean())


@pytest.mark.parametrize("batch_size", [5, 32])
@pytest.mark.parametrize("with_head", [False, True])
def test_cosines_after_a_post_norm_block_are_those_of_its_hidden_states(
    batch_size, with_head, tokenizer, texts
) -> None:
    model = made()
    given = model
    if with_head:
        given = hf.BertForMaskedLM(model.config).eval()
        given.bert.load_state_dict(model.state_dict(), strict=False)
    config = ClsConfig(batch_size=batch_size, num_twins=1)
    measured = cls_tokens(given, tokenizer, texts, config)
    assert (measured.num_blocks, measured.num_texts, len(measured.places)) == (2, 12, 5)
    expected = []
    for text in texts:
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
        expected.append([slow(each[0].double().numpy()) for each in states.hidden_states])
    expected_LX = np.mean(expected, axis=0)
    errors_LX = np.std(expected, axis=0, ddof=1) / np.sqrt(12)
    for at, (mean_X, error_X) in enumerate(zip(expected_LX, errors_LX, strict=True)):
        place = measured.places[2 * at]
        assert place.cls_after.value == pytest.approx(mean_X[0], abs=1e-6)
        assert place.tokens_after.value == pytest.approx(mean_X[1], abs=1e-6)
        assert place.cls_after.standard_error == pytest.approx(error_X[0], abs=1e-6)
        change = place.cls_after.value - place.cls_before.value
        assert place.cls_change.value == pytest.approx(change)
    assert [each.place for each in measured.twins[0]] == [each.place for each in measured.places]
    assert measured.twins[0][-1].cls_after.value != measured.places[-1].cls_after.value


def test_equal_tokens_have_a_cosine_of_one(tokenizer) -> None:
    model = made()
    with torch.no_grad():
        model.embeddings.position_embeddings.weight.zero_()
        model.embeddings.word_embeddings.weight[:] = model.embeddings.word_embeddings.weight[5]
    for place in cls_tokens(model, tokenizer, ["w1 w2 w3"], ClsConfig(num_twins=0)).places:
        assert place.cls_before.value == pytest.approx(1)
        assert place.tokens_after.value == pytest.approx(1)


def test_what_all_tokens_share_is_taken_off_by_a_planted_norm(tokenizer, texts) -> None:
    """States that share a large constant in all units: LayerNorm takes it off, as its mean."""
    model = made()
    norm = model.encoder.layer[0].attention.output.LayerNorm
    with torch.no_grad():
        model.encoder.layer[0].attention.output.dense.bias.fill_(1000.0)
    places = cls_tokens(model, tokenizer, texts, ClsConfig(num_twins=0)).places
    planted = next(each for each in places if each.place == Place(1, "attention.output.LayerNorm"))
    assert norm.weight.eq(1).all()
    assert planted.cls_before.value == pytest.approx(1, abs=1e-4)
    assert abs(planted.cls_after.value) < 0.8
    assert planted.cls_change.value < -0.2


def place_of(block: int, cls: tuple[float, float], tokens: tuple[float, float]) -> PlaceCosines:
    four = [Estimate(value, 0.01, 9) for value in (*cls, *tokens)]
    changes = [Estimate(after - before, 0.01, 9) for before, after in (cls, tokens)]
    return PlaceCosines(Place(block, "norm"), four[0], four[1], four[2], four[3], *changes)


@pytest.mark.parametrize(
    ("cls", "tokens", "expected"),
    [
        ((0.8, 0.1), (0.8, 0.7), True),
        ((0.8, 0.5), (0.8, 0.7), False),  # it keeps more than half
        ((0.8, 0.1), (0.8, 0.05), False),  # tokens lose as much: nothing is about [CLS]
        ((-0.1, -0.5), (0.8, 0.7), False),  # there was nothing to lose
    ],
)
def test_the_verdict_is_about_cls_and_not_about_all_tokens(cls, tokens, expected) -> None:
    places = [place_of(1, cls, tokens), place_of(2, cls, tokens)]
    assert is_parted(places) == expected
    said = findings(ClsTokens([place_of(0, (1, 1), (1, 1)), *places], [], 2, 9))
    assert said[0].startswith(
        "Normalisations part [CLS]" if expected else "Normalisations do not part [CLS]"
    )
    assert f"from {cls[0]:.3f} to {cls[1]:.3f}" in said[0], "the embeddings are left out"


def test_one_text_has_no_error_and_a_rise_is_no_fall(tokenizer) -> None:
    record = cls_study("tiny", made(), tokenizer, ["w1 w2 w3"], ClsConfig(), text_name="words")
    assert "nan" not in " ".join(record["findings"])
    assert "One text has no errors" in record["findings"][1]
    rising = findings(ClsTokens([place_of(1, (0.1, 0.4), (0.2, 0.2))], [], 1, 9))
    assert "that of [CLS] rises least at norm of block 1, by 0.300 ± 0.010, to 0.400" in rising[1]


def test_the_record_holds_every_place(tokenizer, texts) -> None:
    record = cls_study("tiny", made(), tokenizer, texts, ClsConfig(), text_name="words")
    assert record["study"] == "cls"
    assert [table["title"] for table in record["tables"]][::2] == [
        "Cosine of [CLS] and tokens",
        "Cosine of [CLS] and tokens, random weights",
    ]
    for table in record["tables"]:
        assert [row[0] for row in table["rows"]] == [
            "0 embeddings.LayerNorm",
            *("1 attention.output.LayerNorm", "1 output.LayerNorm"),
            *("2 attention.output.LayerNorm", "2 output.LayerNorm"),
        ]
    assert "at attention.output.LayerNorm, from" in record["findings"][2]
    assert len(record["figures"][0]["x_labels"]) == 5
    assert record["results"]["num_blocks"] == 2


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "there is no text"),
        ("w1 w2", "a list of texts, not one string"),
        (["w1 w2", "w3"], "text 2 has one token"),
    ],
)
def test_bad_input_is_one_sentence(texts, said, tokenizer) -> None:
    with pytest.raises(ValueError, match=said):
        cls_tokens(made(), tokenizer, texts)


def test_a_tokenizer_without_cls_is_refused(tokenizer) -> None:
    class Bare:
        cls_token_id = None
        pad_token_id = 0

        def __call__(self, texts, **_):
            rows = [[5, 6, 7] for _ in texts]
            return {"input_ids": rows, "special_tokens_mask": [[0, 0, 0] for _ in texts]}

    with pytest.raises(ValueError, match=r"puts no \[CLS\] before a text"):
        cls_tokens(made(), Bare(), ["a"])


def test_states_that_are_not_finite_are_named(tokenizer, texts) -> None:
    model = made()
    with torch.no_grad():
        model.encoder.layer[1].output.LayerNorm.bias[0] = float("nan")
    with pytest.raises(ValueError, match=r"not finite at output.LayerNorm of block 2"):
        cls_tokens(model, tokenizer, texts)
