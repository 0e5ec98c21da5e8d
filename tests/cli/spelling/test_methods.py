"""How methods are spelt, what a configuration keeps of them, and that this takes no torch."""

import json
import subprocess
import sys
from dataclasses import asdict

import pytest

from hf_apt.cli.finetune import finetune_options
from hf_apt.cli.spelling.methods import METHODS, methods_of
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.methods.grouped_gradients import GroupedGradients

GROUPED = "grouped_gradients:num_groups=4,strength=0.5"


def test_each_is_asked_for_by_its_name() -> None:
    for name, made in METHODS.items():
        assert made.__dataclass_fields__["name"].default == name
    assert methods_of([GROUPED]) == (GroupedGradients(num_groups=4, strength=0.5),)
    assert methods_of([]) == ()


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["odd:num_groups=4"], f"there is no method 'odd': there are {', '.join(METHODS)}."),
        ([GROUPED] * 2, "there are two methods named grouped_gradients: give it once"),
        (["grouped_gradients"], "has no num_groups: write grouped_gradients:num_groups=8."),
        ([f"{GROUPED},units=odd"], "the units of grouped_gradients is 'odd': give one of feed_for"),
        (["grouped_gradients:num_groups=0"], "num_groups must be a whole number of at least 1"),
    ],
)
def test_what_is_none_is_answered_with_what_there_is(texts, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        methods_of(texts)


def test_two_of_one_name_are_refused_by_a_configuration() -> None:
    method = GroupedGradients(num_groups=4)
    with pytest.raises(ValueError, match="two methods named grouped_gradients"):
        FinetuneConfig(methods=(method, method))


def test_a_configuration_keeps_them_as_json() -> None:
    _, config, _ = finetune_options(checkpoint="x", method=[GROUPED])
    assert config.finetune is not None
    content = json.loads(json.dumps(asdict(config.finetune)))["methods"]
    assert [each["name"] for each in content] == ["grouped_gradients"]
    assert (content[0]["num_groups"], content[0]["strength"]) == (4, 0.5)
    _, plain, _ = finetune_options(checkpoint="x")
    assert plain.finetune is not None
    assert plain.finetune.methods == ()


def test_they_are_spelt_without_torch() -> None:
    code = "import sys; from hf_apt.cli.spelling.methods import methods_of; "
    code += f"methods_of(['{GROUPED}']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
