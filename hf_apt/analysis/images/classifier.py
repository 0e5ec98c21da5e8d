"""An image classifier of a checkpoint, with the processor that makes its pixels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hf_apt.models.loading import first_of, from_checkpoint, reason, require_finite
from hf_apt.reading import first_line
from hf_apt.records.checkpoints import checkpoint_path, require_folder

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

_GENERIC = re.compile(r"LABEL_\d+")
"""What transformers calls a label that nobody has named."""


@dataclass(frozen=True)
class ImageClassifier:
    """A model and the processor that belongs to it."""

    model: PreTrainedModel
    """The classifier, in float32 and evaluation mode."""

    processor: Any
    """What makes pixels of images: size, scale and normalisation."""

    has_own_head: bool = True
    """Whether the classifier's last layer comes from the checkpoint; otherwise it is fresh."""

    @property
    def num_channels(self) -> int:
        """Colours of a pixel that the model reads: 1 for grey, 3 for red, green and blue."""
        config: Any = self.model.config
        inner = getattr(config, "vision_config", None)
        return getattr(config, "num_channels", None) or getattr(inner, "num_channels", None) or 3

    def pixels(self, images: Sequence[Image]) -> Tensor:
        """Images as the model takes them, float32 of shape (B, channels, height, width).

        Grey and coloured images alike become what the model reads. Raises ValueError where the
        processor fails, or makes images of several sizes or something else than pixels.
        """
        mode = "L" if self.num_channels == 1 else "RGB"
        try:
            made = self.processor([image.convert(mode) for image in images], return_tensors="pt")
            pixels = made["pixel_values"].to(self.model.device, torch.float32)
        except Exception as error:  # a processor can fail in any way
            raise ValueError(
                f"the processor of this checkpoint ({type(self.processor).__name__}) cannot make "
                f"pixels of an image of {images[0].size[0]}×{images[0].size[1]}: "
                f"{first_line(error)}"
            ) from error
        if pixels.dim() != 4 or pixels.shape[:2] != (len(images), self.num_channels):
            raise ValueError(
                f"the processor of this checkpoint ({type(self.processor).__name__}) makes pixels "
                f"of shape {tuple(pixels.shape)} of {len(images)} images, and the model takes "
                f"{self.num_channels} colours: they do not belong together."
            )
        return pixels


def load_image_classifier(name: str) -> ImageClassifier:
    """The image classifier of a checkpoint, a folder or a Hub id, with its processor.

    Raises ValueError if there is none, for a model of another kind, for weights that are missing
    below its last layer or not finite, and for a checkpoint without a processor.
    """
    from transformers import AutoModelForImageClassification

    require_folder(name)
    _require_reads_images(name)
    model, missing = from_checkpoint(
        AutoModelForImageClassification, name, "image-classification checkpoint"
    )
    base = f"{model.base_model_prefix}."
    lost = [key for key in missing if key.startswith(base) and "pooler" not in key]
    if lost:
        raise ValueError(f"{name!r} lacks weights of its trunk: {first_of(lost)}.")
    require_finite(model, name)
    return ImageClassifier(model.eval(), _processor(name), has_own_head=not missing)


def _require_reads_images(name: str) -> None:
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES as CLASSIFIERS,
    )

    try:
        config = AutoConfig.from_pretrained(checkpoint_path(name), trust_remote_code=False)
    except Exception as error:  # files can be broken in any way
        raise ValueError(f"{name!r} is no whole checkpoint: {reason(error)}") from error
    if config.model_type not in CLASSIFIERS:
        raise ValueError(
            f"{name!r} is a model of type {config.model_type!r}, which classifies no images: give "
            "a checkpoint of ViT, DeiT, BEiT, DINOv2, Swin, ConvNeXt, ResNet or their kin."
        )


def _processor(name: str) -> Any:
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(checkpoint_path(name), trust_remote_code=False)
    except Exception as error:  # files can be broken in any way
        raise ValueError(
            f"{name!r} has no image processor that can be read, which says how large images are "
            "and how they are normalised: write one beside the model, "
            f"processor.save_pretrained({name!r}) ({first_line(error)})."
        ) from error


def own_columns(model: PreTrainedModel, label_names: Sequence[str]) -> list[int] | str:
    """The model's label for each label of the data, or in a sentence why there is none.

    Labels belong together by name, whatever their order. Where nobody has named the model's labels,
    or the data's are bare numbers, they belong together by number, if there are as many.
    """
    known: Any = model.config.id2label
    names = [str(known[index]) for index in sorted(known)]
    if set(label_names) <= set(names):
        return [names.index(name) for name in label_names]
    if len(names) != len(label_names):
        return (
            f"The model tells {len(names)} labels apart ({_shown(names)}) and the data have "
            f"{len(label_names)} ({_shown(label_names)}): its own classifier was not asked."
        )
    if all(map(_GENERIC.fullmatch, names)) or all(name.isdecimal() for name in label_names):
        return list(range(len(names)))
    return (
        f"The labels of the model ({_shown(names)}) and of the data ({_shown(label_names)}) have "
        "different names: its own classifier was not asked."
    )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
