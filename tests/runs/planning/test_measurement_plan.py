"""Laws of `hf-apt measure --dry-run`: it foretells what is measured then, and makes nothing."""

import json
import re
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    AlbertConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertConfig,
    DebertaV2Config,
    GPT2Config,
    LlamaConfig,
    RobertaConfig,
)

from hf_apt import cli
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.records.run import Run
from hf_apt.runs import dry_run
from hf_apt.runs.machine_speed import Speed
from hf_apt.runs.pipeline import begun, measure_run
from hf_apt.runs.planning import checkpoint_costs as costs_module
from hf_apt.runs.planning.checkpoint_costs import StackCosts, checkpoint_costs
from hf_apt.runs.planning.measurement_plan import measurement_plan
from hf_apt.runs.planning.text_size import text_size
from hf_apt.runs.recipes import measurement_recipe

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
MASKED = [
    BertConfig(**SMALL, vocab_size=90, intermediate_size=48),
    RobertaConfig(**SMALL, vocab_size=90, intermediate_size=128),
    AlbertConfig(**SMALL, vocab_size=90, intermediate_size=48),
]
CAUSAL = [
    GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=90),
    LlamaConfig(**SMALL, vocab_size=90, intermediate_size=52),
]


@pytest.fixture
def quick(monkeypatch):
    """A trial that takes no time."""
    fast = Speed(trunk_training=1e10, head_training=1e10, trunk_reading=1e10, head_reading=1e10)
    monkeypatch.setattr(dry_run, "machine_speed", lambda *_, **__: fast)


@pytest.fixture
def bert(tokenizer, tmp_path):
    """A folder with a random model and its tokenizer."""
    config = BertConfig(**SMALL, vocab_size=len(tokenizer), intermediate_size=48)
    AutoModelForMaskedLM.from_config(config).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    return str(tmp_path / "bert")


def texts(path, number, length=30):
    words = (" ".join(f"w{(7 * n + k) % 60}" for k in range(length + n % 5)) for n in range(number))
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in words))
    return CorpusSource(name=str(path))


def recipe(source, checkpoint, **changes):
    from dataclasses import replace

    made = measurement_recipe(source, checkpoint, **changes)
    return replace(made, sequence_length=16)


@pytest.mark.parametrize("config", [*MASKED, *CAUSAL], ids=lambda config: config.model_type)
def test_the_flops_are_those_that_torch_counts(config, tmp_path):
    """Of the whole model at every position, its weights nowhere; to the last one."""
    config.save_pretrained(tmp_path)
    found = checkpoint_costs(str(tmp_path), vocab_size=90, sequence_length=16)
    kind = AutoModelForMaskedLM if config in MASKED else AutoModelForCausalLM
    model = kind.from_config(config, attn_implementation="eager").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.ones(1, 16, dtype=torch.long))
    assert found.trunk_flops(16) + 16 * found.head_flops() == counter.get_total_flops()
    assert found.num_parameters == model.num_parameters()


@pytest.mark.parametrize("config", MASKED[:2], ids=lambda config: config.model_type)
def test_what_is_not_counted_is_reckoned_from_the_weights(config, tmp_path, monkeypatch):
    config.save_pretrained(tmp_path)
    counted = checkpoint_costs(str(tmp_path), vocab_size=90, sequence_length=16)
    monkeypatch.setattr(costs_module, "counted_costs", uncountable)
    found = checkpoint_costs(str(tmp_path), vocab_size=90, sequence_length=16)
    assert isinstance(found, StackCosts)
    assert found.trunk_flops(16) == pytest.approx(counted.trunk_flops(16), rel=0.02)
    assert found.head_flops() == counted.head_flops()
    assert found.num_parameters == counted.num_parameters


def uncountable(*_, **__):
    raise ValueError("shapes depend on numbers")


def test_a_checkpoint_of_ours_costs_what_its_run_said():
    found = checkpoint_costs("bert6-narrow-wikipedia", vocab_size=8192, sequence_length=128)
    assert found.shape.num_blocks == 6
    assert found.shape.hidden_size == 128
    assert found.vocab_size == 8192


def test_what_cannot_be_foretold_is_refused(tmp_path, monkeypatch):
    AlbertConfig(**SMALL, vocab_size=90, intermediate_size=48).save_pretrained(tmp_path / "albert")
    monkeypatch.setattr(costs_module, "counted_costs", uncountable)
    with pytest.raises(ValueError, match=r"albert would take .* no stack of 2 blocks: leave out"):
        checkpoint_costs(str(tmp_path / "albert"), vocab_size=90, sequence_length=16)
    MASKED[0].save_pretrained(tmp_path / "bert")
    with pytest.raises(ValueError, match="the tokenizer has 91 tokens and the model only 90"):
        checkpoint_costs(str(tmp_path / "bert"), vocab_size=91, sequence_length=16)
    with pytest.raises(ValueError, match="longer than the model's 512 positions"):
        checkpoint_costs(str(tmp_path / "bert"), vocab_size=90, sequence_length=513)
    (tmp_path / "bert" / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="is no language-model checkpoint"):
        checkpoint_costs(str(tmp_path / "bert"), vocab_size=90, sequence_length=16)


# What is asked.


@pytest.mark.parametrize("layout", ["first", "packed"])
def test_what_is_foretold_is_what_is_measured(quick, bert, tmp_path, layout):
    """Sequences exactly, positions within four standard errors of the draw."""
    from dataclasses import replace

    config = recipe(texts(tmp_path / "a.jsonl", 300), bert)
    config = replace(config, layout=layout, measure=MeasureConfig(num_realisations=2))
    folder = tmp_path / "run"
    foretold = measurement_plan(bert, config, folder)
    assert not folder.exists()
    with begun(config, folder) as run:
        measure_run(config, run, bert)
    counts = Run(folder).counts("own_head")
    asked = int(counts.support().sum())
    assert foretold.held_out.certainty == "exact"
    assert foretold.num_asked == pytest.approx(asked, abs=4 * asked**0.5)
    assert [cost.name for cost in foretold.phases] == ["measuring"]
    (again,) = {measurement_plan(bert, config, folder).held_out}  # from the tokens
    assert again == foretold.held_out
    assert measurement_plan(bert, config, folder).done == {"measuring"}


@pytest.mark.parametrize("layout", ["first", "packed"])
def test_a_causal_model_is_asked_for_every_next_token(quick, tokenizer, tmp_path, layout):
    from dataclasses import replace

    config = GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=len(tokenizer))
    folder = str(tmp_path / "gpt2")
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    config = replace(recipe(texts(tmp_path / "a.jsonl", 50), folder), layout=layout)
    foretold = measurement_plan(folder, config, tmp_path / "run")
    with begun(config, tmp_path / "run") as run:
        measure_run(config, run, folder)
    assert foretold.num_asked == Run(tmp_path / "run").counts("own_head").support().sum()


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_long_text_is_reckoned_from_its_beginning(tokenizer, bert, tmp_path, share):
    source = texts(tmp_path / "a.jsonl", 5000)
    config = recipe(source, bert, validation_share=share)
    found = text_size(config, config.corpus, Run(tmp_path / "none"), tokenizer)
    assert found.certainty == "about"
    # 31 to 35 tokens with the separator, 14 in a sequence.
    assert found.num_sequences == pytest.approx(share * 5000 * 33 / 14, rel=0.15)
    assert found.num_positions == pytest.approx(share * 5000 * 32, rel=0.15)


def test_a_text_with_files_for_validation_is_looked_at_there(tokenizer, bert, tmp_path):
    (tmp_path / "text").mkdir()
    texts(tmp_path / "text" / "train.jsonl", 3000)
    texts(tmp_path / "text" / "valid.jsonl", 40)
    config = recipe(CorpusSource(name=str(tmp_path / "text")), bert)
    found = text_size(config, config.corpus, Run(tmp_path / "none"), tokenizer)
    assert found.certainty == "exact"
    assert found.num_sequences == 40 * 33 // 14


# The command.


@pytest.fixture
def printed(monkeypatch, capsys, tmp_path):
    """What the command line prints, in an empty folder; its exit code and errors."""

    def called(*arguments: object) -> tuple[int, str, str]:
        (tmp_path / "here").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / "here")
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "argv", ["hf-apt", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return called


def test_the_command_says_what_it_would_do_and_makes_nothing(quick, printed, bert, tmp_path):
    texts(tmp_path / "a.jsonl", 60)
    asked = ("measure", bert, tmp_path / "a.jsonl", "--sequence-length=16", "--dry-run")
    code, out, error = printed(*asked)
    assert code == 0, error
    assert re.search(r"^measuring +2\.26 k +\d[\d.]* M +\d[\d.]* [kM]B +fp32 +under 1 s", out, re.M)
    assert "reckoned from the weights" not in out
    assert re.search(r"asked: about 28\d positions; sequences: 141, packed, of 16 tokens", out)
    assert "weights" not in out
    assert "pre-training" not in out
    assert not list((tmp_path / "here").iterdir())
    _, out, _ = printed(*asked, "--measure-sequences=10", "--heads=linear", "--validation-share=.5")
    assert "sequences: 10, packed" in out
    assert "training linear heads" in out
    assert "weights up to" in out
    assert not list((tmp_path / "here").iterdir())


def test_flops_that_are_not_counted_are_told(quick, printed, tokenizer, tmp_path):
    sizes = {**SMALL, "relative_attention": True, "pos_att_type": ["c2p"]}
    config = DebertaV2Config(**sizes, vocab_size=len(tokenizer))
    AutoModelForMaskedLM.from_config(config).save_pretrained(tmp_path / "deberta")
    tokenizer.save_pretrained(tmp_path / "deberta")
    texts(tmp_path / "a.jsonl", 20)
    asked = ("measure", tmp_path / "deberta", tmp_path / "a.jsonl", "--sequence-length=16")
    code, out, error = printed(*asked, "--dry-run")
    assert code == 0, error
    assert "FLOPs: reckoned from the weights, as this model cannot be counted" in out
    assert max(map(len, out.splitlines())) <= 80


def test_of_several_checkpoints_the_first_is_told(quick, printed, bert, tokenizer, tmp_path):
    import shutil

    for step in (1, 2, 3):
        shutil.copytree(bert, tmp_path / "all" / f"checkpoint-{step}")
    texts(tmp_path / "a.jsonl", 60)
    asked = ("measure", tmp_path / "all", tmp_path / "a.jsonl", "--revisions=checkpoint-*")
    code, out, error = printed(*asked, "--sequence-length=16", "--dry-run")
    assert code == 0, error
    assert "sequences: 141" in out
    assert "for each of 3 checkpoints" in out
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--sequence-length=600"], "longer than the model's 512 positions"),
        (["--tokenizer=missing.txt"], "missing.txt"),
    ],
)
def test_what_measuring_would_refuse_is_refused(quick, printed, bert, tmp_path, more, named):
    texts(tmp_path / "a.jsonl", 60)
    code, out, error = printed("measure", bert, tmp_path / "a.jsonl", "--dry-run", *more)
    assert code == 2
    assert named in error
    assert not out
