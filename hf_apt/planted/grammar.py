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
    _paradigm("job", "doctor farmer sailor teacher baker", 1, 0),
    _paradigm("place", "village harbor castle forest city", 1, 0),
    _paradigm("plural", "books ships horses stones apples", 1, 0),
    _paradigm("subject", "history music science law trade", 1, 0),
    # The latent alone: any other latent word of the same sentence tells it.
    _paradigm("day", "monday tuesday wednesday thursday friday", 0, 1),
    _paradigm("number", "two three four five six", 0, 1),
    _paradigm("color", "red green blue white black", 0, 1),
    _paradigm("weather", "sunny rainy windy cloudy cold", 0, 1),
    # Both: the member is decided by their sum.
    _paradigm("name", "anna peter maria john clara david", 1, 1),
    _paradigm("animal", "dog cat horse rabbit goat sheep", 1, 1),
    _paradigm("verb", "saw found followed called helped", 1, 1),
    _paradigm("food", "bread cheese soup rice fish", 1, 2),
    _paradigm("adjective", "small quiet strange old happy young", 1, 1),
    _paradigm("month", "january march april june august october", 1, 1),
)
"""Paradigms of the default language: 14 sets of 5 or 6 words."""

DEFAULT_FRAMES: tuple[str, ...] = (
    "the {job} {verb} a {color} {animal} in the {place} .",
    "on {day} {name} went to the {place} .",
    "{name} bought {number} {plural} and some {food} .",
    "it was {weather} in {month} when the {job} came home .",
    "every {day} they eat {food} with {name} .",
    "the {adjective} {animal} has {number} {color} eyes .",
    "this book is about {subject} , but {name} is {adjective} .",
    "there were {number} {plural} near the {adjective} {place} .",
    "one {weather} {day} she {verb} her {animal} again .",
    "students of {subject} arrived in {month} by {color} trains .",
)
"""Frames of the default language, the most frequent first; braces mark slots of paradigms."""
