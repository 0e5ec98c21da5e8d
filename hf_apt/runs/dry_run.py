"""`hf-apt run --dry-run`: what a run would cost here, from its configuration; nothing is made."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.arithmetic.precision import Precision
from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
from hf_apt.data.corpora import BUILDERS
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.local_files import local_files, train_and_held_out
from hf_apt.data.tokenizer import load_tokenizer, vocabulary
from hf_apt.data.tokens import Tokens
from hf_apt.models.devices import has_accelerator
from hf_apt.reading import read_json
from hf_apt.records.run import Run
from hf_apt.records.run_folder import require_run_folder
from hf_apt.runs.machine_speed import Speed, expected_seconds, machine_speed
from hf_apt.runs.option_checks import require_valid
from hf_apt.runs.phase_costs import disk_bytes, phase_costs, readout_bytes
from hf_apt.runs.planning.phase_cost import PhaseCost
from hf_apt.runs.recipes import RunConfig
from hf_apt.runs.same_run import require_same_run
from hf_apt.runs.starting.read_tasks import require_read_tasks
from hf_apt.training.costs.communication import communication_bytes, summing_bytes
from hf_apt.training.costs.model_costs import ModelCosts
from hf_apt.training.sharding import is_asked_for
from hf_apt.training.step_arithmetic import FEWEST_STEPS, RECORD

SAMPLE = 1000
"""Held-out sequences to reckon with, where their number is not known."""
_TRIAL = 2.0
"""Seconds that are spent on trying this machine's speed, about."""


@dataclass(frozen=True)
class HeldOut:
    """How many held-out sequences there are to measure on."""

    num_sequences: int
    """Number of held-out sequences."""

    certainty: str = "exact"
    """`exact`; `about`; `at most`; or `unknown`, and `num_sequences` is `SAMPLE`."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run's costs on this machine."""

    config: RunConfig
    """Configuration of the run."""

    model: ModelCosts
    """Parameters and FLOPs of the model."""

    held_out: HeldOut
    """Sequences that the model is measured on."""

    phases: tuple[PhaseCost, ...]
    """What computes, but for fine-tuning."""

    done: frozenset[str]
    """Names of phases that the run's folder has already, `finetuning` among them."""

    seconds: dict[str, float]
    """Expected seconds of each phase that is not done."""

    speeds: dict[str, Speed]
    """The speed that each of these was reckoned with, and how products were made there."""

    weights_bytes: int
    """Largest number of bytes that the weights take on disk."""

    readouts_bytes: int
    """Largest number of bytes that all readouts take on disk."""

    num_processes: int = 1
    """Number of processes that were started."""

    sent_in_step: int = 0
    """Bytes that each process sends in a step of pre-training."""

    sent_in_measuring: int = 0
    """Largest number of bytes that each process sends when measuring is done."""

    num_asked: int | None = None
    """Positions that are asked, about; None where the text was not looked at."""


def plan(config: RunConfig, folder: Path) -> Plan:
    """The costs of the run that `config` asks for in `folder`, which need not exist.

    The corpus is not read. Two seconds are spent on trying this machine's speed, where something is
    left to do. Raises ValueError where the run would: for options that do not go together, files
    that are missing, a tokenizer that cannot be loaded, a folder with another run, and for tasks
    of objectives that cannot be read or of which they read the tests.
    """
    require_valid(config)
    require_read_tasks(config.pretrain.objectives, config.finetune)
    run = Run(folder)
    require_run_folder(run)
    require_same_run(config, run)
    held_out = _held_out(config, run)
    model = ModelCosts(
        shape=config.shape,
        vocab_size=_vocab_size(config, run),
        sequence_length=config.sequence_length,
    )
    return plan_of(config, run, model, held_out)


def plan_of(
    config: RunConfig,
    run: Run,
    model: ModelCosts,
    held_out: HeldOut,
    *,
    asked_share: float | None = None,
    num_asked: int | None = None,
) -> Plan:
    """The costs of a run of which model and text are known; two seconds are spent on the trial.

    `asked_share` is the share of the tokens that are asked, the masking rate where None.
    """
    done = _done(config, run)
    phases = phase_costs(config, model, held_out.num_sequences, done=done, asked_share=asked_share)
    waiting = [cost for cost in phases if cost.name not in done]
    speeds = _speeds(config, run, model, [cost.name for cost in waiting])
    seconds = {cost.name: expected_seconds(cost, speeds[cost.name]) for cost in waiting}
    num_measured = phases[-1].tokens // config.sequence_length
    rate = asked_share or config.measure.masking_rate
    num_modified = num_measured * (config.sequence_length - 2) * rate
    num_readouts = 1 + len(config.head_kinds) + config.untrained
    num_processes = int(os.environ.get("WORLD_SIZE", "1"))
    share = num_readouts * readout_bytes(model, round(num_modified / num_processes), num_measured)
    return Plan(
        config=config,
        model=model,
        held_out=held_out,
        phases=tuple(phases),
        done=done,
        seconds=seconds,
        speeds=speeds,
        weights_bytes=disk_bytes(config, model),
        readouts_bytes=num_readouts * readout_bytes(model, round(num_modified), num_measured),
        num_processes=num_processes,
        sent_in_step=communication_bytes(
            model.num_parameters,
            num_processes,
            sharded=is_asked_for(),
            accumulation_steps=config.pretrain.accumulation_steps,
        ),
        sent_in_measuring=summing_bytes(share, num_processes),
        num_asked=num_asked,
    )


def _speeds(
    config: RunConfig, run: Run, model: ModelCosts, names: Sequence[str]
) -> dict[str, Speed]:
    """The speed of each of these phases, by one trial for each way in which they are to train."""
    asked = {name: _training(config, run, name) for name in names}
    trained = {way for way in asked.values() if way is not None}
    ways = sorted(trained) or ([("fp32", True)] if names else [])
    tried = {
        (precision, is_short): machine_speed(
            model,
            batch_size=config.pretrain.batch_size,
            training=precision,
            is_short=is_short,
            reading=config.measure.precision,
            seconds=_TRIAL / len(ways),
        )
        for precision, is_short in ways
    }
    return {name: tried[way or ways[0]] for name, way in asked.items()}


def _training(config: RunConfig, run: Run, name: str) -> tuple[Precision, bool] | None:
    """The precision asked for where a phase trains, and whether it tries none; else None.

    Pre-training that has begun goes on in the precision that it has recorded. Lenses are fitted in
    float32.
    """
    if name in ("measuring", "untrained"):
        return None
    if name in ("jacobian", "translator"):
        return "fp32", True
    if name != "pretraining":
        asked = config.heads.precision
        is_exact = asked == "auto" and not has_accelerator()  # heads round on request alone
        return "fp32" if is_exact else asked, config.heads.num_steps < FEWEST_STEPS
    settings = config.pretrain
    training = run.path("training")
    record = training / RECORD
    if record.exists() and any(training.glob("checkpoint-*")):
        return Arithmetic.from_json(read_json(record)).precision, False
    return settings.precision, settings.compile or settings.num_steps < FEWEST_STEPS


def _vocab_size(config: RunConfig, run: Run) -> int:
    """The number of tokens; of a WordPiece that is not trained yet, the largest."""
    if _has_tokens(run):
        return Tokens(run.path("tokens/train")).description.vocab_size
    if config.tokenizer is not None:
        return len(vocabulary(load_tokenizer(config.tokenizer)))
    if isinstance(config.corpus, GeneratedCorpus):
        return config.corpus.vocab_size
    return config.vocab_size


def _held_out(config: RunConfig, run: Run) -> HeldOut:
    wanted = config.measure.num_sequences
    if _has_tokens(run):
        return HeldOut(len(Tokens(run.path("tokens/validation"))))
    if isinstance(config.corpus, GeneratedCorpus):
        documents, length = config.corpus.num_validation_documents, config.sequence_length
        if config.layout == "first":
            return HeldOut(documents)
        return HeldOut(documents * (length - 1) // (length - 2))  # each with its separator
    most = _most_documents(config.corpus)
    if config.layout != "first":
        most = None  # a document makes any number of sequences
    if most is None and wanted is None:
        return HeldOut(SAMPLE, "unknown")
    return HeldOut(min(number for number in (most, wanted) if number is not None), "at most")


def _most_documents(source: CorpusSource) -> int | None:
    """Held-out documents of a corpus at most, where they are known before it is read.

    Raises ValueError for files that are not there.
    """
    files = None if source.name == "sotu" else local_files(source.name, BUILDERS)
    has_own = files is not None and bool(train_and_held_out(files, BUILDERS)[1])
    if source.max_validation_documents is not None:
        return source.max_validation_documents
    if has_own or source.max_documents is None:
        return None
    return max(1, math.ceil(source.max_documents * source.validation_share))


def _has_tokens(run: Run) -> bool:
    return run.path("frequency.npy").exists()  # which is written last


def _done(config: RunConfig, run: Run) -> frozenset[str]:
    readouts = set(run.whole_readouts())
    tests = {
        "pretraining": run.path("training.json").exists(),
        "measuring": {"own_head", *config.head_kinds} <= readouts,
        "untrained": "untrained" in readouts,
        "finetuning": config.finetune is not None
        and run.path(f"finetune/{config.finetune.task.name}.json").exists(),
    }
    tests |= {kind: run.path(f"heads/{kind}.safetensors").exists() for kind in config.head_kinds}
    return frozenset(name for name, is_done in tests.items() if is_done)
