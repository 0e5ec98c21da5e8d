"""How an image classifier is measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from hf_apt.data.images.image_source import ImageSource
from hf_apt.stats.config_checks import require_positive, require_whole


@dataclass(frozen=True, kw_only=True)
class ImagesConfig:
    """How an image classifier is measured, and on which images.

    Raises:
        ValueError: for a number that is out of range.
    """

    source: ImageSource = field(default_factory=ImageSource)
    """Images to train heads on and to test with."""

    batch_size: int = 32
    """Images in a forward pass; changes nothing but speed."""

    inverse_penalty: float = 1.0
    """The C of scikit-learn's logistic regression, of which linear heads are made."""

    untrained: bool = True
    """Read an untrained twin as well: the same model with fresh weights."""

    memory: float | None = None
    """GiB that the vectors of images may take, with a head in training; None for 0.8 of what is
    free."""

    def __post_init__(self) -> None:
        require_whole(self, "batch_size")
        require_positive(self, "inverse_penalty")
        if self.memory is not None:
            require_positive(self, "memory")
