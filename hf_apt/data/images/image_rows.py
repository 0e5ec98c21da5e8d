"""Labelled images as a source has them: scikit-learn's digits, folders, Parquet, a Hub data set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.data.images.image_source import ImageSource
from hf_apt.data.local_files import local_files, train_and_held_out
from hf_apt.data.text_files import NamedError, named, no_column
from hf_apt.reading import first_line

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Endings of the names of image files."""

_TEST_FOLDERS = ("test", "validation", "valid", "val", "dev")


@dataclass(frozen=True)
class ImageRows:
    """Images with a label each, as a source has them."""

    name: str
    """Name of the source in messages."""

    sources: Sequence[Any]
    """Where each image is: a path, encoded bytes, `{"bytes", "path"}`, or an array of pixels."""

    labels: Sequence[str | int]
    """Label of each image: all texts, or all integers."""

    label_names: tuple[str, ...] = ()
    """Names of the labels 0, 1, ... where the source gives them."""


def read_image_rows(source: ImageSource) -> tuple[ImageRows, ImageRows | None, tuple[Path, ...]]:
    """The images to train heads on, those to test with if they are kept apart, and local files.

    Raises ValueError for a missing or unreadable source, a column that is not there, and a folder
    without a folder of images for each label.
    """
    if source.name == "digits":
        return _digits(), None, ()
    path = Path(source.name).expanduser()
    if path.is_dir() and not any(path.rglob("*.parquet")):
        return *_folder_rows(path), ()
    if path.suffix.lower() in SUFFIXES and path.is_file():
        raise ValueError(
            f"{path} is one image: give a folder with a folder of them for each label."
        )
    files = local_files(source.name, (".parquet",))
    if files is None:
        return *_hub_rows(source), ()
    train, test = train_and_held_out(files, (".parquet",))
    return _parquet_rows(train, source), _parquet_rows(test, source) if test else None, (*files,)


def require_images(data: str) -> None:
    """Raise ValueError for images that can only be local and are not there; nothing is read."""
    if data != "digits" and not Path(data).expanduser().is_dir():
        local_files(data, (".parquet", *SUFFIXES))


def opened(source: Any, place: str) -> Image:
    """An image, decoded; `place` says in messages which one it is.

    Raises ValueError for what is no image, and where Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ValueError(
            "images are read by Pillow, which is not installed: pip install 'hf_apt[images]'."
        ) from None
    try:
        if isinstance(source, np.ndarray):
            return Image.fromarray(source)
        if isinstance(source, Path):
            with Image.open(source) as image:
                image.load()
                return image
        image = Image.open(BytesIO(encoded(source)))
        image.load()
    except Exception as error:  # files can be broken in any way
        raise ValueError(f"{place} is no image that can be read: {first_line(error)}") from error
    return image


def encoded(source: Any) -> bytes:
    """The bytes of an image's file, or of its pixels with their shape.

    Raises ValueError for what holds no image.
    """
    if isinstance(source, np.ndarray):
        return repr((source.shape, source.dtype.str)).encode() + source.tobytes()
    if isinstance(source, Path):
        return source.read_bytes()
    if isinstance(source, bytes):
        return source
    if isinstance(source, dict) and source.get("bytes") is not None:
        return source["bytes"]
    if isinstance(source, dict) and source.get("path"):
        return Path(source["path"]).read_bytes()
    raise ValueError(f"{type(source).__name__} holds no image")


def digests(rows: ImageRows) -> list[str]:
    """A hash of each image's file or pixels, by which images are told apart, 32 letters.

    Raises ValueError for a row without an image.
    """
    hashes = []
    for place, source in enumerate(rows.sources):
        try:
            hashes.append(hashlib.sha256(encoded(source)).hexdigest()[:32])
        except (ValueError, OSError) as error:
            raise ValueError(
                f"row {place} of {rows.name} has no image: {first_line(error)}"
            ) from error
    return hashes


def _digits() -> ImageRows:
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return ImageRows("digits", list(pixels), digits.target.tolist(), tuple("0123456789"))


def _folder_rows(folder: Path) -> tuple[ImageRows, ImageRows | None]:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f"{folder} holds no image ({', '.join(SUFFIXES)}) and no .parquet file.")
    top = {file.relative_to(folder).parts[0].lower() for file in files}
    has_splits = "train" in top and top <= {"train", *_TEST_FOLDERS}
    for file in files:
        if len(file.relative_to(folder).parts) < 2 + has_splits:
            raise ValueError(
                f"{file} lies in no folder of a label: images are given as LABEL/IMAGE, or as "
                "train/LABEL/IMAGE and test/LABEL/IMAGE."
            )
    parts: list[list[Path]] = [[], []]
    for file in files:
        is_test = has_splits and file.relative_to(folder).parts[0].lower() != "train"
        parts[is_test].append(file)
    train, test = (
        ImageRows(folder.name, part, [file.relative_to(folder).parts[has_splits] for file in part])
        for part in parts
    )
    return train, test if test.sources else None


def _parquet_rows(files: list[Path], source: ImageSource) -> ImageRows:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Dataset

    tables = []
    for file in files:
        with named(file, "parquet"), pq.ParquetFile(file) as table:
            names = table.schema_arrow.names
            for column, use in ((source.image_column, "images"), (source.label_column, "label")):
                if column not in names:
                    raise NamedError(no_column(file, column, names, f" for the {use}"))
            tables.append(table.read(columns=[source.image_column, source.label_column]))
    return _columns(Dataset(pa.concat_tables(tables)), files[0].stem, source)


def _hub_rows(source: ImageSource) -> tuple[ImageRows, ImageRows | None]:
    from datasets import load_dataset

    parts = []
    for split in (source.split, source.test_split):
        if split is not None:
            try:
                rows = load_dataset(source.name, source.config, split=split)
            except Exception as error:  # of the network, the Hub, the files, or the name
                raise ValueError(
                    f"{source.name!r} is no local folder or file, and its split {split!r} cannot "
                    f"be read from the Hub: {first_line(error)}"
                ) from error
            parts.append(_columns(rows, source.name, source))
    return parts[0], parts[1] if len(parts) > 1 else None


def _columns(rows: Any, name: str, source: ImageSource) -> ImageRows:
    """The columns of a data set, with its images not decoded."""
    from datasets import ClassLabel
    from datasets import Image as ImageFeature

    for column, use in ((source.image_column, "images"), (source.label_column, "label")):
        if column not in rows.column_names:
            raise ValueError(no_column(name, column, rows.column_names, f" for the {use}"))
    try:
        rows = rows.cast_column(source.image_column, ImageFeature(decode=False))
    except Exception as error:  # of Arrow, by the column's type
        raise ValueError(
            f"the column {source.image_column!r} of {name} holds no images: {first_line(error)}"
        ) from error
    feature = rows.features[source.label_column]
    names = tuple(feature.names) if isinstance(feature, ClassLabel) else ()
    return ImageRows(name, rows[source.image_column], rows[source.label_column][:], names)
