"""Prototypes against a loop over words, at every depth."""

import torch
from span_tokenizers import encoder_for, grammar, tokenizer_of

from hf_apt.spans.mentions import mentions_of, tags_of
from hf_apt.spans.prototypes import prototype_mentions
from hf_apt.spans.token_tags import TokenRows

TRAIN, TEST = grammar(6), [each.words for each in grammar(12, seed=1)]


def states(model, tokenizer, words) -> list[torch.Tensor]:
    """By depth the states of the words of a sentence; here a word is a token."""
    with torch.no_grad():
        encoded = tokenizer(" ".join(words), return_tensors="pt")
        hidden = model(**encoded, output_hidden_states=True).hidden_states
    return [state[0, 1:-1] for state in hidden]


def test_the_nearest_mean_is_taken_at_every_depth() -> None:
    tokenizer = tokenizer_of("bert")
    model = encoder_for(tokenizer)
    by_depth = prototype_mentions(model, TokenRows(tokenizer, 60), TRAIN, TEST, pad_id=0)
    assert len(by_depth) == 3
    for depth, mentions in enumerate(by_depth):
        by_kind: dict[str, list] = {}
        for sentence in TRAIN:
            own = states(model, tokenizer, sentence.words)[depth]
            tags = tags_of(sentence.mentions, len(sentence.words))
            for tag, state in zip(tags, own, strict=True):
                by_kind.setdefault(tag.partition("-")[2] or "O", []).append(state)
        means = {kind: torch.stack(some).mean(0) for kind, some in by_kind.items()}
        for words, own_mentions in zip(TEST, mentions, strict=True):
            tags = []
            for state in states(model, tokenizer, words)[depth]:
                kind = min(means, key=lambda each: float((means[each] - state).norm()))
                tags.append("O" if kind == "O" else f"I-{kind}")
            assert own_mentions == mentions_of(tags, lenient=True)


def test_words_that_were_cut_off_are_in_no_mention() -> None:
    tokenizer = tokenizer_of("bert")
    long = [*TEST[0], *["rome"] * 60]
    by_depth = prototype_mentions(
        encoder_for(tokenizer), TokenRows(tokenizer, 30), TRAIN, [long, TEST[1]], pad_id=0
    )
    for first, _ in by_depth:
        assert all(mention.end <= 28 for mention in first)
