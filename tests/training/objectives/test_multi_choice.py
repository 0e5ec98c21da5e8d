"""The multi-choice cloze with rejection against the loss of MC-BERT written out."""

import math

import pytest
import torch
from small_selection import selection_batch, small_selection, true_text

from hf_apt.training.objective import Step, TrainingSetup
from hf_apt.training.objectives.multi_choice import MultiChoice


def total_of(batch, output):
    step = Step(
        model=None,
        inputs=batch,
        outputs=output,
        loss=torch.zeros(()),
        num_items=torch.tensor(100),
        loss_and_outputs=lambda _: (torch.zeros(()), None),
    )
    (term,) = MultiChoice(weight=7.0)(step)
    assert (term.name, term.weight, term.num_items) == ("multi_choice", 7.0, 100)
    return term.total.item()


@torch.no_grad()
def test_the_loss_is_that_of_rejecting_or_of_the_original():
    batch, model = selection_batch(6, padded=True), small_selection(choices=4).eval()
    output, text, total, num = model(**batch), true_text(batch), 0.0, 0
    hidden = model.discriminator(
        output.shown_ids, attention_mask=batch["attention_mask"]
    ).last_hidden_state
    head = model.heads["multi_choice"]
    words = model.discriminator.embeddings.word_embeddings
    for row, place in batch["attention_mask"].nonzero().tolist():
        shown, true = int(output.shown_ids[row, place]), int(text[row, place])
        read = head.LayerNorm(torch.nn.functional.gelu(head.dense(hidden[row, place])))
        scores = {shown: float(head.reject(read))}
        others = output.choice_ids[row, place, 1:].tolist()
        scores |= {token: float(words(torch.tensor(token)) @ read) for token in others}
        assert len(scores) == 4
        total += math.log(sum(map(math.exp, scores.values()))) - scores[true]
        num += 1
    assert int(MultiChoice(weight=1.0).count(batch)) == num == 6 * 7
    assert total_of(batch, output) == pytest.approx(total, rel=1e-4)


def test_equal_scores_cost_the_log_of_their_number():
    batch, model = selection_batch(6), small_selection(choices=9).eval()
    with torch.no_grad():
        model.heads["multi_choice"].LayerNorm.weight.zero_()
        model.heads["multi_choice"].LayerNorm.bias.zero_()
    assert total_of(batch, model(**batch)) == pytest.approx(6 * 9 * math.log(9))


def test_a_model_without_the_head_is_refused_before_training():
    setup = TrainingSetup(model=small_selection(heads=("word_selection",)), args=None)
    with pytest.raises(ValueError, match="with a head of that name"):
        MultiChoice(weight=1.0).in_training(setup)
