"""Laws of a card's language: as the publisher or the corpus states it, and else not at all."""

import shutil

import pytest
from finished import change_summary
from huggingface_hub import ModelCard

from hf_apt.hub.card import checkpoint_card
from hf_apt.hub.card_options import CardOptions
from hf_apt.hub.languages import require_language, stated_language
from hf_apt.records.run import Run


@pytest.fixture
def run(finished_run, tmp_path) -> Run:
    shutil.copytree(finished_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def language(run: Run, **options: str) -> object:
    return ModelCard(
        checkpoint_card(run, CardOptions(repo="owner/bert-6", **options))
    ).data.language


@pytest.mark.parametrize(
    ("name", "config", "stated"),
    [
        ("wikimedia/wikipedia", "20231101.en", "en"),
        ("wikimedia/wikipedia", "20231101.als", None),  # Alemannic there, Albanian in ISO 639
        ("wikimedia/wikipedia", None, None),
        ("sotu", None, "en"),
        ("planted", None, None),
        ("texts/en.txt", None, None),
        ("other/wikipedia", "20231101.en", None),
    ],
)
def test_what_the_corpus_states_is_on_the_card(run, name, config, stated) -> None:
    corpus = {"name": name, "config": config}
    assert stated_language(corpus) == stated
    run.write_json("config.json", run.read_json("config.json") | {"corpus": corpus})
    change_summary(run, corpus=run.read_json("summary.json")["corpus"] | {"name": name})
    assert language(run) == stated


def test_what_the_publisher_says_is_on_the_card(run) -> None:
    assert language(run, language="gsw") == "gsw"


@pytest.mark.parametrize("code", ["en", "deu", "zh-Hans", "pt-BR", "es-419", "multilingual"])
def test_codes_are_taken(code) -> None:
    require_language(code)


@pytest.mark.parametrize("word", ["", "English", "EN", "e", "en_US", "en,de", "no\n"])
def test_what_is_no_code_is_refused(word, finished_run) -> None:
    with pytest.raises(ValueError, match="is no code of a language: give one of ISO 639"):
        checkpoint_card(finished_run, CardOptions(repo="owner/bert-6", language=word))
