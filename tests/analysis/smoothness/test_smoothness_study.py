"""A study of smoothness: its figures are those of `local_smoothness`, and the worst is worse."""

from typing import Any

import numpy as np
import pytest

from hf_apt.analysis.smoothness.smoothness_config import SmoothnessConfig
from hf_apt.analysis.smoothness.smoothness_study import smoothness_study, some_of_each_class
from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task
from hf_apt.models.encoders import load_encoder
from hf_apt.studies.local_smoothness import LocalSmoothnessConfig, local_smoothness

TEXTS = [f"w{n} w{n + 3} w{2 * n % 50}" for n in range(9)]
CONFIG = SmoothnessConfig(radii=(0.01, 0.3), num_steps=3, batch_size=4, sequence_length=16)


@pytest.fixture
def classifier(checkpoint, tmp_path) -> str:
    encoder = load_encoder(str(checkpoint), label_names=("a", "b", "c"), seed=1)
    for weight in encoder.model.parameters():
        if weight.dim() > 1:
            weight.data.mul_(3.0)
    folder = tmp_path / "classifier"
    encoder.save(folder)
    return str(folder)


def study(classifier: str, **changed: Any) -> Any:
    asked = {"subject": "kinds", "label_names": ("a", "b", "c"), "provenance": {}} | changed
    return smoothness_study(classifier, TEXTS, CONFIG, **asked)


def test_figures_are_those_of_the_function_and_the_worst_is_worse(classifier):
    record = study(classifier)
    encoder = load_encoder(classifier)
    for radius, figures in zip(CONFIG.radii, record["results"]["by_radius"], strict=True):
        for name, direction in (("worst", "adversarial"), ("random", "random")):
            config = LocalSmoothnessConfig(
                radius=radius,
                num_steps=3,
                batch_size=4,
                sequence_length=16,
                direction=direction,  # pyright: ignore[reportArgumentType]
            )
            expected = local_smoothness(encoder.model, encoder.tokenizer, TEXTS, config)
            assert figures[name]["divergence"]["value"] == pytest.approx(expected.divergence.value)
            assert figures[name]["flip_rate"]["value"] == pytest.approx(expected.flip_rate.value)
        assert figures["worst"]["divergence"]["value"] > figures["random"]["divergence"]["value"]
    small, large = (one["worst"]["divergence"]["value"] for one in record["results"]["by_radius"])
    assert large > small > 0
    (table,) = record["tables"]
    assert [row[0] for row in table["rows"]] == ["0.01", "0.3"]
    assert "At a radius of 0.3" in record["findings"][1]
    assert "9 texts" in record["findings"][-1]


def test_what_is_no_classifier_of_these_labels_is_refused(classifier, checkpoint):
    with pytest.raises(ValueError, match="is no classifier yet, .* fine-tune it first"):
        study(str(checkpoint))
    with pytest.raises(ValueError, match="they do not belong together"):
        study(classifier, label_names=("a", "b"))


@pytest.mark.parametrize("radii", [(), (0.0,), (0.1, float("nan"))])
def test_radii_that_are_none_are_refused(radii):
    with pytest.raises(ValueError, match="give finite numbers above 0"):
        SmoothnessConfig(radii=radii)


def test_texts_are_of_every_class():
    labels = np.array([0, 0, 0, 0, 1, 2, 0, 1])
    examples = Examples(tuple(map(str, range(8))), labels)
    task = Task("kinds", examples, examples, ("a", "b", "c"), {})
    assert some_of_each_class(task, 3) == ["0", "4", "5"]
    assert some_of_each_class(task, 5) == ["0", "1", "4", "5", "7"]
    assert some_of_each_class(task, 99) == list(map(str, range(8)))
