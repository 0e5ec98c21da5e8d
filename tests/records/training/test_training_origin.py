"""What a training started from, in words and as the Hub's `base_model`; on page and card."""

import pytest
import yaml

from hf_apt.hub.card import checkpoint_card
from hf_apt.hub.card_options import CardOptions
from hf_apt.records.training.training_origin import base_on_hub, origin_of
from hf_apt.report import write_report
from tests.support.finished import change_summary, write_finished_run


@pytest.mark.parametrize(
    ("training", "words", "base"),
    [
        (None, "", None),
        ({"num_steps": 3}, "", None),
        ({"started": {"checkpoint": "a/b", "revision": "c"}}, "from all weights of a/b", "a/b"),
        ({"started": {"checkpoint": "after/checkpoint"}}, "from all weights of after", None),
        (
            {"started": {"checkpoint": f"a/b@{'0' * 40}", "revision": "0" * 40}},
            f"from all weights of a/b@{'0' * 40}",
            "a/b",
        ),
        ({"started": {"checkpoint": "/home/me/runs/x"}}, "from all weights of x", None),
        (
            {"started": {"checkpoint": "bert6-narrow-wikipedia"}},
            "from all weights of bert6-narrow-wikipedia",
            None,
        ),
        (
            {"carried": {"checkpoint": "me/x", "blocks": [1, 2], "parts": "attention"}},
            "from the attention of blocks 1, 2 of x",
            None,
        ),
        (
            {"carried": {"checkpoint": "runs/of/me", "blocks": [3], "parts": "whole"}},
            "from block 3 of me",
            None,
        ),
    ],
)
def test_words_and_base(training, words, base) -> None:
    assert origin_of(training) == words
    assert base_on_hub(training) == base


def test_page_and_card_say_it(tmp_path) -> None:
    run = write_finished_run(tmp_path / "run")
    plain = checkpoint_card(run, CardOptions(repo="me/model"))
    assert "base_model" not in yaml.safe_load(plain.split("---")[1])
    training = run.read_json("summary.json")["training"]
    change_summary(
        run, training=training | {"started": {"checkpoint": "them/bert", "revision": "c"}}
    )
    card = checkpoint_card(run, CardOptions(repo="me/model"))
    assert yaml.safe_load(card.split("---")[1])["base_model"] == "them/bert"
    assert ", from all weights of them/bert." in card.replace("\n", " ")
    write_report(run)
    assert "was trained from all weights of them/bert, on" in run.path("report.html").read_text()
