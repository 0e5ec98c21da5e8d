"""docs/models.md is true: every class it lists is measured, or refused, as it says."""

from functools import cache
from pathlib import Path

import pytest
import transformers
from model_registry.classes import listed_classes
from model_registry.table import page
from model_registry.trial import Trial, WrongError, require_best, trial

from hf_apt.depths.truncation import cut

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
CLASSES = {each.name: each for each in listed_classes()}
_FEW = ["BertForMaskedLM", "ModernBertForMaskedLM", "LlamaForCausalLM"]


@cache
def tried(name: str) -> Trial:
    return trial(CLASSES[name])


@pytest.mark.parametrize("name", _FEW)
def test_is_my_model_class_measured(name):
    seen = tried(name)
    assert (seen.outcome, seen.depths, seen.cuts) == ("measured", 4, 2), seen
    assert f"| `{name}` |" in page([seen])


def test_an_encoder_decoder_is_refused_by_its_reason():
    seen = tried("BartForConditionalGeneration")
    assert seen.outcome == "refused"
    assert "encoder-decoder" in page([seen])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ModernVBertForMaskedLM", "reads images or sounds beside text"),
        ("PerceiverForMaskedLM", "does not answer position by position"),
    ],
)
def test_a_refusal_says_the_true_reason(name, reason):
    seen = tried(name)
    assert seen.outcome == "refused"
    assert reason in seen.reason


def test_a_wrong_answer_is_seen():
    import torch

    logits = torch.eye(5)
    require_best(torch.arange(5), logits, "the last depth")
    with pytest.raises(WrongError, match="the last depth gives 80% of the model's answers"):
        require_best(torch.tensor([0, 1, 2, 3, 3]), logits, "the last depth")


def test_a_depth_read_wrongly_is_no_measured_class(monkeypatch):
    monkeypatch.setattr("model_registry.trial.cut", lambda encoder, depth: cut(encoder, depth - 1))
    assert trial(CLASSES["BertForMaskedLM"]).outcome == "wrong"


@pytest.mark.slow
@pytest.mark.skipif(
    f"with transformers {transformers.__version__};" not in PAGE.read_text(encoding="utf-8")
    if PAGE.exists()
    else True,
    reason="docs/models.md is of another transformers",
)
def test_the_page_is_what_the_program_sees():
    trials = [tried(name) for name in CLASSES]
    masked = [each for each in trials if each.kind == "masked"]
    assert sum(each.outcome == "measured" for each in masked) >= 40
    assert not [each for each in trials if each.outcome == "wrong"]
    assert page(trials) == PAGE.read_text(encoding="utf-8")
