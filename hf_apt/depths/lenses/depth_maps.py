"""An affine map of the hidden state for every depth: what a lens does before the own head reads."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from hf_apt.atomic import writing
from hf_apt.depths.lenses.lens_kind import LensKind
from hf_apt.models.weights_digest import model_digest, weights_digest
from hf_apt.ownership import require_new_file

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ABOUT = "hf_apt_lens"
"""Entry of the file with all that is no tensor, as JSON."""


@dataclass(frozen=True)
class DepthMaps:
    """A lens: one affine map for each depth; the last depth is always left as it is.

    Raises:
        ValueError: for shapes that do not belong together.
    """

    kind: LensKind
    """How the maps were made."""

    weights_DHH: Tensor
    """The matrices, from the state of a depth (second axis) to the last one's (first axis)."""

    biases_DH: Tensor
    """What is added to the product."""

    model: str
    """The `model_digest` of the model that they were made for."""

    num_positions: int
    """Number of masked positions that they were made from."""

    def __post_init__(self) -> None:
        weights, biases = tuple(self.weights_DHH.shape), tuple(self.biases_DH.shape)
        if len(weights) != 3 or weights[1] != weights[2] or biases != weights[:2]:
            raise ValueError(
                f"matrices of shape {weights} and biases of shape {biases} are not those of one "
                "affine map a depth, (depths, H, H) and (depths, H)."
            )

    def carry(self, hidden_DNH: Tensor) -> Tensor:
        """The states of all depths, carried to the last one; those of the last stay as they are.

        Args:
            hidden_DNH: bare hidden states, shape (D, N, H).

        Returns:
            States of the same shape.

        Raises:
            ValueError: for states of other depths or another width.
        """
        D, H = self.biases_DH.shape
        if hidden_DNH.dim() != 3 or hidden_DNH.shape[::2] != (D, H):
            raise ValueError(
                f"states of shape {tuple(hidden_DNH.shape)} are not those of the {D} depths of "
                f"{H} that the lens was made for."
            )
        weights_DHH, biases_DH = self.weights_DHH.to(hidden_DNH), self.biases_DH.to(hidden_DNH)
        carried = torch.baddbmm(
            biases_DH[:-1, None], hidden_DNH[:-1], weights_DHH[:-1].transpose(1, 2)
        )
        return torch.cat([carried, hidden_DNH[-1:]])

    def to(self, device: torch.device | str) -> Self:
        """The same maps on another device.

        Args:
            device: a device of torch, such as `cuda`.

        Returns:
            New maps; these are left where they are.
        """
        return replace(
            self,
            weights_DHH=self.weights_DHH.to(device),
            biases_DH=self.biases_DH.to(device),
        )

    def require_model(self, model: PreTrainedModel) -> None:
        """Refuse a model that the maps were not made for.

        Args:
            model: a loaded model.

        Raises:
            ValueError: unless the maps were made for it, with these very weights.
        """
        if self.model != model_digest(model):
            raise ValueError(
                f"the {self.kind} lens was made for another model, or for other weights of this "
                "one: fit it again."
            )

    def save(self, path: Path | str, made_from: str = "") -> None:
        """Write the maps (safetensors), whole or not at all.

        Args:
            path: the file to write.
            made_from: a fingerprint of what they were fitted to and how, for `load`.

        Raises:
            ValueError: if there is a file already.
        """
        require_new_file(Path(path))
        weights = self._weights()
        about = {
            "kind": self.kind,
            "model": self.model,
            "num_positions": self.num_positions,
            "weights": weights_digest(weights),
            "made_from": made_from,
        }
        with writing(Path(path), "wb") as file:
            file.write(save(weights, {_ABOUT: json.dumps(about, sort_keys=True)}))

    def _weights(self) -> dict[str, Tensor]:
        maps = {"weights": self.weights_DHH, "biases": self.biases_DH}
        return {name: values.detach().cpu().contiguous() for name, values in maps.items()}

    @classmethod
    def load(cls, path: Path | str, model: PreTrainedModel, made_from: str | None = None) -> Self:
        """The maps that `save` wrote.

        Args:
            path: the file.
            model: the loaded model that they were made for.
            made_from: the fingerprint that they have to have; any if None.

        Returns:
            The maps, on the device of `model`.

        Raises:
            ValueError: with the file's name, if it is missing, broken or changed, if it was made
                for another model, or not from `made_from`.
        """
        try:
            with safe_open(path, framework="pt") as file:
                about: dict[str, Any] = json.loads((file.metadata() or {})[_ABOUT])
                weights, biases = file.get_tensor("weights"), file.get_tensor("biases")
            maps = cls(about["kind"], weights, biases, about["model"], about["num_positions"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            reason = [*str(error).splitlines(), type(error).__name__][0]
            raise ValueError(f"{path} holds no lens of hf_apt ({reason}).") from None
        if about["weights"] != weights_digest(maps._weights()):
            raise ValueError(f"{path} does not hold the maps that were written: it was changed.")
        try:
            maps.require_model(model)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        if made_from is not None and about.get("made_from") != made_from:
            raise ValueError(f"{path} holds a lens of another text, or fitted in another way.")
        return maps.to(model.device)
