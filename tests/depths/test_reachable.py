"""What is looked into, and what is not."""

import torch
from small_trainers import made, rows

from hf_apt.depths.reachable import reachable


class Pair:
    def __init__(self, *held):
        self.held = held


def test_nearest_first_and_each_once():
    last = Pair()
    first = Pair(Pair(last), last)
    order = [thing for thing in reachable(first) if isinstance(thing, Pair)]
    assert order == [first, first.held[0], last]


def test_circles_end():
    circle: list = []
    circle.append(circle)
    assert reachable(circle) == [circle]


def test_models_and_arrays_are_not_looked_into():
    model, weights = made("bert"), torch.ones(3)
    assert len(reachable(model)) == 1
    assert len(reachable(weights)) == 1


def test_no_more_than_the_limit_and_no_large_container():
    assert len(reachable(rows(500), limit=100)) == 100
    assert len(reachable(rows(1_001))) == 1


def test_an_object_that_answers_for_its_attributes_in_its_own_way():
    class Odd:
        @property
        def __dict__(self):
            raise RuntimeError

    odd, last = Odd(), Pair()
    assert last in reachable(odd, last)
