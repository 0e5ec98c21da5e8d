"""The artificial languages by name, and the name of each."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.automaton import Automaton
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.artificial.flat_pairs import FlatPairs
from hf_apt.data.artificial.noise import Noise
from hf_apt.data.artificial.paradigms import Paradigms
from hf_apt.data.artificial.planted_words import PlantedWords
from hf_apt.data.artificial.shuffle import Shuffle
from hf_apt.data.artificial.unigrams import Unigrams
from hf_apt.data.artificial.zipf import Zipf

LANGUAGES: dict[str, type[ArtificialLanguage]] = {
    "zipf": Zipf,
    "bigram": Bigram,
    "dyck": Dyck,
    "flat_pairs": FlatPairs,
    "automaton": Automaton,
    "noise": Noise,
    "shuffle": Shuffle,
    "unigrams": Unigrams,
    "paradigms": Paradigms,
}
"""The languages that a run can be asked for."""

BENCHMARKS: dict[str, ArtificialLanguage] = {"planted-8192": Paradigms()}
"""Languages with names of their own; `tests/data/artificial` holds their checksums."""

_NAMES = {made: name for name, made in LANGUAGES.items()} | {PlantedWords: "planted"}


def name_of(language: ArtificialLanguage) -> str:
    """How a language is spelled: its name and the settings that differ from their defaults.

    Of one that is made of another one, a semicolon stands for each comma of the other's name.

    >>> name_of(Shuffle(of=Dyck(kinds=8, exponent=1.0), window=4))
    'shuffle:window=4,of=dyck:kinds=8;exponent=1'
    """
    made: Any = language
    settings = {
        each.name: getattr(made, each.name)
        for each in fields(made)
        if each.init and getattr(made, each.name) != each.default
    }
    other = settings.pop("of", None)
    parts = [f"{key}={_spelled(value)}" for key, value in settings.items()]
    if other is not None:
        parts.append(f"of={name_of(other).replace(',', ';')}")
    name = _NAMES.get(type(language), type(language).__name__)
    return f"{name}:{','.join(parts)}" if parts else name


def _spelled(value: Any) -> str:
    if isinstance(value, tuple):
        return "/".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
