"""Laws of training on languages: at rest it is the fixed one, resumed it is the uninterrupted."""

from dataclasses import asdict, replace

import pytest
import torch

from hf_apt.data.planted.parameters import LanguageBounds, LanguageParameters
from hf_apt.models.shapes import ModelShape
from hf_apt.training.languages.language_adversary import AdversaryConfig
from hf_apt.training.languages.language_training import (
    LanguageTraining,
    train_on_languages,
    trained_model,
    unseen_languages,
    zero_shot,
)
from hf_apt.training.languages.regret import AskedTexts, model_answers, regret

TINY = LanguageTraining(
    choice="adversary",
    shape=ModelShape(hidden_size=16, num_heads=2, num_blocks=1, dropout=0.0),
    adversary=AdversaryConfig(num_candidates=2),
    num_rounds=3,
    steps_a_round=2,
    batch_size=4,
    evaluate_every=2,
    num_unseen=2,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return train_on_languages(TINY, folder), folder


def weights(config, folder):
    return {name: each.clone() for name, each in trained_model(config, folder).state_dict().items()}


def same(one, two) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def test_a_resumed_training_is_the_uninterrupted_one(whole, tmp_path) -> None:
    record, folder = whole
    for stop_after in (1, 2, None):
        resumed = train_on_languages(TINY, tmp_path, stop_after=stop_after)
    assert resumed == record
    assert same(weights(TINY, tmp_path), weights(TINY, folder))
    assert [test["round"] for test in record["tests"]] == [2, 3]


def test_an_adversary_at_rest_is_the_fixed_language(whole, tmp_path) -> None:
    still = replace(TINY, adversary=AdversaryConfig(step_size=0.0))
    fixed = replace(TINY, choice="fixed")
    records = [train_on_languages(config, tmp_path / config.choice) for config in (still, fixed)]
    assert same(weights(still, tmp_path / "adversary"), weights(fixed, tmp_path / "fixed"))
    assert records[0]["tests"] == records[1]["tests"]
    for each in records[0]["rounds"]:
        assert each["parameters"] == asdict(LanguageParameters())
    record, folder = whole
    assert not same(weights(TINY, folder), weights(fixed, tmp_path / "fixed"))


def test_a_move_leads_to_no_less_regret_than_where_it_began(whole, tmp_path) -> None:
    """Asked again of the model as it then was, at both places, on the texts of that move."""
    record, _ = whole
    gains = []
    for number in range(1, TINY.num_rounds):
        train_on_languages(TINY, tmp_path, stop_after=number)
        answers = model_answers(trained_model(TINY, tmp_path))
        texts = AskedTexts(seed=2000 + TINY.seed, start=64 * number)
        before, after = (
            regret(answers, LanguageParameters(**each["parameters"]).language(), texts).nats
            for each in record["rounds"][number - 1 : number + 1]
        )
        assert record["rounds"][number]["regret"] == pytest.approx(after, rel=1e-9)
        gains.append(after - before)
    assert min(gains) >= 0
    assert max(gains) > 0, "it moves"


def test_languages_lie_within_bounds_and_differ_from_round_to_round(whole, tmp_path) -> None:
    record, _ = whole
    uniform = train_on_languages(replace(TINY, choice="uniform"), tmp_path)
    for each in (*record["rounds"], *uniform["rounds"]):
        TINY.bounds.place(LanguageParameters(**each["parameters"]))  # refuses what lies outside
    assert len({str(each["parameters"]) for each in uniform["rounds"]}) == 3
    assert record["rounds"][0]["parameters"] == asdict(TINY.start)
    assert all(each["regret"] > 0 for each in record["rounds"][1:])


def test_unseen_languages_are_the_same_for_all_and_drawn_by_none(tmp_path) -> None:
    unseen = unseen_languages(TINY)
    assert unseen == unseen_languages(replace(TINY, seed=5, choice="uniform"))
    drawn = train_on_languages(replace(TINY, choice="uniform"), tmp_path)["rounds"]
    assert not any(asdict(each) == other["parameters"] for each in unseen for other in drawn)
    model = trained_model(replace(TINY, choice="uniform"), tmp_path)
    assert all(each.nats > 0 and each.accuracy_lost >= 0 for each in zero_shot(model, TINY))


def test_a_folder_of_another_training_is_refused(whole, tmp_path) -> None:
    _, folder = whole
    with pytest.raises(ValueError, match="holds another training"):
        train_on_languages(replace(TINY, seed=1), folder)
    with pytest.raises(ValueError, match="holds no training"):
        trained_model(TINY, tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"choice": "worst"}, "choice"),
        ({"num_rounds": 0}, "num_rounds"),
        ({"shape": ModelShape(dropout=0.1)}, "dropout is 0.1"),
        ({"bounds": LanguageBounds(preference=(0.1, 0.2))}, "preference=0.8 lies outside"),
    ],
)
def test_what_makes_no_training_is_refused(change, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(TINY, **change)


def test_every_step_reads_documents_of_its_own(monkeypatch, tmp_path) -> None:
    """Numbers of documents by step and seed, so that no document is read twice."""
    read, plain = [], AskedTexts.read

    def noted(self, language):
        read.append((self.seed, self.start, self.num_documents))
        return plain(self, language)

    monkeypatch.setattr(AskedTexts, "read", noted)
    train_on_languages(replace(TINY, choice="fixed", seed=7, evaluate_every=9), tmp_path)
    training = [each for each in read if each[0] == 1007]
    assert training == [(1007, 4 * step, 4) for step in range(6)]
