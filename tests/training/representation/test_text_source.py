"""Texts of an objective's own: where they are read from, and what is refused."""

from types import SimpleNamespace
from typing import Any

import pytest

from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.training.objective import TrainingSetup
from hf_apt.training.representation.text_source import encoded_for, own_texts


def setup_of(tokenizer: Any, **config: int) -> TrainingSetup:
    settings = {"vocab_size": 65, "max_position_embeddings": 12, "model_type": "bert"} | config
    model = SimpleNamespace(config=SimpleNamespace(**settings), named_modules=lambda: [])
    return TrainingSetup(model=model, args=None, tokenizer=tokenizer)


def test_a_file_is_read_whole_without_blank_texts(tmp_path):
    file = tmp_path / "texts.csv"
    file.write_text('text,said\n"w1, w2",yes\n"  ",no\nw3,no\n')
    assert sorted(own_texts(str(file))) == ["w1, w2", "w3"]
    assert sorted(own_texts(str(file), column="said")) == ["no", "no", "yes"]
    assert len(own_texts(str(file), max_texts=1)) == 1


def test_of_a_task_the_training_texts_are_read_alone():
    task = open_task(TaskConfig(name="planted"))
    texts = own_texts("task:planted")
    assert tuple(texts) == task.train.texts
    assert not set(texts) & set(task.test.texts)
    assert own_texts("task:planted", max_texts=3) == texts[:3]


def test_texts_are_cut_to_what_the_model_takes(tokenizer):
    texts = [" ".join(f"w{number}" for number in range(30)), "w1"]
    encoded = encoded_for(setup_of(tokenizer), texts, sequence_length=None, name="it")
    assert [len(row) for row in encoded.rows] == [12, 3]
    shorter = encoded_for(setup_of(tokenizer), texts, sequence_length=5, name="it")
    assert [len(row) for row in shorter.rows] == [5, 3]
    longer = encoded_for(
        setup_of(tokenizer, max_position_embeddings=512),
        ["w1 " * 600],
        sequence_length=None,
        name="",
    )
    assert len(longer.rows[0]) == 128


def test_what_is_refused(tokenizer, tmp_path):
    blank = tmp_path / "blank.csv"
    blank.write_text('text\n" "\n')
    with pytest.raises(ValueError, match="holds no"):
        own_texts(str(blank))
    with pytest.raises(ValueError, match="does not exist"):
        own_texts(str(tmp_path / "none.csv"))
    with pytest.raises(ValueError, match="rademacher reads texts .* give it as processing_class"):
        encoded_for(setup_of(None), ["w1"], sequence_length=None, name="rademacher")
    with pytest.raises(ValueError, match="does not know 60% of the tokens in the texts of it"):
        encoded_for(setup_of(tokenizer), ["a b c"], sequence_length=None, name="it")
    with pytest.raises(ValueError, match="sequences of 13 tokens are longer than the model's 12"):
        encoded_for(setup_of(tokenizer), ["w1"], sequence_length=13, name="it")
    with pytest.raises(ValueError, match="the tokenizer has 65 tokens and the model only 9"):
        encoded_for(setup_of(tokenizer, vocab_size=9), ["w1"], sequence_length=4, name="it")
