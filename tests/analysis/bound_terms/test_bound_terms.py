"""Laws of the measured terms: they are those of the functions, on texts of equal lengths."""

import numpy as np
import pytest

from hf_apt.analysis.bound_terms.bound_config import BoundConfig
from hf_apt.analysis.bound_terms.bound_study import bound_study, findings
from hf_apt.analysis.bound_terms.bound_terms import bound_terms, of_equal_lengths
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.depths.text_features import features
from hf_apt.models.encoders import Encoder
from hf_apt.stats.rademacher.complexity import rademacher_complexity
from hf_apt.stats.rademacher.spread import effective_rank

CONFIG = BoundConfig(num_texts=20, sequence_length=16, num_sequences=12, num_draws=64, num_twins=1)


def test_texts_are_cut_to_equal_lengths_pair_by_pair(tokenizer):
    first, second = ["w1 w2 w3", "w4", "w5 w6"], ["w7 w8 w9 w10 w11", "w12 w13", "w14 w15 w16"]
    one, other = of_equal_lengths(tokenizer, first, second, 6)
    assert one == ["w1 w2 w3", "w5 w6", "w4"]
    assert other == ["w7 w8 w9", "w14 w15", "w12"]


def test_each_term_is_that_of_its_function(tiny_model, tokenizer, tokens, documents):
    task, others = documents[:25], documents[40:70]
    terms = bound_terms(tiny_model, tokenizer, task, others, CONFIG, tokens=(tokens, tokens))
    asked = FeatureConfig(sequence_length=16, poolings=("mean",))
    rows = features(Encoder(tiny_model, tokenizer), task[:20], asked)["mean"]
    assert len(terms.depths) == 3
    for each, rows_NE in zip(terms.depths, rows, strict=True):
        expected = rademacher_complexity(rows_NE, num_draws=64, seed=2509)
        assert each.complexity.value == pytest.approx(expected.value)
        assert each.effective_rank == pytest.approx(effective_rank(rows_NE))
        gap = each.gap
        assert gap is not None
        assert gap.value == 0.0, "the same text is on both sides"
    assert [len(twin) for twin in terms.twins] == [3]
    assert terms.twins[0][0].gap is None
    assert terms.twins[0][-1].complexity.value != terms.depths[-1].complexity.value


def test_texts_of_other_words_are_told_apart_and_those_of_the_same_are_not(tiny_model, tokenizer):
    generator = np.random.default_rng(0)

    def texts(low: int, high: int) -> list[str]:
        return [
            " ".join(
                f"w{word}" for word in generator.integers(low, high, generator.integers(5, 13))
            )
            for _ in range(60)
        ]

    config = BoundConfig(num_texts=60, sequence_length=16, num_twins=0, num_draws=8)
    apart = bound_terms(tiny_model, tokenizer, texts(0, 20), texts(30, 60), config)
    alike = bound_terms(tiny_model, tokenizer, texts(0, 60), texts(0, 60), config)
    assert apart.depths[0].domain.value > 0.6
    for each in alike.depths:
        assert abs(each.domain.value) < 4 * each.domain.standard_error


def test_the_study_says_what_it_is_not(tiny_model, tokenizer, tokens, documents):
    terms = bound_terms(
        tiny_model, tokenizer, documents[:20], documents[40:60], CONFIG, tokens=(tokens, tokens)
    )
    record = bound_study("tiny", terms, CONFIG, task_name="words", provenance={})
    assert (record["study"], record["subject"]) == ("rademacher", "words")
    assert f"{terms.depths[-1].complexity.value:.3g}" in record["findings"][0]
    assert "with random weights" in record["findings"][0]
    assert f"{terms.depths[-1].domain.value:.3f}" in record["findings"][1]
    assert "not more than two standard errors" in record["findings"][2]
    assert "proxies for the terms of a bound, not the bound" in record["findings"][-1]
    assert len(record["tables"][0]["rows"]) == len(record["results"]["depths"]) == 3
    alone = bound_terms(
        tiny_model,
        tokenizer,
        documents[:20],
        documents[40:60],
        BoundConfig(num_texts=20, num_twins=0, sequence_length=16),
    )
    said = findings(alone, ["embeddings", "block 1", "block 2"], "words")
    assert "random weights" not in said[0]
    assert "gap of pre-training is not known" in said[2]


@pytest.mark.parametrize(("num_task", "num_other", "what"), [(19, 30, "task"), (30, 19, "pre-tra")])
def test_too_few_texts_are_refused(num_task, num_other, what, tiny_model, tokenizer, documents):
    with pytest.raises(ValueError, match=f"there are 19 texts of .*{what}.*, fewer than the 20"):
        bound_terms(tiny_model, tokenizer, documents[:num_task], documents[:num_other], CONFIG)


def test_settings_out_of_range_are_refused():
    for wrong, said in (
        ({"num_texts": 9}, "num_texts .* at least 10"),
        ({"pooling": "max"}, "max"),
    ):
        with pytest.raises(ValueError, match=said):
            BoundConfig(**wrong)  # type: ignore
