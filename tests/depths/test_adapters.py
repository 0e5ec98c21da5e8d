"""What PEFT puts around a model is measured as it answers: one kind of adapter, or several."""

from typing import Any

import pytest
import torch
from small_trainers import made

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches, model_inputs
from hf_apt.depths.checks.self_test import check
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk

peft = pytest.importorskip("peft")


@pytest.fixture(params=["PeftModel", "PeftMixedModel"])
def adapted(request) -> Any:
    """A model whose adapters change its answers; of several kinds at once, which PEFT calls mixed.

    With it the bare model, in which PEFT has put the adapters too.
    """
    mixed = request.param == "PeftMixedModel"
    base = made("bert")
    lora = peft.LoraConfig(r=2, target_modules=["query", "value"], init_lora_weights=False)
    model = peft.get_peft_model(base, lora, mixed=mixed)
    if mixed:
        model.add_adapter("other", peft.LoHaConfig(r=2, target_modules=["key"], init_weights=False))
        model.set_adapter(["default", "other"])
    assert type(model).__name__ == request.param
    return model.eval(), base


def test_counts_are_those_of_the_whole_model_with_its_adapters(adapted, tokens):
    """Of the last depth by its logits, of the others by the states that it gives and its head."""
    model, base = adapted
    trunk = Trunk(model)
    config = MeasureConfig(masking_rate=0.3)
    counts = measure(trunk, tokens, {"own_head": OwnHead(trunk)}, config)["own_head"].counts
    right = torch.zeros(3, dtype=torch.long)
    without = 0
    for tokens_BT, batch in MaskedBatches(tokens, config).part():
        inputs, asked_BT = model_inputs(tokens, tokens_BT, batch), batch.modified_BT
        with torch.no_grad():
            whole = model(**inputs, output_hidden_states=True)
            with model.disable_adapter():
                bare = model(**inputs).logits
            logits = [base.cls(state) for state in whole.hidden_states]
        assert torch.allclose(logits[-1], whole.logits, atol=1e-5)
        answers = [each[asked_BT].argmax(-1).numpy() for each in (*logits, bare)]
        for depth in range(3):
            right[depth] += int((answers[depth] == batch.labels_BT[asked_BT]).sum())
        without += int((answers[-1] != answers[-2]).sum())
    assert without > 0  # the adapters decide answers
    assert counts.hits().sum(axis=1).tolist() == right.tolist()


def test_the_self_test_finds_no_fault(adapted):
    report = check(adapted[0], None)
    assert report.passed, report
