"""R-Drop against the paper's loss written out, and known answers."""

import json
import math
from dataclasses import asdict
from typing import Any

import pytest
import torch
from workers.objectives import classifier, classifying, logged, stacked, texts

from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.training.objective import Step
from hf_apt.training.objectives.r_drop import RDrop, symmetric_divergence


def softmax(row) -> list[float]:
    exponentials = [math.exp(each - max(row)) for each in row]
    return [each / sum(exponentials) for each in exponentials]


def kl(first, second) -> float:
    """KL(first || second) of two rows of logits, number by number in Python's floats."""
    pairs = zip(softmax(first), softmax(second), strict=True)
    return sum(p * math.log(p / q) for p, q in pairs)


def both_ways(first, second) -> float:
    return (kl(first, second) + kl(second, first)) / 2


def cross_entropy(row, label) -> float:
    return -math.log(softmax(row)[label])


def two_passes(first, second, labels, weight=1.0, losses=(0.0, 0.0), **inputs):
    """The terms for two passes that gave these logits and losses."""
    asked: list[Any] = []

    def again(given):
        asked.append(given)
        return torch.tensor(losses[1]), {"logits": second}

    batch = {"labels": labels} | inputs
    step = Step(
        model=None,
        inputs=batch,
        outputs={"logits": first},
        loss=torch.tensor(losses[0]),
        num_items=torch.tensor(100),
        loss_and_outputs=again,
    )
    terms = RDrop(weight=weight)(step)
    assert len(asked) == 1
    assert asked[0] is batch, "at the same positions"
    return terms


def test_the_divergence_is_the_sum_written_out_over_what_is_asked():
    generator = torch.Generator().manual_seed(0)
    first, second = 3 * torch.randn(2, 2, 7, 11, generator=generator)
    labels = torch.randint(0, 11, (2, 7), generator=generator)
    labels[:, ::3] = -100
    asked = [(text, place) for text in range(2) for place in (1, 2, 4, 5)]
    assert RDrop(weight=1.0).count({"labels": labels}) == len(asked)
    expected = sum(both_ways(first[at].tolist(), second[at].tolist()) for at in asked)
    term, _ = two_passes(first, second, labels)
    assert (term.name, term.weight, term.num_items) == ("r_drop", 1.0, 100)
    assert float(term.total) == pytest.approx(expected, rel=1e-5)
    # The same places, as a model returns them that computes these alone, and as padded ones.
    compact = [logits[labels != -100] for logits in (first, second)]
    assert float(two_passes(*compact, labels)[0].total) == pytest.approx(expected, rel=1e-5)
    places = torch.tensor([1, 2, 4, 5, 8, 9, 11, 12, 0, 3])
    padded = [torch.cat([each, 50 * torch.randn(2, 11, generator=generator)]) for each in compact]
    term, _ = two_passes(*padded, labels, asked_positions=places)
    assert float(term.total) == pytest.approx(expected, rel=1e-5)


def test_known_answers():
    even, odds = torch.zeros(1, 2), torch.tensor([[math.log(3.0), 0.0]])
    # 1/2 and 1/2 against 3/4 and 1/4.
    there = math.log(2) - 0.5 * math.log(3)
    back = 0.75 * math.log(3) - math.log(2)
    assert float(symmetric_divergence(even, odds)) == pytest.approx((there + back) / 2)
    assert float(symmetric_divergence(odds, odds)) == 0.0
    assert float(symmetric_divergence(odds, odds + 7.0)) == pytest.approx(0.0, abs=1e-6)
    assert symmetric_divergence(even, odds) == symmetric_divergence(odds, even)


def test_the_divergence_is_taken_in_float32():
    first, second = torch.randn(2, 4, 50, generator=torch.Generator().manual_seed(0)).bfloat16()
    term, _ = two_passes(first, second, torch.zeros(4, dtype=torch.long))
    pairs = zip(first.float().tolist(), second.float().tolist(), strict=True)
    assert term.total.dtype == torch.float32
    assert float(term.total) == pytest.approx(sum(both_ways(*pair) for pair in pairs), rel=1e-5)


def test_gradients_go_through_both_passes():
    generator = torch.Generator().manual_seed(0)
    first, second = (
        torch.randn(3, 4, dtype=torch.double, generator=generator).requires_grad_()
        for _ in range(2)
    )
    assert torch.autograd.gradcheck(
        lambda *both: symmetric_divergence(*both).double(), (first, second), eps=1e-3, atol=1e-3
    )
    symmetric_divergence(first, second).sum().backward()
    assert first.grad is not None
    assert second.grad is not None
    assert min(first.grad.abs().max(), second.grad.abs().max()) > 1e-2


def test_the_second_term_makes_the_plain_loss_the_mean_of_both():
    zeros = torch.zeros(2, 3)
    _, term = two_passes(zeros, zeros, torch.tensor([0, 1]), weight=4.0, losses=(1.5, 2.5))
    assert (term.name, term.weight, term.num_items) == ("r_drop_second_pass", 1.0, None)
    assert 1.5 + float(term.total) == (1.5 + 2.5) / 2


def rows_of_two_passes(model, batch, seed):
    """The logits that two passes give that begin with the random numbers of `seed`."""
    torch.manual_seed(seed)
    with torch.no_grad():
        return [model.train()(**batch).logits.tolist() for _ in range(2)]


def test_a_step_of_a_trainer_loses_what_the_paper_writes(tmp_path):
    """(CE1 + CE2) / 2 + weight * (KL12 + KL21) / 2, averaged over the texts with a label."""
    trainer = classifying(str(tmp_path), (RDrop(weight=3.0),), dropout=0.3, max_steps=1)
    rows = texts()[:8]
    states: list[Any] = []
    model: Any = trainer.model
    model.register_forward_pre_hook(lambda *_: states.append(torch.get_rng_state()))
    trainer.train()
    assert len(states) == 2
    torch.set_rng_state(states[0])
    again = classifier(0.3).train()
    batch = {"input_ids": stacked(rows)["input_ids"]}
    with torch.no_grad():
        first, second = [again(**batch).logits.tolist() for _ in range(2)]
    asked = [number for number, row in enumerate(rows) if row["labels"] != -100]
    divergence = sum(both_ways(first[each], second[each]) for each in asked) / len(asked)
    plain = [
        sum(cross_entropy(logits[each], rows[each]["labels"]) for each in asked) / len(asked)
        for logits in (first, second)
    ]
    logs = logged(trainer)
    assert divergence > 1e-3
    assert logs["1.r_drop"] == pytest.approx(divergence, rel=1e-4)
    assert logs["1.r_drop_weighted"] == pytest.approx(3 * divergence, rel=1e-4)
    assert logs["1.r_drop_second_pass"] == pytest.approx((plain[1] - plain[0]) / 2, abs=1e-6)
    assert logs["1.loss"] == pytest.approx(sum(plain) / 2 + 3 * divergence, rel=1e-5)


def test_without_dropout_both_passes_answer_alike_and_a_warning_says_so(tmp_path):
    with pytest.warns(UserWarning, match=r"has none: it does nothing, in twice the time; give the"):
        trainer = classifying(str(tmp_path), (RDrop(weight=3.0),), dropout=0.0)
    trainer.train()
    plain = classifying(str(tmp_path), (), dropout=0.0)
    plain.train()
    logs = logged(trainer)
    assert {value for name, value in logs.items() if "r_drop" in name} == {0.0}
    for name, value in logged(plain).items():
        assert logs[name] == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(("weight", "dropout"), [(1.0, 0.1), (0.0, 0.0)])
def test_there_is_no_warning_where_it_has_something_to_compare(weight, dropout, tmp_path, recwarn):
    classifying(str(tmp_path), (RDrop(weight=weight),), dropout=dropout)
    assert not [each for each in recwarn if "r_drop" in str(each.message)]


def test_a_masked_lm_is_asked_twice_at_the_same_positions(tokens):
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.3)
    model = new_model(shape, tokens, seed=3).train()
    ids = torch.randint(5, 65, (3, 17), generator=torch.Generator().manual_seed(0))
    batch = {"input_ids": ids, "labels": torch.where(ids % 3 == 0, (ids * 7) % 65, -100)}
    first, second = rows_of_two_passes(model, batch, seed=1)
    expected = sum(both_ways(*pair) for pair in zip(first, second, strict=True))
    torch.manual_seed(1)

    def passed(inputs):
        outputs = model(**inputs)
        return outputs.loss, outputs

    loss, outputs = passed(batch)
    step = Step(
        model=model,
        inputs=batch,
        outputs=outputs,
        loss=loss,
        num_items=RDrop(weight=1.0).count(batch),
        loss_and_outputs=passed,
    )
    term, _ = RDrop(weight=1.0)(step)
    assert len(first) == int(term.num_items)
    assert term.total.item() == pytest.approx(expected, rel=1e-4)
    assert expected > 1e-3


def test_its_name_is_in_its_json():
    content = json.loads(json.dumps(asdict(RDrop(weight=0.5))))
    assert content == {"name": "r_drop", "weight": 0.5}


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(ValueError, match=f"weight of r_drop is {weight}: give a finite number"):
        RDrop(weight=weight)
