"""Small image classifiers of stock configurations, and images to show them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as t
from PIL import Image

SIZES: dict[str, Any] = {
    **{"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2},
    **{"intermediate_size": 32, "image_size": 16, "patch_size": 4, "num_labels": 3},
}

CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "vit": lambda: t.ViTForImageClassification(t.ViTConfig(**SIZES)),
    "deit": lambda: t.DeiTForImageClassification(t.DeiTConfig(**SIZES)),
    "deit_teacher": lambda: t.DeiTForImageClassificationWithTeacher(t.DeiTConfig(**SIZES)),
    "beit": lambda: t.BeitForImageClassification(t.BeitConfig(**SIZES)),
    "dinov2": lambda: t.Dinov2ForImageClassification(t.Dinov2Config(**SIZES)),
    "siglip": lambda: t.SiglipForImageClassification(
        t.SiglipConfig(vision_config=SIZES, num_labels=3)
    ),
    "swin": lambda: t.SwinForImageClassification(
        t.SwinConfig(
            image_size=16,
            patch_size=2,
            embed_dim=8,
            depths=[2, 2],
            num_heads=[2, 2],
            window_size=4,
            num_labels=3,
        )
    ),
    "convnext": lambda: t.ConvNextForImageClassification(
        t.ConvNextConfig(
            num_stages=2, patch_size=2, hidden_sizes=[8, 12], depths=[2, 2], num_labels=3
        )
    ),
    "resnet": lambda: t.ResNetForImageClassification(
        t.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 12], depths=[2, 2], layer_type="basic", num_labels=3
        )
    ),
    "mobilenet_v2": lambda: t.MobileNetV2ForImageClassification(
        t.MobileNetV2Config(depth_multiplier=0.25, num_labels=3)
    ),
}


def a_classifier(kind: str = "vit", seed: int = 0, **changes: Any) -> Any:
    """A classifier of three labels with large fresh weights, in evaluation mode."""
    torch.manual_seed(seed)
    if changes:
        return t.ViTForImageClassification(t.ViTConfig(**{**SIZES, **changes})).eval()
    model = CLASSIFIERS[kind]()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(3)
    return model.eval()


def a_processor(size: int = 16, num_channels: int = 3) -> Any:
    """A processor that makes square images of `size` pixels on a side."""
    kind = getattr(t, "ViTImageProcessorPil", t.ViTImageProcessor)  # needs no torchvision
    mean = [0.5] * num_channels
    return kind(size={"height": size, "width": size}, image_mean=mean, image_std=mean)


def saved_classifier(folder: Path, model: Any = None, processor: Any = None) -> Path:
    """A checkpoint folder with a model and its processor."""
    model = model or a_classifier()
    model.save_pretrained(folder)
    (processor or a_processor(num_channels=model.config.num_channels)).save_pretrained(folder)
    return folder


def pixels_of(num: int = 4, size: int = 16, seed: int = 0) -> torch.Tensor:
    """Random pixels (num, 3, size, size)."""
    return torch.randn(num, 3, size, size, generator=torch.Generator().manual_seed(seed))


def striped_images(per_label: int = 20, seed: int = 0) -> tuple[list[np.ndarray], list[int]]:
    """Grey images of 8×8 with a bright third, left, middle or right, under noise; their labels."""
    generator = np.random.default_rng(seed)
    images, labels = [], []
    for label in range(3):
        for _ in range(per_label):
            pixels = generator.integers(0, 120, (8, 8))
            pixels[:, 2 * label + 1 : 2 * label + 3] += 120
            images.append(pixels.astype(np.uint8))
            labels.append(label)
    return images, labels


def image_folder(folder: Path, per_label: int = 20, seed: int = 0) -> Path:
    """Those images as LABEL/IMAGE.png."""
    for number, (pixels, label) in enumerate(zip(*striped_images(per_label, seed), strict=True)):
        path = folder / ("left", "middle", "right")[label] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder
