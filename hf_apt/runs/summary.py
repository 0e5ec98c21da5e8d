"""The content of a run's `summary.json`: NumPy only, from what the run has left on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hf_apt.data.tokens import Tokens
from hf_apt.records.references.ruler import Ruler, ruler
from hf_apt.records.run_records import RunRecords
from hf_apt.records.schemas import SUMMARY
from hf_apt.records.summary_record import (
    ASKED_NEXT,
    TRAINING,
    MaskingFigures,
    Summary,
    asks_next_tokens,
)
from hf_apt.records.token_rows import read_token_rows
from hf_apt.stats.counts import TREATMENTS
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.depth_summary import summarise_depths
from hf_apt.stats.token_rows.row_figures import RowFigures, row_figures


def summary(records: RunRecords) -> Summary:
    """The content of `summary.json`; its depths are described in `hf_apt.stats.depth_summary`."""
    from tqdm.auto import tqdm

    run = records.run
    config = run.read_json("config.json", "corpus", "measure")
    model = run.read_json("model.json", "name")
    if not run.readouts():
        raise ValueError(f"{run.folder} is no finished hf_apt run: it has no counts.")
    train, validation = (Tokens(run.path(f"tokens/{side}")) for side in ("train", "validation"))
    readouts = {
        readout: _summarised(records, readout)
        for readout in tqdm(run.readouts(), desc="Summarising", unit=" readouts")
    }
    corpus = config["corpus"].get("name", "planted")
    is_whole = config["corpus"].get("validation_share") == 1  # nothing was trained on
    trained = run.path("training.json")
    return {
        "schema": SUMMARY,
        "title": f"{model['name']} on {corpus}",
        "command": run.read_json("environment.json", "command")["command"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": {
            "name": corpus,
            "sequences": train.description.layout,
            "sequence_length": train.description.sequence_length,
            "num_train_sequences": 0 if is_whole else len(train),
            "num_train_tokens": 0 if is_whole else train.description.num_tokens,
            "num_validation_sequences": len(validation),
            "num_validation_tokens": validation.description.num_tokens,
            "shares": validation.shares(),
        },
        "model": model,
        "training": run.read_json("training.json", *TRAINING) if trained.exists() else None,
        "masking": _masking(records, config["measure"], model, len(validation)),
        "readouts": readouts,
        "token_rows": _token_rows(records),
        "ruler": _ruler(records, config["measure"], model, validation.description.vocab_size),
    }


def _masking(
    records: RunRecords, measure: dict[str, Any], model: dict[str, Any], num_sequences: int
) -> MaskingFigures:
    """What was asked; of a causal model nothing is masked, which `asked` says."""
    num_sequences = min(measure["num_sequences"] or num_sequences, num_sequences)
    if asks_next_tokens(model):
        return {
            "asked": ASKED_NEXT,
            "rate": None,
            "seed": None,
            "num_realisations": 1,
            "num_sequences": num_sequences,
            "num_modified": {},
        }
    return {
        "rate": measure["masking_rate"],
        "seed": measure["seed"],
        "num_realisations": measure["num_realisations"],
        "num_sequences": num_sequences,
        "num_modified": _num_modified(records),
    }


def _summarised(records: RunRecords, readout: str) -> list[DepthFigures]:
    analysis, run = records.analysis(readout), records.run
    size = analysis.counts.vocab_size
    return summarise_depths(analysis, run.frequency(size), planted_V=run.planted(size))


def _token_rows(records: RunRecords) -> RowFigures | None:
    run = records.run
    if "own_head" not in run.readouts():
        return None
    analysis = records.analysis("own_head")
    rows = read_token_rows(run, analysis.counts.vocab_size)
    if rows is None:
        return None
    return row_figures(
        rows,
        analysis.hits_DV[-1],
        analysis.support_V,
        vocabulary=run.vocabulary(rows.vocab_size),
        frequency_V=run.frequency(rows.vocab_size),
    )


def _ruler(
    records: RunRecords, measure: dict[str, Any], model: dict[str, Any], vocab_size: int
) -> Ruler:
    counts = records.analysis(records.run.readouts()[0]).counts
    rate = None if asks_next_tokens(model) else measure["masking_rate"]
    return ruler(counts, vocab_size=vocab_size, masking_rate=rate)


def _num_modified(records: RunRecords) -> dict[str, int]:
    counts = records.analysis(records.run.readouts()[0]).counts
    return {name: counts.at(0, name).total for name in TREATMENTS}
