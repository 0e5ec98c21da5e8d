"""How far two answers of a model are apart: of classes, and of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def symmetric_kl(
    first_NC: Float[Tensor, "n classes"], second_NC: Float[Tensor, "n classes"]
) -> Float[Tensor, " n"]:
    """KL(p || q) + KL(q || p) of the softmax of each row, in nats and float32, at least 0.

    Both sides have a gradient, that of the whole sum. Jiang et al. 2020, arXiv 1911.03437, section
    3.1, where it is the divergence of classifiers.
    """
    log_p_NC = first_NC.float().log_softmax(dim=-1)
    log_q_NC = second_NC.float().log_softmax(dim=-1)
    # Both sums in one: p (ln p - ln q) + q (ln q - ln p).
    return ((log_p_NC.exp() - log_q_NC.exp()) * (log_p_NC - log_q_NC)).sum(dim=-1)


def squared_difference(
    first_NC: Float[Tensor, "n outputs"], second_NC: Float[Tensor, "n outputs"]
) -> Float[Tensor, " n"]:
    """The sum over outputs of the squared difference of each row, in float32.

    Jiang et al. 2020, arXiv 1911.03437, section 3.1, where it is the divergence of regression.
    """
    return (first_NC.float() - second_NC.float()).square().sum(dim=-1)
