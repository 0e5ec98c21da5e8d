"""How objectives are spelt, which sentence answers what is none, and what a run keeps of them."""

import json
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from hf_apt.cli.objectives import OBJECTIVES, objective_of, objectives_of
from hf_apt.records.run import Run
from hf_apt.runs.pipeline import begin
from hf_apt.runs.recipes import demo_recipe
from hf_apt.training.objectives.entropy import ConfidencePenalty
from hf_apt.training.objectives.r_drop import RDrop


def test_names_and_weights_are_read():
    assert objective_of("r_drop:weight=1") == RDrop(weight=1.0)
    assert objective_of("confidence_penalty:weight=2.5e-1") == ConfidencePenalty(weight=0.25)
    assert objectives_of(["r_drop:weight=1", "confidence_penalty:weight=0"]) == (
        RDrop(weight=1.0),
        ConfidencePenalty(weight=0.0),
    )
    assert objectives_of([]) == ()


def test_each_is_asked_for_by_its_name():
    needed = {"graph_pairs": ",links=links.csv", "rademacher": ",texts=a.txt"}
    for name in OBJECTIVES:
        assert objective_of(f"{name}:weight=1{needed.get(name, '')}").name == name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rdrop:weight=1", "there is no objective 'rdrop': there are .*, r_drop, "),
        ("", "there is no objective '': there are .*, r_drop, "),
        ("r_drop", "'r_drop' has no weight: write r_drop:weight=1."),
        ("r_drop:alpha=1", "'alpha=1' in 'r_drop:alpha=1' is no setting of r_drop: there are weig"),
        ("r_drop:name=other,weight=1", "'name=other' in .* is no setting of r_drop"),
        ("r_drop:weight", "'weight' in 'r_drop:weight' is no setting of r_drop"),
        ("r_drop:weight=1,weight=2", "'weight=2' in .* there are weight, each once"),
        ("r_drop:weight=much", "the weight of r_drop is 'much': give a number, as in r_drop:w"),
        ("r_drop:weight=-1", "the weight of r_drop is -1.0: give a finite number of at least 0"),
        ("r_drop:weight=nan", "the weight of r_drop is nan: give a finite number"),
    ],
)
def test_what_is_none_is_answered_with_what_there_is(text, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        objective_of(text)
    assert str(refused.value).endswith(".")
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_two_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two objectives named r_drop"):
        objectives_of(["r_drop:weight=1", "r_drop:weight=2"])


def test_they_are_spelt_without_torch():
    code = "import sys; from hf_apt.cli.objectives import objective_of; "
    code += "objective_of('r_drop:weight=1'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr


# What a run keeps of them.


def with_objectives(*objectives):
    recipe = demo_recipe()
    return replace(recipe, pretrain=replace(recipe.pretrain, objectives=objectives))


def begun(folder, config) -> Run:
    """A run whose training has begun."""
    run = begin(config, folder)
    run.path("training/checkpoint-1").mkdir(parents=True, exist_ok=True)
    return run


def test_a_run_keeps_their_names_and_weights(tmp_path):
    run = begun(tmp_path, with_objectives(RDrop(weight=0.5), ConfidencePenalty(weight=0.1)))
    assert run.read_json("config.json")["pretrain"]["objectives"] == [
        {"name": "r_drop", "weight": 0.5},
        {"name": "confidence_penalty", "weight": 0.1},
    ]
    begin(with_objectives(RDrop(weight=0.5), ConfidencePenalty(weight=0.1)), tmp_path)


@pytest.mark.parametrize("other", [(), (RDrop(weight=1.0),), (ConfidencePenalty(weight=0.5),)])
def test_a_run_with_another_objective_is_another_run(other, tmp_path):
    begun(tmp_path, with_objectives(RDrop(weight=0.5)))
    with pytest.raises(ValueError, match=r"holds a run with other options: pretrain\.objectives"):
        begin(with_objectives(*other), tmp_path)


def test_a_run_begun_before_there_were_any_goes_on(tmp_path):
    config = demo_recipe()
    content = json.loads(json.dumps(asdict(config)))
    del content["pretrain"]["objectives"], content["finetune"]["finetune"]["objectives"]
    run = begun(tmp_path, config)
    run.write_json("config.json", content)
    begin(config, tmp_path)
    assert run.read_json("config.json")["pretrain"]["objectives"] == []
