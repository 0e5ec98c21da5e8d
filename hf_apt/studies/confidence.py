"""Confidence of a fine-tuned classifier against what its pre-trained model knows of the input.

What arXiv 2509.03407 says about fine-tuning: label confidence does not depend on the mean APT of
the input's tokens, as a mistaken token is mostly replaced by a strong match and the meaning
survives.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tasks.task import Task
from hf_apt.data.tokenizer import vocabulary
from hf_apt.models.devices import to_device
from hf_apt.models.encoders import Encoder
from hf_apt.models.loading import load_masked_lm
from hf_apt.records.checkpoints import checkpoint_path
from hf_apt.records.run import Run
from hf_apt.stats.apt import apt
from hf_apt.stats.calibration import calibration
from hf_apt.stats.confidence import confidence_bins, confidences, mean_apt_of_inputs
from hf_apt.stats.confusion import confusion
from hf_apt.stats.counts import PairCounts
from hf_apt.stats.estimates import mean_estimate, pearson, plain, slope, spearman
from hf_apt.stats.slopes.class_slope import class_slope
from hf_apt.stats.slopes.corrected_slope import corrected_slope, token_shares
from hf_apt.stats.substitution import FlatInputs, answered, position_groups
from hf_apt.stats.substitution_config import SubstitutionConfig
from hf_apt.stats.substitution_effects import SubstitutionTest
from hf_apt.studies.confidence_config import ConfidenceConfig
from hf_apt.studies.confidence_counts import TokenCounts, counts_of_run, counts_of_texts
from hf_apt.studies.substitution_models import classifier, logits_before, own_answer

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class FinetunedClassifier:
    """A classifier that was fine-tuned on a task, and the checkpoint it came from."""

    checkpoint: str
    """A folder, a shipped checkpoint or a Hub id."""

    encoder: Encoder
    """The classifier."""

    task: Task
    """The texts it was trained on and is tested on."""

    sequence_length: int
    """Number of tokens of a text that the classifier reads, special ones included."""

    batch_size: int
    """Number of texts in a forward pass; changes nothing but speed."""


def confidence_record(
    finetuned: FinetunedClassifier,
    logits_IC: Float[np.ndarray, "inputs classes"],
    config: ConfidenceConfig,
    run: Run,
    folder: Path,
) -> dict[str, Any]:
    """Confidence, calibration and substitution on the I test texts, as JSON takes them.

    `logits_IC` are those of the fine-tuned classifier. Temporary files go to `folder`; the values
    of each input, to draw figures from, to `finetune/<task>-inputs.npz` of `run`: `mean_apt_N`,
    `confidence_N`, `label_N`, `predicted_N`.

    - `num_inputs`; `mean_confidence`, `accuracy`: estimates over inputs (`value`, `standard_error`,
      `num`); `calibration`: see `hf_apt.stats.calibration.calibration`.
    - `apt_source`: where APT per token was counted, after the last block by the own head: `source`,
      `run` or, where that has no counts of the checkpoint, `training texts` (the task's);
      `num_asked` occurrences of `num_tokens` tokens; `covered`, the share of the test texts' tokens
      whose APT is known by that. Special tokens never count.
    - `mean_apt`: estimate over inputs; `bins`, `slope`, `pearson`, `spearman` of confidence against
      it: see `hf_apt.stats.confidence`. Inputs without a token of known APT are not in these.
      `within_class_slope` is the slope within true classes (`hf_apt.stats.slopes.class_slope`): the
      pooled one may be that of the classes alone.
    - `corrected`: `pooled` and `within_class`, each a `slope` and a `reliability`, both slopes once
      more, freed of the noise of APT (`hf_apt.stats.slopes.corrected_slope`); `grouped_by`, what
      that noise is read off, `sequences` or, where those were not kept, `positions`; `covered`, the
      share of the test texts' tokens whose noise is known: others are not in these two.
    - `substitution`: `num_groups`, `strong_match_threshold`, `num_draws`, and what
      `hf_apt.stats.substitution_effects.SubstitutionTest.figures` says.

    If the checkpoint has no masked-LM head, or its tokenizer knows next to nothing of the texts,
    there is a warning, its sentence in `left_out`, and nothing after `calibration`.
    """
    confidence_I, labels_I = confidences(logits_IC), finetuned.task.test.labels
    predicted_I = logits_IC.argmax(axis=1)
    mean_apt_I = np.full(len(labels_I), np.nan)
    record: dict[str, Any] = {
        "num_inputs": len(labels_I),
        "mean_confidence": mean_estimate(confidence_I),
        "accuracy": mean_estimate((predicted_I == labels_I).astype(float)),
        "calibration": calibration(logits_IC, labels_I),
    }
    try:
        model = to_device(load_masked_lm(checkpoint_path(finetuned.checkpoint)))
        counts, source = _counts(finetuned, model, config, run, folder)
    except ValueError as error:
        record["left_out"] = (
            "confidence against APT, and the substitution test, need a masked language model and "
            f"text that its tokenizer knows: {error}"
        )
        warnings.warn(record["left_out"], stacklevel=2)
    else:
        inputs = _inputs(finetuned, finetuned.task.test.texts)
        apt_V = apt(counts.pairs.hits(), counts.pairs.support())
        ids_IT, counted_IT = inputs.padded(inputs.ids_P), inputs.padded(inputs.eligible_P)
        mean_apt_I = mean_apt_of_inputs(apt_V, ids_IT, counted_IT)
        known_Q = ~np.isnan(apt_V[inputs.ids_P[inputs.eligible_P]])
        source["covered"] = mean_estimate(known_Q.astype(float)).value
        correct_I = (predicted_I == labels_I).astype(float)
        record["apt_source"] = source
        record |= _relation(mean_apt_I, confidence_I, correct_I, labels_I, config.num_bins)
        record["corrected"] = _corrected(inputs, confidence_I, labels_I, counts)
        record["substitution"] = _substitution(
            finetuned, model, inputs, counts.pairs, config.substitution, logits_IC
        )
    run.write_arrays(
        f"finetune/{finetuned.task.name}-inputs.npz",
        mean_apt_N=mean_apt_I,
        confidence_N=confidence_I,
        label_N=labels_I,
        predicted_N=predicted_I,
    )
    return plain(record)


def _inputs(finetuned: FinetunedClassifier, texts: Sequence[str]) -> FlatInputs:
    rows = finetuned.encoder.encode(texts, finetuned.sequence_length)
    return FlatInputs.of(rows, finetuned.encoder.tokenizer.all_special_ids)


def _counts(
    finetuned: FinetunedClassifier,
    model: PreTrainedModel,
    config: ConfidenceConfig,
    run: Run,
    folder: Path,
) -> tuple[TokenCounts, dict[str, Any]]:
    """The counts after the last block, and where they come from."""
    counts, source = counts_of_run(run, finetuned.checkpoint), "run"
    if counts is None:
        texts, source = finetuned.task.train.texts, "training texts"
        settings = MeasureConfig(
            num_realisations=config.num_realisations,
            batch_size=finetuned.batch_size,
            seed=config.seed,
        )
        counts = counts_of_texts(
            model,
            finetuned.encoder.tokenizer,
            texts,
            folder / "asked",
            settings,
            sequence_length=finetuned.sequence_length,
        )
    num_tokens = int((counts.pairs.support() > 0).sum())
    source = {"source": source, "num_asked": counts.pairs.total, "num_tokens": num_tokens}
    return counts, source


def _relation(
    mean_apt_I: np.ndarray,
    confidence_I: np.ndarray,
    correct_I: np.ndarray,
    labels_I: np.ndarray,
    num_bins: int,
) -> dict[str, Any]:
    known_I = ~np.isnan(mean_apt_I)
    x_I, y_I = mean_apt_I[known_I], confidence_I[known_I]
    return {
        "mean_apt": mean_estimate(x_I),
        "bins": confidence_bins(y_I, x_I, correct_I[known_I], num_bins=num_bins),
        "slope": slope(x_I, y_I),
        "within_class_slope": class_slope(x_I, y_I, labels_I[known_I]),
        "pearson": pearson(x_I, y_I),
        "spearman": spearman(x_I, y_I),
    }


def _corrected(
    inputs: FlatInputs, confidence_I: np.ndarray, labels_I: np.ndarray, counts: TokenCounts
) -> dict[str, Any]:
    groups = counts.groups
    ids_IT, counted_IT = inputs.padded(inputs.ids_P), inputs.padded(inputs.eligible_P)
    shares_IV = token_shares(ids_IT, counted_IT, groups.is_spread_V)
    covered_Q = groups.is_spread_V[inputs.ids_P[inputs.eligible_P]]
    return {
        "pooled": corrected_slope(shares_IV, confidence_I, np.zeros_like(labels_I), groups),
        "within_class": corrected_slope(shares_IV, confidence_I, labels_I, groups),
        "grouped_by": counts.grouped_by,
        "covered": mean_estimate(covered_Q.astype(float)).value,
    }


def _substitution(
    finetuned: FinetunedClassifier,
    model: PreTrainedModel,
    inputs: FlatInputs,
    pairs: PairCounts,
    config: SubstitutionConfig,
    logits_IC: np.ndarray,
) -> dict[str, Any]:
    tokenizer = finetuned.encoder.tokenizer
    group_P = position_groups(inputs, config.num_groups, config.seed)
    answer = own_answer(model, tokenizer, inputs, finetuned.batch_size)
    predicted_P = answered(inputs.ids_P, group_P, tokenizer.mask_token_id, answer)
    training = _inputs(finetuned, finetuned.task.train.texts)
    is_token_V = np.arange(pairs.vocab_size) < len(vocabulary(tokenizer))
    is_token_V[tokenizer.all_special_ids] = False
    frequency_V = np.bincount(training.ids_P[training.eligible_P], minlength=pairs.vocab_size)
    test = SubstitutionTest(
        inputs,
        finetuned.task.test.labels,
        classifier(finetuned.encoder, inputs, finetuned.batch_size),
        logits_before(finetuned.encoder, inputs, finetuned.batch_size, logits_IC),
        confusion(pairs),
        {"random": is_token_V.astype(np.int64), "random_by_frequency": frequency_V},
        config,
    )
    settings = asdict(config)
    del settings["seed"]
    return settings | test.figures(group_P, predicted_P)
