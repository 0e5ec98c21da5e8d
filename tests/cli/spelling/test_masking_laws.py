"""How masking laws are spelt, what a configuration keeps of them, and what is refused."""

import json
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from hf_apt.cli.run_options import run_options
from hf_apt.cli.spelling.masking_laws import MASKING_LAWS, masking_law_of
from hf_apt.runs.recipes import demo_recipe, narrow_recipe
from hf_apt.training.masking_laws.of_answers import AbilityMasking, CeilingMasking
from hf_apt.training.pretrain_config import PretrainConfig

SPELT = "ability:every=50,floor=0.1"


def test_each_is_asked_for_by_its_name() -> None:
    for name, made in MASKING_LAWS.items():
        assert masking_law_of(name) == made()
        assert masking_law_of(name).name == name
    assert masking_law_of(SPELT) == AbilityMasking(every=50, floor=0.1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("odd", f"there is no masking law 'odd': there are {', '.join(MASKING_LAWS)}."),
        ("ability:rate=1", "'rate=1' in 'ability:rate=1' is no setting of ability"),
        ("frequency:exponent=x", "the exponent of frequency is 'x': give a number"),
        ("ability:every=0", "every must be a whole number of at least 1, got 0"),
    ],
)
def test_what_is_none_is_answered_with_what_there_is(text, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        masking_law_of(text)


def test_a_run_records_its_law_and_has_none_by_default() -> None:
    config, _ = run_options(corpus="planted", masking_law=SPELT)
    content = json.loads(json.dumps(asdict(config)))["pretrain"]["masking_law"]
    assert (content["name"], content["every"], content["floor"]) == ("ability", 50, 0.1)
    assert run_options(corpus="planted")[0].pretrain.masking_law is None


def test_the_ceiling_is_for_the_planted_language() -> None:
    config = demo_recipe()
    law = replace(config.pretrain, masking_law=CeilingMasking())
    assert replace(config, pretrain=law).pretrain.masking_law == CeilingMasking()
    text = narrow_recipe(run_options(corpus="sotu")[0].corpus)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="ceiling is for the planted language, whose best"):
        replace(text, pretrain=law)


def test_a_largest_rate_below_the_masking_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="than 0.2, and masking_rate is 0.3: give a larger most"):
        PretrainConfig(num_steps=1, masking_rate=0.3, masking_law=AbilityMasking(most=0.2))


def test_next_tokens_are_not_masked() -> None:
    with pytest.raises(ValueError, match="and causal_share is 0.5: leave one of them out"):
        PretrainConfig(num_steps=1, causal_share=0.5, masking_law=AbilityMasking())


def test_they_are_spelt_without_torch_and_numpy() -> None:
    code = "import sys; from hf_apt.cli.spelling.masking_laws import masking_law_of; "
    code += f"masking_law_of('{SPELT}'); print({{'torch', 'numpy'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr
