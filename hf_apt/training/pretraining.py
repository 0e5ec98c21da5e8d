"""Pre-training of BERT-6 and its shallow kin with transformers' Trainer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.data.tokens import Tokens
from hf_apt.models.devices import (
    has_accelerator,
    part_of_batch,
    process_state,
)
from hf_apt.training.interruption import Stopped, stopping_later
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.resume import last_checkpoint
from hf_apt.training.sharding import ready_for_sharding

if TYPE_CHECKING:
    import numpy as np
    from transformers import Trainer, TrainerCallback

    from hf_apt.arithmetic.arithmetic import Arithmetic

_WORKERS = 2
"""Processes that make an accelerator's batches: `python -m tests.benchmarks loading` times one."""


def pretrainer(
    model: Any,
    train: Tokens,
    validation: Tokens,
    config: PretrainConfig,
    folder: Path,
    *,
    callbacks: Sequence[TrainerCallback] = (),
    tokenizer: Any = None,
    ceiling_V: np.ndarray | None = None,
) -> Trainer:
    """The Trainer that pre-trains `model`; its own files go to `folder`.

    `tokenizer` is that of the tokens, for objectives that read texts of their own. With objectives
    it is a `hf_apt.training.objective_trainer.WithObjectives`; the bar's MFU then
    counts the plain pass alone. With a masking law it is a
    `hf_apt.training.masking_laws.masking_law_trainer.WithMaskingLaw`; `ceiling_V` is the best
    accuracy of each token, for a law that needs it. The evaluation is masked uniformly.

    Raises ValueError if the batch cannot be divided among processes and accumulation steps, if
    torch lacks the optimiser, for objectives that do not go together, and for a masking law that is
    not for this text.
    """
    from transformers import TrainingArguments

    from hf_apt.data.training_draws import FixedDraws, TrainingDraws, as_batch
    from hf_apt.training.costs.training_flops import (
        flops_by_steps,
        pretraining_flops,
    )
    from hf_apt.training.masking_laws.masking_law_trainer import trainer_by
    from hf_apt.training.progress import name_progress

    num_processes = int(os.environ.get("WORLD_SIZE", "1"))
    part = part_of_batch(config.batch_size, num_processes * config.accumulation_steps)
    arithmetic = _arithmetic(model, train, config, part, folder)
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=config.num_steps,
        per_device_train_batch_size=part,
        per_device_eval_batch_size=min(config.batch_size, 32),
        gradient_accumulation_steps=config.accumulation_steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(config.warmup_share * config.num_steps),
        weight_decay=config.weight_decay,
        adam_beta2=config.beta2,
        train_sampling_strategy="sequential",  # TrainingDraws is shuffled already
        prediction_loss_only=True,
        remove_unused_columns=False,
        bf16=arithmetic.is_bfloat16,
        torch_compile=config.compile,
        torch_compile_mode=config.compile_mode if config.compile else None,
        use_cpu=not has_accelerator(),
        ddp_find_unused_parameters=False if _trains_all(model, config) else None,
        # A graphics card waits neither for the next batch nor for a look at every loss.
        dataloader_num_workers=_WORKERS if has_accelerator() else 0,
        logging_nan_inf_filter=False,
        seed=config.seed,
        eval_strategy="steps",
        eval_steps=max(config.num_steps // 10, 1),
        logging_steps=max(min(config.num_steps // 50, 100), 1),
        save_strategy="steps",
        save_steps=config.save_every,
        save_total_limit=2,
        report_to=list(config.report_to) or "none",
        project="hf_apt",
        run_name=folder.resolve().parent.name,
    )
    windows = tuple((width, round(share * config.num_steps)) for width, share in config.windows)
    made = trainer_by(config.masking_law, config.objectives, arithmetic, ceiling_V=ceiling_V)
    trainer = made(
        model=model,
        args=arguments,
        train_dataset=TrainingDraws(
            train,
            train.masking(seed=config.seed, rate=config.masking_rate),
            num_draws=config.num_steps * config.batch_size,
            windows=tuple((width, end * config.batch_size) for width, end in windows),
            # nn.DataParallel, one process for several cards, would cut the indices like sequences.
            fixed_shapes=config.compile and arguments.n_gpu <= 1,
            with_keys=_has_discriminator(model),
            causal_until=round(config.causal_share * config.num_steps) * config.batch_size,
        ),
        # Not the seed of training: its first epoch must not hold the masks of the evaluation.
        eval_dataset=FixedDraws(
            validation,
            validation.masking(seed=config.seed + 1),
            num_sequences=config.num_validation_sequences,
        ),
        data_collator=as_batch,
        callbacks=list(callbacks),
        processing_class=tokenizer,
    )
    if config.optimizer == "muon":
        from hf_apt.training.muon import muon_and_adamw

        trainer.optimizer = muon_and_adamw(
            model,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            beta2=config.beta2,
            decayed=trainer.get_decay_parameter_names(model),
        )
    length = train.description.sequence_length
    flops = None  # of steps that ask for every token nothing is said
    if not config.causal_share:
        flops = flops_by_steps(
            pretraining_flops,
            model.config,
            batch_size=config.batch_size,
            length=length,
            masking_rate=config.masking_rate,
            windows=windows,
        )
    name_progress(trainer, "Pre-training", tokens_in_step=config.batch_size * length, flops=flops)
    return ready_for_sharding(trainer)


def _trains_all(model: Any, config: PretrainConfig) -> bool:
    """Whether every weight surely has a gradient in each step, so that processes seek none."""
    return model.config.model_type == "bert6" and not config.objectives


def _has_discriminator(model: Any) -> bool:
    return model.config.model_type == "apt_selection"


def _arithmetic(
    model: Any, train: Tokens, config: PretrainConfig, part: int, folder: Path
) -> Arithmetic:
    """How pre-training multiplies: tried on `part` sequences of the first epoch, read whole."""
    from hf_apt.data.training_draws import TrainingDraws
    from hf_apt.training.step_arithmetic import training_arithmetic

    def loss(num_sequences: int) -> Any:
        masking = train.masking(seed=config.seed, rate=config.masking_rate)
        draws = TrainingDraws(
            train, masking, num_draws=num_sequences, with_keys=_has_discriminator(model)
        )
        return model(**draws.__getitems__(list(range(num_sequences)))).loss

    return training_arithmetic(
        config.precision,
        model,
        loss,
        num_sequences=part,
        # What is compiled chooses for itself.
        num_steps=0 if config.compile else config.num_steps,
        of=(train.description.sequence_length, config.masking_rate),
        folder=folder,
    )


def pretrain(trainer: Trainer) -> dict[str, Any]:
    """Train to the end, from the last whole checkpoint where there is one, which is told.

    Returns `num_steps`, `seconds` (of this process alone), `train_loss` (the last one logged, with
    the terms of objectives) and `validation_loss` (always plain), both in nats a modified token;
    with objectives also `terms`, what each term was at its first and last logging
    (`hf_apt.training.logged_terms`).

    Raises `DivergedError`, a ValueError, where the loss is not finite any more; no checkpoint is
    left then. Raises `Stopped` after a checkpoint was saved where a signal asked for an end and
    `hf_apt.training.interruption.stopping_signals` listens to it.
    """
    from tqdm.auto import tqdm

    from hf_apt.training.checksums import WriteChecksums
    from hf_apt.training.divergence import DivergedError, StopWhereDiverged
    from hf_apt.training.logged_terms import logged_terms
    from hf_apt.training.save_and_stop import SaveAndStop

    folder = Path(str(trainer.args.output_dir))
    checkpoint = last_checkpoint(folder)
    if checkpoint is not None and process_state().is_main_process:
        step = checkpoint.name.removeprefix("checkpoint-")
        tqdm.write(
            f"pre-training goes on from step {step} of {trainer.args.max_steps}.", sys.stderr
        )
    with stopping_later() as request:
        trainer.add_callback(SaveAndStop(request))
        trainer.add_callback(WriteChecksums())
        trainer.add_callback(StopWhereDiverged())  # after it: what is to be saved is looked at
        try:
            result = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except DivergedError:
            # They lead here again. Without them the command can be given with other options.
            for path in folder.glob("checkpoint-*"):
                shutil.rmtree(path, ignore_errors=True)
            raise
    if request.signum is not None:
        raise Stopped(request.signum)
    history = trainer.state.log_history
    losses = [entry["loss"] for entry in history if "loss" in entry]
    terms = logged_terms(history, (each.name for each in getattr(trainer, "objectives", ())))
    return {
        "num_steps": result.global_step,
        "seconds": round(result.metrics["train_runtime"], 1),
        "train_loss": losses[-1] if losses else result.training_loss,
        "validation_loss": trainer.evaluate()["eval_loss"],
        **({"terms": terms} if terms else {}),
    }
