"""Figures over time are of the same text, or a warning says that they are not."""

import logging
from typing import Any

import pytest
from small_trainers import premasked, stacked, trainer_of

from trainer_callbacks import AptCallback

WARNING = "the eval data ask for other tokens at step {} than at step {}, so that figures of the"


@pytest.fixture
def said(caplog) -> Any:
    caplog.set_level(logging.WARNING, logger="trainer_callbacks")
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("trainer_callbacks") and "other tokens" in record.getMessage()
    ]


class Growing:
    """Rows of which there are more at every look."""

    def __init__(self) -> None:
        self.rows = premasked(40, seed=2)
        self.num = 5

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return self.rows[index]


def test_the_same_rows_are_asked_the_same(tokenizer, tmp_path, said):
    trainer_of(tmp_path, tokenizer, callbacks=[AptCallback()]).train()
    assert said() == []


def test_data_that_change_are_warned_of_once(tokenizer, tmp_path, said):
    data = Growing()

    class Grown(AptCallback):
        def on_evaluate(self, args, state, control, **event):
            super().on_evaluate(args, state, control, **event)
            data.num += 3

    trainer = trainer_of(
        tmp_path,
        tokenizer,
        train_dataset=premasked(20),
        eval_dataset=data,
        data_collator=stacked,
        callbacks=[Grown()],
    )
    trainer.train()
    assert len(said()) == 1
    assert said()[0].startswith(WARNING.format(4, 2))
    assert "give the callback an eval_dataset of rows, and leave batch size" in said()[0]
    trainer.evaluate(premasked(3))
    assert len(said()) == 1  # after training, other data is what was asked for


def test_a_resume_with_batches_of_another_size_is_warned_of(tokenizer, tmp_path, said):
    """Masks are drawn by batch, so that other positions are asked."""
    for size, resumes in ((4, False), (4, True), (5, True)):
        trainer = trainer_of(
            tmp_path,
            tokenizer,
            max_steps={(4, False): 2, (4, True): 4, (5, True): 6}[size, resumes],
            save_strategy="steps",
            save_steps=2,
            per_device_eval_batch_size=size,
            callbacks=[AptCallback()],
        )
        trainer.train(resume_from_checkpoint=resumes)
        assert len(said()) == (size == 5)
    assert said()[0].startswith(WARNING.format(6, 4))
