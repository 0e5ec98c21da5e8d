"""A planted language of thousands of words with a Zipf tail, whose perfect score is known."""
# B documents, T positions, N asked positions, V words, C contexts.

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.draws import document_draws
from hf_apt.data.artificial.evidence import Evidence
from hf_apt.data.artificial.paradigm_answers import paradigm_posteriors
from hf_apt.data.artificial.paradigm_law import ParadigmLaw
from hf_apt.data.planted.language import zipf
from hf_apt.stats.config_checks import require_not_negative, require_seed, require_whole

MOST_CONTEXTS = 4096
"""Topics times latents, at most: an exact answer takes time and memory for each of them."""


@dataclass(frozen=True, kw_only=True)
class Paradigms(ArtificialLanguage):
    """Sentences of frames, whose words the document's topic and the sentence's latent decide.

    Each paradigm has as many words as there are contexts, pairs of a topic and a latent, and
    prefers one of them in each. Of a slot's words that of rank r has the share r^-exponent / H,
    exactly and at every position. Small paradigms, which the topic or the latent alone decides, and
    fixed words stand between them. By default there are 8,334 words.

    Raises:
        ValueError: for a number of paradigms, topics or latents below 1, more contexts than 4,096,
            a negative exponent, or a probability outside [0, 1].
    """

    num_paradigms: int = 32
    """Number of paradigms of `num_topics` times `num_latents` words."""

    num_topics: int = 16
    """Number of topics, of which a document has one."""

    num_latents: int = 16
    """Number of latents, of which a sentence has one."""

    preference: float = 0.8
    """Probability of the preferred word of a paradigm; any of its words is drawn otherwise."""

    exponent: float = 1.0
    """Exponent of Zipf's law of contexts, and so of the words of a paradigm."""

    frame_follow: float = 0.4
    """Probability that a frame is followed by its fixed successor."""

    seed: int = 0
    """Seeds the frames and which context is how frequent."""

    def __post_init__(self) -> None:
        require_whole(self, "num_paradigms", "num_topics", "num_latents")
        require_not_negative(self, "exponent")
        require_seed(self)
        for name in ("preference", "frame_follow"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)!r}.")
        if self.num_contexts > MOST_CONTEXTS:
            raise ValueError(
                f"{self.num_topics} topics and {self.num_latents} latents make "
                f"{self.num_contexts:,} contexts, and exact answers take {MOST_CONTEXTS:,} at "
                "most: choose fewer."
            )

    @property
    def num_contexts(self) -> int:
        """Number of contexts C, and of words in a paradigm."""
        return self.num_topics * self.num_latents

    @property
    def num_small(self) -> int:
        """Number of paradigms that the topic alone decides, and of those of the latent."""
        return max(1, self.num_paradigms // 8)

    @property
    def num_frames(self) -> int:
        """Number of frames: each has a slot of three paradigms."""
        return max(2, -(-self.num_paradigms // 3))

    @property
    def num_fixed(self) -> int:
        """Number of fixed words: one of each frame alone, two more, and the end of a sentence."""
        return self.num_frames + 3

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words p00x000, p00x001, …, by paradigm and rank; t and l for small ones, f, end."""
        sizes = (
            *[(f"p{kind:02}", self.num_contexts) for kind in range(self.num_paradigms)],
            *[(f"t{kind:02}", self.num_topics) for kind in range(self.num_small)],
            *[(f"l{kind:02}", self.num_latents) for kind in range(self.num_small)],
        )
        width = len(str(self.num_contexts - 1))
        members = [f"{name}x{rank:0{width}}" for name, size in sizes for rank in range(size)]
        return (*members, *(f"f{number:02}" for number in range(self.num_fixed - 1)), "end")

    def classes(self) -> Int[np.ndarray, " words"]:
        """(V,) the paradigm of each word, -1 for fixed words."""
        num_kinds = self.num_paradigms + 2 * self.num_small
        return np.where(self.law.kind_V < num_kinds, self.law.kind_V, -1)

    @cached_property
    def law(self) -> ParadigmLaw:
        """The grammar, without a table of states and words."""
        rng = np.random.default_rng(self.seed)
        rank_C = rng.permutation(self.num_contexts)
        context_UL = zipf(self.num_contexts, self.exponent)[rank_C].reshape(
            self.num_topics, self.num_latents
        )
        topic_C, latent_C = np.divmod(np.arange(self.num_contexts), self.num_latents)
        of_topic_C = _ranks(context_UL.sum(axis=1))[topic_C]
        of_latent_C = _ranks(context_UL.sum(axis=0))[latent_C]
        members_KC = np.stack(
            [
                *[rank_C] * self.num_paradigms,
                *[of_topic_C] * self.num_small,
                *[of_latent_C] * self.num_small,
                *[np.zeros_like(rank_C)] * self.num_fixed,
            ]
        )
        sizes_K = members_KC.max(axis=1) + 1
        first_K = np.cumsum(sizes_K) - sizes_K
        preferred_KC = members_KC + first_K[:, None]
        # Without preference words are as frequent as with it: each slot keeps the law of contexts.
        rest_V = np.zeros(int(sizes_K.sum()))
        for words_C in preferred_KC:
            np.add.at(rest_V, words_C, context_UL.reshape(-1))
        base_F = zipf(self.num_frames, 0.5)
        order = rng.permutation(self.num_frames)
        follower_FF = np.zeros((self.num_frames, self.num_frames))
        follower_FF[order, np.roll(order, -1)] = 1.0
        return ParadigmLaw(
            frames=self._frames(rng),
            frame_start_F=base_F,
            frame_steps_FF=self.frame_follow * follower_FF + (1.0 - self.frame_follow) * base_F,
            context_probs_UL=context_UL,
            kind_V=np.repeat(np.arange(len(sizes_K)), sizes_K),
            rest_V=rest_V,
            preferred_KC=preferred_KC,
            preference=self.preference,
        )

    def _frames(self, rng: np.random.Generator) -> tuple[tuple[int, ...], ...]:
        """Three paradigms, two small ones and two to four fixed words in any order, then `end`."""
        large = np.resize(rng.permutation(self.num_paradigms), (self.num_frames, 3))
        topics = self.num_paradigms
        latents = topics + self.num_small
        fixed = latents + self.num_small
        frames = []
        for number, paradigms in enumerate(large):
            small = number % self.num_small
            others = np.delete(np.arange(self.num_fixed - 1), number)
            more = rng.choice(others, size=rng.integers(1, 4), replace=False)
            inner = [*paradigms, topics + small, latents + small, fixed + number, *(fixed + more)]
            frames.append((*rng.permutation(inner).tolist(), fixed + self.num_fixed - 1))
        return tuple(frames)

    def documents(
        self, numbers: range, length: int, seed: int
    ) -> Int[np.ndarray, "documents length"]:
        """The documents `numbers`; a shorter one is the beginning of a longer one."""
        law, draws = self.law, document_draws(numbers, (length + 1, 3), seed)
        topic_B = _pick(law.topic_probs_U[None], draws[:, 0, 0])
        totals_V = np.cumsum(law.rest_V)
        ends_K = np.append(law.bounds_K[1:], law.num_words)
        frame_probs = law.frame_start_F[None]
        ended_B = np.ones(len(numbers), bool)
        frame_B = latent_B = slot_B = np.zeros(len(numbers), np.int64)
        words_BT = np.empty((len(numbers), length), np.int64)
        for position in range(length):
            word_B, new_frame_B, new_latent_B = draws[:, position + 1].T
            frame_B = np.where(ended_B, _pick(frame_probs, new_frame_B), frame_B)
            latents = _pick(law.latent_probs_UL[topic_B], new_latent_B)
            latent_B = np.where(ended_B, latents, latent_B)
            slot_B = np.where(ended_B, law.starts_F[frame_B], slot_B + 1)
            kind_B = law.kind_S[slot_B]
            preferred_B = law.preferred_KC[kind_B, topic_B * self.num_latents + latent_B]
            left = np.maximum(word_B - self.preference, 0) / max(1 - self.preference, 1e-300)
            first_B = law.bounds_K[kind_B]
            before_B = totals_V[first_B] - law.rest_V[first_B]
            any_B = np.searchsorted(totals_V, before_B + left, side="right")
            any_B = np.clip(any_B, first_B, ends_K[kind_B] - 1)
            words_BT[:, position] = np.where(word_B < self.preference, preferred_B, any_B)
            ended_B = slot_B == law.ends_F[frame_B]
            frame_probs = law.frame_steps_FF[frame_B]
        return words_BT

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) exact: the share of a word's slots times Zipf's law of its rank."""
        return self.law.word_shares(length)

    def posteriors(
        self, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
    ) -> Float[np.ndarray, "asked words"]:
        """(N, V) by sums forward and backward over slots and contexts."""
        return paradigm_posteriors(self.law, evidence, asked_BT)


def _ranks(probs: Float[np.ndarray, " choices"]) -> Int[np.ndarray, " choices"]:
    """The rank of each choice, 0 for the most probable."""
    ranks = np.empty(len(probs), np.int64)
    ranks[np.argsort(-probs, kind="stable")] = np.arange(len(probs))
    return ranks


def _pick(
    probs: Float[np.ndarray, "rows choices"], draws: Float[np.ndarray, " documents"]
) -> Int[np.ndarray, " documents"]:
    """(B,) choices by uniform numbers, from (B, choices) or (1, choices) probabilities."""
    totals = np.cumsum(probs, axis=1)
    # Scaled by the last total, a draw near 1 never passes a sum that rounds below 1.
    return (totals <= draws[:, None] * totals[:, -1:]).sum(axis=1)
