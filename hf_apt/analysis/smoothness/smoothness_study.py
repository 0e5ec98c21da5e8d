"""How far the worst small perturbation of word embeddings moves a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from hf_apt.analysis.smoothness.smoothness_config import SmoothnessConfig
from hf_apt.data.tasks.task import Task
from hf_apt.models.checkpoint_config import require_length
from hf_apt.models.devices import to_device
from hf_apt.models.encoders import is_classifier, load_encoder
from hf_apt.records.studies.study_record import StudyRecord, study_record
from hf_apt.stats.depth_figures import PlainEstimate
from hf_apt.stats.estimates import plain
from hf_apt.studies.local_smoothness import LocalSmoothnessConfig, local_smoothness
from hf_apt.training.adversary.word_embeddings import word_embeddings

_UNITS = "nats; in regression the squared difference"


def require_classifier(checkpoint: str, label_names: Sequence[str] = ()) -> None:
    """Raise ValueError unless `checkpoint` is a classifier, of these labels if any are given."""
    if not is_classifier(checkpoint, label_names):
        raise ValueError(
            f"{checkpoint!r} is no classifier yet, and what a fresh head answers says nothing: "
            "fine-tune it first (hf-apt finetune), and name the folder finetune/<task> of that run."
        )


def some_of_each_class(task: Task, most: int) -> list[str]:
    """The first test texts of each class, `most` in all at most, in the order of the task.

    Of each class equally many, give or take one.
    """
    labels = task.test.labels
    ranks = np.zeros(len(labels), int)
    for label in np.unique(labels):
        ranks[labels == label] = np.arange((labels == label).sum())
    first_of_all = np.lexsort((labels, ranks))  # the first text of each class, then the second, ...
    return [task.test.texts[place] for place in np.sort(first_of_all[:most])]


def smoothness_study(
    checkpoint: str,
    texts: Sequence[str],
    config: SmoothnessConfig,
    *,
    subject: str,
    label_names: Sequence[str] = (),
    provenance: Mapping[str, Any],
) -> StudyRecord:
    """How far a classifier's answers to texts move, by radius of the perturbation.

    Args:
        checkpoint: a classifier of texts: folder, Hub id or shipped name.
        texts: at least one.
        config: the perturbations.
        subject: the task or text.
        label_names: names of the classes; those of the checkpoint if empty.
        provenance: what the texts are.

    Returns:
        The record of a study. Its `results` have by radius, and by `worst` and `random`, what
        `hf_apt.local_smoothness` gives.

    Raises:
        ValueError: for no texts, for a checkpoint that is no classifier of these labels, has fewer
            positions than texts have tokens, or no table of word embeddings.
    """
    require_classifier(checkpoint, label_names)
    require_length(checkpoint, config.sequence_length)
    encoder = load_encoder(checkpoint, label_names=label_names)
    model: Any = to_device(encoder.model)
    embeddings = word_embeddings(model)
    weights = getattr(embeddings, "base_layer", embeddings).weight.detach().float()
    size = float(weights.square().mean().sqrt())
    by_radius = [
        {
            direction: plain(
                asdict(
                    local_smoothness(
                        model,
                        encoder.tokenizer,
                        texts,
                        LocalSmoothnessConfig(
                            radius=radius,
                            norm=config.norm,
                            norm_level=config.norm_level,
                            num_steps=config.num_steps,
                            batch_size=config.batch_size,
                            sequence_length=config.sequence_length,
                            seed=config.seed,
                            direction="adversarial" if direction == "worst" else "random",
                        ),
                    )
                )
            )
            for direction in ("worst", "random")
        }
        for radius in config.radii
    ]
    return study_record(
        study="smoothness",
        subject=subject,
        title="Smoothness of the answers",
        question="How far do the smallest changes of word embeddings move the answers, at worst?",
        checkpoint=checkpoint,
        findings=_findings(config.radii, by_radius, size, len(texts)),
        tables=[
            {
                "title": "Answers to perturbed texts",
                "header": [
                    *("radius", "divergence", "largest", "flipped"),
                    *("divergence, random", "flipped, random"),
                ],
                "rows": [
                    [
                        f"{radius:g}",
                        figures["worst"]["divergence"],
                        figures["worst"]["largest"],
                        figures["worst"]["flip_rate"],
                        figures["random"]["divergence"],
                        figures["random"]["flip_rate"],
                    ]
                    for radius, figures in zip(config.radii, by_radius, strict=True)
                ],
                "notes": [
                    f"divergence: mean over texts of KL(p || q) + KL(q || p), in {_UNITS}",
                    f"at the worst perturbation that {config.num_steps} steps of projected "
                    "gradient ascent find, and at a random one of the same norm",
                    "flipped: share of texts that get another class",
                    "± is the standard error over texts",
                ],
            }
        ],
        figures=[
            {
                "title": "Divergence of the answers by radius of the perturbation",
                "y_label": "divergence in nats",
                "x_label": "radius",
                "x_labels": [f"{radius:g}" for radius in config.radii],
                "curves": {
                    f"{direction} perturbation": [one[direction]["divergence"] for one in by_radius]
                    for direction in ("worst", "random")
                },
                "over": "texts",
                "unit": "texts",
            }
        ],
        results={
            "radii": config.radii,
            "by_radius": by_radius,
            "root_mean_square_of_word_embeddings": size,
            "num_texts": len(texts),
        },
        config=asdict(config),
        provenance=provenance,
    )


def _findings(
    radii: Sequence[float], by_radius: Sequence[Mapping[str, Any]], size: float, num_texts: int
) -> list[str]:
    said = []
    for radius, figures in zip(radii, by_radius, strict=True):
        worst, random = figures["worst"], figures["random"]
        flips = worst["flip_rate"]["value"]
        flipped = ", which flips none of them"
        if flips is None:
            flipped = ""
        elif flips:
            flipped = f", which flips {_shown(worst['flip_rate'])} of them"
        said.append(
            f"At a radius of {radius:g}, {radius / size:.1%} of the root mean square of the word "
            f"embeddings, the worst perturbation moves answers by {_shown(worst['divergence'])}"
            f"{flipped}; a random one by {_shown(random['divergence'])}."
        )
    return [*said, f"Read were {num_texts:,} texts."]


def _shown(estimate: PlainEstimate) -> str:
    error = estimate["standard_error"]
    value = f"{estimate['value']:.3g}"
    return value if error is None else f"{value} ± {error:.1g}"
