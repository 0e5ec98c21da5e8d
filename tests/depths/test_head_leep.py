"""LEEP of a masked-LM head: the model's own answer at [CLS] is the source distribution."""

import math

import numpy as np
import pytest
import torch

from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths import head_leep
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.depths.head_leep import leep_per_depth, masked_lm_head
from hf_apt.depths.text_features import features
from hf_apt.models.encoders import load_encoder
from hf_apt.records.run import Run
from hf_apt.stats.labels import SCORE_LABELS
from hf_apt.stats.transfer_scores import SCORE_NAMES
from hf_apt.studies.block_accuracy import measure_blocks
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig

TEXTS = ("w0 w13 w31 w5", "w32 w1 w10", "w4 w4 w12 w33 w0", "w11 w11", "w30 w2 w14 w3 w34")


def slow(sources, labels):
    """The definition by loops over texts, labels and words."""
    num_words = len(sources[0])
    total = 0.0
    for source, label in zip(sources, labels, strict=True):
        likelihood = 0.0
        for word in range(num_words):
            whole = sum(other[word] for other in sources)
            same = sum(s[word] for s, its in zip(sources, labels, strict=True) if its == label)
            likelihood += same / whole * source[word]
        total += math.log(likelihood)
    return total / len(labels)


@pytest.fixture
def saved(checkpoint):
    return str(checkpoint)


def test_at_the_last_block_it_is_leep_of_the_models_own_answers(saved, tiny_model, monkeypatch):
    monkeypatch.setattr(head_leep, "_ROWS", 2)
    labels = np.array([0, 1, 0, 1, 1])
    encoder = load_encoder(saved, label_names=("a", "b"))
    read = features(encoder, TEXTS, FeatureConfig(poolings=("cls",), sequence_length=16))
    head = masked_lm_head(saved)
    assert head is not None
    of_depths = leep_per_depth(head, read["cls"], labels)
    sources = []
    for text in TEXTS:
        inputs = encoder.tokenizer(text, return_tensors="pt")
        inputs.pop("token_type_ids", None)
        with torch.no_grad():
            logits_V = tiny_model.eval()(**inputs).logits[0, 0]
        sources.append(logits_V.double().softmax(dim=0).tolist())
    assert of_depths[-1] == pytest.approx(slow(sources, labels), abs=1e-5)
    entropy = -(0.4 * math.log(0.4) + 0.6 * math.log(0.6))
    assert of_depths[0] == pytest.approx(-entropy, abs=1e-5), "[CLS] has seen no word"


def test_a_checkpoint_without_a_head_has_none(saved, tmp_path):
    encoder = load_encoder(saved, label_names=("a", "b"))
    encoder.save(tmp_path / "classifier")
    assert masked_lm_head(str(tmp_path / "classifier")) is None


def test_each_score_has_a_name():
    assert set(SCORE_LABELS) == {*SCORE_NAMES, "mean_apt"}


def test_it_is_in_the_record_of_the_frozen_trunk_alone(saved, tmp_path):
    rows = tmp_path / "kinds.csv"
    words = ("w0 w1", "w10 w11")
    lines = [f"{words[number % 2]} w{30 + number % 5},{number % 2}" for number in range(40)]
    rows.write_text("text,label\n" + "\n".join(lines))
    config = BlockAccuracyConfig(
        task=TaskConfig(name=str(rows), train_per_class=8, test_per_class=4),
        features=FeatureConfig(poolings=("mean",), sequence_length=16),
        finetune=None,
        confidence=None,
        untrained=True,
    )
    record = measure_blocks(saved, config, Run(tmp_path / "run"))
    scores = record["models"]["pretrained"]["frozen"]["mean"]["leep"]
    assert len(scores) == 3
    assert all(-math.log(2) - 0.1 < each["value"] <= 0 for each in scores)
    assert "leep" in record["agreement"]["frozen"]["mean"]
    assert "leep" not in record["models"]["untrained"]["frozen"]["mean"]
