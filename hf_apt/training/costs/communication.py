"""What processes send one another: for a step of pre-training, and when counts are added up.

By rings, as NCCL and gloo do it for large messages: of p processes each sends (p - 1) / p of what
is gathered from all or summed for all, and twice that where the sum goes to all. Source: ours.
"""

from __future__ import annotations

from hf_apt.training.costs.model_costs import FLOAT


def communication_bytes(
    num_parameters: int,
    num_processes: int,
    *,
    sharded: bool = False,
    accumulation_steps: int = 1,
    weight_bytes: int = FLOAT,
) -> int:
    """Bytes that one process sends in a step of pre-training.

    Whole models: gradients are summed for all, 4 bytes a parameter, once a step whatever the
    accumulation: 2 (p - 1) / p 4 P. Sharded weights (FSDP2): in each of the a parts of a batch they
    are gathered for the forward pass and again for the backward pass, `weight_bytes` each (2 in
    bfloat16), and once a step gradients are summed, each where its weight is kept: at most
    (p - 1) / p P (2 a w + 4). At most, as Accelerate gathers embeddings and head once.

    >>> communication_bytes(1000, 2), communication_bytes(1000, 2, sharded=True)
    (4000, 6000)
    >>> communication_bytes(1000, 1)
    0
    """
    if num_processes < 1:
        raise ValueError(f"there is at least one process, got {num_processes}.")
    a_parameter = FLOAT + (2 * accumulation_steps * weight_bytes if sharded else FLOAT)
    return num_parameters * a_parameter * (num_processes - 1) // num_processes


def summing_bytes(share_bytes: int, num_processes: int) -> int:
    """Bytes that one process sends where all add up counts and measures, once, after measuring.

    `share_bytes` are those of one process's share: 12 for each distinct pair and depth, and the
    measures. Each share goes to all others, so that every process has the same total.

    >>> summing_bytes(1200, 4)
    3600
    """
    return share_bytes * (num_processes - 1)
