"""Any image classifier at every depth: accuracy per label, confusions, clusters and noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Int

from hf_apt.analysis.images.classifier import load_image_classifier
from hf_apt.analysis.images.image_answers import ImageAnswers, image_answers
from hf_apt.analysis.images.image_record import figures_of, findings_of
from hf_apt.analysis.images.image_tables import tables_of
from hf_apt.analysis.images.images_config import ImagesConfig
from hf_apt.data.images.image_task import ImageTask, open_images
from hf_apt.models.devices import to_device
from hf_apt.records.checkpoints import pinned
from hf_apt.records.studies.study_record import StudyRecord, study_record
from hf_apt.stats.classes.label_figures import label_figures
from hf_apt.stats.estimates import mean_estimate, plain


def measure_images(
    checkpoint: str,
    config: ImagesConfig | None = None,
    *,
    revision: str | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> StudyRecord:
    """Accuracy per label at every depth of an image classifier, by the counts that serve tokens.

    A linear head is trained on the vectors of each depth, pooled as the model pools at its end; the
    model's own classifier is asked at each depth whose state its end takes. Beside them stand an
    untrained twin and a linear head on bare pixels. The question is the last one of arXiv
    2509.03407: is the mechanism of language models that of image classifiers?

    Args:
        checkpoint: a folder or a Hub id of an image classifier with its processor.
        config: which images, and how heads are trained; scikit-learn's digits if None.
        revision: a branch, tag or commit of the Hub id.
        say: what is called with a sentence on memory, before images are read.

    Returns:
        The record of the study `images`; `results` has the figures of every readout and depth
        (`hf_apt.stats.classes.label_figures`).

    Raises:
        ValueError: for images that cannot be read, labels that make no task, a checkpoint of
            another kind or without a processor, a model whose blocks are not found, and more memory
            than may be used.
    """
    config = config or ImagesConfig()
    task = open_images(config.source)
    checkpoint = pinned(checkpoint, revision)
    classifier = load_image_classifier(checkpoint)
    to_device(classifier.model)
    answers = image_answers(classifier, task, config, say=say)
    results = image_results(answers, task)
    results["classifier"] = {
        "kind": type(classifier.model).__name__,
        "processor": type(classifier.processor).__name__,
        "num_parameters": sum(each.numel() for each in classifier.model.parameters()),
    }
    return study_record(
        study="images",
        subject=task.name,
        title="Images",
        question="Does an image classifier tell labels apart better at every block, and confuse "
        "them in small clusters, as a language model does tokens?",
        checkpoint=checkpoint,
        findings=findings_of(results),
        tables=tables_of(results),
        figures=figures_of(results),
        results=results,
        config=asdict(config),
        provenance=task.provenance,
    )


def image_results(answers: ImageAnswers, task: ImageTask) -> dict[str, Any]:
    """All figures of the answers of an image classifier, as plain JSON.

    Args:
        answers: the label that each readout gives each test image.
        task: the images, their right labels and the names of these.

    Returns:
        `readouts`: of each readout the figures of `label_figures` by depth, None where it was not
        asked; `pixels`: those of the head on pixels; `differences`: accuracy of the linear head
        after the last block less that of another readout there, paired by image; `first` is the
        linear head at the embeddings, or after block 1 where the model reads a token of its own.
    """
    labels_I = task.test.labels
    readouts = {
        name: _by_depth(labels_I, by_depth, task.num_labels)
        for name, by_depth in answers.answers.items()
    }
    last = answers.answers["linear"][-1]
    assert last is not None, "a linear head is trained on every depth"
    others = {name: by_depth[-1] for name, by_depth in answers.answers.items() if name != "linear"}
    start = int("linear_mean" in answers.answers and len(answers.depths) > 2)
    others |= {"pixels": answers.pixels, "first": answers.answers["linear"][start]}
    return {
        "depths": list(answers.depths),
        "label_names": list(task.label_names),
        "chance": task.chance,
        "readouts": readouts,
        "pixels": label_figures(labels_I, answers.pixels[None], task.num_labels)[0],
        "differences": {
            name: plain(mean_estimate((last == labels_I) - (other == labels_I).astype(np.float64)))
            for name, other in others.items()
            if other is not None
        },
        "notes": list(answers.notes),
    }


def _by_depth(
    labels_I: Int[np.ndarray, " images"],
    by_depth: list[Int[np.ndarray, " images"] | None],
    num_labels: int,
) -> list[Any]:
    """The figures of a readout by depth; growth is from one depth to the next that was asked."""
    asked = [depth for depth, answers_I in enumerate(by_depth) if answers_I is not None]
    figures = label_figures(labels_I, np.stack([by_depth[depth] for depth in asked]), num_labels)  # pyright: ignore
    placed: list[Any] = [None] * len(by_depth)
    for depth, each in zip(asked, figures, strict=True):
        placed[depth] = each
    return placed
