"""Laws of loading an image classifier: with its processor, whole, and of the right kind."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from small_images import a_classifier, a_processor, saved_classifier

from hf_apt.analysis.images.classifier import load_image_classifier, own_columns


def picture(mode="L"):
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def test_a_saved_classifier_answers_as_before(tmp_path) -> None:
    model = a_classifier()
    loaded = load_image_classifier(str(saved_classifier(tmp_path, model)))
    assert loaded.has_own_head
    pixels = loaded.pixels([picture("RGB"), picture("L")])
    assert pixels.shape == (2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(loaded.model(pixels).logits, model(pixels).logits)


@pytest.mark.parametrize("num_channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK"])
def test_grey_and_coloured_images_become_what_the_model_reads(tmp_path, num_channels, mode) -> None:
    model = a_classifier(num_channels=num_channels)
    loaded = load_image_classifier(str(saved_classifier(tmp_path, model)))
    pixels = loaded.pixels([picture(mode)])
    assert pixels.shape == (1, num_channels, 16, 16)
    if mode == "L" and num_channels == 3:
        assert torch.equal(pixels[0, 0], pixels[0, 1])


def test_a_trunk_without_a_classifier_is_taken_and_told(tmp_path) -> None:
    model = a_classifier()
    model.vit.save_pretrained(tmp_path)
    a_processor().save_pretrained(tmp_path)
    assert not load_image_classifier(str(tmp_path)).has_own_head


def test_models_of_other_kinds_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"of type 'bert6', which classifies no images: give a"):
        load_image_classifier("bert6-narrow-wikipedia")
    with pytest.raises(ValueError, match="no checkpoint folder"):
        load_image_classifier(str(tmp_path / "none"))


def test_what_a_checkpoint_lacks_is_named(tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    folder = saved_classifier(tmp_path / "whole")
    weights = load_file(folder / "model.safetensors")
    lost = {key: value for key, value in weights.items() if "layers.1." not in key}
    lost = {key: value for key, value in lost.items() if "layer.1." not in key}
    assert len(lost) < len(weights)
    save_file(lost, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="lacks weights of its trunk: vit"):
        load_image_classifier(str(folder))
    folder = saved_classifier(tmp_path / "bare")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ValueError, match=r"has no image processor that can be read"):
        load_image_classifier(str(folder))


def test_a_processor_of_something_else_is_told(tmp_path) -> None:
    folder = saved_classifier(tmp_path, processor=a_processor(num_channels=1))
    loaded = load_image_classifier(str(folder))
    with pytest.raises(ValueError, match=r"the processor of this checkpoint .* 8×8"):
        loaded.pixels([picture()])
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    assert settings["size"] == {"height": 16, "width": 16}


def named(*names: str):
    model = a_classifier(num_labels=len(names))
    model.config.id2label = dict(enumerate(names))
    return model


def test_labels_belong_together_by_name_whatever_their_order() -> None:
    model = named("cat", "dog", "fox")
    assert own_columns(model, ("dog", "fox", "cat")) == [1, 2, 0]
    assert own_columns(model, ("fox", "dog")) == [2, 1]
    assert own_columns(model, ("0", "1", "2")) == [0, 1, 2]
    assert own_columns(named("LABEL_0", "LABEL_1"), ("cat", "dog")) == [0, 1]


def test_labels_that_do_not_belong_together_are_told() -> None:
    model = named("cat", "dog", "fox")
    assert own_columns(model, ("cat", "hen")) == (
        "The model tells 3 labels apart (cat, dog, fox) and the data have 2 (cat, hen): its own "
        "classifier was not asked."
    )
    said = own_columns(model, ("cat", "dog", "hen"))
    assert isinstance(said, str)
    assert "have different names" in said
