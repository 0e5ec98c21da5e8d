"""Stock models of two blocks, 16 wide, plain Trainers around them, and slow counts to hold against.

The oracle runs the whole model and its head as written out here for each family; it counts with
dictionaries and shares nothing with `hf_apt` but the layout of a batch.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import accelerate.utils.memory
import numpy as np
import torch
import transformers as hf
from oracles import Table
from transformers import (
    DataCollatorForLanguageModeling,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

# Every training begins with a search for garbage, half a second long among all that is imported.
accelerate.utils.memory.gc = SimpleNamespace(collect=lambda: 0)

VOCAB = 65
SMALL = {
    "vocab_size": VOCAB,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
GPT2 = {"vocab_size": VOCAB, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32}
IDS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2}
NUM_DEPTHS = 3


class StopAt(TrainerCallback):
    """Interrupts a training at the end of a step."""

    def __init__(self, step: int):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        control.should_training_stop = state.global_step == self.step


MASKED: dict[str, Callable[[], Any]] = {
    "bert": lambda: hf.BertForMaskedLM(hf.BertConfig(**SMALL)),
    "roberta": lambda: hf.RobertaForMaskedLM(hf.RobertaConfig(**SMALL, pad_token_id=0)),
    "modernbert": lambda: hf.ModernBertForMaskedLM(hf.ModernBertConfig(**SMALL, **IDS)),
    "electra": lambda: hf.ElectraForMaskedLM(hf.ElectraConfig(**SMALL, embedding_size=8)),
}
CAUSAL: dict[str, Callable[[], Any]] = {
    "gpt2": lambda: hf.GPT2LMHeadModel(hf.GPT2Config(**GPT2)),
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**SMALL)),
    "qwen3": lambda: hf.Qwen3ForCausalLM(
        hf.Qwen3Config(**SMALL, head_dim=8, num_key_value_heads=1)
    ),
}
FAMILIES = MASKED | CAUSAL

HEADS: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    "bert": lambda model, hidden: model.cls(hidden),
    "roberta": lambda model, hidden: model.lm_head(hidden),
    "modernbert": lambda model, hidden: model.decoder(model.head(model.model.final_norm(hidden))),
    "electra": lambda model, hidden: model.generator_lm_head(model.generator_predictions(hidden)),
    "gpt2": lambda model, hidden: model.lm_head(model.transformer.ln_f(hidden)),
    "llama": lambda model, hidden: model.lm_head(model.model.norm(hidden)),
    "qwen3": lambda model, hidden: model.lm_head(model.model.norm(hidden)),
}
"""From the hidden states behind a block to logits."""

Tables = dict[int, Table]
"""By depth: how often each (reference, prediction) occurred."""


def made(family: str, *, scale: float = 4.0) -> Any:
    """A model whose answers depend on where they are asked, unlike those of a fresh one."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = FAMILIES[family]()
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(scale)
            else:
                torch.nn.init.normal_(weight, mean=float(name.endswith("weight")), std=0.1)
    return model.eval()


def rows(num: int, *, seed: int = 0) -> list[dict[str, list[int]]]:
    """`num` sequences of 6 to 12 of twelve tokens between [CLS] and [SEP], mostly in a circle."""
    return [{"input_ids": [2, *ids.tolist(), 3]} for ids in _circling(num, seed, (6, 13))]


def premasked(num: int, *, seed: int = 0) -> list[dict[str, list[int]]]:
    """Sequences of 8 tokens with labels: some masked, some replaced, some unchanged."""
    generator = np.random.default_rng(seed)
    result = []
    for true in _circling(num, seed, (8, 9)):
        kind = generator.choice(4, 8, p=(0.4, 0.3, 0.15, 0.15))
        kind[0] = 1  # each row asks for something
        shown = np.where(kind == 1, 4, np.where(kind == 2, generator.integers(5, VOCAB, 8), true))
        labels = np.where(kind == 0, -100, true)
        result.append({"input_ids": shown.tolist(), "labels": labels.tolist()})
    return result


def _circling(num: int, seed: int, lengths: tuple[int, int]) -> list[np.ndarray]:
    generator = np.random.default_rng([seed, 1])
    walks = []
    for _ in range(num):
        strides = np.where(generator.random(generator.integers(*lengths)) < 0.9, 1, 5)
        walks.append(5 + (generator.integers(12) + np.cumsum(strides)) % 12)
    return walks


def stacked(batch: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """A collator that changes nothing."""
    return {name: torch.tensor([row[name] for row in batch]) for name in batch[0]}


def trainer_of(folder: Path, tokenizer: Any, family: str = "bert", **changed: Any) -> Trainer:
    """A plain Trainer of six steps that evaluates and logs after every second one.

    What is no argument of a Trainer is one of its TrainingArguments.
    """
    arguments: dict[str, Any] = {
        "model": made(family),
        "train_dataset": rows(40, seed=1),
        "eval_dataset": rows(23, seed=2),
        "data_collator": DataCollatorForLanguageModeling(tokenizer, mlm=family in MASKED),
        "processing_class": tokenizer,
        "callbacks": [],
        "compute_metrics": None,
    }
    arguments |= {name: changed.pop(name) for name in arguments if name in changed}
    asked = {
        "output_dir": str(folder),
        "max_steps": 6,
        "eval_strategy": "steps",
        "eval_steps": 2,
        "save_strategy": "no",
        "logging_steps": 2,
        "learning_rate": 1e-2,
        "per_device_train_batch_size": 4,
        "per_device_eval_batch_size": 4,
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": 5,
    }
    if changed.get("eval_strategy") == "no":
        del asked["eval_steps"]
    return Trainer(args=TrainingArguments(**asked | changed), **arguments)


def looped(family: str, model: Any, batches: list[dict[str, torch.Tensor]]) -> Tables:
    """What `model` answers at every depth, counted pair by pair."""
    tables: Tables = {depth: {} for depth in range(NUM_DEPTHS)}
    for batch in batches:
        inputs = {name: values for name, values in batch.items() if name != "labels"}
        with torch.no_grad():
            outputs = model(**inputs, output_hidden_states=True)
            answers = [HEADS[family](model, state) for state in outputs.hidden_states[:-1]]
        answers.append(outputs.logits)
        labels = batch["labels"].tolist()
        for depth, logits in enumerate(answers):
            best = logits.argmax(dim=-1).tolist()
            for row, row_labels in enumerate(labels):
                for place, label in enumerate(row_labels):
                    if label == -100 or (family in CAUSAL and place == 0):
                        continue
                    answer = best[row][place - 1 if family in CAUSAL else place]
                    pair = (label, answer)
                    tables[depth][pair] = tables[depth].get(pair, 0) + 1
    return tables


def scalars(trainer: Trainer, name: str) -> dict[int, float]:
    """What was logged under a name, by step; a step that was logged twice is an error."""
    found: dict[int, float] = {}
    for entry in trainer.state.log_history:
        if name in entry:
            assert entry["step"] not in found, f"{name} twice at step {entry['step']}"
            found[entry["step"]] = entry[name]
    return found
