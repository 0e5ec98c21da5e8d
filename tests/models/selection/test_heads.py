"""The heads of a discriminator, position by position."""

import torch

from hf_apt.models.selection.heads import CandidateHead, DetectionHead


def test_a_detection_is_one_logit_of_each_position():
    torch.manual_seed(0)
    head, hidden = DetectionHead(6), torch.randn(2, 3, 6)
    logits = head(hidden)
    assert logits.shape == (2, 3)
    one = head.out(torch.nn.functional.gelu(head.dense(hidden[1, 2])))
    assert torch.allclose(logits[1, 2], one[0])


def test_a_candidates_score_is_a_product_with_its_embedding_whatever_its_place():
    torch.manual_seed(0)
    table, hidden = torch.nn.Embedding(9, 6), torch.randn(4, 6)
    for rejects in (False, True):
        head = CandidateHead(6, 1e-12, rejects=rejects)
        ids = torch.stack([torch.randperm(9)[:3] for _ in range(4)])
        scores = head(hidden, ids, table)
        assert scores.shape == (4, 3 + rejects)
        for row in range(4):
            read = head.LayerNorm(torch.nn.functional.gelu(head.dense(hidden[row])))
            for place, token in enumerate(ids[row].tolist()):
                expected = (table.weight[token] * read).sum()
                assert torch.allclose(scores[row, place + rejects], expected, atol=1e-6)
            if rejects:
                assert torch.allclose(scores[row, 0], (head.reject.weight[0] * read).sum())
        turned = head(hidden, ids.flip(1), table)
        assert torch.allclose(turned[:, rejects:], scores[:, rejects:].flip(1), atol=1e-6)
