"""A miniature of the planted language, and its documents' probabilities by enumeration."""

from __future__ import annotations

import itertools

import numpy as np

from hf_apt.data.planted import Paradigm, PlantedLanguage, planted_language


def miniature(seed: int = 0) -> PlantedLanguage:
    """Two paradigms, two frames, two topics and two latents."""
    return planted_language(
        seed=seed,
        num_topics=2,
        num_latents=2,
        preference=0.6,
        label_noise=0.2,
        latent_follow=0.3,
        paradigms=[Paradigm("a", ("p", "q"), 1, 0), Paradigm("b", ("r", "s", "t"), 1, 1)],
        frames=["{a} {b}", "the {b} ."],
    )


def document_probability(language: PlantedLanguage, words: np.ndarray) -> float:
    """The probability of a document, summed over every topic, frame and latent."""
    total, num_words = 0.0, len(words)
    sentences = list(itertools.product(range(len(language.frames)), range(language.num_latents)))
    for topic, path in itertools.product(
        range(language.num_topics), itertools.product(sentences, repeat=(num_words + 1) // 2)
    ):
        weight, place, before = language.topic_probs[topic], 0, None
        for frame, latent in path:
            if place >= num_words:
                weight *= (frame, latent) == (0, 0)  # once, whatever follows the last word
                continue
            if before is None:
                weight *= language.frame_start[frame] * language.latent_start[latent]
            else:
                weight *= language.frame_steps[before[0], frame]
                weight *= language.latent_steps[before[1], latent]
            for kind in language.frames[frame]:
                if place < num_words:
                    weight *= language.kind_words[kind, topic, latent][words[place]]
                    place += 1
            before = (frame, latent)
        total += weight
    return total
