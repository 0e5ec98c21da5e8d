"""A soft committee on a task: its members, accuracy against its size, and what it costs.

The question of arXiv 2507.14871: whether several shallow models together reach a deep one.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hf_apt.atomic import writing_folder
from hf_apt.data.tasks.read_texts import open_unread, texts_of_tasks, write_read_texts
from hf_apt.data.tasks.task import Task
from hf_apt.models.committee.adapter_committee import AdapterCommittee
from hf_apt.models.committee.combination_names import COMBINATIONS, require_combination
from hf_apt.models.committee.modeling_committee import SoftCommittee
from hf_apt.models.devices import to_device
from hf_apt.models.encoders import load_encoder
from hf_apt.models.lora import merge_adapter
from hf_apt.records.environment import environment
from hf_apt.records.run import Run
from hf_apt.records.run_folder import require_run_folder, writing_run
from hf_apt.records.schemas import COMMITTEE
from hf_apt.stats.estimates import plain
from hf_apt.studies.answer_cost import cost
from hf_apt.studies.committee_config import CommitteeRunConfig
from hf_apt.studies.committee_curve import committee_curve
from hf_apt.studies.committee_members import MemberPlan, make_member, plan_members
from hf_apt.training.methods.kept_files import keep_files


def measure_committee(
    checkpoints: Sequence[str], config: CommitteeRunConfig, run: Run
) -> dict[str, Any]:
    """The committee of `checkpoints` on the task, also written to `finetune/<task>-committee.json`.

    Which checkpoints are used as they are and which are fine-tuned first: see
    `hf_apt.studies.committee_members.plan_members`. The committee and its tokenizer go to
    `finetune/<task>-committee/`: a `SoftCommittee`, or for several seeds with LoRA an
    `AdapterCommittee`; what methods of the training record of member 1 to its `member-1/`, and so
    on. Of the result, `members` and `reference` have the `accuracy` of each
    (`value`, binomial `standard_error`, `num` of texts); `curves` holds for each combination what
    `hf_apt.studies.committee_curve.CurvePoint` says, by size; `cost` what
    `hf_apt.studies.answer_cost.Cost` says of the committee, its first member and the reference.

    Raises ValueError for a task or members that cannot be used, where objectives of a member, of
    the reference or of the fine-tuning read test texts, for settings out of range, and for a folder
    that is not `run`'s own or that another process writes into.
    """
    require_combination(config.combination)
    require_run_folder(run)
    tested = [*checkpoints, *([] if config.against is None else [config.against])]
    task = open_unread(config.task, *tested, objectives=config.finetune.objectives)
    with writing_run(run):
        return _measured(checkpoints, config, run, task)


def _measured(
    checkpoints: Sequence[str], config: CommitteeRunConfig, run: Run, task: Task
) -> dict[str, Any]:
    training = config.finetune
    plans = plan_members(checkpoints, config.num_seeds, task.label_names, training)
    against = []
    if config.against is not None:
        against = plan_members([config.against], 1, task.label_names, training)
    costs, reference = {}, None
    with tempfile.TemporaryDirectory(prefix="hf_apt-") as scratch:
        made = _made(plans, task, config, Path(scratch))
        costs["committee"] = _cost(made.model, config)
        costs["member"] = _cost(made.first, config)
        for plan in against:
            member = make_member(plan, task, training, Path(scratch))
            reference = member.figures(task)
            costs["reference"] = _cost(merge_adapter(member.encoder.model), config)
        with writing_folder(run.path(f"finetune/{task.name}-committee")) as partial:
            made.model.save_pretrained(partial)
            made.tokenizer.save_pretrained(partial)
            if (Path(scratch) / "recorded").exists():
                shutil.copytree(Path(scratch) / "recorded", partial, dirs_exist_ok=True)
            write_read_texts(partial, texts_of_tasks(training.objectives), *map(Path, checkpoints))
    result = {
        "schema": COMMITTEE,
        "task": task.name,
        "label_names": list(task.label_names),
        "chance": task.chance,
        "provenance": task.provenance,
        "combination": config.combination,
        "members": made.figures,
        "curves": _curves(made.logits_MIC, task, config),
        "reference": reference,
        "cost": costs,
        "config": json.loads(json.dumps(asdict(config))),
        "environment": environment(),
    }
    run.write_json(f"finetune/{task.name}-committee.json", result)
    return result


@dataclass(frozen=True)
class _Made:
    """A committee that is ready to answer, and what its members did."""

    model: SoftCommittee | AdapterCommittee
    first: Any
    tokenizer: Any
    logits_MIC: np.ndarray
    figures: list[dict[str, Any]]


def _made(
    plans: Sequence[MemberPlan], task: Task, config: CommitteeRunConfig, scratch: Path
) -> _Made:
    shares_trunk = bool(config.finetune.lora_rank) and config.num_seeds > 1
    logits, figures, models, adapters, tokenizer = [], [], [], [], None
    for place, plan in enumerate(plans):
        training = scratch / f"training-{place}"
        member = make_member(plan, task, config.finetune, training)
        keep_files(training, scratch / "recorded" / f"member-{place + 1}")
        logits.append(member.logits_IC)
        figures.append(member.figures(task))
        tokenizer = tokenizer or member.encoder.tokenizer
        if shares_trunk:  # one trunk at a time is in memory
            adapters.append(scratch / f"adapter-{place}")
            member.encoder.save(adapters[-1])
        else:
            models.append(merge_adapter(member.encoder.model))
    if shares_trunk:
        base = load_encoder(plans[0].checkpoint, label_names=task.label_names).model
        model = AdapterCommittee.from_adapters(to_device(base), adapters, config.combination)
        first = to_device(load_encoder(str(adapters[0])).model)
    else:
        model = SoftCommittee.from_members(models, config.combination)
        first = models[0]
    return _Made(model, first, tokenizer, np.stack(logits), figures)


def _curves(
    logits_MIC: np.ndarray, task: Task, config: CommitteeRunConfig
) -> dict[str, list[dict[str, Any]]]:
    """The points by combination, as JSON takes them."""
    return {
        combination: plain(
            committee_curve(
                logits_MIC,
                task.test.labels,
                combination,
                max_subsets=config.max_subsets,
                seed=config.finetune.seed,
            )
        )
        for combination in COMBINATIONS
    }


def _cost(model: Any, config: CommitteeRunConfig) -> dict[str, Any]:
    costs = cost(model, config.finetune.sequence_length, num_repeats=config.num_repeats)
    # plain() leaves tuples alone, which may hold NaN.
    return plain(asdict(costs) | {"latencies": [asdict(each) for each in costs.latencies]})
