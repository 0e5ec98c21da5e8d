"""A linear probe of its own for each part of a block: which classes of a task it tells apart."""
# U parts, X texts, I width of what all parts say, K numbers of a part.

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hf_apt.analysis.experts.block_calls import WritingLayer
from hf_apt.analysis.experts.kept_parts import said_at
from hf_apt.data.tasks.task import Task
from hf_apt.depths.trunk import Trunk
from hf_apt.models.encoders import Encoder
from hf_apt.stats.experts.part_answers import PartAnswers
from hf_apt.stats.probe_config import ProbeConfig
from hf_apt.stats.probes import predicted


def said_of_texts(
    encoder: Encoder,
    trunk: Trunk,
    layer: WritingLayer,
    texts: Sequence[str],
    *,
    sequence_length: int,
    batch_size: int,
) -> Float[np.ndarray, "texts width"]:
    """What the parts say, as the mean over the tokens of each text: shape (X, I), float32."""
    rows = encoder.encode(texts, sequence_length)
    said_XI = np.zeros((len(rows), layer.width), np.float32)
    order = np.argsort([-len(row) for row in rows], kind="stable")
    for start in range(0, len(order), batch_size):
        taken_B = order[start : start + batch_size]
        padded = encoder.tokenizer.pad(
            {"input_ids": [rows[index] for index in taken_B]}, return_tensors="pt"
        )
        device = trunk.model.device
        inputs = {name: padded[name].to(device) for name in ("input_ids", "attention_mask")}
        present_BT = inputs["attention_mask"].bool()
        said_NI = said_at(trunk, layer, inputs, present_BT).float()
        texts_N = present_BT.nonzero()[:, 0]
        sums_BI = said_NI.new_zeros(len(taken_B), layer.width).index_add_(0, texts_N, said_NI)
        said_XI[taken_B] = (sums_BI / present_BT.sum(dim=1)[:, None]).cpu().numpy()
    return said_XI


def probe_answers(
    said: tuple[np.ndarray, np.ndarray], task: Task, directions: Mapping[str, Tensor]
) -> dict[str, PartAnswers]:
    """The classes that linear probes give the test texts, one probe for each part.

    Args:
        said: what the parts say of the training texts and of the test texts, each (X, I).
        task: the texts' labels.
        directions: by a name of the group, directions of shape (U, I, K).

    Returns:
        The probes' answers by the names of the groups; classes stand where tokens stand elsewhere.
    """
    labels_X = np.asarray(task.test.labels)
    unmasked_X, numbers_X = np.zeros(len(labels_X), np.int64), np.arange(len(labels_X))
    answers = {}
    for name, directions_UIK in directions.items():
        train_UXK, test_UXK = (
            (torch.from_numpy(side_XI) @ directions_UIK).numpy() for side_XI in said
        )
        predictions_UX = np.stack(
            [
                predicted("linear", train_XK, np.asarray(task.train.labels), test_XK, ProbeConfig())
                for train_XK, test_XK in zip(train_UXK, test_UXK, strict=True)
            ]
        )
        answers[name] = PartAnswers.empty(len(directions_UIK), task.num_labels).update(
            labels_X, predictions_UX, unmasked_X, numbers_X
        )
    return answers
