"""The planted language: its words, paradigms, and exact conditional distributions."""
# U topics, L latents, F frames; the vocabulary V is the words of the language.

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hf_apt.data.planted.grammar import DEFAULT_FRAMES, DEFAULT_PARADIGMS, Paradigm

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PlantedLanguage:
    """Hidden-Markov language whose paradigms, frequencies and posteriors are exact.

    A document draws one topic and keeps it. Its sentences draw a frame (given the frame before)
    and a latent (given the latent before); every slot of the frame then draws one word given
    the topic and the latent, independently of the other slots.
    """

    words: tuple[str, ...]
    """Distinct lower-case words, punctuation marks included."""
    paradigms: IntArray
    """(V,) planted cluster of each word; -1 for function words, which belong to none."""
    paradigm_names: tuple[str, ...]
    """Names of the paradigms."""
    frames: tuple[tuple[int, ...], ...]
    """Frames, each the kinds of its slots: an index into the first axis of `kind_words`."""
    kind_words: FloatArray
    """(kinds, U, L, V) probability of each word given slot kind, topic and latent.

    The first kinds are the paradigms; the others are function words, one certain word each.
    """
    topic_probs: FloatArray
    """(U,) probability of each topic."""
    label_probs: FloatArray
    """(U, C) probability of each document label given the topic."""
    frame_start: FloatArray
    """(F,) probability of the first frame of a document."""
    frame_steps: FloatArray
    """(F, F) probability of the next frame given the present one."""
    latent_start: FloatArray
    """(L,) probability of the latent of the first sentence."""
    latent_steps: FloatArray
    """(L, L) probability of the next sentence's latent given the present one."""

    @property
    def num_words(self) -> int:
        """Number of distinct words."""
        return len(self.words)

    @property
    def num_topics(self) -> int:
        """Number of topics."""
        return int(self.topic_probs.size)

    @property
    def num_latents(self) -> int:
        """Number of values of the sentence latent."""
        return int(self.latent_start.size)

    @property
    def num_labels(self) -> int:
        """Number of document labels."""
        return int(self.label_probs.shape[1])


def planted_language(
    *,
    seed: int = 0,
    num_topics: int = 4,
    num_latents: int = 4,
    num_labels: int = 2,
    preference: float = 0.8,
    member_exponent: float = 0.7,
    topic_exponent: float = 0.3,
    latent_exponent: float = 0.3,
    frame_exponent: float = 0.5,
    frame_follow: float = 0.4,
    latent_follow: float = 0.0,
    label_noise: float = 0.0,
    paradigms: Sequence[Paradigm] = DEFAULT_PARADIGMS,
    frames: Sequence[str] = DEFAULT_FRAMES,
) -> PlantedLanguage:
    """Return the planted language of a seed.

    Args:
        seed: Shuffles the members of every paradigm and the preferred order of the frames.
        num_topics: Number of document topics.
        num_latents: Number of values of the sentence latent.
        num_labels: Number of document labels; topic ``t`` has the label ``t % num_labels``.
        preference: Probability of the preferred member of a paradigm, before the remaining
            mass is spread by Zipf's law over all members, the preferred one included.
        member_exponent: Zipf exponent of that remaining mass.
        topic_exponent: Zipf exponent of the topics.
        latent_exponent: Zipf exponent of the sentence latents.
        frame_exponent: Zipf exponent of the frames.
        frame_follow: Probability that a frame is followed by its fixed successor.
        latent_follow: Probability that a latent is followed by the next one in cyclic order.
        label_noise: Probability that the label is drawn uniformly instead.
        paradigms: Sets of exchangeable words with their preference rules.
        frames: Sentences with slots in braces, the most frequent first.

    Raises:
        ValueError: If words repeat, a slot names no paradigm, a share lies outside [0, 1], or a
            member is preferred in no context (it could never be the best prediction).
    """
    shares = (preference, frame_follow, latent_follow, label_noise)
    if not all(0.0 <= share <= 1.0 for share in shares):
        raise ValueError(f"probabilities must lie in [0, 1], got {shares}")
    rng = np.random.default_rng(seed)
    words, kinds, slots = _parse_frames(paradigms, frames)
    cluster_V = np.full(len(words), -1, dtype=np.int64)
    kind_words = np.zeros((len(kinds), num_topics, num_latents, len(words)))
    index_of = {word: index for index, word in enumerate(words)}
    for kind, entry in enumerate(kinds):
        if isinstance(entry, str):
            kind_words[kind, :, :, index_of[entry]] = 1.0
            continue
        members = np.array([index_of[word] for word in entry.words])
        cluster_V[members] = kind
        kind_words[kind][:, :, rng.permutation(members)] = _member_probs(
            entry, num_topics, num_latents, preference, member_exponent, rng
        )
    base_F = zipf(len(slots), frame_exponent)
    base_L = zipf(num_latents, latent_exponent)
    order = rng.permutation(len(slots))
    follower_FF = np.zeros((len(slots), len(slots)))
    follower_FF[order, np.roll(order, -1)] = 1.0
    next_LL = np.roll(np.eye(num_latents), 1, axis=1)
    label_UC = np.eye(num_labels)[np.arange(num_topics) % num_labels]
    return PlantedLanguage(
        words=words,
        paradigms=cluster_V,
        paradigm_names=tuple(paradigm.name for paradigm in paradigms),
        frames=slots,
        kind_words=kind_words,
        topic_probs=zipf(num_topics, topic_exponent),
        label_probs=(1.0 - label_noise) * label_UC + label_noise / num_labels,
        frame_start=base_F,
        frame_steps=frame_follow * follower_FF + (1.0 - frame_follow) * base_F,
        latent_start=base_L,
        latent_steps=latent_follow * next_LL + (1.0 - latent_follow) * base_L,
    )


def zipf(size: int, exponent: float) -> FloatArray:
    """Return (size,) probabilities proportional to ``rank ** -exponent``."""
    weights = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    return weights / weights.sum()


def _member_probs(
    paradigm: Paradigm,
    num_topics: int,
    num_latents: int,
    preference: float,
    exponent: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Return (U, L, members) probabilities of the members of one paradigm."""
    size = len(paradigm.words)
    topic_UL, latent_UL = np.indices((num_topics, num_latents))
    preferred_UL = (paradigm.topic_step * topic_UL + paradigm.latent_step * latent_UL) % size
    if np.unique(preferred_UL).size < size:
        raise ValueError(f"paradigm {paradigm.name!r} has members preferred in no context")
    rest = zipf(size, exponent)[rng.permutation(size)]
    return preference * np.eye(size)[preferred_UL] + (1.0 - preference) * rest


def _parse_frames(
    paradigms: Sequence[Paradigm], frames: Sequence[str]
) -> tuple[tuple[str, ...], list[Paradigm | str], tuple[tuple[int, ...], ...]]:
    """Return the words, the slot kinds (paradigms, then function words) and the frames."""
    kinds: list[Paradigm | str] = list(paradigms)
    kind_of = {f"{{{paradigm.name}}}": kind for kind, paradigm in enumerate(paradigms)}
    words = [word for paradigm in paradigms for word in paradigm.words]
    slots: list[tuple[int, ...]] = []
    for frame in frames:
        for item in frame.split():
            if item in kind_of:
                continue
            if item.startswith("{"):
                raise ValueError(f"frame {frame!r} names no paradigm by {item}")
            kind_of[item] = len(kinds)
            kinds.append(item)
            words.append(item)
        slots.append(tuple(kind_of[item] for item in frame.split()))
    if len(set(words)) < len(words):
        raise ValueError(
            "every word may belong to one paradigm only, and not be a fixed word as well"
        )
    return tuple(words), kinds, tuple(slots)
