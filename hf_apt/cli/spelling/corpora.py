"""Artificial corpora as the command line spells them: `dyck:kinds=32`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hf_apt.cli.spelling.spelled import spelled
from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.noise import Noise
from hf_apt.data.artificial.planted_words import PlantedWords
from hf_apt.data.artificial.registry import BENCHMARKS, LANGUAGES
from hf_apt.data.artificial.shuffle import Shuffle


@dataclass(frozen=True, kw_only=True)
class _OfAnother:
    """A language that is made of another one, whose name is still text."""

    of: str


@dataclass(frozen=True, kw_only=True)
class _Shuffled(_OfAnother):
    window: int = Shuffle.window


_SPELLED: dict[str, type[Any]] = {**LANGUAGES, "noise": _OfAnother, "shuffle": _Shuffled}


def artificial_language(text: str) -> ArtificialLanguage:
    """The language that `name:key=value,key=value` spells.

    Within `of` a semicolon stands for a comma: `shuffle:window=4,of=dyck:kinds=8;exponent=1`.

    Raises ValueError for a name or key that there is not, a value that cannot be read or used, and
    a key that is missing.

    >>> artificial_language("zipf:vocab_size=100")
    Zipf(vocab_size=100, exponent=1.0)
    """
    if text in BENCHMARKS:
        return BENCHMARKS[text]
    if (name := text.partition(":")[0]) in BENCHMARKS:
        raise ValueError(
            f"{name} has no settings, so that its figures can be compared: leave out "
            f"{text.removeprefix(name)}, or take `paradigms` with settings of your own."
        )
    made = spelled(text, _SPELLED, "artificial corpus")
    if isinstance(made, _Shuffled):
        return Shuffle(of=_other(made.of), window=made.window)
    return Noise(of=_other(made.of)) if isinstance(made, _OfAnother) else made


def _other(text: str) -> ArtificialLanguage:
    if text == "planted":
        return PlantedWords()
    return artificial_language(text.replace(";", ","))
