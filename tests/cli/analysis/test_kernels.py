"""`hf-apt kernels`: tables, a record and a page; what can be mended is one sentence."""

import json

import pytest
import torch
from small_functions import tiny_masked_lm

TINY = "--shots=2 --validation-shots=2 --draws=1 --test-texts=8 --sequence-length=16".split()
QUICK = "--steps=2 --batch-size=4 --lora-rank=2 --drift-texts=1 --sgd-rates=0.01".split()
PROMPT = ["--prompt", "{text} w9 {mask}", "--words", "w1, w2"]


@pytest.fixture
def texts(tmp_path):
    rows = [{"text": f"w{n % 2} w{n} w{n + 7}", "label": f"c{n % 2}"} for n in range(30)]
    path = tmp_path / "two.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def masked(tokenizer, tmp_path):
    folder = tmp_path / "masked"
    tiny_masked_lm(tokenizer, dtype=torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_it_prints_the_tables_and_writes_record_and_page(call, masked, texts, tmp_path) -> None:
    run = tmp_path / "run"
    asked = (*TINY, *QUICK, *PROMPT, "--test-per-class=4", "--solver=asymmetric")
    code, printed, said = call("kernels", masked, "--task", texts, *asked, "-o", run)
    assert code == 0, said
    for part in ("Accuracy at equal data", "K_A-SignGD", "kernel regime", "block 2 attention"):
        assert part in printed
    record = json.loads((run / "studies/kernels-two.json").read_text())
    assert record["config"]["words"] == ["w1", "w2"]
    assert record["results"]["num_outputs"] == 1
    assert record["config"]["solver"] == "asymmetric"
    assert any(path.suffix == ".html" for path in run.rglob("*"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--words", "w1 w2,w3", "--prompt", "{text} {mask}"], "choose a word that is a single"),
        (["--words", "w1,w2"], "a prompt and its words belong together"),
        (["--memory", "0.000001"], "of memory at least, and"),
        (["--shots", "90"], "texts to draw from, and 90 to train"),
        (["--sgd-rates", "small"], "'small' are no numbers"),
    ],
)
def test_what_can_be_mended_is_one_sentence(
    call, masked, texts, tmp_path, change, sentence
) -> None:
    asked = (*TINY, "--test-per-class=4", *change)
    code, _, said = call("kernels", masked, "--task", texts, *asked, "-o", tmp_path / "run")
    assert code != 0
    assert sentence in said
    assert "Traceback" not in said
