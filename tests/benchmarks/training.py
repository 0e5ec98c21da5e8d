"""Pre-training through the Trainer, end to end: reading, masking, steps; ours against stock.

Both with fused AdamW, the same settings and no evaluation or checkpoint on the way.
"""

import tempfile
from pathlib import Path

from transformers import BertConfig, BertForMaskedLM
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from hf_apt.models.bert6 import Bert6Config, Bert6ForMaskedLM
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrainer

from .ratio import medians, report
from .sizes import BERT6, TINY, Size
from .stock import stock_trainer
from .text import written_tokens, zipf_sequences


def run() -> bool:
    """Whether pre-training is quick enough at both sizes."""
    return all(
        [
            _trained(TINY, batch_size=32, num_steps=4, at_least=1.7),
            _trained(BERT6, batch_size=4, num_steps=2, at_least=1.3),
        ]
    )


def _trained(size: Size, *, batch_size: int, num_steps: int, at_least: float) -> bool:
    ours = Bert6ForMaskedLM(Bert6Config(**size.config()))
    stock = BertForMaskedLM(BertConfig(**size.config()))
    stock.load_state_dict(ours.state_dict())
    config = PretrainConfig(num_steps=num_steps, batch_size=batch_size)
    ids_BT = zipf_sequences(num_steps * batch_size, size.vocab_size)

    def train_ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            trainer = pretrainer(ours, tokens, tokens, config, Path(folder))
            trainer.args.eval_strategy = IntervalStrategy.NO
            trainer.args.save_strategy = SaveStrategy.NO
            trainer.train()

    def train_stock() -> None:
        settings = {
            "max_steps": num_steps,
            "per_device_train_batch_size": batch_size,
            "learning_rate": config.learning_rate,
            "warmup_steps": round(config.warmup_share * num_steps),
            "weight_decay": config.weight_decay,
            "adam_beta2": config.beta2,
            "save_strategy": "no",
        }
        with stock_trainer(stock, ids_BT, **settings) as trainer:
            trainer.train()

    with written_tokens(ids_BT, size.vocab_size) as tokens:
        times = medians({"ours": train_ours, "stock": train_stock}, rounds=max(size.rounds // 3, 2))
    return report(
        f"Trainer, {size.name}, batches of {batch_size} x 128: stock BertForMaskedLM / ours",
        ours=times["ours"],
        peer=times["stock"],
        at_least=at_least,
        tokens=ids_BT.size,
    )
