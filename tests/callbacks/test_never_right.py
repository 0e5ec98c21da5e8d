"""Tokens that are asked often and never answered right, counted by a loop."""

import json
import math
from collections import Counter
from statistics import median
from typing import Any

import numpy as np
import peft
import pytest
import torch
import torch.distributed as dist
from small_trainers import FAMILIES, MASKED, made, premasked, scalars, stacked, trainer_of
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import distribute_tensor

from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.depths.head_config import HeadConfig
from trainer_callbacks import AptCallback
from trainer_callbacks.never_right import whole_rows


def never(model: Any, data: list[dict[str, Any]]) -> list[int]:
    """Ids asked ten times or more and never right, most often first, of equal ones the lowest."""
    batch = stacked(data)
    with torch.no_grad():
        answers = model(input_ids=batch["input_ids"]).logits.argmax(-1).flatten().tolist()
    asked, right = Counter(), Counter()
    for label, answer in zip(batch["labels"].flatten().tolist(), answers, strict=True):
        if label != -100:
            asked[label] += 1
            right[label] += label == answer
    often = [token for token in sorted(asked) if asked[token] >= 10 and not right[token]]
    return sorted(often, key=lambda token: -asked[token])


@pytest.mark.parametrize("has_words", [True, False])
def test_they_are_named_in_the_tables_and_counted(has_words, tokenizer, tmp_path):
    data = premasked(40, seed=3)
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        processing_class=tokenizer if has_words else None,
        train_dataset=data,
        eval_dataset=data,
        data_collator=stacked,
        callbacks=[AptCallback(detail="all")],
        max_steps=2,
        learning_rate=3e-2,
    )
    trainer.train()
    ids = never(trainer.model.eval(), data)
    entry = json.loads((tmp_path / "apt" / "eval-step-00000002.json").read_text())["never_right"]
    assert 0 < len(ids) < 12
    assert entry["ids"] == ids
    assert entry["min_support"] == 10 <= min(entry["support"])
    assert entry["support"] == sorted(entry["support"], reverse=True)
    assert entry.get("words") == ([f"w{token - 5}" for token in ids] if has_words else None)
    assert scalars(trainer, "eval_num_never_right") == {2: len(ids)}


def test_they_are_not_known_where_answers_are_missing(tokenizer, tmp_path):
    model = made("bert")
    with torch.no_grad():
        model.bert.encoder.layer[-1].output.dense.bias.fill_(math.nan)
    trainer = trainer_of(
        tmp_path, tokenizer, model=model, callbacks=[AptCallback(detail="all")], max_steps=2
    )
    assert math.isnan(trainer.evaluate()["eval_num_never_right"])
    entry = json.loads((tmp_path / "apt" / "eval-step-00000000.json").read_text())["never_right"]
    assert entry == {"min_support": 10, "ids": None, "support": None, "rows": None, "words": None}


def test_few_scalars_leave_it_out(tokenizer, tmp_path):
    trainer = trainer_of(tmp_path, tokenizer, callbacks=[AptCallback()], max_steps=2)
    assert "eval_num_never_right" not in trainer.evaluate()


# The sign of a token that was never trained.

UNUSED, UNTRAINED = range(35, 65), 16
"""Ids that are unused by name, and one that is asked like others."""


def with_unused() -> Any:
    names = [f"[unused{id}]" if id in UNUSED else f"w{id - 5}" for id in range(5, 65)]
    return vocabulary_tokenizer([*SPECIAL_TOKENS, *names])


def with_untrained_rows(family: str) -> Any:
    """A model whose rows of these ids are short, and seldom the answer."""
    model = made(family)
    ids = [*UNUSED, UNTRAINED]
    with torch.no_grad():
        model.get_input_embeddings().weight[ids] *= 0.01
        bias = getattr(model.get_output_embeddings(), "bias", None)
        if bias is not None:
            bias[ids] -= 9.0
    return model


def rows_entry(folder: Any, prefix: str = "eval", step: int = 2) -> dict[str, Any]:
    path = folder / "apt" / f"{prefix}-step-{step:08}.json"
    return json.loads(path.read_text())["never_right"]


def trained(family: str, folder: Any, tokenizer: Any, **changed: Any) -> Any:
    trainer = trainer_of(
        folder,
        tokenizer,
        model=with_untrained_rows(family),
        train_dataset=premasked(40, seed=3),
        eval_dataset=premasked(40, seed=3),
        data_collator=stacked,
        max_steps=2,
        **{"callbacks": [AptCallback()], "learning_rate": 3e-2} | changed,
    )
    trainer.train()
    return trainer


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_their_rows_stand_beside_those_of_unused_ids(family, tmp_path):
    """BERT has tied rows and biases, LLaMA neither."""
    trainer = trained(family, tmp_path, with_unused())
    entry = rows_entry(tmp_path)
    rows, model = entry["rows"], trainer.model
    weight = model.get_input_embeddings().weight.tolist()
    norms = [math.sqrt(sum(value * value for value in row)) for row in weight]
    biases = model.get_output_embeddings().bias.tolist() if family == "bert" else None
    assert UNTRAINED in entry["ids"]
    assert rows["norms"] == pytest.approx([norms[id] for id in entry["ids"]], rel=1e-5)
    assert rows["biases"] == (biases and pytest.approx([biases[id] for id in entry["ids"]]))
    assert rows["unused"]["num"] == len(UNUSED)
    assert rows["unused"]["norm"] == pytest.approx(median(norms[id] for id in UNUSED))
    assert (rows["unused"]["bias"] is None) == (rows["right"]["bias"] is None) == (not biases)
    with np.load(tmp_path / "apt" / "eval-step-00000002.npz") as arrays:
        asked = zip(arrays["hits"][-1].tolist(), arrays["support"].tolist(), strict=True)
    right = [id for id, (hits, support) in enumerate(asked) if hits and support >= 10]
    assert rows["right"]["num"] == len(right) > 0
    assert rows["right"]["norm"] == pytest.approx(median(norms[id] for id in right))
    assert rows["is_reliable"]
    assert rows["look_untrained"] == [id == UNTRAINED for id in entry["ids"]]
    assert rows["num_untrained"] == 1


@pytest.mark.parametrize("has_words", [True, False])
def test_nothing_is_held_against_ids_that_were_merely_not_asked(has_words, tokenizer, tmp_path):
    trained("bert", tmp_path, tokenizer, processing_class=tokenizer if has_words else None)
    rows = rows_entry(tmp_path)["rows"]
    assert len(rows["norms"]) == len(rows["biases"]) > 0
    assert (rows["unused"], rows["look_untrained"], rows["num_untrained"]) == (None, None, None)
    assert not rows["is_reliable"]


def test_of_heads_there_is_no_row(tmp_path):
    config = HeadConfig(num_steps=2, batch_size=4)
    callback = AptCallback(heads="linear", head_config=config)
    trained("bert", tmp_path, with_unused(), callbacks=[callback])
    assert rows_entry(tmp_path)["rows"] is not None
    assert rows_entry(tmp_path, "eval_linear_head")["rows"] is None


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_whole_weights_are_known(family):
    rows = whole_rows(made(family))
    assert rows is not None
    assert (rows.biases_V is not None) == (family in MASKED)


@pytest.mark.parametrize("where", ["embeddings", "head"])
@pytest.mark.parametrize("how", ["DTensor", "no numbers", "freed", "no place", "flat"])
def test_rows_of_sharded_weights_are_not_known(how, where):
    """As FSDP, DeepSpeed and offloading leave weights: none is read, in part or at all."""
    model = made("llama")
    part = model.get_input_embeddings() if where == "embeddings" else model.get_output_embeddings()
    weight = part.weight.detach()
    if how == "DTensor":
        store = dist.HashStore()  # pyright: ignore
        dist.init_process_group("gloo", store=store, rank=0, world_size=1)
        try:
            part.weight = torch.nn.Parameter(
                distribute_tensor(weight, init_device_mesh("cpu", (1,)))
            )
            assert whole_rows(model) is None
        finally:
            dist.destroy_process_group()
        return
    if how == "no numbers":
        part.weight = torch.nn.Parameter(weight.new_empty(0))
    elif how == "freed":
        part.weight.untyped_storage().resize_(0)
    elif how == "no place":
        part.weight = torch.nn.Parameter(weight.to("meta"))
    else:
        part.weight._is_flat_param = True
    assert whole_rows(model) is None


def test_rows_under_adapters_that_change_them_are_not_known():
    config = peft.LoraConfig(target_modules=["word_embeddings"], r=2)
    model = peft.get_peft_model(made("bert"), config)
    base: Any = model.get_base_model()
    assert whole_rows(base) is None
    torch.nn.init.normal_(base.get_input_embeddings().lora_embedding_B["default"])
    model.merge_adapter()
    rows = whole_rows(base)
    assert rows is not None
    merged = base.get_input_embeddings().weight.detach().double().norm(dim=1)
    assert rows.norms_V.tolist() == pytest.approx(merged.tolist(), rel=1e-5)
