"""A memory of features: the latest of each class, and the same again from a file."""

import torch

from hf_apt.training.contrast.class_memory import ClassMemory


def test_the_latest_of_each_class_are_remembered():
    memory = ClassMemory(num_classes=3, size=2)
    rows = torch.arange(8.0).reshape(4, 2).requires_grad_()
    memory.add(rows, torch.tensor([0, 2, 0, 0]))
    assert memory.of(0, 2).tolist() == [[4.0, 5.0], [6.0, 7.0]]
    assert memory.of(1, 2).shape == (0, 2)
    assert memory.of(2, 2).tolist() == [[2.0, 3.0]]
    memory.add(torch.ones(1, 2).bfloat16(), torch.tensor([0]))
    assert memory.of(0, 2).tolist() == [[6.0, 7.0], [1.0, 1.0]]
    assert not memory.of(0, 2).requires_grad
    assert memory.of(0, 2).dtype == torch.float32


def test_arrays_give_it_back():
    memory = ClassMemory(num_classes=2, size=3)
    memory.add(torch.ones(1, 2), torch.tensor([1]))
    again = ClassMemory.from_arrays(memory.arrays(), num_classes=2, size=3)
    assert again.of(1, 2).tolist() == [[1.0, 1.0]]
    assert again.of(0, 2).shape == (0, 2)
    assert ClassMemory.from_arrays({}, 2, 3).arrays() == {}
