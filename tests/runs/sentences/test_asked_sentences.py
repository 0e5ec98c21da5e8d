"""Laws of the sentences that are shown: the model's own answers, and those that differ most."""

import torch
import transformers as hf

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.tokens import write_tokens
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.report.lens_answers import DepthAnswer
from hf_apt.runs.sentence_lens import lens
from hf_apt.runs.sentences.asked_sentences import asked_sentences, right_from, spread

SMALL = {"vocab_size": 77, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def planted_model() -> hf.BertForMaskedLM:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        sizes = {"intermediate_size": 32, "max_position_embeddings": 32, "initializer_range": 0.5}
        return hf.BertForMaskedLM(hf.BertConfig(**SMALL, **sizes)).eval()


def test_they_are_the_answers_of_the_lens(tmp_path) -> None:
    """The same text, masked by hand, asked by `hf_apt.lens`."""
    planted, model = PlantedCorpus(num_validation_documents=60), planted_model()
    tokenizer = planted.tokenizer()
    assert len(tokenizer) <= SMALL["vocab_size"]
    texts = list(planted.corpus(20).validation)
    tokens = write_tokens(tmp_path / "tokens", texts, tokenizer, sequence_length=22, layout="first")
    head, config = OwnHead(Trunk(model)), MeasureConfig(num_sequences=50)
    shown = asked_sentences(head, tokens, tokenizer, config, planted)
    assert shown is not None
    assert (len(shown["sentences"]), shown["num_asked"], shown["seed"]) == (5, 40, 2509)
    assert shown == asked_sentences(head, tokens, tokenizer, config, planted)
    for sentence in shown["sentences"]:
        text = f"{sentence['before']} [MASK] {sentence['after']}"
        (asked,) = lens(text, model, tokenizer, true=sentence["true"], top=1).asked
        assert len(sentence["answers"]) == 3
        for answer, expected in zip(sentence["answers"], asked.depths, strict=True):
            assert answer["token"] == expected.tokens[0]
            assert answer["true_rank"] == expected.true_rank
            assert expected.true_probability is not None
            assert abs(answer["probability"] - expected.probabilities[0]) < 1e-4
            assert abs(answer["true_probability"] - expected.true_probability) < 1e-4
        assert sentence["ceiling"] is not None


def test_the_ceiling_is_that_of_the_planted_language_alone(tmp_path) -> None:
    planted, model = PlantedCorpus(num_validation_documents=20), planted_model()
    tokenizer, texts = planted.tokenizer(), list(planted.corpus(20).validation)
    tokens = write_tokens(tmp_path / "tokens", texts, tokenizer, sequence_length=22, layout="first")
    shown = asked_sentences(OwnHead(Trunk(model)), tokens, tokenizer, MeasureConfig())
    assert shown is not None
    assert {sentence["ceiling"] is None for sentence in shown["sentences"]} == {True}


def answers(*ranks: int) -> list[DepthAnswer]:
    return [DepthAnswer(("a",), (0.5,), 1.0, rank, 0.1) for rank in ranks]


def test_the_depth_from_which_an_answer_is_right_to_the_end() -> None:
    assert right_from(answers(1, 1, 1)) == 0
    assert right_from(answers(1, 2, 1)) == 2
    assert right_from(answers(1, 1, 2)) == 3
    assert right_from(answers(5, 1, 1)) == 1


def test_kinds_are_spread_before_any_comes_twice() -> None:
    assert spread([2, 2, 2, 2, 0, 1], 5) == [0, 1, 2, 4, 5]
    assert spread([], 5) == []
    assert spread([3], 5) == [0]
    assert spread(list(range(8)), 5) == [0, 2, 4, 5, 7]  # the extremes are among them
    assert spread([1] * 9, 5) == [0, 1, 2, 3, 4]
