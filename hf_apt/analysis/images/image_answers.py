"""The label that each readout of an image classifier gives each test image, at every depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import avg_pool2d

from hf_apt.analysis.images.classifier import ImageClassifier, own_columns
from hf_apt.analysis.images.image_depths import ImageDepths
from hf_apt.analysis.images.image_memory import GIB, ImageMemory
from hf_apt.analysis.images.images_config import ImagesConfig
from hf_apt.data.images.image_task import ImageTask, LabelledImages
from hf_apt.models.devices import free_memory
from hf_apt.models.fresh import untrained_twin
from hf_apt.stats.probe_config import ProbeConfig
from hf_apt.stats.probes import predicted

if TYPE_CHECKING:
    from PIL.Image import Image


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
    """Means of the state over its positions, float32; none where the end treats all alike."""

    logits: list[Float[np.ndarray, "images labels"] | None]
    """The model's own logits; None where its end takes no state of that depth, or none is kept."""

    pixels: Float[np.ndarray, "images pixels"]
    """The pixels as the model is given them, side by side, or their means over squares where there
    are more than `MAX_PIXELS`."""


_FREE_SHARE = 0.8
"""Share of the machine's free memory that vectors may take unless told otherwise."""

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
    classifier: ImageClassifier,
    depths: ImageDepths,
    images: LabelledImages,
    batch_size: int,
    *,
    keeps_logits: bool = True,
) -> ImageFeatures:
    """The vectors of `images` at every depth, from one pass.

    Memory: 4 bytes for each image and feature of each depth (`ImageMemory`).

    Args:
        classifier: the model with its processor.
        depths: the model's depths.
        images: at least one.
        batch_size: images in a forward pass.
        keeps_logits: whether the model's own logits are kept.

    Raises:
        ValueError: for an image that cannot be read, and what the model or its processor does not
            take.
    """
    from tqdm.auto import tqdm

    num, start = len(images), 0
    made: _Filled = {}
    batches = tqdm(
        images.batches(batch_size), "Reading images", total=-(-num // batch_size), unit=" batches"
    )
    for batch in batches:
        pixels_BCHW = classifier.pixels(batch)
        reading = depths.read(pixels_BCHW)
        for depth, pooled_BW in enumerate(reading.pooled):
            _fill(made, ("pooled", depth), pooled_BW, start, num)
            if not depths.pools_all:
                _fill(made, ("means", depth), reading.means[depth], start, num)
            logits_BC = reading.logits[depth]
            if keeps_logits and logits_BC is not None:
                _fill(made, ("logits", depth), logits_BC, start, num)
        _fill(made, ("pixels", 0), bare_pixels(pixels_BCHW), start, num)
        start += len(batch)
    places = range(len(depths.names))
    return ImageFeatures(
        depths.names,
        depths.pools_all,
        [made["pooled", depth] for depth in places],
        [] if depths.pools_all else [made["means", depth] for depth in places],
        [made.get(("logits", depth)) for depth in places],
        made["pixels", 0],
    )


_Filled = dict[tuple[str, int], np.ndarray]
"""Rows of all images, by what they are and the depth."""


def _fill(made: _Filled, key: tuple[str, int], rows_BW: Tensor, start: int, num: int) -> None:
    """Put some of `num` rows in their place, float32; no second copy of them is ever made."""
    if key not in made:
        made[key] = np.empty((num, rows_BW.shape[1]), np.float32)
    made[key][start : start + len(rows_BW)] = rows_BW.float().cpu().numpy()


def image_answers(
    classifier: ImageClassifier,
    task: ImageTask,
    config: ImagesConfig,
    *,
    say: Callable[[str], object] = lambda _: None,
) -> ImageAnswers:
    """The answers of all readouts on the test images of a task, at every depth.

    Args:
        classifier: the model with its processor.
        task: images to train heads on and to test with.
        config: the batch size, the penalty of heads, whether to read the untrained twin, and how
            much memory may be used.
        say: what is called with a sentence on memory, before images are read.

    Returns:
        The label that each readout gives each test image.

    Raises:
        ValueError: as `image_features` does; after one batch, for a model whose blocks are not
            found, and for more memory than may be used.
    """
    depths = _depths_within_memory(classifier, task, config, say)
    answers, test, pixels = _read_out(classifier, depths, task, config, "linear")
    names, logits = test.names, test.logits
    del test  # or its vectors would be held beside those of the twin
    notes = []
    columns = own_columns(classifier.model, task.label_names)
    if not classifier.has_own_head:
        notes.append("The checkpoint has no classifier of its own: only linear heads were asked.")
    elif isinstance(columns, str):
        notes.append(columns)
    else:
        answers["own"] = [
            None if each is None else each[:, columns].argmax(axis=1) for each in logits
        ]
    if config.untrained:
        twin = untrained_twin(classifier.model, seed=config.source.seed).to(classifier.model.device)
        fresh = ImageClassifier(twin, classifier.processor)
        its_depths = ImageDepths(twin, fresh.pixels(_first_batch(task, config)))
        answers |= _read_out(fresh, its_depths, task, config, "untrained")[0]
    return ImageAnswers(names, answers, pixels, tuple(notes))


def _first_batch(task: ImageTask, config: ImagesConfig) -> list[Image]:
    return next(task.train.batches(config.batch_size))


def _depths_within_memory(
    classifier: ImageClassifier,
    task: ImageTask,
    config: ImagesConfig,
    say: Callable[[str], object],
) -> ImageDepths:
    """The model's depths by a first batch, if the vectors of all images fit into memory."""
    pixels_BCHW = classifier.pixels(_first_batch(task, config))
    depths = ImageDepths(classifier.model, pixels_BCHW)
    num_pixels = bare_pixels(pixels_BCHW).shape[1]
    memory = ImageMemory.of(depths.read(pixels_BCHW), num_pixels, pools_all=depths.pools_all)
    free = _FREE_SHARE * free_memory(torch.device("cpu"))
    most = free if config.memory is None else config.memory * GIB
    sizes = len(task.train), len(task.test)
    memory.require(*sizes, task.num_labels, int(most))
    say(memory.sentence(*sizes))
    return depths


def _read_out(
    classifier: ImageClassifier,
    depths: ImageDepths,
    task: ImageTask,
    config: ImagesConfig,
    name: str,
) -> tuple[dict[str, list], ImageFeatures, np.ndarray]:
    """The answers of linear heads, by readout; what is known of test images; a head on pixels."""
    size = config.batch_size
    train = image_features(classifier, depths, task.train, size, keeps_logits=False)
    test = image_features(classifier, depths, task.test, size)
    answers = _linear(train, test, task, config, name)
    return answers, test, _answered(train.pixels, test.pixels, task, config)


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


def bare_pixels(pixels_BCHW: Tensor) -> Tensor:
    """The pixels of each image side by side, squares of them averaged until they are few enough."""
    size = 1
    while pixels_BCHW[0].numel() > MAX_PIXELS * size**2 and size < min(pixels_BCHW.shape[2:]):
        size += 1
    return avg_pool2d(pixels_BCHW, size).flatten(1)
