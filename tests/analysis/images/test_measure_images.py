"""Laws of measuring an image classifier: planted answers, and those of an independent loop."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from small_images import a_classifier, a_processor, image_folder, saved_classifier
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutput

from hf_apt.analysis.images.classifier import ImageClassifier
from hf_apt.analysis.images.image_answers import image_answers
from hf_apt.analysis.images.images_config import ImagesConfig
from hf_apt.analysis.images.measure_images import image_results, measure_images
from hf_apt.data.images.image_source import ImageSource
from hf_apt.data.images.image_task import ImageTask, LabelledImages, open_images


class Product(nn.Module):
    """The product of the two features in place of the second."""

    def forward(self, state):
        return torch.stack([state[..., 0], state[..., 0] * state[..., 1]], dim=-1)


class Forgetful(nn.Module):
    """Nothing of the state is left."""

    def forward(self, state):
        return state * 0 + 1


class Same(nn.Module):
    """The state as it is, elsewhere in memory."""

    def forward(self, state):
        return state.clone()


class Planted(PreTrainedModel):
    """Blocks after which the exclusive or of two pixels can be told by a line after one alone."""

    config_class = PretrainedConfig

    def __init__(self, config):
        super().__init__(config)
        self.embeddings = nn.Flatten(1)
        self.start = Same()
        self.blocks = nn.ModuleList([Same(), Product(), Forgetful()])
        self.classifier = nn.Linear(2, 2)
        self.post_init()

    def forward(self, pixel_values, output_hidden_states=False, return_dict=True):
        states = [self.start(self.embeddings(pixel_values)[:, None])]
        for block in self.blocks:
            states.append(block(states[-1]))
        logits = self.classifier(states[-1].mean(dim=1))
        return ImageClassifierOutput(logits=logits, hidden_states=tuple(states))


class TwoPixels:
    """Grey images of two pixels as numbers from -1 to 1."""

    def __call__(self, images, return_tensors):
        pixels = np.stack([np.asarray(image) for image in images]).astype(np.float32)
        return {"pixel_values": torch.from_numpy(pixels / 127.5 - 1)[:, None]}


def planted_images(num: int, seed: int) -> LabelledImages:
    """Images of two pixels, and whether both are on the same side of grey."""
    pixels = np.random.default_rng(seed).integers(0, 256, (num, 1, 2))
    labels = ((pixels[:, 0, 0] > 127) ^ (pixels[:, 0, 1] > 127)).astype(np.int64)
    places = tuple(map(str, range(num)))
    return LabelledImages([each.astype(np.uint8) for each in pixels], labels, places)


def test_labels_planted_at_one_depth_are_found_there_alone() -> None:
    config = PretrainedConfig(num_channels=1, num_labels=2)
    classifier = ImageClassifier(Planted(config).eval(), TwoPixels())
    task = ImageTask("xor", planted_images(400, 0), planted_images(400, 1), ("no", "yes"), {})
    answers = image_answers(classifier, task, ImagesConfig(untrained=False, batch_size=64))
    results = image_results(answers, task)
    accuracy = [each["accuracy"]["value"] for each in results["readouts"]["linear"]]
    assert answers.depths == ("embeddings", "block 1", "block 2", "block 3")
    assert accuracy[2] > 0.95
    assert all(abs(accuracy[depth] - 0.5) < 0.1 for depth in (0, 1, 3))
    assert abs(results["pixels"]["accuracy"]["value"] - 0.5) < 0.1
    assert [each["num_kept"] for each in results["readouts"]["linear"]][2:] == [2, 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A ViT of three blocks and 60 striped images, learnt by nobody."""
    folder = tmp_path_factory.mktemp("images")
    image_folder(folder / "data", per_label=20)
    model = a_classifier()
    model.config.id2label = {0: "right", 1: "left", 2: "middle"}
    saved_classifier(folder / "checkpoint", model)
    return folder


@pytest.fixture(scope="module")
def config(folder):
    return ImagesConfig(
        source=ImageSource(name=str(folder / "data"), test_per_class=8), batch_size=7
    )


@pytest.fixture(scope="module")
def record(folder, config):
    return measure_images(str(folder / "checkpoint"), config)


def test_counts_are_those_of_an_independent_loop(folder, config, record) -> None:
    model, processor, task = a_classifier(), a_processor(), open_images(config.source)
    features, own = [], []
    for part in (task.train, task.test):
        of_part = []
        for image in part:  # one by one
            pixels = processor(image.convert("RGB"), return_tensors="pt")["pixel_values"]
            with torch.no_grad():
                states = model(pixels, output_hidden_states=True).hidden_states
                of_part.append([model.vit.layernorm(state)[0, 0].numpy() for state in states])
                if part is task.test:
                    pooled = torch.tensor(np.stack(of_part[-1]))
                    own.append(model.classifier(pooled).argmax(dim=1).numpy())
        features.append(np.array(of_part))
    train, test = features
    names = ("right", "left", "middle")
    for depth in (1, 2, 3):  # [CLS] of the embeddings is the same for all: any answer is as good
        figures = record["results"]["readouts"]["linear"][depth]
        mean, scale = train[:, depth].mean(axis=0), train[:, depth].std(axis=0)
        scale = np.where(scale < 1e-5 * np.abs(mean), np.inf, scale)
        head = LogisticRegression(tol=1e-8, max_iter=5000)
        head.fit((train[:, depth] - mean) / scale, task.train.labels)
        answers = head.predict((test[:, depth] - mean) / scale)
        loop = [0] * 3
        for label, answer in zip(task.test.labels, answers, strict=True):
            loop[label] += label == answer
        assert figures["hits"] == loop
        figures = record["results"]["readouts"]["own"][depth]
        loop = [0] * 3
        for label, answer in zip(task.test.labels, np.array(own)[:, depth], strict=True):
            loop[label] += task.label_names[label] == names[answer]
        assert figures["hits"] == loop
        assert figures["support"] == [8, 8, 8]


def test_the_size_of_batches_changes_nothing(folder, config, record) -> None:
    whole = ImagesConfig(source=config.source, batch_size=64)
    again = measure_images(str(folder / "checkpoint"), whole)
    assert again["results"] == record["results"]


def test_labels_by_other_names_have_the_same_counts(folder, config, record, tmp_path) -> None:
    new = {"left": "z", "middle": "a", "right": "m"}
    image_folder(tmp_path / "data", per_label=20)
    for old, name in new.items():
        (tmp_path / "data" / old).rename(tmp_path / "data" / name)
    renamed = ImagesConfig(
        source=ImageSource(name=str(tmp_path / "data"), test_per_class=8), batch_size=7
    )
    other = measure_images(str(folder / "checkpoint"), renamed)["results"]
    assert other["label_names"] == ["a", "m", "z"]
    place = [other["label_names"].index(new[name]) for name in record["results"]["label_names"]]
    for name in ("linear", "linear_mean", "untrained"):
        for depth in (1, 2, 3):
            one = record["results"]["readouts"][name][depth]
            two = other["readouts"][name][depth]
            assert one["hits"] == [two["hits"][place[label]] for label in range(3)]
    assert "own" not in other["readouts"]
    assert "different names" in other["notes"][0]


def test_stripes_are_told_apart_by_places_and_not_by_their_mean(record) -> None:
    results = record["results"]
    assert results["pixels"]["accuracy"]["value"] == 1.0
    cls, means = results["readouts"]["linear"], results["readouts"]["linear_mean"]
    assert cls[0]["accuracy"]["value"] == pytest.approx(1 / 3), "[CLS] of embeddings is constant"
    assert means[-1]["accuracy"]["value"] > 0.5


def test_an_error_of_0_is_not_left_without_a_word(record) -> None:
    """The stripes are all right by their pixels; so many may be wrong by the rule of three."""
    notes = record["tables"][0]["notes"]
    assert len(notes) == 2
    assert "of 24 images that are all right, up to 12.5% may be wrong" in notes[1]
    assert 0.95 < 1 - (1 - 0.125) ** 24 < 0.97


def test_the_record_is_whole(record, config) -> None:
    assert (record["study"], record["subject"]) == ("images", "data")
    assert record["config"]["source"]["name"] == config.source.name
    assert [table["title"].split(",")[0] for table in record["tables"]] == [
        "Accuracy at each depth",
        "Accuracy of means over positions",
        "Accuracy of each label",
        "Confusions of labels",
    ]
    assert set(record["figures"][0]["curves"]) == {
        *("linear head", "head on means", "own classifier", "untrained", "untrained, means"),
    }
    assert record["figures"][0]["x_labels"] == ["emb", "1", "2", "3"]
    assert record["results"]["classifier"]["kind"] == "ViTForImageClassification"
    assert record["provenance"]["num_test"] == 24
    assert record["findings"][0].startswith("A linear head is right about ")
    assert " of 24 test images after block 1 and " in record["findings"][0]


def test_data_of_other_labels_leave_out_the_own_classifier(tmp_path) -> None:
    folder = saved_classifier(
        tmp_path / "checkpoint", a_classifier(num_channels=1, image_size=8), a_processor(8, 1)
    )
    config = ImagesConfig(source=ImageSource(train_per_class=6, test_per_class=3), untrained=False)
    results = measure_images(str(folder), config)["results"]
    assert set(results["readouts"]) == {"linear", "linear_mean"}
    assert results["notes"] == [
        "The model tells 3 labels apart (LABEL_0, LABEL_1, LABEL_2) and the data have 10 "
        "(0, 1, 2, ...): its own classifier was not asked."
    ]


def test_a_classifier_by_stages_is_measured(tmp_path) -> None:
    folder = saved_classifier(tmp_path / "checkpoint", a_classifier("resnet"), a_processor(16, 3))
    config = ImagesConfig(source=ImageSource(train_per_class=6, test_per_class=3))
    record = measure_images(str(folder), config)
    assert set(record["results"]["readouts"]) == {"linear", "untrained"}
    assert record["figures"][0]["x_labels"] == ["emb", "1.1", "1.2", "2.1", "2.2"]


def test_an_image_that_a_processor_cannot_take_is_told() -> None:
    classifier = ImageClassifier(a_classifier(), lambda *_, **__: {"pixel_values": torch.ones(1)})
    with pytest.raises(ValueError, match=r"makes pixels of shape \(1,\) of 1 images"):
        classifier.pixels([Image.new("L", (8, 8))])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"inverse_penalty": 0.0}, "inverse_penalty must be a finite number above 0"),
    ],
)
def test_numbers_out_of_range_are_refused(options, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        ImagesConfig(**options)
