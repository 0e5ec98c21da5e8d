"""The study of the terms of a bound on transfer: sentences, tables and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from hf_apt.analysis.bound_terms.bound_config import BoundConfig
from hf_apt.analysis.bound_terms.bound_terms import BoundTerms, DepthTerms
from hf_apt.records.studies.study_record import (
    StudyFigure,
    StudyRecord,
    StudyTable,
    study_record,
)
from hf_apt.stats.estimates import Estimate, plain
from hf_apt.stats.labels import default_depth_names


def bound_study(
    checkpoint: str,
    terms: BoundTerms,
    config: BoundConfig,
    *,
    task_name: str,
    provenance: dict[str, Any],
) -> StudyRecord:
    """The measured terms as a study's record.

    Args:
        checkpoint: the model as it was named.
        terms: what was measured.
        config: how.
        task_name: what the task's texts are called.
        provenance: the texts: names, numbers and fingerprints.

    Returns:
        The record.
    """
    names = default_depth_names(len(terms.depths))
    return study_record(
        study="rademacher",
        subject=task_name,
        title=f"Terms of a bound on transfer to {task_name}",
        question="How much room does the representation leave to fit random labels, how far are "
        "the task's texts from those of pre-training, and how well did pre-training generalise?",
        checkpoint=checkpoint,
        findings=findings(terms, names, task_name),
        tables=[_complexities(terms, names), _distances(terms, names)],
        figures=_figures(terms),
        results={
            "depths": [_as_json(each) for each in terms.depths],
            "twins": [[_as_json(each) for each in twin] for twin in terms.twins],
        },
        config=asdict(config),
        provenance=provenance,
    )


def findings(terms: BoundTerms, names: Sequence[str], task_name: str) -> list[str]:
    """What is measured after the last block, beside random weights, and what it is not."""
    last = terms.depths[-1]
    value = last.complexity
    beside = ""
    if terms.twins:
        twin = terms.twins[0][-1]
        random = twin.complexity
        beside = (
            f"; with random weights {random.value:.3g} and {random.norm_share:.2f}, features in"
            f" {twin.effective_rank:.1f} directions"
        )
    said = [
        f"After {names[-1]} the Rademacher complexity of linear classifiers of length 1 on "
        f"{value.num_features} texts of {task_name} is {value.value:.3g} ± "
        f"{value.standard_error:.1g}, {value.norm_share:.2f} of what the lengths of the features "
        f"allow, in {last.effective_rank:.1f} directions{beside}.",
        f"A linear classifier tells texts of {task_name} from text of pre-training of the same "
        f"lengths with a proxy of {_said(last.domain)} for their distance, where 0 is not at all "
        "and 1 always.",
    ]
    if last.gap is not None and last.training_loss is not None:
        is_clear = abs(last.gap.value) > 2 * last.gap.standard_error
        said.append(
            f"Held-out text costs {_said(last.gap)} nats more than the "
            f"{last.training_loss.value:.3f} of text that was trained on, "
            f"{'more' if is_clear else 'not more'} than two standard errors."
        )
    else:
        said.append(
            "The gap of pre-training is not known: name a run's folder, which keeps the text that "
            "it was trained on."
        )
    said.append(
        "These are proxies for the terms of a bound, not the bound: its constants are not known, "
        "and terms of different units are not added."
    )
    return said


def _complexities(terms: BoundTerms, names: Sequence[str]) -> StudyTable:
    rows = []
    for depth, (name, each) in enumerate(zip(names, terms.depths, strict=True)):
        value = each.complexity
        twin = terms.twins[0][depth] if terms.twins else None
        rows.append(
            [
                name,
                plain(Estimate(value.value, value.standard_error, value.num_draws)),
                value.upper,
                value.norm_share,
                each.effective_rank,
                each.mean_cosine,
                None if twin is None else twin.complexity.norm_share,
                None if twin is None else twin.effective_rank,
            ]
        )
    return StudyTable(
        title="Rademacher complexity of linear functions on the task's texts",
        header=[
            *("depth", "complexity", "by lengths", "share", "rank", "cosine"),
            *("share, random", "rank, random"),
        ],
        rows=rows,
        notes=[
            "By lengths: what features of these lengths can reach; share: the complexity by it, "
            "from 0.71, 1 for orthogonal features, near 0.8 where all are alike.",
            "Rank: effective rank of the features; cosine: their mean; random: a model of the same "
            "shape with random weights.",
            "Errors are over random choices of signs, not over texts.",
        ],
    )


def _distances(terms: BoundTerms, names: Sequence[str]) -> StudyTable:
    rows = [
        [
            name,
            plain(each.domain),
            plain(terms.twins[0][depth].domain) if terms.twins else None,
            plain(each.training_loss),
            plain(each.held_out_loss),
            plain(each.gap),
        ]
        for depth, (name, each) in enumerate(zip(names, terms.depths, strict=True))
    ]
    return StudyTable(
        title="Distance of the texts, and the gap of pre-training",
        header=[
            *("depth", "told apart", "told apart, random", "training loss", "held-out loss", "gap"),
        ],
        rows=rows,
        notes=[
            "Told apart: 2 * accuracy - 1 of a linear classifier of the two kinds of text, held "
            "out: a proxy from below for the total variation distance of their features.",
            "Losses: cross-entropy of the model's own head at that depth, in nats a masked token.",
        ],
    )


def _figures(terms: BoundTerms) -> list[StudyFigure]:
    curves: dict[str, Any] = {
        "share of the lengths' bound": [
            plain(
                Estimate(
                    each.complexity.norm_share,
                    each.complexity.standard_error / each.complexity.upper
                    if each.complexity.upper
                    else float("nan"),
                    each.complexity.num_draws,
                )
            )
            for each in terms.depths
        ],
        "told from pre-training text": [plain(each.domain) for each in terms.depths],
    }
    return [
        StudyFigure(
            title="How unlike one another the task's texts are, and how unlike pre-training's",
            y_label="share, proxy",
            x_labels=["emb" if at == 0 else str(at) for at in range(len(terms.depths))],
            curves=curves,
            over="signs, and texts",
        )
    ]


def _as_json(each: DepthTerms) -> dict[str, Any]:
    return plain(
        {
            "complexity": asdict(each.complexity),
            "effective_rank": each.effective_rank,
            "mean_cosine": each.mean_cosine,
            "domain": each.domain,
            "training_loss": each.training_loss,
            "held_out_loss": each.held_out_loss,
            "gap": each.gap,
        }
    )


def _said(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ± {estimate.standard_error:.3f}"
