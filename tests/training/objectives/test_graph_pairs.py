"""Laws of pairs of linked texts in pre-training: no weight no trace, however a step is divided."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from workers.objectives import NUM_STEPS, GradientsKept, logged, pretraining

from hf_apt.cli.objectives import objective_of
from hf_apt.training.objective import Step
from hf_apt.training.objectives.graph_pairs import GraphPairs
from hf_apt.training.representation.pair_losses import contrastive_loss, multi_similarity_loss
from hf_apt.training.resume import last_checkpoint

NUM_TEXTS = 24


@pytest.fixture(scope="module")
def links(tmp_path_factory) -> str:
    """A ring of texts, each of two or three words."""
    texts = [f"w{number} w{(7 * number) % 60} w{number % 5}" for number in range(NUM_TEXTS)]
    file = tmp_path_factory.mktemp("links") / "links.csv"
    pairs = (f"{texts[at]},{texts[(at + 1) % NUM_TEXTS]}" for at in range(NUM_TEXTS))
    file.write_text("\n".join(["first,second", *pairs]))
    return str(file)


@pytest.fixture
def made(tokens, tokenizer, tmp_path, links):
    """A Trainer of a small BERT-6 with this weight and these settings; None for no objective."""
    folder = str(Path(tokens.ids.filename).parent)

    def made(weight: float | None, settings: str = "", **options: Any) -> Any:
        table = "" if "links=" in settings else f",links={links}"
        spelled = f"graph_pairs:weight={weight},num_anchors=4{table}{settings}"
        objectives = () if weight is None else (objective_of(spelled),)
        return pretraining(
            str(tmp_path / "run"), folder, objectives, tokenizer=tokenizer, **options
        )

    return made


def gradients_of(trainer: Any) -> dict[str, np.ndarray]:
    kept = GradientsKept()
    trainer.add_callback(kept)
    trainer.train()
    return {
        f"{at}.{name}": grad for at, each in enumerate(kept.steps) for name, grad in each.items()
    }


def assert_close(result: dict, expected: dict) -> None:
    assert set(result) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(result[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


def term_of(trainer: Any) -> Any:
    return trainer._terms[0]


def vectors_of(trainer: Any, number: int, pooling: str) -> tuple[torch.Tensor, Any]:
    """What transformers shows as the last states of a group's texts, pooled in a loop."""
    term = term_of(trainer)
    group = term.groups.group(number)
    rows = []
    for node in group.nodes:
        ids = torch.tensor([term.texts.rows[node]])
        with torch.no_grad():
            state = trainer.model(ids, output_hidden_states=True).hidden_states[-1][0]
        rows.append(state[0] if pooling == "cls" else state.mean(dim=0))
    return torch.stack(rows), group


def test_without_a_weight_it_is_the_plain_trainer_to_the_bit(made):
    def observed(weight: float | None) -> tuple[dict, dict, torch.Tensor]:
        trainer = made(weight, dropout=0.2)
        trainer.train()
        return logged(trainer), trainer.model.state_dict(), torch.get_rng_state()

    logs, weights, state = observed(0.0)
    expected_logs, expected, expected_state = observed(None)
    assert logs == expected_logs
    assert torch.equal(state, expected_state)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    moved, _, _ = observed(0.5)
    assert moved != expected_logs


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_loss_is_that_of_the_states_that_transformers_shows(made, pooling):
    trainer = made(1.0, f",pooling={pooling}")
    trainer.model.eval()
    vectors, group = vectors_of(trainer, 3, pooling)
    pairs = [torch.from_numpy(each) for each in (group.linked, group.unlinked)]
    found = term_of(trainer).group_loss(trainer.model, 3, torch.device("cpu"))
    assert float(found.detach()) == pytest.approx(
        float(multi_similarity_loss(vectors, *pairs)), 1e-4
    )
    trainer = made(1.0, f",pooling={pooling},loss=contrastive")
    trainer.model.eval()
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    expected = contrastive_loss(unit, *pairs, positive_margin=0.2, negative_margin=1.0)
    found = term_of(trainer).group_loss(trainer.model, 3, torch.device("cpu"))
    assert float(found.detach()) == pytest.approx(float(expected), 1e-4)


def test_gradients_are_the_plain_ones_and_weight_times_the_loss_of_a_group(made):
    """So that 1 - l times them, for the weight l / (1 - l), is the gradient of the paper's sum."""
    share = 0.3
    plain, both = (gradients_of(made(weight)) for weight in (None, share / (1 - share)))
    alone = made(1.0)
    alone.model.train()
    loss = term_of(alone).group_loss(alone.model, 0, torch.device("cpu"))
    loss.backward()
    slopes = {name: each.grad for name, each in alone.model.named_parameters()}
    reached = {name for name, slope in slopes.items() if slope is not None}
    assert not any("cls" in name or "decoder" in name for name in reached), "no head, no masks"
    for name, slope in slopes.items():
        own = 0 if slope is None else slope.numpy()
        np.testing.assert_allclose(
            (1 - share) * both[f"0.{name}"],
            (1 - share) * plain[f"0.{name}"] + share * own,
            rtol=1e-4,
            atol=1e-6,
            err_msg=name,
        )
    assert max(slopes[name].abs().max() for name in reached) > 1e-2


@pytest.mark.parametrize("num_groups", [1, 3])
def test_accumulation_changes_nothing(made, num_groups):
    settings = f",num_groups={num_groups}"
    whole, divided = made(0.5, settings), made(0.5, settings, accumulation_steps=4)
    assert_close(gradients_of(divided), gradients_of(whole))
    assert_close(logged(divided), logged(whole))


@pytest.mark.slow
def test_two_processes_change_nothing(tokens, tmp_path, links, made, checkpoint):
    worker = Path(__file__).parents[2] / "support/workers" / "objectives.py"
    job = {
        "kind": "pretraining",
        "folder": str(tmp_path / "several"),
        "tokens": str(Path(tokens.ids.filename).parent),
        "objectives": [f"graph_pairs:weight=0.5,links={links},num_anchors=4,num_groups=3"],
        "tokenizer": str(checkpoint),
    }
    (tmp_path / "several").mkdir()
    path = [str(worker.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(worker), json.dumps([job])),
        ],
        check=True,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path)},
    )
    expected = gradients_of(made(0.5, ",num_groups=3"))
    for rank in range(2):
        with np.load(tmp_path / f"several/0-{rank}.npz") as kept:
            assert_close(dict(kept), expected)


def test_a_resumed_training_ends_as_one_without_a_break(made):
    whole = made(0.5, dropout=0.2, save_every=1)
    whole.train()
    resumed = made(0.5, dropout=0.2, save_every=1)
    folder = Path(resumed.args.output_dir)
    assert last_checkpoint(folder) is not None
    resumed.train(resume_from_checkpoint=str(folder / f"checkpoint-{NUM_STEPS - 1}"))
    assert resumed.state.global_step == NUM_STEPS
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name


@pytest.mark.slow
def test_bfloat16_is_finite_and_nearly_the_same(made):
    losses, expected = (
        [each["graph_pairs"] for each in trainer.state.log_history if "loss" in each]
        for trainer in (made(0.5, precision="bf16"), made(0.5))
        if trainer.train()
    )
    assert losses == pytest.approx(expected, rel=0.05)
    assert losses != expected


def test_it_is_learnt(made, tmp_path):
    """Texts of one first word are linked."""
    table = tmp_path / "groups.csv"
    texts = [f"w{at // 4} w{20 + 3 * at}" for at in range(12)]
    pairs = [(a, b) for a in range(12) for b in range(12) if a // 4 == b // 4 and a != b]
    table.write_text("\n".join(["a,b", *(f"{texts[a]},{texts[b]}" for a, b in pairs)]))
    trainer = made(5.0, f",links={table}", num_steps=40)
    trainer.train()
    losses = [each["graph_pairs"] for each in trainer.state.log_history if "loss" in each]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


@pytest.mark.parametrize("graph", ["nearest", "dropout", "labels"])
def test_graphs_that_need_no_table(graph, tokens, tokenizer, tmp_path):
    texts = tmp_path / "texts.csv"
    rows = (f"w{at} w{at // 2} w{at // 5},{'ab'[at % 2]}" for at in range(20))
    texts.write_text("\n".join(["text,label", *rows]))
    name = "task:" + str(texts) if graph == "labels" else str(texts)
    objective = objective_of(f"graph_pairs:weight=1,graph={graph},texts={name},num_anchors=2")
    trainer = pretraining(
        str(tmp_path / "run"),
        str(Path(tokens.ids.filename).parent),
        (objective,),
        tokenizer=tokenizer,
        dropout=0.1,
    )
    trainer.train()
    losses = [each["graph_pairs"] for each in trainer.state.log_history if "loss" in each]
    assert len(losses) == NUM_STEPS
    assert all(np.isfinite(losses))
    assert len(set(losses)) == NUM_STEPS


def test_pairs_of_dropout_need_dropout_and_another_text(tokens, tokenizer, tmp_path):
    texts = tmp_path / "texts.csv"
    texts.write_text("\n".join(["text", *(f"w{at} w{at // 2}" for at in range(20))]))
    objective = GraphPairs(weight=1, graph="dropout", texts=str(texts), num_anchors=1)
    folder = str(Path(tokens.ids.filename).parent)
    with pytest.warns(UserWarning, match="has none: every text matches itself"):
        pretraining(str(tmp_path / "plain"), folder, (objective,), tokenizer=tokenizer)
    trainer = pretraining(
        str(tmp_path / "run"), folder, (objective,), tokenizer=tokenizer, dropout=0.1
    )
    trainer.train()
    losses = [each["graph_pairs"] for each in trainer.state.log_history if "loss" in each]
    assert len(set(losses)) == NUM_STEPS


def test_its_settings_are_in_its_json():
    content = json.loads(json.dumps(asdict(GraphPairs(weight=0.1, links="links.csv"))))
    assert content["name"] == "graph_pairs"
    assert (content["weight"], content["loss"], content["margin"]) == (
        0.1,
        "multi_similarity",
        10.0,
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"weight": -1.0}, "weight of graph_pairs is -1.0: give a finite number"),
        ({"num_anchors": 0}, "num_anchors must be a whole number"),
        (
            {"num_neighbours": 3},
            "num_neighbours is of graph=nearest, and .* has graph=links: leave",
        ),
        ({"positive_margin": 0.1}, "positive_margin is of loss=contrastive, and"),
        ({"loss": "contrastive", "margin": 1.0}, "margin is of loss=multi_similarity, and"),
        ({"sequence_length": 2}, "sequence_length must be a whole number of at least 3, got 2"),
        ({"negative_scale": 0.0}, "negative_scale must be a finite number above 0"),
        ({"threshold": float("nan")}, "threshold must be a finite number, got nan"),
        ({"loss": "triplet"}, "loss is 'triplet': choose one of multi_similarity, contrastive"),
        ({"links": ""}, "the graph of graph_pairs is 'links' and its links '': give links=FILE"),
        ({"graph": "labels"}, "is 'labels' and its links 'links.csv': give"),
        ({"graph": "labels", "links": ""}, "with graph=labels has no texts: give texts=FILE"),
        ({"graph": "dropout", "links": "", "texts": "t", "rewire": True}, "has no links to rewire"),
    ],
)
def test_settings_out_of_range_are_refused(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        GraphPairs(**({"weight": 1.0, "links": "links.csv"} | changed))


def test_without_a_trainer_it_says_what_to_call():
    step: Any = Step
    with pytest.raises(ValueError, match="no texts outside of a training: call what in_training"):
        GraphPairs(weight=1.0, links="links.csv")(step)


def test_without_a_tokenizer_it_says_what_to_give(tokens, tmp_path, links):
    with pytest.raises(ValueError, match="graph_pairs reads texts of its own, and the Trainer has"):
        pretraining(
            str(tmp_path),
            str(Path(tokens.ids.filename).parent),
            (GraphPairs(weight=1.0, links=links, num_anchors=4),),
        )
