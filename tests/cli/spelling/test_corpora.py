"""Artificial corpora by name: what each spelling makes, and that its name spells it again."""

import pytest

from hf_apt.cli.spelling.corpora import artificial_language
from hf_apt.data.artificial.automaton import Automaton
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.artificial.flat_pairs import FlatPairs
from hf_apt.data.artificial.names import BENCHMARK_NAMES, LANGUAGE_NAMES, is_artificial
from hf_apt.data.artificial.noise import Noise
from hf_apt.data.artificial.paradigms import Paradigms
from hf_apt.data.artificial.planted_words import PlantedWords
from hf_apt.data.artificial.registry import BENCHMARKS, LANGUAGES, name_of
from hf_apt.data.artificial.shuffle import Shuffle
from hf_apt.data.artificial.zipf import Zipf

SPELLINGS = {
    "zipf:vocab_size=64,exponent=0.5": Zipf(vocab_size=64, exponent=0.5),
    "bigram": Bigram(),
    "bigram:follow=0.5": Bigram(follow=0.5),
    "dyck:kinds=8": Dyck(kinds=8),
    "flat_pairs:max_distance=3": FlatPairs(max_distance=3),
    "automaton:rule=30": Automaton(rule=30),
    "automaton:rule=30/110/90": Automaton(rule=(30, 110, 90)),
    "paradigms:num_paradigms=4,exponent=0.5": Paradigms(num_paradigms=4, exponent=0.5),
    "noise:of=planted": Noise(of=PlantedWords()),
    "noise:of=bigram:vocab_size=9;follow=0.1": Noise(of=Bigram(vocab_size=9, follow=0.1)),
    "shuffle:window=4,of=dyck:kinds=3": Shuffle(of=Dyck(kinds=3), window=4),
    "shuffle:of=planted": Shuffle(of=PlantedWords()),
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_spelling_and_its_name_are_one(text: str) -> None:
    language = SPELLINGS[text]
    assert artificial_language(text) == language
    assert name_of(language) == text
    assert is_artificial(text)


def test_names_are_those_of_the_registry() -> None:
    assert tuple(LANGUAGES) == LANGUAGE_NAMES
    assert tuple(BENCHMARKS) == BENCHMARK_NAMES
    for name, language in BENCHMARKS.items():
        assert is_artificial(name)
        assert artificial_language(name) is language
    for name in ("planted", "sotu", "dyck.txt", "folder/dyck", ""):
        assert not is_artificial(name)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("dyck:colours=3", "'colours=3' in 'dyck:colours=3' is no setting of dyck"),
        ("dyck:kinds=many", "the kinds of dyck is 'many': give a whole number"),
        ("dyck:kinds=0", "kinds must be a whole number of at least 1, got 0"),
        ("shuffle", "'shuffle' has no of"),
        ("planted-8192:seed=1", "planted-8192 has no settings.* leave out :seed=1"),
        ("noise:of=weather", "there is no artificial corpus 'weather'"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        artificial_language(text)
