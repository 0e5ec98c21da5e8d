"""Perturbations of word embeddings: their norms, and the ball that holds them.

B texts, T tokens, E width of the word embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

Norm = Literal["inf", "2", "1"]
"""The largest absolute coordinate, the root of the sum of squares, the sum of absolute values."""

Level = Literal["token", "sequence", "batch"]
"""What a norm is taken over: the coordinates of a token, of a text, or of a batch."""

_OVER: dict[str, tuple[int, ...]] = {"token": (-1,), "sequence": (-2, -1), "batch": (-3, -2, -1)}


@dataclass(frozen=True, kw_only=True)
class Ball:
    """All perturbations whose norm, for each token, text or batch, is at most the radius."""

    radius: float
    """Largest norm of a perturbation, in the unit of the word embeddings."""

    norm: Norm = "inf"
    """Which norm."""

    level: Level = "sequence"
    """What it is taken over."""

    def norms(self, delta_BTE: Float[Tensor, "b t e"]) -> Float[Tensor, "#b #t #e"]:
        """The norm of each token, text or batch, to be broadcast over `delta_BTE`."""
        over = _OVER[self.level]
        if self.norm == "2":
            return delta_BTE.square().sum(dim=over, keepdim=True).sqrt()
        sizes_BTE = delta_BTE.abs()
        if self.norm == "1":
            return sizes_BTE.sum(dim=over, keepdim=True)
        return sizes_BTE.amax(dim=over, keepdim=True)

    def unit(self, delta_BTE: Float[Tensor, "b t e"]) -> Float[Tensor, "b t e"]:
        """`delta_BTE` divided by its norms; what is 0 stays 0."""
        return delta_BTE / self._positive(self.norms(delta_BTE))

    def steepest(self, gradient_BTE: Float[Tensor, "b t e"]) -> Float[Tensor, "b t e"]:
        """The step of norm 1 along which a function with that gradient grows most.

        Signs for the largest coordinate, the gradient itself for the root of squares, and the
        largest coordinate alone for the sum.
        """
        if self.norm == "inf":
            return gradient_BTE.sign()
        if self.norm == "2":
            return self.unit(gradient_BTE)
        sizes_BTE = gradient_BTE.abs()
        largest = sizes_BTE.amax(dim=_OVER[self.level], keepdim=True)
        is_largest_BTE = (sizes_BTE == largest) & (sizes_BTE > 0)
        return self.unit(gradient_BTE.sign() * is_largest_BTE)

    def inside(self, delta_BTE: Float[Tensor, "b t e"]) -> Float[Tensor, "b t e"]:
        """`delta_BTE` brought into the ball: cut at the radius, or shortened to it.

        For the largest coordinate and the root of squares it is the nearest point of the ball; for
        the sum of absolute values it is the point in the same direction.
        """
        if self.norm == "inf":
            return delta_BTE.clamp(-self.radius, self.radius)
        shortened = self.radius / self._positive(self.norms(delta_BTE))
        return delta_BTE * shortened.clamp(max=1.0)

    def on_surface(self, delta_BTE: Float[Tensor, "b t e"]) -> Float[Tensor, "b t e"]:
        """`delta_BTE` scaled to the radius; what is 0 stays 0."""
        return self.unit(delta_BTE) * self.radius

    @staticmethod
    def _positive(norms: Tensor) -> Tensor:
        return norms.masked_fill(norms == 0, 1.0)


def noise(
    ids_BT: Int[Tensor, "b t"], mask_BT: Bool[Tensor, "b t"], width: int, *, seed: int
) -> Float[Tensor, "b t e"]:
    """Normal noise of unit size at the tokens of each text, 0 at padding; float32.

    What a text gets depends on `seed` and on its own tokens alone: neither on the texts beside it
    nor on padding, accumulation or processes. torch's own random state is neither read nor changed.
    Numbers differ between kinds of devices.
    """
    import torch

    noise_BTE = torch.zeros(*ids_BT.shape, width, device=ids_BT.device)
    for row, (ids_T, mask_T) in enumerate(zip(ids_BT.cpu(), mask_BT.cpu(), strict=True)):
        generator = torch.Generator(device=ids_BT.device)
        generator.manual_seed(_seed_of(ids_T[mask_T], seed))
        noise_BTE[row, mask_BT[row]] = torch.randn(
            int(mask_T.sum()), width, generator=generator, device=generator.device
        )
    return noise_BTE


def _seed_of(ids_T: Int[Tensor, " t"], seed: int) -> int:
    from hashlib import blake2b

    content = f"{seed} ".encode() + ids_T.numpy().tobytes()
    return int.from_bytes(blake2b(content, digest_size=7).digest(), "little")
