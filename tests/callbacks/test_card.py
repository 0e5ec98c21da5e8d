"""The section of a Trainer's card: the figures of the tables, replaced at the next push."""

import json

import pytest
from hub_double import TOKEN
from huggingface_hub import HfApi
from small_trainers import trainer_of
from transformers import Trainer
from transformers.utils import hub as hf_hub

from trainer_callbacks import AptCallback
from trainer_callbacks.card import BEGIN, END, WithAptCard, add_apt_section, with_section


class CardTrainer(WithAptCard, Trainer):
    """A Trainer with the section in its card, as a user writes it."""


def trained(folder, tokenizer, **changed) -> CardTrainer:
    plain = trainer_of(folder, tokenizer, callbacks=[AptCallback()], **changed)
    trainer = CardTrainer(
        model=plain.model,
        args=plain.args,
        train_dataset=plain.train_dataset,
        eval_dataset=plain.eval_dataset,
        data_collator=plain.data_collator,
        processing_class=tokenizer,
        callbacks=[AptCallback()],
    )
    trainer.train()
    return trainer


def rows_of(card: str) -> list[list[str]]:
    lines = [line for line in card[card.index(BEGIN) :].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_push_has_the_figures_of_the_last_measurement_once(
    tokenizer, tmp_path, hub, monkeypatch
) -> None:
    monkeypatch.setattr(hf_hub, "_hf_api", HfApi(endpoint=hub.url, token=TOKEN))
    trainer = trained(tmp_path / "out", tokenizer, hub_model_id="owner/trained")
    cards = []
    for _ in range(2):
        trainer.push_to_hub()
        cards.append(hub.repo("owner/trained").files["README.md"].decode())
    assert cards[0] == cards[1] == (tmp_path / "out/README.md").read_text()
    card = cards[1]
    assert card.startswith("---\n")
    assert (card.count(BEGIN), card.count(END), card.count("## Accuracy per token")) == (1, 1, 1)
    assert "https://arxiv.org/abs/2509.03407" in card
    table = json.loads((tmp_path / "out/apt/eval-step-00000006.json").read_text())
    header, _, *rows = rows_of(card)
    assert header == [
        *("depth", "mean APT", "tokens", "accuracy", "positions", "accuracy at the mask"),
    ]
    assert [row[0] for row in rows] == ["embeddings", "block 1", "block 2"]
    for row, at in zip(rows, table["depths"], strict=True):
        mean, accuracy = at["pooled"]["mean_apt"], at["pooled"]["accuracy"]
        assert row[1] == f"{mean['value']:.3f} ± {mean['standard_error']:.3f}"
        assert row[2] == str(mean["num"])
        assert row[3] == f"{accuracy['value']:.3f} ± {accuracy['standard_error']:.3f}"
        assert row[4] == str(accuracy["num"])
        assert row[5].startswith(f"{at['masked']['accuracy']['value']:.3f}")
    assert table["ruler"]["sentence"] in card


def test_the_best_model_has_the_figures_of_its_own_step(tokenizer, tmp_path) -> None:
    trainer = trained(
        tmp_path,
        tokenizer,
        save_strategy="steps",
        save_steps=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=True,  # the worst one, which is not the last
    )
    assert trainer.state.best_global_step == 2
    trainer.create_model_card()
    assert "`eval`, step 2:" in (tmp_path / "README.md").read_text()
    (tmp_path / "apt/eval-step-00000002.json").unlink()
    trainer.create_model_card()
    card = (tmp_path / "README.md").read_text()
    assert "`eval`, step 6; the weights are those of step 2:" in card


def test_the_rest_of_a_card_stays_to_the_byte() -> None:
    card = "---\nlicense: mit\n---\n\n# Mine\n"
    once = with_section(card, "one")
    assert once == f"{card}\n{BEGIN}\none\n{END}\n"
    edited = once + "\nAfter it.\n"
    assert with_section(edited, "two") == edited.replace("one", "two")
    assert with_section("", "one") == f"{BEGIN}\none\n{END}\n"


@pytest.mark.parametrize("card", [BEGIN, END, f"{END} {BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_torn_section_is_refused_with_the_name_of_the_card(card) -> None:
    with pytest.raises(ValueError, match="x/README.md must hold"):
        with_section(card, "two", "x/README.md")


def test_without_a_measurement_nothing_is_written(tmp_path) -> None:
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt/eval-step-00000002.json").write_text("[]")
    assert add_apt_section(tmp_path) is False
    assert not (tmp_path / "README.md").exists()


def test_an_unknown_figure_is_a_dash_and_a_name_cannot_break_out(tmp_path) -> None:
    nothing = {"value": None, "standard_error": None, "num": 0}
    known = {"value": 0.5, "standard_error": None, "num": 1}
    content = {"step": 3, "depths": [{"pooled": {"mean_apt": nothing, "accuracy": known}}]}
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt/eval_`x`-step-00000003.json").write_text(json.dumps(content))
    assert add_apt_section(tmp_path) is True
    card = (tmp_path / "README.md").read_text()
    assert "`eval__x_`, step 3:" in card
    assert rows_of(card)[2] == ["embeddings", "–", "0", "0.500", "1"]


NO_TABLE = {
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "no depth": b'{"step": 9, "depths": []}',
    "another's depths": b'{"step": 9, "depths": [1]}',
    "no step": b'{"depths": [{"pooled": {}}]}',
    "half a table": b'{"step": 9, "depths": [{"pooled": {"mean_apt": {}}}]}',
}


@pytest.mark.parametrize("kind", NO_TABLE)
def test_a_broken_or_foreign_file_is_left_out(kind, tmp_path) -> None:
    known = {"value": 0.5, "standard_error": None, "num": 1}
    content = {"step": 3, "depths": [{"pooled": {"mean_apt": known, "accuracy": known}}]}
    (tmp_path / "apt").mkdir()
    for name in ("other-step-00000001", "eval-step-00000009"):
        (tmp_path / f"apt/{name}.json").write_bytes(NO_TABLE[kind])
    assert add_apt_section(tmp_path) is False
    (tmp_path / "apt/eval-step-00000003.json").write_text(json.dumps(content))
    for step in (None, 9, 3):
        assert add_apt_section(tmp_path, step=step) is True
        card = (tmp_path / "README.md").read_text()
        assert card.count("`, step ") == card.count("`eval`, step 3") == 1
