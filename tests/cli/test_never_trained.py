"""From a checkpoint that never saw some tokens to what table, page and summary say of them."""

import json
import random
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, *(f"[unused{i}]" for i in range(10)), *(f"w{i}" for i in range(49))]
NEVER_SEEN = {f"w{i}" for i in range(8)}


def write_checkpoint(folder) -> None:
    words = Tokenizer(
        models.WordLevel({token: i for i, token in enumerate(VOCABULARY)}, unk_token="[UNK]")
    )
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # pyright: ignore
    names: dict[str, Any] = {f"{name[1:-1].lower()}_token": name for name in SPECIAL}
    PreTrainedTokenizerFast(tokenizer_object=words, **names).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    model = BertForMaskedLM(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    seen = torch.tensor([1, *range(len(SPECIAL) + 10 + len(NEVER_SEEN), len(VOCABULARY))])
    for _ in range(200):
        ids = seen[torch.randint(len(seen), (16, 16))]
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)


def test_tokens_that_a_checkpoint_never_saw_are_named(call, tmp_path) -> None:
    write_checkpoint(tmp_path / "checkpoint")
    draw = random.Random(0)
    lines = (" ".join(f"w{draw.randrange(49)}" for _ in range(14)) for _ in range(300))
    (tmp_path / "text.txt").write_text("\n\n".join(lines))
    folder = tmp_path / "run"
    code, out, error = call(
        *("measure", tmp_path / "checkpoint", tmp_path / "text.txt"),
        *("--sequence-length", 16, "-o", folder),
    )
    assert code == 0, error
    figures = json.loads((folder / "summary.json").read_text())["token_rows"]
    told = zip(figures["texts"], figures["look_untrained"], strict=True)
    never = set(figures["texts"])
    assert {text for text, so in told if so} == never & NEVER_SEEN
    assert never & NEVER_SEEN
    assert never - NEVER_SEEN
    assert figures["num_untrained"] == len(never & NEVER_SEEN)
    assert figures["unused"]["num"] == 10
    said = f"{figures['num_untrained']} of these {figures['num_tokens']} tokens look as if"
    assert said in out
    assert said in (folder / "report.html").read_text()

    (folder / "token_rows.npz").write_bytes(b"PK")
    code, _, error = call("report", folder)
    assert code != 0
    assert "token_rows.npz cannot be read" in error
    (folder / "token_rows.npz").unlink()
    code, out, _ = call("report", folder)
    assert code == 0
    assert "look as if" not in out
