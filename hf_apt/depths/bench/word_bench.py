"""A benchmark of words, read at every depth of a masked language model by its own head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from hf_apt.data.bench.benchmark import Benchmark, read_benchmark
from hf_apt.data.bench.word_questions import WordQuestions, word_batches, word_questions
from hf_apt.depths.causality import is_causal
from hf_apt.depths.decoded import Decoded
from hf_apt.depths.depth_pass import read
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.sweep import VocabularySweep
from hf_apt.depths.trunk import Trunk
from hf_apt.models.description import depth_names
from hf_apt.models.loading import require_room
from hf_apt.stats.apt import masked_accuracy, mean_apt
from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.estimates import Estimate, plain
from hf_apt.stats.floors.floors import Floor, floors_of
from hf_apt.stats.measures.cross_entropy import CrossEntropy
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.notebooks.shown import ShownInNotebooks
from hf_apt.stats.words.word_figures import AskedWords, word_figures, word_floors, word_types

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, repr=False)
class BenchResult(ShownInNotebooks):
    """What a model reaches on a benchmark, at every depth."""

    benchmark: Benchmark
    """What was asked."""

    asked: AskedWords
    """The words in the tokens of the model's tokenizer."""

    words: tuple[dict[str, Estimate], ...]
    """At each depth `accuracy`, `mean_apt` and `cross_entropy` of words, which can be compared
    across tokenizers."""

    tokens: tuple[dict[str, Estimate], ...]
    """At each depth the same figures of tokens, which compare within one tokenizer alone."""

    depths: tuple[str, ...]
    """What stands at each depth: embeddings, blocks, or what the model's configuration says."""

    token_floors: tuple[Floor, ...]
    """What guessers of tokens reach that know no context."""

    readout: Readout
    """The counts of the answers and their measures."""

    def facts(self) -> dict[str, str]:
        """The figures of words after the last block."""
        last = self.words[-1]
        return {
            "benchmark": f"{self.benchmark.name} {self.benchmark.version}, "
            f"{len(self.benchmark.words):,} words",
            **{
                name: f"{each.value:.4g} ± {each.standard_error:.2g}" for name, each in last.items()
            },
        }

    def record(self) -> dict[str, Any]:
        """All figures as JSON, with the digest of the benchmark."""
        return {
            "benchmark": self.benchmark.name,
            "version": self.benchmark.version,
            "sha256": self.benchmark.digest,
            "num_passages": len(self.benchmark.passages),
            "num_words": len(self.asked.types_W),
            "num_word_types": len(self.asked.support()),
            "num_words_unknown": int(self.asked.is_unknown_W.sum()),
            "num_tokens": len(self.asked.word_of_N),
            "vocab_size": self.readout.counts.vocab_size,
            "floors": {
                "words": plain(word_floors(self.asked)),
                "tokens": plain(list(self.token_floors)),
            },
            "depths": [
                {"depth": depth, "name": name, "words": plain(words), "tokens": plain(tokens)}
                for depth, (name, words, tokens) in enumerate(
                    zip(self.depths, self.words, self.tokens, strict=True)
                )
            ],
        }

    def __repr__(self) -> str:
        return f"BenchResult({', '.join(f'{name}: {fact}' for name, fact in self.facts().items())})"


def bench(
    model: PreTrainedModel, tokenizer: Any, data: Path | str | Benchmark, *, batch_size: int = 32
) -> BenchResult:
    """How well a masked language model fills in the words of a benchmark, at every depth.

    The words are fixed in the text, so that every tokenizer is asked for the same: all tokens of a
    word are masked together, and the word is right if all of them are. The model stays on its
    device. Source: ours.

    Args:
        model: a loaded masked language model.
        tokenizer: its tokenizer, a fast one.
        data: the benchmark or its folder, such as `hf_apt.resource("benchmarks/apt-bench")`.
        batch_size: passages in a forward pass.

    Returns:
        Accuracy, mean APT and cross-entropy of words and of tokens, with floors.

    Raises:
        ValueError: before any pass, for a causal model, a folder that holds no benchmark or a
            changed one, a tokenizer of another model, without a mask, or one that does not say
            which characters a token is of, and passages longer than the model takes; later if a
            logit is not finite.
    """
    require_whole_number("batch_size", batch_size)
    if is_causal(model):
        raise ValueError(
            f"{type(model).__name__} predicts the next token and fills no masks: the benchmark is "
            "for masked language models."
        )
    benchmark = data if isinstance(data, Benchmark) else read_benchmark(data)
    questions = word_questions(benchmark.passages, tokenizer)
    require_room(model, len(tokenizer), questions.longest)
    trunk = Trunk(model)
    recorder = _Recorder(OwnHead(trunk))
    decoded = Decoded(trunk, recorder)
    read(trunk, word_batches(questions, batch_size), [decoded])
    if problem := decoded.total.problem("the model"):
        raise ValueError(problem)
    readout = decoded.total.readout
    asked = _asked_words(benchmark, questions)
    return BenchResult(
        benchmark,
        asked,
        tuple(word_figures(asked, recorder.is_right(), recorder.cross_entropy())),
        tuple(_token_figures(readout)),
        tuple(depth_names(model.config, trunk.num_depths)),
        tuple(floors_of(readout.counts)),
        readout,
    )


class _Recorder:
    """A decoder that keeps what another one answers at each asked token, in order."""

    def __init__(self, decoder: OwnHead):
        self.decoder = decoder
        self._right: list[np.ndarray] = []
        self._losses: list[np.ndarray] = []

    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        return self.decoder(hidden_DNH)

    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> Sequence[VocabularySweep]:
        swept = self.decoder.sweep(hidden_DNH, targets_N)
        right_DN = torch.stack([sweep.ids_N == targets_N for sweep in swept])
        losses_DN = torch.stack([sweep.cross_entropy_N for sweep in swept])
        self._right.append(right_DN.cpu().numpy())
        self._losses.append(losses_DN.double().cpu().numpy())
        return swept

    def is_right(self) -> np.ndarray:
        """Whether each answer is the true token, (D, N)."""
        return np.concatenate(self._right, axis=1)

    def cross_entropy(self) -> np.ndarray:
        """-log p(true token) in nats, (D, N)."""
        return np.concatenate(self._losses, axis=1)


def _asked_words(benchmark: Benchmark, questions: WordQuestions) -> AskedWords:
    numbers = [len(passage.spans) for passage in benchmark.passages]
    return AskedWords(
        word_types(benchmark.words),
        np.repeat(np.arange(len(numbers)), numbers),
        questions.word_of_N,
        questions.is_unknown_N,
    )


def _token_figures(readout: Readout) -> list[dict[str, Estimate]]:
    counts, losses = readout.counts, readout.measures[CrossEntropy.name].figures()
    support_V = counts.support()
    return [
        {
            "accuracy": masked_accuracy(hits_V, support_V),
            "mean_apt": mean_apt(hits_V, support_V),
            **loss,
        }
        for hits_V, loss in zip(counts.hits(), losses, strict=True)
    ]
