"""Labelled images divided into those that heads are trained on and those to test with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from hf_apt.data.images.image_rows import ImageRows, digests, opened, read_image_rows
from hf_apt.data.images.image_source import ImageSource
from hf_apt.data.tasks.splits import Examples, LabelledTexts, split
from hf_apt.records.fingerprints import file_fingerprint

if TYPE_CHECKING:
    from PIL.Image import Image

_DIGITS_TEST = 50


@dataclass(frozen=True)
class LabelledImages:
    """Images of one split, decoded when they are asked for."""

    sources: Sequence[Any]
    """Where each image is, as `ImageRows` has it."""

    labels: Int[np.ndarray, " images"]
    """Label of each image, int64, from 0."""

    places: tuple[str, ...]
    """What each image is called in messages."""

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Image:
        return opened(self.sources[index], self.places[index])

    def batches(self, size: int) -> Iterator[list[Image]]:
        """The images in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield [self[index] for index in range(start, min(start + size, len(self)))]


@dataclass(frozen=True)
class ImageTask:
    """Images to train heads on and images to test with, of the same labels."""

    name: str
    """Name of the data."""

    train: LabelledImages
    """Images to train heads on."""

    test: LabelledImages
    """Images to test with; none of them is in `train`."""

    label_names: tuple[str, ...]
    """Names of the labels, by number."""

    provenance: dict[str, Any]
    """Source, columns, seed, sizes and fingerprints, in plain JSON."""

    @property
    def num_labels(self) -> int:
        """Number of labels C."""
        return len(self.label_names)

    @property
    def chance(self) -> float:
        """Largest test accuracy of an answer that never changes."""
        return float(np.bincount(self.test.labels).max() / len(self.test))


def open_images(source: ImageSource) -> ImageTask:
    """The images of a source, divided by their bytes and a seed alone, whatever their order.

    An image that occurs twice counts once, and one with two labels is left out.

    Args:
        source: which images, and how many.

    Returns:
        Images to train heads on and to test with, and the names of their labels.

    Raises:
        ValueError: for a source that cannot be read, a missing label, a single label, and too few
            images of one.
    """
    rows, test_rows, files = read_image_rows(source)
    test_per_class = source.test_per_class
    if source.name == "digits" and test_per_class is None:
        test_per_class = _DIGITS_TEST
    by_digest: dict[str, tuple[ImageRows, int]] = {}
    splits = split(
        _told_apart(rows, by_digest),
        _told_apart(test_rows, by_digest) if test_rows else None,
        seed=source.seed,
        train_per_class=source.train_per_class,
        test_per_class=test_per_class,
    )
    name = rows.name if files or source.name == "digits" else source.name.strip("/")
    provenance = {
        "source": [file.name for file in files] or source.name.rstrip("/").rpartition("/")[2],
        "file_fingerprints": [file_fingerprint(file) for file in files],
        "image_column": source.image_column,
        "label_column": source.label_column,
        "has_own_test_images": test_rows is not None,
        "seed": source.seed,
        "num_labels": len(splits.label_names),
        "num_train": len(splits.train),
        "num_test": len(splits.test),
        "num_repeated": splits.num_repeated,
        "num_contradictory": splits.num_contradictory,
        "train_fingerprint": splits.train.fingerprint(),
        "test_fingerprint": splits.test.fingerprint(),
    }
    return ImageTask(
        re.sub(r"\W+", "_", name.rpartition("/")[2]),
        _images(splits.train, by_digest),
        _images(splits.test, by_digest),
        splits.label_names,
        provenance,
    )


def _told_apart(rows: ImageRows, by_digest: dict[str, tuple[ImageRows, int]]) -> LabelledTexts:
    """The digests of the images in place of texts; `by_digest` is told where each image is."""
    hashes = digests(rows)
    for place, digest in enumerate(hashes):
        by_digest.setdefault(digest, (rows, place))
    return LabelledTexts(rows.name, hashes, rows.labels, rows.label_names, called="image")


def _images(examples: Examples, by_digest: dict[str, tuple[ImageRows, int]]) -> LabelledImages:
    where = [by_digest[digest] for digest in examples.texts]
    return LabelledImages(
        [rows.sources[place] for rows, place in where],
        examples.labels,
        tuple(f"row {place} of {rows.name}" for rows, place in where),
    )
