"""The whole chain: text, tokens, model, heads, counts, figures, page. Each phase is done once."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.records.checkpoints import name_and_commit
from hf_apt.records.command import typed_command
from hf_apt.records.environment import environment
from hf_apt.records.fingerprints import (
    recorded_identity,
    require_still_the_same,
)
from hf_apt.records.run import Run
from hf_apt.records.run_folder import writing_run
from hf_apt.runs.option_checks import require_memory, require_valid
from hf_apt.runs.same_checkpoint import require_same_checkpoint, require_trained_checkpoint
from hf_apt.runs.same_run import as_recorded, require_same_run
from hf_apt.runs.saved_models import keep_steps
from hf_apt.runs.trained_models import require_one_model, save_trained
from hf_apt.stats.measures.readout import Readout

if TYPE_CHECKING:
    from hf_apt.data.tokens import Tokens
    from hf_apt.runs.recipes import RunConfig


def run_all(config: RunConfig, folder: Path | str) -> Run:
    """Bring the run in a folder to its end: pre-trained, measured, summarised, with its page.

    Phases that are done already are not done again, and pre-training resumes from its last
    checkpoint, so that an interrupted run is continued by the same call.

    Args:
        config: everything that the run is asked for.
        folder: the run's folder; it may be new, empty or hold this run.

    Returns:
        The run.

    Raises:
        ValueError: before anything is written, if the folder holds a run of another configuration
            or files of somebody else's, or if another process writes into it.
    """
    require_one_model(config)
    _require_possible(config, folder)  # before the task, which may be downloaded
    require_task(config)
    with begun(config, folder) as run:
        pretrain_run(config, run)
        measure_run(config, run, str(run.path("checkpoint")))
        finetune_run(config, run)
        return finish(run)


def begin(config: RunConfig, folder: Path) -> Run:
    """The run in `folder`, new or begun before with the same configuration.

    Raises ValueError, and has written nothing, if the folder holds another run or somebody else's
    files.
    """
    run = Run(folder)
    if is_main():
        with writing_run(run):
            require_same_run(config, run)
            run.write_json("config.json", as_recorded(config))
            run.write_json("environment.json", environment() | {"command": typed_command()})
    return run


@contextmanager
def begun(config: RunConfig, folder: Path | str) -> Iterator[Run]:
    """`begin`, with the folder kept from other processes within the block (`one_run`).

    Raises ValueError as they do, and has written nothing, for options of which no run can be made.
    """
    _require_possible(config, folder)
    with one_run(folder) as run:
        yield begin(config, run.folder)


@contextmanager
def one_run(folder: Path | str) -> Iterator[Run]:
    """The run in `folder`, which no other process writes into within the block.

    Raises ValueError, and has written nothing, if another process does, or if the folder holds
    files of somebody else's.
    """
    run = Run(Path(folder))
    with writing_run(run) if is_main() else nullcontext():
        yield run


def pretrain_run(config: RunConfig, run: Run) -> None:
    """Tokenise and pre-train; leaves `checkpoint/`, `steps/` if asked for, and `training.json`."""
    from hf_apt.models.devices import process_state
    from hf_apt.runs.shared_folder import wait_until_there
    from hf_apt.runs.starting.objective_files import keep_objective_files
    from hf_apt.runs.starting.read_tasks import keep_read_tasks
    from hf_apt.runs.starting.starting_model import starting_model
    from hf_apt.training.pretraining import pretrain
    from hf_apt.training.sharding import whole_model
    from hf_apt.training.with_arithmetic import arithmetic_of

    train, validation = _prepared(config, run)
    if run.path("training.json").exists():
        return
    objectives, folder = config.pretrain.objectives, run.path("training")
    keep_objective_files(objectives, folder, writes=is_main())
    keep_read_tasks(config.pretrain, folder, writes=is_main())
    model, origin = starting_model(config, train)
    trainer = _trainer(config, run, model, train, validation)
    keep_steps(run, trainer, config.pretrain.keep_at)
    result: dict[str, Any] = pretrain(trainer) | origin | {"arithmetic": arithmetic_of(trainer)}
    trained = whole_model(trainer)
    if is_main():
        save_trained(config, run, trained, result, train)
    process_state().wait_for_everyone()
    wait_until_there(run.path("training.json"))


def _trainer(config: RunConfig, run: Run, model: Any, train: Tokens, validation: Tokens) -> Any:
    from hf_apt.data.planted.corpus import PlantedCorpus
    from hf_apt.data.tokenizer import load_tokenizer
    from hf_apt.training.pretraining import pretrainer

    pretrain, law, ceiling_V = config.pretrain, config.pretrain.masking_law, None
    if law is not None and law.needs_ceiling:
        assert isinstance(config.corpus, PlantedCorpus)  # as RunConfig requires
        ceiling_V = config.corpus.ceiling(validation, rate=pretrain.masking_rate)
    tokenizer = load_tokenizer(str(run.path("tokenizer"))) if pretrain.objectives else None
    folder = run.path("training")
    return pretrainer(
        *(model, train, validation, pretrain, folder), tokenizer=tokenizer, ceiling_V=ceiling_V
    )


def measure_run(config: RunConfig, run: Run, checkpoint: str) -> None:
    """Measure `checkpoint` on the run's held-out text; leaves `counts/` and `model.json`.

    Raises ValueError for a causal checkpoint that is to be masked or to get heads.
    """
    from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
    from hf_apt.depths.depth_pass import totals
    from hf_apt.depths.measurement import measure, predicts_next_tokens
    from hf_apt.depths.own_head import OwnHead
    from hf_apt.depths.precision.changed_answers import AnswersChanged
    from hf_apt.depths.similarity.kept_states import KeptStates
    from hf_apt.depths.trunk import Trunk
    from hf_apt.models.description import describe
    from hf_apt.models.devices import to_device
    from hf_apt.models.fresh import untrained_twin
    from hf_apt.models.token_rows import token_rows
    from hf_apt.records.changed_answers import KEY
    from hf_apt.records.shown_sentences import write_shown_sentences
    from hf_apt.records.state_similarity import write_state_similarity
    from hf_apt.records.token_contexts import write_token_contexts
    from hf_apt.records.token_rows import write_token_rows
    from hf_apt.runs.decoders import decoders
    from hf_apt.runs.measured_checkpoint import (
        NEXT_TOKEN,
        is_causal_checkpoint,
        load_measured,
        require_next_tokens,
    )
    from hf_apt.runs.sentences.asked_sentences import write_sentences

    is_causal = is_causal_checkpoint(checkpoint)
    if is_causal:
        require_next_tokens(config)
    require_trained_checkpoint(run, checkpoint)
    require_same_checkpoint(run, checkpoint)
    train, validation = _prepared(config, run, needs_mask=not is_causal)
    if is_main() and not config.sentences:
        write_shown_sentences(run, None)  # of a measurement that was to show some
        write_token_contexts(run, None)
    wanted = {"own_head", *config.head_kinds}
    if not wanted <= set(run.whole_readouts()):
        model = to_device(load_measured(checkpoint))
        identity = recorded_identity(checkpoint)
        require_same_checkpoint(run, checkpoint)  # one of the Hub is known now
        is_causal = predicts_next_tokens(model)  # what it does, whatever its type
        if is_causal:
            require_next_tokens(config)
        trunk = Trunk(model)
        asked, states = decoders(trunk, train, config, run), KeptStates()
        rounded = AnswersChanged(trunk, asked) if config.measure.precision == "bf16" else None
        others = [states, *([rounded] if rounded else [])]
        readouts = measure(trunk, validation, asked, config.measure, others=others)
        state_totals = totals({"states": states})["states"]
        changes = totals({"changes": rounded})["changes"] if rounded else None
        if is_main():  # before the counts, which say that this phase is done
            description = describe(model, name_and_commit(checkpoint)[0], trunk.num_depths)
            description |= NEXT_TOKEN if is_causal else {}
            description |= {KEY: changes.as_json()} if changes else {}
            require_still_the_same(checkpoint, identity)
            run.write_json("model.json", description | identity)
            write_token_rows(run, token_rows(model))
            write_state_similarity(run, state_totals.similarity())
            write_sentences(config, run, trunk, validation, readouts["own_head"].counts)
        _save_readouts(run, readouts)
    elif is_main() and config.sentences and not run.path("contexts.json").exists():
        warnings.warn(
            "the page shows none of the held-out text, as this run was measured without it.",
            stacklevel=2,
        )
    if config.untrained and "untrained" not in run.whole_readouts():
        trunk = Trunk(to_device(untrained_twin(load_measured(checkpoint))))
        twin = measure(
            trunk,
            validation,
            {"untrained": OwnHead(trunk)},
            config.measure,
            label="Measuring the untrained twin",
        )
        _save_readouts(run, twin)
    made = config.corpus
    if isinstance(made, GeneratedCorpus) and "bayes" not in run.readouts() and is_main():
        exact = made.exact_readout(validation, config.measure)
        _save_readouts(run, {"bayes": exact} if exact else {})


def finetune_run(config: RunConfig, run: Run) -> None:
    """Fine-tune the run's checkpoint on the task asked for, if any; leaves `finetune/`.

    It is left out, with a warning, where several processes were started.
    """
    from hf_apt.models.devices import process_state
    from hf_apt.studies.block_accuracy import measure_blocks

    if config.finetune is None:
        return
    if process_state().num_processes == 1:
        measure_blocks(str(run.path("checkpoint")), config.finetune, run)
    elif is_main():
        warnings.warn(
            f"fine-tuning on {config.finetune.task.name} is left out: one process does it, so give "
            "the same command again without torchrun or accelerate launch.",
            stacklevel=2,
        )


def _require_possible(config: RunConfig, folder: Path | str) -> None:
    require_valid(config)
    if not Run(folder).path("training.json").exists():
        require_memory(config)


def require_task(config: RunConfig) -> None:
    """Raise ValueError for what makes no task or no test of it, before hours of pre-training."""
    if is_main():
        from hf_apt.runs.starting.read_tasks import require_tests_unread

        require_tests_unread(config.pretrain.objectives, config.finetune)


def finish(run: Run) -> Run:
    """Summarise the run's counts and write its page: NumPy only, without model or device."""
    from hf_apt.records.run_records import RunRecords
    from hf_apt.report import write_report
    from hf_apt.runs.summary import summary

    if is_main():
        records = RunRecords(run)
        _ = records.tasks, records.committees  # one that cannot be read is told before all work
        records.summary = summary(records)
        run.write_json("summary.json", records.summary)
        write_report(run, records)
    return run


def is_main() -> bool:
    """Whether this is the process that writes files."""
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return True  # without asking Accelerate, whose import takes seconds
    from hf_apt.models.devices import process_state

    return process_state().is_main_process


def _prepared(config: RunConfig, run: Run, *, needs_mask: bool = True) -> tuple[Tokens, Tokens]:
    from hf_apt.models.devices import process_state
    from hf_apt.runs.preparation import prepare
    from hf_apt.runs.shared_folder import wait_until_there

    with process_state().main_process_first():
        if not is_main():
            wait_until_there(run.path("frequency.npy"))
        return prepare(config, run, needs_mask=needs_mask)


def _save_readouts(run: Run, readouts: dict[str, Readout]) -> None:
    if is_main():
        for name, readout in readouts.items():
            run.write_readout(name, readout)
