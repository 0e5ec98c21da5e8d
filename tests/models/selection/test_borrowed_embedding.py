"""Laws of embeddings that are another model's."""

import copy

import torch
from torch import nn

from hf_apt.models.selection.borrowed_embedding import BorrowedEmbedding


def lent() -> nn.Embedding:
    torch.manual_seed(0)
    return nn.Embedding(7, 3, padding_idx=0)


def test_shared_rows_are_the_lenders_and_so_are_their_gradients():
    lender = lent()
    borrowed = BorrowedEmbedding(lender, disentangled=False)
    assert not list(borrowed.parameters())
    ids = torch.tensor([[1, 2], [2, 0]])
    assert torch.equal(borrowed(ids), lender(ids))
    borrowed(ids).sum().backward()
    gradient = lender.weight.grad
    assert gradient is not None
    assert gradient[:, 0].tolist() == [0, 1, 2, 0, 0, 0, 0], "none of the padding"


def test_disentangled_rows_add_and_gradients_stop_at_the_lender():
    lender = lent()
    borrowed = BorrowedEmbedding(lender, disentangled=True)
    ids = torch.tensor([1, 5, 0])
    assert torch.equal(borrowed(ids), lender(ids)), "its own table begins at 0"
    with torch.no_grad():
        borrowed.weight.copy_(torch.arange(21.0).view(7, 3))
    assert torch.equal(borrowed(ids), lender(ids) + borrowed.weight[ids])
    assert torch.equal(borrowed.table(), lender.weight + borrowed.weight)
    borrowed(ids).sum().backward()
    assert lender.weight.grad is None
    assert borrowed.weight.grad[:, 0].tolist() == [0, 1, 0, 0, 0, 1, 0]


def test_it_follows_its_lender_and_a_copy_of_both_the_copied_one():
    lender = lent()
    both = nn.ModuleList([lender, BorrowedEmbedding(lender, disentangled=True)])
    with torch.no_grad():
        lender.weight.add_(1.0)
    ids = torch.tensor([3])
    assert torch.equal(both[1](ids), lender(ids))
    twin = copy.deepcopy(both)
    with torch.no_grad():
        twin[0].weight.zero_()
    assert twin[1](ids).abs().sum() == 0
    assert torch.equal(both[1](ids), lender(ids))
