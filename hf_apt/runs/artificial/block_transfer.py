"""What blocks that were trained on one corpus are worth on another text and on a task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing_folder
from hf_apt.data.tasks.read_texts import write_read_texts
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.ownership import MARKER
from hf_apt.records.run import Run
from hf_apt.runs.pipeline import begun, measure_run, pretrain_run
from hf_apt.runs.preparation import prepare
from hf_apt.runs.recipes import RunConfig
from hf_apt.runs.starting.read_tasks import require_tests_unread
from hf_apt.runs.starting.starting_model import starting_model
from hf_apt.stats.apt import mean_apt
from hf_apt.studies.block_accuracy import measure_blocks


def transferred(first: RunConfig | None, after: RunConfig, folder: Path, shared: Path) -> dict:
    """Pre-train blocks, carry them to a text, and learn a task without that text and after it.

    Every phase is kept in its folder and not done again.

    Args:
        first: the pre-training of the blocks, in `shared`, which several transfers can have in
            common; None for fresh blocks.
        after: the pre-training on the text that follows, with its task. It starts with all blocks
            of the first, unless it says which, its embeddings being fresh.
        folder: where runs on the text (`text`) and without it (`direct`) are kept.
        shared: the folder of the first pre-training.

    Returns:
        `mean_apt` after each depth and `loss` (cross-entropy in nats) on the text by the own head;
        for `direct` and `after` the accuracy of the task in [0, 1]: `frozen`, by a linear probe of
        the mean state at each depth, and `finetuned`, of the classifier. `direct` is of the carried
        blocks under fresh embeddings, before any text.

    Raises:
        ValueError: where `after` has no task, or objectives read texts that it is tested with, and
            for what runs refuse.
    """
    task = after.finetune
    if task is None or task.finetune is None:
        raise ValueError("the text that follows has no task to fine-tune on: add --task NAME.")
    pretrained = [each.pretrain for each in (first, after) if each is not None]
    require_tests_unread([one for each in pretrained for one in each.objectives], task)
    if first is not None:
        with begun(first, shared) as run:
            pretrain_run(first, run)
        carried = replace(after.pretrain, blocks_of=str(run.path("checkpoint")))
        after = replace(after, pretrain=carried)
    features = FeatureConfig(sequence_length=task.features.sequence_length, poolings=("mean",))
    task = replace(task, features=features, probes=("linear",), confidence=None, untrained=False)
    config = replace(after, finetune=None)
    with begun(config, folder / "text") as text:
        _start(config, text, folder / "direct")
        pretrain_run(config, text)
        measure_run(config, text, str(text.path("checkpoint")))
    readout = text.readout("own_head")
    support_V = readout.counts.support()
    figures: dict[str, Any] = {
        "mean_apt": [mean_apt(hits_V, support_V).value for hits_V in readout.counts.hits()],
        "loss": readout.figures()[-1]["cross_entropy"].value,
    }
    direct = Run(folder / "direct")
    for name, checkpoint, run in (
        ("direct", direct.path("start"), direct),
        ("after", text.path("checkpoint"), text),
    ):
        record = measure_blocks(str(checkpoint), task, run)["models"]["pretrained"]
        frozen = [depth["value"] for depth in record["frozen"]["mean"]["linear"]]
        figures[name] = {"frozen": frozen, "finetuned": record["classifier"]["value"]}
    return figures


def _start(config: RunConfig, text: Run, folder: Path) -> None:
    """Leave the model that the training on a text starts from in `start/` of `folder`."""
    train, _ = prepare(config, text)
    with begun(config, folder) as direct:
        if direct.path("start").exists():
            return
        model, _ = starting_model(config, train)
        with writing_folder(direct.path("start")) as partial:
            model.save_pretrained(partial)
            for file in text.path("tokenizer").iterdir():
                if file.name != MARKER:
                    (partial / file.name).write_bytes(file.read_bytes())
            if config.pretrain.blocks_of is not None:
                write_read_texts(partial, (), Path(config.pretrain.blocks_of))
