"""Laws of checkpoints to measure: a causal one is asked for every next token, and says so."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, models, pre_tokenizers

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import Tokens, write_tokens
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.records.run import Run
from hf_apt.runs.measured_checkpoint import is_causal_checkpoint
from hf_apt.stats.counts import DepthCounts
from trainer_callbacks import AptCallback

END = "<|endoftext|>"


@pytest.fixture(scope="module")
def causal_tokenizer() -> Any:
    """A tokenizer as GPT-2's: no mask, no padding, nothing around a text, and one special token."""
    words = {END: 0} | {f"w{number}": number + 1 for number in range(60)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=END))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, bos_token=END, unk_token=END
    )


@pytest.fixture(scope="module")
def gpt(causal_tokenizer, tmp_path_factory) -> Path:
    """A checkpoint of a tiny GPT-2."""
    folder = tmp_path_factory.mktemp("gpt") / "checkpoint"
    torch.manual_seed(5)
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32, "vocab_size": 61}
    config = hf.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0, initializer_range=0.5)
    hf.GPT2LMHeadModel(config).save_pretrained(folder)
    causal_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(params=["first", "packed"])
def layout(request) -> str:
    return request.param


@pytest.fixture
def measured(gpt, call, documents, layout, tmp_path) -> Run:
    """The run of `hf-apt measure` of that checkpoint, and what it printed in `printed.txt`."""
    text = tmp_path / "text.txt"
    text.write_text("\n".join(documents))
    options = ["--sequence-length=24", "--layout", layout, "-o", tmp_path / "run"]
    code, printed, error = call("measure", gpt, text, *options)
    assert code == 0, error
    (tmp_path / "printed.txt").write_text(printed)
    return Run(tmp_path / "run")


def of_callback(gpt: Path, tokenizer: Any, rows: list[list[int]], folder: Path) -> Any:
    """Hits (D, V) and support (V,) by AptCallback in a stock Trainer with the stock collator."""
    tokenizer.pad_token = END
    trainer = hf.Trainer(
        model=hf.GPT2LMHeadModel.from_pretrained(gpt),
        args=hf.TrainingArguments(
            str(folder), per_device_eval_batch_size=7, report_to=[], use_cpu=True
        ),
        eval_dataset=[{"input_ids": row} for row in rows],
        data_collator=hf.DataCollatorForLanguageModeling(tokenizer, mlm=False),
        processing_class=tokenizer,
        callbacks=[AptCallback()],
    )
    trainer.evaluate()
    return np.load(next((folder / "apt").glob("*.npz")))


def looped(gpt: Path, rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Hits (V,) of the whole model and support (V,), position by position."""
    model = hf.GPT2LMHeadModel.from_pretrained(gpt).eval()
    hits_V, support_V = np.zeros((2, 61), np.int64)
    for row in rows:
        with torch.no_grad():
            answers = model(torch.tensor([row])).logits[0].argmax(-1).tolist()
        for answer, following in zip(answers[:-1], row[1:], strict=True):
            if following:
                support_V[following] += 1
                hits_V[following] += answer == following
    return hits_V, support_V


def rows_of(tokens: Tokens) -> list[list[int]]:
    return [row.tolist() for row in np.split(np.asarray(tokens.ids), tokens.starts[1:-1])]


def test_its_counts_are_those_of_the_callback_and_of_a_loop(
    measured, gpt, causal_tokenizer, layout, tmp_path
) -> None:
    counts = measured.counts("own_head")
    rows = rows_of(Tokens(measured.path("tokens/validation")))
    assert (0 in {token for row in rows for token in row}) == (layout == "packed")
    table = of_callback(gpt, causal_tokenizer, rows, tmp_path / "trainer")
    assert np.array_equal(counts.hits(), table["hits"])
    assert np.array_equal(counts.support(), table["support"])
    hits_V, support_V = looped(gpt, rows)
    assert np.array_equal(counts.hits()[-1], hits_V)
    assert np.array_equal(counts.support(), support_V)
    assert support_V.sum() > 1000
    assert 0 < hits_V.sum() < support_V.sum()


def test_page_table_and_summary_say_that_nothing_is_masked(measured, tmp_path) -> None:
    summary = measured.read_json("summary.json")
    assert summary["model"]["predicts"] == "next token"
    asked = summary["masking"]
    assert asked["asked"] == "next tokens, nothing is masked"
    assert (asked["rate"], asked["seed"], asked["num_modified"]) == (None, None, {})
    printed = " ".join((tmp_path / "printed.txt").read_text().split())
    assert "accuracy: of all positions (next tokens, nothing is masked)" in printed
    assert "modified" not in printed
    page = measured.path("report.html").read_text()
    page = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S)
    assert "nothing is masked" in page
    assert "next-token accuracy" in page
    for wrong in ("masked accuracy", "masked<br>accuracy", "modified", "MLM head", "were masked"):
        assert wrong not in page
    assert "By treatment" not in page


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--realisations=3", "nothing is masked, so that num_realisations=3 says nothing"),
        ("--heads=linear", "heads are trained to fill masks"),
    ],
)
def test_masking_options_are_refused(gpt, call, option, sentence, tmp_path) -> None:
    (tmp_path / "text.txt").write_text("w1 w2\n" * 40)
    code, _, error = call("measure", gpt, tmp_path / "text.txt", option, "-o", tmp_path / "run")
    assert code == 2
    assert sentence in error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "changed", [{"masking_rate": 0.3}, {"seed": 1}, {"num_realisations": 2}], ids=str
)
def test_in_python_too(gpt, causal_tokenizer, documents, changed, tmp_path) -> None:
    causal_tokenizer.pad_token = END
    sizes: Any = {"sequence_length": 24, "layout": "first"}
    tokens = write_tokens(tmp_path / "tokens", documents, causal_tokenizer, **sizes)
    trunk = Trunk(hf.GPT2LMHeadModel.from_pretrained(gpt))
    config = MeasureConfig(num_sequences=20)
    counts = measure(trunk, tokens, {"own": OwnHead(trunk)}, config)["own"].counts
    assert isinstance(counts, DepthCounts)
    assert counts.support().sum() == sum(len(row) - 1 for row in rows_of(tokens)[:20])
    assert not counts.support("replaced").any()
    with pytest.raises(ValueError, match="nothing is masked, so that"):
        measure(trunk, tokens, {"own": OwnHead(trunk)}, replace(config, **changed))
    with pytest.raises(ValueError, match="have no mask token, and nothing can be masked"):
        tokens.masking(seed=0)


def test_a_masked_model_reads_no_tokens_without_a_mask(
    tiny_model, causal_tokenizer, documents, tmp_path
) -> None:
    causal_tokenizer.pad_token = END
    sizes: Any = {"sequence_length": 24, "layout": "first"}
    tokens = write_tokens(tmp_path / "tokens", documents, causal_tokenizer, **sizes)
    trunk = Trunk(tiny_model)
    with pytest.raises(ValueError, match="have no mask token: write them with a tokenizer that"):
        measure(trunk, tokens, {"own": OwnHead(trunk)}, MeasureConfig())


@pytest.mark.parametrize("model_type", ["gpt2", "llama"])
def test_causal_models_are_known_by_their_configuration(tmp_path, model_type) -> None:
    hf.AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    assert is_causal_checkpoint(str(tmp_path))


@pytest.mark.parametrize("model_type", ["bert", "roberta", "modernbert", "esm", "xlnet"])
def test_models_that_read_both_ways_are_masked(tmp_path, model_type) -> None:
    hf.AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    assert not is_causal_checkpoint(str(tmp_path))


def test_what_cannot_be_read_is_left_to_whoever_loads_it(tmp_path) -> None:
    assert not is_causal_checkpoint(str(tmp_path / "nothing"))
    assert not is_causal_checkpoint("bert6-narrow-wikipedia")


def test_a_measurement_of_a_causal_model_has_no_card(measured, call) -> None:
    code, _, error = call("publish", "card", measured.folder, "--repo=a/b", "--dry-run")
    assert code == 2
    assert "it has no training" in error
    assert json.loads(measured.path("model.json").read_text())["model_type"] == "gpt2"


def test_a_masked_type_that_decodes_is_said_to_be_asked_for_next_tokens(
    tokenizer, documents, call, tmp_path
) -> None:
    """What is asked follows what the model does; so does what is said of it."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = hf.BertConfig(
        vocab_size=len(tokenizer), intermediate_size=32, is_decoder=True, **sizes
    )
    hf.BertLMHeadModel(config).save_pretrained(tmp_path / "decoder")
    tokenizer.save_pretrained(tmp_path / "decoder")
    text = tmp_path / "text.txt"
    text.write_text("\n".join(documents))
    call("measure", tmp_path / "decoder", text, "--sequence-length", 16, "-o", tmp_path / "run")
    summary = Run(tmp_path / "run").read_json("summary.json")
    assert summary["model"]["predicts"] == "next token"
    assert summary["masking"]["rate"] is None
