"""The label that each readout of an image classifier gives each test image, at every depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import avg_pool2d

from hf_apt.analysis.images.classifier import ImageClassifier, own_columns
from hf_apt.analysis.images.image_depths import ImageDepths
from hf_apt.analysis.images.images_config import ImagesConfig
from hf_apt.data.images.image_task import ImageTask, LabelledImages
from hf_apt.models.fresh import untrained_twin
from hf_apt.stats.probe_config import ProbeConfig
from hf_apt.stats.probes import predicted


@dataclass(frozen=True)
class ImageFeatures:
    """The vectors of images at every depth; lists are by depth."""

    names: tuple[str, ...]
    """Names of the depths."""

    pools_all: bool
    """Whether the model's end treats all positions alike, as a mean does and [CLS] does not."""

    pooled: list[Float[np.ndarray, "images width"]]
    """Vectors as the model's last layer takes them, float32."""

    means: list[Float[np.ndarray, "images width"]]
    """Means of the state over its positions, float32."""

    logits: list[Float[np.ndarray, "images labels"] | None]
    """The model's own logits; None where its end takes no state of that depth."""

    pixels: Float[np.ndarray, "images pixels"]
    """The pixels as the model is given them, side by side, or their means over squares where there
    are more than `MAX_PIXELS`."""


MAX_PIXELS = 1024
"""Numbers of an image that the head on bare pixels is given at most."""


@dataclass(frozen=True)
class ImageAnswers:
    """The answers of every readout on the test images."""

    depths: tuple[str, ...]
    """Names of the depths."""

    answers: dict[str, list[Int[np.ndarray, " images"] | None]]
    """Label of each test image by depth, by readout: `linear`, a linear head on the vectors that
    the model's last layer would be given; `linear_mean`, one on means over positions, where these
    are others; `own`, the model's own classifier, None where its end takes no state of that depth;
    `untrained` and `untrained_mean`, linear heads on the same model with fresh weights."""

    pixels: Int[np.ndarray, " images"]
    """Answers of a linear head on the pixels."""

    notes: tuple[str, ...]
    """Sentences on what was not asked, and why."""


def image_features(
    classifier: ImageClassifier, images: LabelledImages, batch_size: int
) -> ImageFeatures:
    """The vectors of `images` at every depth, from one pass.

    Memory: a float32 number for each image and feature of each depth, twice.

    Raises ValueError for an image that cannot be read, what the model or its processor does not
    take, and a model whose blocks are not found.
    """
    from tqdm.auto import tqdm

    depths: ImageDepths | None = None
    pooled, means, logits, pixels = [], [], [], []
    num = -(-len(images) // batch_size)
    for batch in tqdm(images.batches(batch_size), "Reading images", total=num, unit=" batches"):
        pixels_BCHW = classifier.pixels(batch)
        depths = depths or ImageDepths(classifier.model, pixels_BCHW)
        reading = depths.read(pixels_BCHW)
        pooled.append([_array(each) for each in reading.pooled])
        means.append([_array(each) for each in reading.means])
        logits.append([None if each is None else _array(each) for each in reading.logits])
        pixels.append(_bare(pixels_BCHW))
    assert depths is not None, "a split is never empty"
    return ImageFeatures(
        depths.names,
        depths.pools_all,
        [np.concatenate(of_depth) for of_depth in zip(*pooled, strict=True)],
        [np.concatenate(of_depth) for of_depth in zip(*means, strict=True)],
        [
            None if of_depth[0] is None else np.concatenate(of_depth)
            for of_depth in zip(*logits, strict=True)
        ],
        np.concatenate(pixels),
    )


def image_answers(
    classifier: ImageClassifier, task: ImageTask, config: ImagesConfig
) -> ImageAnswers:
    """The answers of all readouts on the test images of a task, at every depth.

    Args:
        classifier: the model with its processor.
        task: images to train heads on and to test with.
        config: the batch size, the penalty of heads, and whether to read the untrained twin.

    Returns:
        The label that each readout gives each test image.

    Raises:
        ValueError: as `image_features` does.
    """
    train = image_features(classifier, task.train, config.batch_size)
    test = image_features(classifier, task.test, config.batch_size)
    answers = _linear(train, test, task, config, "linear")
    notes = []
    columns = own_columns(classifier.model, task.label_names)
    if not classifier.has_own_head:
        notes.append("The checkpoint has no classifier of its own: only linear heads were asked.")
    elif isinstance(columns, str):
        notes.append(columns)
    else:
        answers["own"] = [
            None if logits is None else logits[:, columns].argmax(axis=1) for logits in test.logits
        ]
    if config.untrained:
        twin = untrained_twin(classifier.model, seed=config.source.seed).to(classifier.model.device)
        fresh = ImageClassifier(twin, classifier.processor)
        fresh_train = image_features(fresh, task.train, config.batch_size)
        fresh_test = image_features(fresh, task.test, config.batch_size)
        answers |= _linear(fresh_train, fresh_test, task, config, "untrained")
    pixels = _answered(train.pixels, test.pixels, task, config)
    return ImageAnswers(test.names, answers, pixels, tuple(notes))


def _linear(
    train: ImageFeatures, test: ImageFeatures, task: ImageTask, config: ImagesConfig, name: str
) -> dict[str, list]:
    """The answers of linear heads, by readout: on pooled vectors, and on means where different."""
    made = {name: (train.pooled, test.pooled)}
    if not test.pools_all:
        made[f"{name}_mean"] = (train.means, test.means)
    return {
        readout: [
            _answered(train_IW, test_IW, task, config)
            for train_IW, test_IW in zip(*both, strict=True)
        ]
        for readout, both in made.items()
    }


def _answered(
    train_IW: np.ndarray, test_IW: np.ndarray, task: ImageTask, config: ImagesConfig
) -> np.ndarray:
    probe = ProbeConfig(inverse_penalty=config.inverse_penalty)
    return predicted("linear", train_IW, task.train.labels, test_IW, probe)


def _array(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy()


def _bare(pixels_BCHW: Tensor) -> np.ndarray:
    """The pixels of each image side by side, squares of them averaged until they are few enough."""
    size = 1
    while pixels_BCHW[0].numel() > MAX_PIXELS * size**2 and size < min(pixels_BCHW.shape[2:]):
        size += 1
    return _array(avg_pool2d(pixels_BCHW, size).flatten(1))
