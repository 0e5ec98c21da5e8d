"""Laws of labelled images: any source, divided by their bytes and a seed, wrong ones told apart."""

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value
from PIL import Image as Pillow
from small_images import image_folder, striped_images

from hf_apt.data.images.image_source import ImageSource
from hf_apt.data.images.image_task import open_images


def parquet(path, labels, label_type, *, images=None, column="image"):
    """A Parquet file of the striped images, as `datasets` writes it."""
    images = images or [Pillow.fromarray(each) for each in striped_images()[0]]
    features = Features({column: Image(), "label": label_type})
    Dataset.from_dict({column: images, "label": labels}, features=features).to_parquet(path)
    return path


def contents(images):
    """Bytes of each image with its label, whatever the order."""
    pairs = zip(images, images.labels.tolist(), strict=True)
    return sorted((image.convert("L").tobytes(), label) for image, label in pairs)


def test_digits_come_with_scikit_learn() -> None:
    task = open_images(ImageSource())
    assert task.name == "digits"
    assert task.label_names == tuple("0123456789")
    assert np.bincount(task.test.labels).tolist() == [50] * 10
    assert len(task.train) == 1797 - 500 - task.provenance["num_repeated"]
    assert task.chance == 0.1
    assert task.train[0].size == (8, 8)
    assert np.asarray(task.train[0]).max() > 200
    assert not {each for each, _ in contents(task.train)} & {e for e, _ in contents(task.test)}


def test_the_division_is_of_the_images_and_the_seed_alone(tmp_path) -> None:
    images, labels = striped_images()
    order = np.random.default_rng(1).permutation(len(images))
    pictures = [Pillow.fromarray(images[i]) for i in order]
    names = ClassLabel(names=["left", "middle", "right"])
    one = parquet(tmp_path / "a.parquet", labels, names)
    other = parquet(tmp_path / "b.parquet", [labels[i] for i in order], names, images=pictures)
    tasks = [
        open_images(ImageSource(name=str(path), test_per_class=5, train_per_class=6, seed=seed))
        for path, seed in ((one, 1), (other, 1), (one, 2))
    ]
    assert contents(tasks[0].train) == contents(tasks[1].train)
    assert contents(tasks[0].test) == contents(tasks[1].test) != contents(tasks[2].test)
    assert tasks[0].provenance["test_fingerprint"] == tasks[1].provenance["test_fingerprint"]
    assert len(tasks[0].train) == 18


@pytest.mark.parametrize(
    ("label_type", "made", "names"),
    [
        (ClassLabel(names=["left", "middle", "right"]), int, ("left", "middle", "right")),
        (Value("int64"), int, ("0", "1", "2")),
        (Value("string"), lambda label: "cab"[label], ("a", "b", "c")),
    ],
)
def test_labels_are_classes_integers_or_texts(tmp_path, label_type, made, names) -> None:
    labels = [made(label) for label in striped_images()[1]]
    path = parquet(tmp_path / "images.parquet", labels, label_type)
    assert open_images(ImageSource(name=str(path))).label_names == names


def test_a_folder_has_a_folder_for_each_label(tmp_path) -> None:
    task = open_images(ImageSource(name=str(image_folder(tmp_path / "plain"))))
    assert task.label_names == ("left", "middle", "right")
    assert (len(task.train), len(task.test)) == (54, 6)
    image_folder(tmp_path / "split" / "train", per_label=9, seed=1)
    image_folder(tmp_path / "split" / "test", per_label=20)
    copied = (tmp_path / "split" / "test" / "left" / "0.png").read_bytes()
    (tmp_path / "split" / "train" / "left" / "copy.png").write_bytes(copied)
    task = open_images(ImageSource(name=str(tmp_path / "split")))
    assert task.provenance["has_own_test_images"]
    assert len(task.test) == 60
    assert len(task.train) == 27, "an image of the test is not learnt from"


def test_images_of_any_kind_are_opened(tmp_path) -> None:
    for number, mode in enumerate(("L", "RGB", "RGBA", "P", "1", "CMYK")):
        for label in "ab":
            pixels = np.random.default_rng(number + 10 * (label == "b")).integers(0, 255, (8, 8, 3))
            path = tmp_path / label / f"{mode}.{'jpg' if mode == 'CMYK' else 'png'}"
            path.parent.mkdir(exist_ok=True)
            Pillow.fromarray(pixels.astype(np.uint8)).convert(mode).save(path)
    task = open_images(ImageSource(name=str(tmp_path), test_per_class=1))
    modes = {image.mode for part in (task.train, task.test) for image in part}
    assert modes == {"L", "RGB", "RGBA", "P", "1", "CMYK"}


def test_copies_count_once_and_images_of_two_labels_are_left_out(tmp_path) -> None:
    images, labels = striped_images()
    again = [*images, images[0], images[1]]
    pictures = [Pillow.fromarray(each) for each in again]
    path = parquet(tmp_path / "a.parquet", [*labels, 0, 2], Value("int64"), images=pictures)
    task = open_images(ImageSource(name=str(path)))
    assert len(task.train) + len(task.test) == 59
    assert task.provenance["num_repeated"] == 1
    assert task.provenance["num_contradictory"] == 2


def test_what_can_be_mended_is_one_sentence(tmp_path) -> None:
    path = parquet(tmp_path / "images.parquet", striped_images()[1], Value("int64"))
    missing = [None if n == 7 else label for n, label in enumerate(striped_images()[1])]
    unlabelled = parquet(tmp_path / "unlabelled.parquet", missing, Value("int64"))
    text = tmp_path / "text.parquet"
    Dataset.from_dict({"image": [1.5] * 9, "label": [0, 1, 2] * 3}).to_parquet(text)
    (tmp_path / "flat").mkdir()
    Pillow.new("L", (8, 8)).save(tmp_path / "flat" / "a.png")
    (tmp_path / "none").mkdir()
    one_label = image_folder(tmp_path / "one")
    for name in ("left", "right"):
        for file in (one_label / name).iterdir():
            file.unlink()
    for data, options, sentence in (
        (path, {"image_column": "img"}, "has no column 'img' for the images: it has image, label"),
        (path, {"label_column": "y"}, "no column 'y' for the label: it has image, label"),
        (path, {"test_per_class": 90}, "has 20 different images to test with, 90 are asked for"),
        (unlabelled, {}, "row 7 of unlabelled has no label"),
        (text, {}, "the column 'image' of text holds no images"),
        (tmp_path / "flat", {}, "a.png lies in no folder of a label"),
        (tmp_path / "none", {}, "holds no image"),
        (tmp_path / "none.parquet", {}, "does not exist"),
        (one_label, {}, "has 1 class"),
        (one_label / "middle" / "20.png", {}, "is one image"),
    ):
        with pytest.raises(ValueError, match=r".") as caught:
            open_images(ImageSource(name=str(data), **options))
        assert sentence in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_broken_image_is_named(tmp_path) -> None:
    folder = image_folder(tmp_path / "images")
    (folder / "left" / "0.png").write_bytes(b"no image")
    task = open_images(ImageSource(name=str(folder)))
    with pytest.raises(ValueError, match=r"row 0 of images is no image that can be read"):
        [image for part in (task.train, task.test) for image in part]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"train_per_class": -1}, "train_per_class must be a whole number"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
    ],
)
def test_numbers_out_of_range_are_refused(options, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        ImageSource(**options)
