"""Log-likelihoods of sentences, and surprisals of their words and tokens, at every depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from jaxtyping import Float

from hf_apt.stats.estimates import Estimate, mean_estimate
from hf_apt.stats.likelihood.score_kinds import ScoreKind, ScoreLevel, ScoreUnit
from hf_apt.stats.notebooks.shown import ShownInNotebooks

if TYPE_CHECKING:
    import pandas as pd

_NATS: dict[str, float] = {"nats": 1.0, "bits": math.log(2)}


@dataclass(frozen=True)
class SentenceScore:
    """The log-probability of each token of one sentence at each depth."""

    text: str
    """The sentence."""

    tokens: tuple[str, ...]
    """Its T tokens that are scored, as the tokenizer calls them; special ones are not."""

    log_probabilities_DT: Float[np.ndarray, "depth tokens"]
    """Logarithm of each token's probability, in nats, at most 0 but for rounding."""

    words: tuple[str, ...] | None
    """Words of the sentence; None where the tokenizer does not say which tokens make one."""

    word_of_T: tuple[int, ...] | None
    """For each token the index of its word in `words`; None if `words` is."""

    num_unknown: int = 0
    """How many of the tokens stand for text that the tokenizer does not know."""

    @property
    def log_likelihood_D(self) -> Float[np.ndarray, " depth"]:
        """The sum over all tokens, in nats."""
        return self.log_probabilities_DT.sum(axis=1)

    @property
    def word_log_likelihoods_DW(self) -> Float[np.ndarray, "depth words"]:
        """The sum over the tokens of each word, in nats. Raises ValueError without words."""
        if self.words is None or self.word_of_T is None:
            raise ValueError(
                "this tokenizer does not say which tokens make a word: take the level token."
            )
        sums_DW = np.zeros((len(self.log_probabilities_DT), len(self.words)))
        np.add.at(sums_DW.T, list(self.word_of_T), self.log_probabilities_DT.T)
        return sums_DW


@dataclass(frozen=True)
class SentenceScores(ShownInNotebooks):
    """How likely sentences are at every depth, from the embeddings to the last block."""

    kind: ScoreKind
    """What each token's probability is given. Only `causal` ones multiply to a probability."""

    sentences: tuple[SentenceScore, ...]
    """The sentences in their order."""

    def facts(self) -> dict[str, str]:
        """The kind, how much was scored, and the surprisal of a token after the last block."""
        last = self.token_surprisal()[-1]
        return {
            "kind": self.kind,
            "sentences": f"{len(self.sentences):,}",
            "surprisal": f"{last.value:.4g} ± {last.standard_error:.2g} nats a token, last depth",
        }

    @property
    def num_depths(self) -> int:
        """Number of depths D, the embeddings included."""
        return len(self.sentences[0].log_probabilities_DT)

    @property
    def log_likelihood_DS(self) -> Float[np.ndarray, "depth sentences"]:
        """The log-likelihood of each sentence at each depth, in nats."""
        return np.stack([sentence.log_likelihood_D for sentence in self.sentences], axis=1)

    @property
    def num_tokens_S(self) -> np.ndarray:
        """Scored tokens of each sentence."""
        return np.array([len(sentence.tokens) for sentence in self.sentences])

    def mean_log_likelihood(self, unit: ScoreUnit = "nats") -> list[Estimate]:
        """The mean over sentences at each depth, with its standard error over sentences."""
        return [mean_estimate(values_S / nats_in(unit)) for values_S in self.log_likelihood_DS]

    def token_surprisal(self, unit: ScoreUnit = "nats") -> list[Estimate]:
        """The mean surprisal of a token at each depth: all surprisals over the number of tokens.

        Sentences are the sampling unit: the standard error is that of a ratio of two sums over
        sentences (Cochran, Sampling Techniques, 1977, section 2.11).
        """
        num_S = self.num_tokens_S
        return [_ratio(-values_S / nats_in(unit), num_S) for values_S in self.log_likelihood_DS]

    def to_pandas(self, level: ScoreLevel = "sentence", unit: ScoreUnit = "nats") -> pd.DataFrame:
        """A row for each sentence, word or token at each depth.

        Columns: `sentence` (its number, from 1 on), `depth`, and of a sentence `text`,
        `log_likelihood`, `num_tokens` and `num_unknown`, of a word or token `index` (from 1 on),
        `word` or `token`, and `surprisal`, in `unit`. Raises ValueError for an unknown level or
        unit, and for words of a tokenizer that has none.
        """
        import pandas as pd

        nats = nats_in(unit)
        if level not in get_args(ScoreLevel):
            raise ValueError(
                f"level is {level!r}: choose one of {', '.join(get_args(ScoreLevel))}."
            )
        if level == "sentence":
            return pd.DataFrame(self._sentence_rows(nats))
        rows: list[dict[str, Any]] = []
        for number, sentence in enumerate(self.sentences, 1):
            is_word = level == "word"
            values_DX = (
                sentence.word_log_likelihoods_DW if is_word else sentence.log_probabilities_DT
            )
            names: Sequence[str] = (sentence.words or ()) if is_word else sentence.tokens
            rows += [
                {
                    "sentence": number,
                    "depth": depth,
                    "index": index,
                    level: name,
                    "surprisal": value,
                }
                for depth, surprisal_X in enumerate((-values_DX / nats).tolist())
                for index, (name, value) in enumerate(zip(names, surprisal_X, strict=True), 1)
            ]
        return pd.DataFrame(rows)

    def _sentence_rows(self, nats: float) -> list[dict[str, Any]]:
        return [
            {
                "sentence": number,
                "depth": depth,
                "text": sentence.text,
                "log_likelihood": value,
                "num_tokens": len(sentence.tokens),
                "num_unknown": sentence.num_unknown,
            }
            for number, sentence in enumerate(self.sentences, 1)
            for depth, value in enumerate((sentence.log_likelihood_D / nats).tolist())
        ]


def nats_in(unit: str) -> float:
    """How many nats one `unit` is. Raises ValueError for an unknown one.

    >>> nats_in("nats")
    1.0
    """
    if unit not in _NATS:
        raise ValueError(f"unit is {unit!r}: choose one of {', '.join(_NATS)}.")
    return _NATS[unit]


def _ratio(sums_S: np.ndarray, nums_S: np.ndarray) -> Estimate:
    """sum(sums) / sum(nums), with the error that other sentences would have given."""
    num = len(nums_S)
    value = float(sums_S.sum() / nums_S.sum())
    if num < 2:
        return Estimate(value, float("nan"), num)
    spread = ((sums_S - value * nums_S) ** 2).sum() / (num - 1)
    return Estimate(value, float(np.sqrt(spread / num) / nums_S.mean()), num)
