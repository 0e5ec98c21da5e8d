"""What `AptCallback` adds to an evaluation, against the evaluation itself."""

from transformers import BertConfig, BertForMaskedLM

from trainer_callbacks import AptCallback

from .ratio import medians, report
from .sizes import TINY
from .stock import stock_trainer
from .text import zipf_ids

_NUM_ROWS, _LENGTH = 64, 128


def run() -> bool:
    """Whether seven depths of a stock BERT, 6 x 128, V = 8,192, cost at most 1.1 evaluations."""
    model = BertForMaskedLM(BertConfig(**TINY.config()))
    ids_BT = zipf_ids(_NUM_ROWS * _LENGTH, TINY.vocab_size).reshape(_NUM_ROWS, _LENGTH)
    settings = {"per_device_eval_batch_size": TINY.batch_size}
    with (
        stock_trainer(model, ids_BT, **settings) as plain,
        stock_trainer(model, ids_BT, [AptCallback()], **settings) as measured,
    ):
        times = medians({"plain": plain.evaluate, "measured": measured.evaluate}, rounds=5)
        assert "eval_mean_apt" in measured.evaluate()
    return report(
        "one Trainer.evaluate / what AptCallback adds to it for seven depths",
        ours=times["measured"] - times["plain"],
        peer=times["plain"],
        at_least=0.7,  # adds 0.8 to 1.0 of an evaluation on a quiet machine, 1.3 on a busy one
    )
