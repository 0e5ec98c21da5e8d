"""Default paradigms and frames of the planted language, as plain data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paradigm:
    """Set of exchangeable words and the rule which prefers one of them.

    In a document of topic ``t`` and a sentence of latent ``z`` the preferred member has the
    index ``(topic_step * t + latent_step * z) % len(words)``. A rule with one zero step needs
    either the whole document or one neighbour; a rule with two steps needs both at once.
    """

    name: str
    """Name used in frames, between braces."""
    words: tuple[str, ...]
    """Members, distinct lower-case words."""
    topic_step: int
    """Step of the preferred index from one topic to the next, 0: independent of the topic."""
    latent_step: int
    """Step of the preferred index from one latent to the next, 0: independent of the latent."""


def _paradigm(name: str, words: str, topic_step: int, latent_step: int) -> Paradigm:
    return Paradigm(name, tuple(words.split()), topic_step, latent_step)


DEFAULT_PARADIGMS: tuple[Paradigm, ...] = (
    # The topic alone: any other topical word of the document tells the preferred member.
    _paradigm("job", "doctor farmer sailor teacher", 1, 0),
    _paradigm("place", "village harbor castle forest", 1, 0),
    _paradigm("subject", "history music science law", 1, 0),
    _paradigm("food", "bread cheese soup rice", 1, 0),
    # The latent alone: any other latent word of the same sentence tells it, often a neighbour.
    _paradigm("day", "monday tuesday wednesday thursday", 0, 1),
    _paradigm("weather", "sunny rainy windy cloudy", 0, 1),
    _paradigm("number", "two three four five", 0, 1),
    _paradigm("color", "red green blue white", 0, 1),
    # Both: their sum decides, so the topic has to be brought to the sentence first.
    _paradigm("name", "anna peter maria john clara", 1, 1),
    _paradigm("animal", "dogs cats horses rabbits goats", 1, 1),
    _paradigm("adjective", "small quiet strange old happy", 1, 1),
)
"""Paradigms of the default language: 11 sets of 4 or 5 words."""

DEFAULT_FRAMES: tuple[str, ...] = (
    "the {job} saw {number} {color} {animal} in the {place} .",
    "one {weather} {day} {name} went to the {place} with a {job} .",
    "{name} bought {number} {color} books about {subject} and some {food} .",
    "every {weather} {day} the {job} from the {place} eats {food} .",
    "their {number} {color} {animal} have {adjective} eyes .",
    "students of {subject} wear {adjective} coats each {weather} {day} .",
)
"""Frames of the default language, the most frequent first; braces mark slots of paradigms."""
