"""Train a masked language model on a text file with transformers' Trainer.

After the public examples (`examples/pytorch/language-modeling/run_mlm.py` of transformers), made
small. Nothing in here knows of hf_apt.
"""

import logging
import math
from dataclasses import dataclass, field
from itertools import chain

from datasets import load_dataset
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    set_seed,
)

logger = logging.getLogger(__name__)


@dataclass
class ModelArguments:
    tokenizer_name: str = field(metadata={"help": "A folder or Hub id."})
    model_name_or_path: str | None = field(
        default=None, metadata={"help": "A checkpoint; without one, a model is made from scratch."}
    )
    model_type: str = field(default="bert", metadata={"help": "What is made from scratch."})
    config_overrides: str | None = field(
        default=None, metadata={"help": "For instance: hidden_size=128,num_hidden_layers=6"}
    )


@dataclass
class DataTrainingArguments:
    train_file: str = field(metadata={"help": "Text to train on."})
    validation_file: str = field(metadata={"help": "Text to evaluate on."})
    max_seq_length: int = field(default=128, metadata={"help": "Tokens in a sequence."})
    mlm_probability: float = field(default=0.15, metadata={"help": "Share of masked tokens."})


def main():
    parser = HfArgumentParser((ModelArguments, DataTrainingArguments, TrainingArguments))
    model_args, data_args, training_args = parser.parse_args_into_dataclasses()
    logging.basicConfig(level=logging.INFO)
    set_seed(training_args.seed)

    data_files = {"train": data_args.train_file, "validation": data_args.validation_file}
    raw_datasets = load_dataset("text", data_files=data_files)

    tokenizer = AutoTokenizer.from_pretrained(model_args.tokenizer_name)
    if model_args.model_name_or_path:
        model = AutoModelForMaskedLM.from_pretrained(model_args.model_name_or_path)
    else:
        config = AutoConfig.for_model(model_args.model_type, vocab_size=len(tokenizer))
        if model_args.config_overrides is not None:
            config.update_from_string(model_args.config_overrides)
        model = AutoModelForMaskedLM.from_config(config)

    def tokenize_function(examples):
        return tokenizer(examples["text"], return_special_tokens_mask=True)

    def group_texts(examples):
        joined = {name: list(chain(*examples[name])) for name in examples.keys()}
        length = data_args.max_seq_length
        total = len(joined["input_ids"]) // length * length
        return {
            name: [values[start : start + length] for start in range(0, total, length)]
            for name, values in joined.items()
        }

    tokenized_datasets = raw_datasets.map(tokenize_function, batched=True, remove_columns=["text"])
    tokenized_datasets = tokenized_datasets.map(group_texts, batched=True)
    data_collator = DataCollatorForLanguageModeling(
        tokenizer=tokenizer, mlm_probability=data_args.mlm_probability
    )

    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=tokenized_datasets["train"],
        eval_dataset=tokenized_datasets["validation"],
        processing_class=tokenizer,
        data_collator=data_collator,
    )

    if training_args.do_train:
        train_result = trainer.train(resume_from_checkpoint=training_args.resume_from_checkpoint)
        trainer.save_model()
        trainer.log_metrics("train", train_result.metrics)
        trainer.save_state()

    if training_args.do_eval:
        metrics = trainer.evaluate()
        metrics["perplexity"] = math.exp(metrics["eval_loss"])
        trainer.log_metrics("eval", metrics)
        trainer.save_metrics("eval", metrics)


if __name__ == "__main__":
    main()
