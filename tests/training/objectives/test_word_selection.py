"""Multi-word selection against the loss of TEAMS written out."""

import math

import pytest
import torch
from small_selection import selection_batch, small_selection

from hf_apt.training.objective import Step, TrainingSetup
from hf_apt.training.objectives.word_selection import WordSelection


def total_of(batch, output):
    step = Step(
        model=None,
        inputs=batch,
        outputs=output,
        loss=torch.zeros(()),
        num_items=torch.tensor(100),
        loss_and_outputs=lambda _: (torch.zeros(()), None),
    )
    (term,) = WordSelection(weight=20.0)(step)
    assert (term.name, term.weight, term.num_items) == ("word_selection", 20.0, 100)
    return term.total.item()


@torch.no_grad()
def test_the_loss_is_the_papers_sum_over_masked_positions():
    batch, model = selection_batch(6, padded=True), small_selection(candidates=4).eval()
    output = model(**batch)
    hidden = model.discriminator(
        output.shown_ids, attention_mask=batch["attention_mask"]
    ).last_hidden_state
    head = model.heads["word_selection"]
    words = model.discriminator.embeddings.word_embeddings
    places, total = (batch["labels"] != -100).nonzero().tolist(), 0.0
    for (row, place), ids in zip(places, output.candidate_ids.tolist(), strict=True):
        read = head.LayerNorm(torch.nn.functional.gelu(head.dense(hidden[row, place])))
        scores = {token: float(words(torch.tensor(token)) @ read) for token in ids}
        true = scores[int(batch["labels"][row, place])]
        total += math.log(sum(map(math.exp, scores.values()))) - true
    assert int(WordSelection(weight=1.0).count(batch)) == len(places)
    assert total_of(batch, output) == pytest.approx(total, rel=1e-4)


def test_one_candidate_costs_0_and_equal_scores_the_log_of_their_number():
    batch = selection_batch(6)
    alone = small_selection(candidates=1, heads=("word_selection",)).eval()
    assert total_of(batch, alone(**batch)) == 0.0
    even = small_selection(candidates=5).eval()
    with torch.no_grad():
        even.heads["word_selection"].LayerNorm.weight.zero_()
        even.heads["word_selection"].LayerNorm.bias.zero_()
    num = int((batch["labels"] != -100).sum())
    assert total_of(batch, even(**batch)) == pytest.approx(num * math.log(5))


def test_rows_that_pad_the_asked_ones_do_not_count():
    batch, model = selection_batch(6), small_selection().eval()
    labels = batch["labels"].flatten()
    places = [(labels != -100).nonzero()[:, 0], (labels == -100).nonzero()[:4, 0]]
    padded = batch | {"asked_positions": torch.cat(places)}
    expected = total_of(batch, model(**batch))
    assert total_of(padded, model(**padded)) == pytest.approx(expected, rel=1e-5)


def test_a_model_without_the_head_is_refused_before_training():
    setup = TrainingSetup(model=small_selection(heads=("multi_choice",)), args=None)
    with pytest.raises(ValueError, match="with a head of that name"):
        WordSelection(weight=1.0).in_training(setup)
