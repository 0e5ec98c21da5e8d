"""What the callbacks measure of stock models in plain Trainers, held against loops.

The batches that a measurement asks about are recorded behind the collator; the model is run over
them again, whole, at the same moment.
"""

import copy
import json
import re
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import oracles
import pytest
import torch
from small_trainers import (
    CAUSAL,
    NUM_DEPTHS,
    VOCAB,
    Tables,
    looped,
    scalars,
    trainer_of,
)
from transformers import DataCollatorForLanguageModeling, TrainerCallback

from hf_apt.stats.counts import TREATMENTS, DepthCounts
from trainer_callbacks import AptCallback, AptPlotCallback, ConfusionCallback
from trainer_callbacks.files import StepFiles

TRAINED = ("bert", "roberta", "modernbert", "electra", "gpt2")


class Recorded:
    """A collator that keeps what it made while `recording`.

    In a queue, as a measurement lets an attribute hold afterwards what it held before.
    """

    def __init__(self, collate: Any):
        self.collate = collate
        self.recording = False
        self.made: SimpleQueue[dict[str, torch.Tensor]] = SimpleQueue()

    def batches(self) -> list[dict[str, torch.Tensor]]:
        """What was made since the last time."""
        return [self.made.get() for _ in range(self.made.qsize())]

    def __call__(self, held: list[Any]) -> Any:
        batch = self.collate(held)
        if self.recording:
            self.made.put({name: values.clone() for name, values in batch.items()})
        return batch


class Before(TrainerCallback):
    """Starts recording, and counts how often the first block runs."""

    def __init__(self, collate: Recorded):
        self.collate = collate
        self.num_passes = 0

    def on_train_begin(self, args, state, control, *, model, **event):
        blocks = [module for name, module in model.named_modules() if name.endswith(".0")]
        blocks[0].register_forward_hook(self.count)

    def count(self, *_: Any) -> None:
        self.num_passes += self.collate.recording

    def on_evaluate(self, args, state, control, **event):
        self.collate.batches()
        self.collate.recording, self.num_passes = True, 0


class After(TrainerCallback):
    """Counts the recorded batches again."""

    def __init__(self, family: str, before: Before):
        self.family = family
        self.before = before
        self.tables: dict[int, Tables] = {}
        self.batches: dict[int, list[dict[str, torch.Tensor]]] = {}
        self.passes: dict[int, tuple[int, int]] = {}

    def on_evaluate(self, args, state, control, *, model, **event):
        collate = self.before.collate
        collate.recording = False
        batches = collate.batches()
        self.passes[state.global_step] = (self.before.num_passes, len(batches))
        self.batches[state.global_step] = batches
        self.tables[state.global_step] = looped(self.family, model, batches)


class Trained:
    """A trained model with everything that was counted on the way."""

    def __init__(self, family: str, folder: Path, tokenizer: Any):
        self.family, self.folder = family, folder
        collate = Recorded(DataCollatorForLanguageModeling(tokenizer, mlm=family not in CAUSAL))
        before = Before(collate)
        self.oracle = After(family, before)
        self.trainer = trainer_of(
            folder,
            tokenizer,
            family,
            data_collator=collate,
            max_steps=4,
            learning_rate=5e-2,
            callbacks=[
                before,
                AptCallback(detail="all"),
                ConfusionCallback(detail="all"),
                self.oracle,
            ],
        )
        self.trainer.train()
        self.history = copy.deepcopy(self.trainer.state.log_history)
        self.returned = self.trainer.evaluate()


@pytest.fixture(scope="module", params=TRAINED)
def trained(request, tokenizer, tmp_path_factory) -> Trained:
    return Trained(request.param, tmp_path_factory.mktemp(request.param), tokenizer)


def test_one_pass_serves_both_callbacks(trained):
    """Six batches of at most four rows; nothing else reaches a block."""
    assert trained.oracle.passes == {2: (6, 6), 4: (6, 6)}


def test_hits_and_support_of_every_token_are_those_of_a_loop(trained):
    for step, tables in trained.oracle.tables.items():
        with np.load(trained.folder / "apt" / f"eval-step-{step:08}.npz") as found:
            assert found["hits"].shape == (NUM_DEPTHS, VOCAB)
            for depth, table in tables.items():
                assert found["hits"][depth].tolist() == oracles.hits(table, VOCAB)
                assert found["support"].tolist() == oracles.support(table, VOCAB)
    assert all(sum(oracles.hits(table, VOCAB)) > 0 for table in tables.values())
    assert trained.oracle.tables[2] != trained.oracle.tables[4]


def test_pairs_and_treatments_are_those_of_a_loop(trained):
    for step, tables in trained.oracle.tables.items():
        counts = DepthCounts.load(trained.folder / "confusion" / f"eval-step-{step:08}.npz")
        for depth, table in tables.items():
            pairs = counts.at(depth)
            keys = zip(pairs.keys.tolist(), pairs.counts.tolist(), strict=True)
            assert {divmod(key, VOCAB): number for key, number in keys} == table
        kinds = dict.fromkeys(TREATMENTS, 0)
        for batch in trained.oracle.batches[step]:
            shift = trained.family in CAUSAL
            asked = batch["labels"][:, 1:] if shift else batch["labels"]
            for shown, label in zip(
                batch["input_ids"].flatten().tolist() if not shift else asked.flatten().tolist(),
                asked.flatten().tolist(),
                strict=True,
            ):
                if label != -100:
                    unchanged = not shift and shown == label
                    masked = shift or shown == 4
                    kinds["unchanged" if unchanged else "masked" if masked else "replaced"] += 1
        assert {kind: int(counts.support(kind).sum()) for kind in kinds} == kinds


def expected_scalars(family: str, tables: Tables) -> dict[str, float]:
    """After the definitions, by the slow oracles."""
    accuracy = "next_token_accuracy" if family in CAUSAL else "masked_accuracy"
    expected: dict[str, Any] = {}
    for depth, table in tables.items():
        expected[f"mean_apt_depth_{depth}"] = oracles.mean_apt(table, VOCAB)
        right = sum(oracles.hits(table, VOCAB))
        expected[f"{accuracy}_depth_{depth}"] = right / sum(table.values())
        rows = oracles.normalised(table, VOCAB)
        found = oracles.clusters(rows, 0.05, "mutual")
        expected[f"num_clusters_depth_{depth}"] = len(found)
        expected[f"max_size_depth_{depth}"] = max(map(len, found), default=0)
        if rows:
            strong = oracles.strong_matches(rows, 0.05)
            matched = {i for i, j in strong if (j, i) in strong}
            expected[f"share_with_strong_match_depth_{depth}"] = len(matched) / len(rows)
            noise = oracles.noise_mass(table, VOCAB, 0.05)
            expected[f"noise_mass_depth_{depth}"] = oracles.mean(noise)
    for name in ("mean_apt", accuracy, "num_clusters", "noise_mass"):
        at_last = f"{name}_depth_{NUM_DEPTHS - 1}"
        if at_last in expected:
            expected[name] = expected[at_last]
    last = oracles.apt(tables[NUM_DEPTHS - 1], VOCAB)
    values = [value for value in last if value is not None]
    expected["mean_apt_standard_error"] = oracles.standard_error(values)
    expected["num_tokens"] = len(values)
    num = expected["num_positions"] = sum(tables[NUM_DEPTHS - 1].values())
    share = expected[accuracy]
    expected[f"{accuracy}_standard_error"] = (share * (1 - share) / num) ** 0.5
    return {f"eval_{name}": value for name, value in expected.items()}


OURS = re.compile(
    r"eval_(mean_apt|masked_accuracy|next_token_accuracy|num_clusters|max_size|noise_mass"
    r"|share_with_strong_match|num_tokens|num_positions)(_standard_error|_depth_\d+)?"
)


def of_ours(entry: dict[str, float]) -> dict[str, float]:
    return {n: v for n, v in entry.items() if OURS.fullmatch(n)}


def test_what_is_logged_follows_from_the_loop(trained):
    for step, tables in trained.oracle.tables.items():
        logged: dict[str, float] = {}
        for entry in trained.history:
            if entry["step"] == step:
                assert not logged.keys() & of_ours(entry).keys()
                logged |= of_ours(entry)
        assert logged == pytest.approx(expected_scalars(trained.family, tables))
        assert all(type(value) in (int, float) for value in logged.values())


def test_an_evaluation_returns_what_was_logged(trained):
    """The model has not changed since the last step, and is asked the same."""
    last = trained.oracle.tables[4]
    assert of_ours(trained.returned) == pytest.approx(expected_scalars(trained.family, last))
    assert {"eval_loss", "eval_runtime", "epoch"} < trained.returned.keys()


def test_the_tables_say_the_same(trained):
    for step, tables in trained.oracle.tables.items():
        content = json.loads((trained.folder / "apt" / f"eval-step-{step:08}.json").read_text())
        assert content["step"] == step
        for depth, table in tables.items():
            pooled = content["depths"][depth]["pooled"]
            assert content["depths"][depth]["depth"] == depth
            assert pooled["mean_apt"]["value"] == pytest.approx(oracles.mean_apt(table, VOCAB))
            assert pooled["accuracy"]["num"] == sum(table.values())
        content = json.loads(
            (trained.folder / "confusion" / f"eval-step-{step:08}.json").read_text()
        )
        for depth, table in tables.items():
            clusters = oracles.clusters(oracles.normalised(table, VOCAB), 0.05, "mutual")
            words = trained.trainer.processing_class.convert_ids_to_tokens
            expected = [words(members) for members in clusters]
            assert content["depths"][depth] == {"depth": depth, "clusters": expected}


def test_each_step_has_its_files_and_no_others(trained):
    for folder, kinds in (("apt", ("json", "npz")), ("confusion", ("json", "npz"))):
        names = sorted(path.name for path in (trained.folder / folder).glob("eval*"))
        assert names == sorted(f"eval-step-{step:08}.{kind}" for step in (2, 4) for kind in kinds)
        assert StepFiles(trained.folder / folder).steps() == [2, 4]


def test_the_best_model_can_be_chosen_by_mean_apt(tokenizer, tmp_path):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        callbacks=[AptCallback(), AptPlotCallback()],
        save_strategy="steps",
        save_steps=2,
        metric_for_best_model="eval_mean_apt",
        load_best_model_at_end=True,
        learning_rate=3e-2,
    )
    trainer.train()
    values = scalars(trainer, "eval_mean_apt")
    assert list(values) == [2, 4, 6]
    best = max(values, key=lambda step: values[step])
    assert len(set(values.values())) > 1
    assert trainer.state.best_metric == values[best]
    assert trainer.state.best_global_step == best
    # The best model is measured after training; table and picture of the last step stay.
    before = {path: path.read_bytes() for path in (tmp_path / "apt").glob("eval*")}
    assert trainer.evaluate()["eval_mean_apt"] == values[best]
    assert {path: path.read_bytes() for path in (tmp_path / "apt").glob("eval*")} == before
    assert len(before) == 3 * 3


def test_without_a_processing_class_the_collators_tokenizer_knows_the_mask(tokenizer, tmp_path):
    found = []
    for processing_class in (tokenizer, None):
        folder = tmp_path / str(processing_class is None)
        trainer = trainer_of(
            folder,
            tokenizer,
            processing_class=processing_class,
            max_steps=2,
            callbacks=[AptCallback(), ConfusionCallback(threshold=0.01, definition="weak")],
        )
        trainer.train()
        found.append(json.loads((folder / "apt" / "eval-step-00000002.json").read_text()))
        clusters = json.loads((folder / "confusion" / "eval-step-00000002.json").read_text())
        assert (clusters["definition"], clusters["threshold"]) == ("weak", 0.01)
        kind = str if processing_class else int
        members = [member for at in clusters["depths"] for of in at["clusters"] for member in of]
        assert len(members) > 1
        assert all(type(member) is kind for member in members)
    assert found[0]["depths"] == found[1]["depths"]
    assert {"masked", "pooled"} < found[0]["depths"][0].keys()


def test_names_of_the_users_own_metrics_are_not_taken_for_a_prefix(tokenizer, tmp_path):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        compute_metrics=lambda predictions: {"my_runtime": 1.0, "samples": 2.0},
        callbacks=[AptCallback()],
    )
    assert "eval_mean_apt" in trainer.evaluate()
    assert "test_mean_apt" in trainer.evaluate(metric_key_prefix="test")
    assert StepFiles(tmp_path / "apt").steps("test") == [0]
