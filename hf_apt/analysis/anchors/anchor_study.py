"""The study of anchor vectors: sentences, tables and a figure of a model's fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.analysis.anchors.anchor_config import AnchorConfig
from hf_apt.analysis.anchors.anchor_vectors import AnchorVectors, anchor_vectors
from hf_apt.data.text_fingerprints import texts_provenance
from hf_apt.models.description import depth_names
from hf_apt.records.studies.study_record import (
    StudyFigure,
    StudyRecord,
    StudyTable,
    study_record,
)
from hf_apt.stats.anchors.anchor_fit import AnchorFit
from hf_apt.stats.anchors.held_out import AnchorArm
from hf_apt.stats.estimates import Estimate, mean_estimate, plain

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_FEW_STATES = 20
"""States a direction below which a fit is called one of few states."""


def anchor_study(
    checkpoint: str,
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    config: AnchorConfig,
    *,
    text_name: str,
) -> StudyRecord:
    """How well one vector predicts the log bulk partition of a model, as a study's record.

    Args:
        checkpoint: the model as it was named.
        model: the loaded model.
        tokenizer: its tokenizer.
        texts: the texts that it reads.
        config: what is fitted, and where.
        text_name: what the texts are called.

    Returns:
        The record: tables and a figure by depth, twins with random weights beside the model.

    Raises:
        ValueError: as `hf_apt.anchor_vectors`.
    """
    vectors = anchor_vectors(model, tokenizer, texts, config)
    names = depth_names(model.config, len(vectors.fits_D))
    bulk = config.bulk_of(tuple(range(len(config.words)))).said()
    return study_record(
        study="anchors",
        subject="",
        title="Anchor vectors",
        question="Is there one vector that predicts, for every context, the logarithm of the "
        "partition function over the bulk of the words?",
        checkpoint=checkpoint,
        findings=findings(vectors, names),
        tables=[
            _shares(vectors, names, f"Read {vectors.positions}; bulk: {bulk}."),
            _errors(vectors, names),
            _vectors(vectors, names),
        ],
        figures=_figures(vectors, names),
        results={
            "depths": [_as_json(fit) for fit in vectors.fits_D],
            "twins": [[_as_json(fit) for fit in twin] for twin in vectors.twins],
            "positions": vectors.positions,
        },
        config=asdict(config),
        provenance=texts_provenance(text_name, texts),
    )


def findings(vectors: AnchorVectors, names: Sequence[str]) -> list[str]:
    """The answer in sentences, the last depth first."""
    last = vectors.fits_D[-1]
    spread = last.variance.value**0.5
    if last.r_squared is None:
        return [
            f"After {names[-1]} the log-partition is the same in every context ({last.mean:.4g} "
            "nats): what share of its variance a vector explains is not defined."
        ]
    said = [
        f"After {names[-1]} one vector explains {_said(last.r_squared['affine'])} of the variance "
        f"of the log-partition on texts that it was not fitted on{_beside(vectors)}.",
        f"The log-partition is {last.mean:.4g} nats there with a spread of {spread:.3g}: its mean "
        f"alone leaves an error of {last.errors['constant'].value:.3g}, the anchor "
        f"{last.errors['affine'].value:.3g}, in nats squared.",
        f"The mean word vector alone explains {_said(last.r_squared['mean_word'])}"
        + _cosine(last.cosine_to_mean_word),
    ]
    if last.quadratic_gain is not None:
        said.append(
            "Products of principal components remove "
            f"{_said(last.quadratic_gain)} of the error that the anchor leaves."
        )
    said += _of_depths(vectors, names) + _of_rank(vectors)
    return said


def _beside(vectors: AnchorVectors) -> str:
    twins = twin_curve(vectors)
    if not twins:
        return ""
    if twins[-1] is None:
        return "; with random weights the log-partition does not vary"
    own = vectors.fits_D[-1].r_squared
    assert own is not None
    difference = own["affine"].value - twins[-1].value
    error = np.hypot(own["affine"].standard_error, np.nan_to_num(twins[-1].standard_error))
    than = "more" if difference > 2 * error else "less" if difference < -2 * error else "as much"
    spread = np.mean([twin[-1].variance.value ** 0.5 for twin in vectors.twins])
    return (
        f", {than} {'than' if than != 'as much' else 'as'} with random weights: "
        f"{_said(twins[-1])}, of a log-partition with a spread of {spread:.2g} nats"
    )


def _of_depths(vectors: AnchorVectors, names: Sequence[str]) -> list[str]:
    shares = [_share(fit) for fit in vectors.fits_D]
    known = [at for at, share in enumerate(shares) if share is not None]
    if len(known) < 2:
        return []
    best = max(known, key=lambda at: shares[at].value)  # pyright: ignore
    worst = min(known, key=lambda at: shares[at].value)  # pyright: ignore
    return [
        f"Over the depths it explains most at {names[best]} ({_said(shares[best])}) and least at "
        f"{names[worst]} ({_said(shares[worst])})."
    ]


def _of_rank(vectors: AnchorVectors) -> list[str]:
    said = []
    deficient = [fit for fit in vectors.fits_D if fit.is_rank_deficient]
    if deficient:
        ranks = sorted({fit.rank for fit in deficient})
        said.append(
            f"At {len(deficient)} of {len(vectors.fits_D)} depths the states vary in fewer "
            f"directions than they have ({', '.join(map(str, ranks))} of "
            f"{len(deficient[0].anchor_E)}), so that many vectors fit alike: the shortest is given."
        )
    first = vectors.fits_D[0]
    if first.num < _FEW_STATES * len(first.anchor_E):
        said.append(
            f"There are {first.num} states for {len(first.anchor_E)} directions, fewer than "
            f"{_FEW_STATES} for each: more text lowers the error of the fits."
        )
    return said


def twin_curve(vectors: AnchorVectors, arm: AnchorArm = "affine") -> list[Estimate | None]:
    """R² of the twins at every depth: their mean and its error over them; of one its own."""
    curve: list[Estimate | None] = []
    for fits in zip(*vectors.twins, strict=True):
        shares = [share for fit in fits if (share := _share(fit, arm)) is not None]
        if len(shares) < len(fits):
            curve.append(None)
        elif len(shares) == 1:
            curve.append(shares[0])
        else:
            curve.append(mean_estimate(np.array([share.value for share in shares])))
    return curve


def _share(fit: AnchorFit, arm: AnchorArm = "affine") -> Estimate | None:
    return None if fit.r_squared is None else fit.r_squared[arm]


def _shares(vectors: AnchorVectors, names: Sequence[str], place: str) -> StudyTable:
    twins = twin_curve(vectors) or [None] * len(names)
    rows = [
        [
            name,
            plain(_share(fit)),
            plain(_share(fit, "mean_word")),
            plain(fit.quadratic_gain),
            plain(twin),
        ]
        for name, fit, twin in zip(names, vectors.fits_D, twins, strict=True)
    ]
    return StudyTable(
        title="Share of the variance of the log-partition that is explained",
        header=["depth", "anchor", "mean word", "gain of squares", "random weights"],
        rows=rows,
        notes=[
            place,
            f"Each group of texts is predicted by fits on all others: {vectors.num_documents} "
            f"texts, {vectors.fits_D[0].num} states, {vectors.fits_D[0].num_groups} groups, over "
            "which errors are.",
            "Gain of squares: the share of the anchor's error that products of principal "
            "components remove.",
        ],
    )


def _errors(vectors: AnchorVectors, names: Sequence[str]) -> StudyTable:
    arms: list[AnchorArm] = ["constant", "mean_word", "linear", "affine"]
    if "quadratic" in vectors.fits_D[0].errors:
        arms.append("quadratic")
    rows = [
        [name, f"{fit.mean:.3f}", *(f"{fit.errors[arm].value:.4g}" for arm in arms)]
        for name, fit in zip(names, vectors.fits_D, strict=True)
    ]
    header = {"mean_word": "mean word", "linear": "no constant", "affine": "anchor"}
    return StudyTable(
        title="Mean squared error of the log-partition, nats squared",
        header=["depth", "mean log Z", *(header.get(arm, arm) for arm in arms)],
        rows=rows,
        notes=["Constant: what is left if Z is taken to be the same in every context."],
    )


def _vectors(vectors: AnchorVectors, names: Sequence[str]) -> StudyTable:
    rows = [
        [
            name,
            f"{fit.rank} of {len(fit.anchor_E)}",
            float(np.linalg.norm(fit.anchor_E)),
            fit.cosine_to_mean_word,
        ]
        for name, fit in zip(names, vectors.fits_D, strict=True)
    ]
    return StudyTable(
        title="The anchor vectors",
        header=["depth", "directions", "length", "cosine with the mean word"],
        rows=rows,
    )


def _figures(vectors: AnchorVectors, names: Sequence[str]) -> list[StudyFigure]:
    curves: dict[str, Any] = {
        "anchor": [plain(_share(fit)) for fit in vectors.fits_D],
        "mean word": [plain(_share(fit, "mean_word")) for fit in vectors.fits_D],
    }
    if vectors.twins:
        curves["anchor, random weights"] = [plain(each) for each in twin_curve(vectors)]
    short = ["emb" if at == 0 else str(at) for at in range(len(names))]
    return [
        StudyFigure(
            title="Share of the variance of the log-partition that one vector explains",
            y_label="R²",
            x_labels=short,
            curves=curves,
            chance=0.0,
            over="groups of texts",
            unit="states",
        )
    ]


def _as_json(fit: AnchorFit) -> dict[str, Any]:
    return plain(
        {
            "num": fit.num,
            "num_groups": fit.num_groups,
            "mean": fit.mean,
            "variance": fit.variance,
            "errors": dict(fit.errors),
            "r_squared": None if fit.r_squared is None else dict(fit.r_squared),
            "quadratic_gain": fit.quadratic_gain,
            "rank": fit.rank,
            "width": len(fit.anchor_E),
            "cosine_to_mean_word": fit.cosine_to_mean_word,
            "intercept": fit.intercept,
            "anchor": fit.anchor_E.tolist(),
        }
    )


def _said(estimate: Estimate | None) -> str:
    return (
        "nothing known"
        if estimate is None
        else f"{estimate.value:.3f} ± {estimate.standard_error:.3f}"
    )


def _cosine(cosine: float | None) -> str:
    return "." if cosine is None else f"; the anchor's cosine with it is {cosine:.3f}."
