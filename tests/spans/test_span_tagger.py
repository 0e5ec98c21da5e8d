"""Every span is asked once, answers do not depend on the batch; saved and loaded alike."""

import pytest
import torch
from span_tokenizers import encoder_for, grammar, tokenizer_of

from hf_apt.spans import span_tagger
from hf_apt.spans.negatives import spans_within
from hf_apt.spans.score import span_score
from hf_apt.spans.span_format import SpanFormat
from hf_apt.spans.span_model import SpanModel
from hf_apt.spans.span_rows import SpanRows
from hf_apt.spans.span_tagger import AskedSpans, SpanTagger

LABELS = ("person", "place")
SENTENCES = grammar(6)
WORDS = [each.words for each in SENTENCES]


def tagger_of(**changed) -> SpanTagger:
    tokenizer = tokenizer_of("bert")
    settings: dict = {"max_span_words": 3, "sequence_length": 48}
    form = SpanFormat(**settings | changed)
    model = SpanModel.on_trunk(encoder_for(tokenizer).base_model, LABELS, form, seed=0)
    with torch.no_grad():
        model.entity_head.weight.normal_(0, 1.0, generator=torch.Generator().manual_seed(0))
        model.type_head.weight.normal_(0, 1.0, generator=torch.Generator().manual_seed(1))
    tagger = SpanTagger(model, tokenizer)
    spans = [span for each in tagger.scored(WORDS) for span in each]
    with torch.no_grad():  # about half of them are rather mentions
        confidences = torch.tensor([span.confidence for span in spans], dtype=torch.float64)
        model.entity_head.bias[1] -= confidences.logit().median()
    return tagger


def test_every_span_is_asked_once_and_its_answer_is_its_own(monkeypatch) -> None:
    tagger = tagger_of()
    monkeypatch.setattr(span_tagger, "_BATCH", 7)
    asked = AskedSpans()
    by_sentence = tagger.scored(WORDS, asked)
    rows = SpanRows(tagger.tokenizer, tagger.model.config.span_format())
    for words, spans in zip(WORDS[:2], by_sentence[:2], strict=True):
        assert sorted(span[:2] for span in spans) == sorted(spans_within(len(words), 3))
        for span in spans:
            row = rows.row(rows.pieces(words), span.start, span.end)
            assert row is not None
            with torch.no_grad():
                output = tagger.model(
                    torch.tensor([row.input_ids]),
                    entity_positions=torch.tensor([row.entity_position]),
                    type_positions=torch.tensor([row.type_position]),
                )
            assert span.confidence == pytest.approx(float(output.logits.softmax(1)[0, 1]), abs=1e-5)
            assert span.label == LABELS[int(output.type_logits.argmax())]
    num = sum(len(spans_within(len(words), 3)) for words in WORDS)
    assert asked.as_json() == {"num_spans": num, "num_too_long": 0, "num_shortened": 0}
    assert 0.1 < sum(s.confidence > 0.5 for spans in by_sentence for s in spans) / num < 0.9


def test_a_model_that_knows_finds_all(monkeypatch) -> None:
    """Logits of an oracle: F1 is 1."""
    tagger, asked = tagger_of(), []
    true = {
        (index, start, end): LABELS.index(label)
        for index, sentence in enumerate(SENTENCES)
        for start, end, label in sentence.mentions
    }

    def answers(batch):
        asked.extend(batch)
        for question in batch:
            label = true.get(question[:3])
            yield (0.01, 0) if label is None else (0.99, label)

    monkeypatch.setattr(tagger, "_answers", answers)
    predicted = tagger.mentions(WORDS)
    assert len(asked) == sum(len(spans_within(len(words), 3)) for words in WORDS)
    assert predicted == [each.mentions for each in SENTENCES]
    assert span_score([each.mentions for each in SENTENCES], predicted).f1 == 1.0


def test_what_does_not_fit_is_counted() -> None:
    tagger = tagger_of(max_span_words=8, sequence_length=16)
    asked = AskedSpans()
    tagger.mentions([["red"] * 20, ["hill"] * 7, [], ["saw"]], asked)
    # A row has room for 6 tokens: of 20 words 7 or 8 at once do not fit, and little else is left.
    assert asked.num_too_long == 14 + 13 + 1
    assert asked.num_spans == sum(21 - n for n in range(1, 7)) + sum(8 - n for n in range(1, 7)) + 1
    assert asked.num_shortened == asked.num_spans - 1


@pytest.mark.parametrize("changed", [{}, {"merged": True}, {"mask": False, "brackets": False}])
def test_it_is_saved_and_loaded(changed, tmp_path) -> None:
    tokenizer = tokenizer_of("bert")
    form = SpanFormat(max_span_words=2, sequence_length=48, **changed)
    trunk = encoder_for(tokenizer).base_model
    tagger = SpanTagger(SpanModel.on_trunk(trunk, LABELS, form, seed=0), tokenizer)
    tagger.save(tmp_path)
    again = SpanTagger.load(tmp_path)
    assert again.scored(WORDS) == tagger.scored(WORDS)


def test_what_is_no_tagger_is_named(tmp_path, checkpoint) -> None:
    with pytest.raises(ValueError, match="is no whole model of spans|there is no checkpoint"):
        SpanTagger.load(tmp_path)
    with pytest.raises(ValueError, match="model of spans"):
        SpanTagger.load(checkpoint)
    many = type("Many", (), {"__len__": lambda self: 10_000})()
    with pytest.raises(ValueError, match="the tokenizer has 10000 tokens and the model only"):
        SpanTagger(tagger_of().model, many)
