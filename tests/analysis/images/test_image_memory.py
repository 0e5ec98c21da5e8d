"""Laws of memory: what is said is what is held, and too much is refused after one batch."""

import numpy as np
import pytest
from small_images import a_classifier, a_processor, image_folder, saved_classifier

from hf_apt.analysis.images import image_answers as answers_module
from hf_apt.analysis.images.classifier import ImageClassifier
from hf_apt.analysis.images.image_answers import bare_pixels, image_features
from hf_apt.analysis.images.image_depths import ImageDepths
from hf_apt.analysis.images.image_memory import GIB, ImageMemory
from hf_apt.analysis.images.images_config import ImagesConfig
from hf_apt.analysis.images.measure_images import measure_images
from hf_apt.data.images.image_source import ImageSource
from hf_apt.data.images.image_task import open_images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    image_folder(folder / "data", per_label=20)
    for kind in ("vit", "convnext"):
        saved_classifier(folder / kind, a_classifier(kind), a_processor(16, 3))
    return folder


def config_of(folder, **options) -> ImagesConfig:
    source = ImageSource(name=str(folder / "data"), test_per_class=8)
    return ImagesConfig(source=source, batch_size=5, **options)


@pytest.mark.parametrize("kind", ["vit", "convnext"])
def test_what_is_said_is_the_size_of_the_arrays(folder, kind) -> None:
    """Of a ViT means are kept beside [CLS]; of a ConvNeXt, which pools all alike, they are not."""
    task = open_images(config_of(folder).source)
    classifier = ImageClassifier(a_classifier(kind), a_processor(16, 3))
    pixels_BCHW = classifier.pixels([task.train[0], task.train[1]])
    depths = ImageDepths(classifier.model, pixels_BCHW)
    num_pixels = bare_pixels(pixels_BCHW).shape[1]
    memory = ImageMemory.of(depths.read(pixels_BCHW), num_pixels, pools_all=depths.pools_all)
    held, widths = 0, []
    for images, keeps_logits in ((task.train, False), (task.test, True)):
        features = image_features(classifier, depths, images, 5, keeps_logits=keeps_logits)
        arrays = [*features.pooled, *features.means, features.pixels]
        arrays += [each for each in features.logits if each is not None]
        assert all(each.dtype == np.float32 for each in arrays)
        held += sum(each.nbytes for each in arrays)
        widths += [each.shape[1] for each in (*features.pooled, features.pixels)]
    assert depths.pools_all == (kind == "convnext")
    num = len(task.train) + len(task.test)
    assert memory.num_bytes(len(task.train), len(task.test)) == held + 24 * num * max(widths)


def test_the_plan_is_said_and_too_much_is_refused_before_images_are_read(
    folder, monkeypatch
) -> None:
    said: list[str] = []
    config = config_of(folder, untrained=False, memory=1.0)
    measure_images(str(folder / "vit"), config, say=said.append)
    (sentence,) = said
    assert sentence.startswith("Vectors of 60 images at 4 depths take 1.3 MiB of memory")
    monkeypatch.setattr(answers_module, "image_features", None)  # is never reached
    with pytest.raises(
        ValueError,
        match=r"60 images at 4 depths take 1\.3 MiB of memory, and 0\.5 MiB may be used: "
        r"take at most 7 images of each of 3 labels, training and test together",
    ):
        measure_images(str(folder / "vit"), config_of(folder, memory=0.5 * 2**20 / GIB))
    with pytest.raises(ValueError, match=r"may be used: allow more \(--memory\)"):
        measure_images(str(folder / "vit"), config_of(folder, memory=2000 / GIB))


def test_without_a_limit_it_is_what_the_machine_has_free(folder, monkeypatch) -> None:
    monkeypatch.setattr(answers_module, "free_memory", lambda device: 2**20)
    with pytest.raises(ValueError, match=r"and 0\.8 MiB may be used"):
        measure_images(str(folder / "vit"), config_of(folder))


def test_so_many_images_of_each_label_fit() -> None:
    memory = ImageMemory(num_depths=13, numbers=10_000, logits=13_000, widest=768)
    needed = memory.num_bytes(50_000, 10_000)
    memory.require(50_000, 10_000, 100, needed)
    with pytest.raises(ValueError, match="at most 300 images of each of 100 labels"):
        memory.require(50_000, 10_000, 100, needed // 2 + 1)
    assert memory.num_bytes(25_000, 5_000) <= needed // 2 + 1


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"memory must be a finite number above 0, got 0\.0"):
        ImagesConfig(memory=0.0)
