"""A trained head over pairs in one file, and what it says of the tokens of a vocabulary."""
# A answers: K words and "another word". S tokens of the first position, T of the second. V ids.

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from hf_apt.atomic import writing
from hf_apt.training.pairs.pair_head import PairHead

HEAD_FILE = "pairs_head.safetensors"
"""Name of the file, in a Trainer's folder and in that of a run."""

_WORDS, _SIZES = "word_ids", "sizes"


@dataclass(frozen=True)
class WordPairHead:
    """A head over pairs with the words that it tells apart."""

    head: PairHead
    """The head."""

    word_ids_K: Int[np.ndarray, " words"]
    """The id of each answer but the last, which is all other tokens."""

    @property
    def max_distance(self) -> int:
        """The largest distance of two positions that it was trained for."""
        return len(self.head.distance_gate)

    def classes(self, vocab_size: int) -> Int[np.ndarray, " vocab"]:
        """Which answer each token id is.

        Args:
            vocab_size: number V of token ids.

        Returns:
            int64 numbers of shape (V,), the place of a word, or the number of words for others.
        """
        classes_V = np.full(vocab_size, len(self.word_ids_K), np.int64)
        classes_V[self.word_ids_K] = np.arange(len(self.word_ids_K))
        return classes_V

    @torch.no_grad()
    def log_joint(
        self, first_H: Float[Tensor, " h"], second_H: Float[Tensor, " h"], distance: int
    ) -> Float[np.ndarray, "first second"]:
        """The logarithm of the law of one pair, (A, A) in float64.

        Args:
            first_H: the last state of the model at the earlier position.
            second_H: the last state at the later one.
            distance: tokens from one to the other.

        Returns:
            Nats; the law adds up to 1.

        Raises:
            ValueError: for a distance or a width that the head was not trained for.
        """
        width = len(self.head.transform)
        if not 1 <= distance <= self.max_distance or first_H.shape != (width,):
            raise ValueError(
                f"the head over pairs was trained for states of width {width}, up to "
                f"{self.max_distance} tokens apart, not for width {first_H.shape[-1]} and "
                f"{distance} apart."
            )
        head = self.head.to(first_H.device)
        log_1AA = head(first_H[None], second_H[None], torch.tensor([distance]).to(first_H.device))
        return log_1AA[0].double().cpu().numpy()


def of_tokens(
    log_joint_AA: Float[np.ndarray, "first second"],
    classes: tuple[np.ndarray, np.ndarray],
    log_shares: tuple[np.ndarray, np.ndarray],
) -> Float[np.ndarray, "first second"]:
    """A law over answers, as one over chosen tokens of either position.

    Where a token is "another word", it gets its share of that answer's probability.

    Args:
        log_joint_AA: the law over answers.
        classes: the answer that each chosen token of either position is.
        log_shares: the logarithm of each token's share of its answer: 0 for a word.

    Returns:
        (S, T) in nats, normalised over the chosen tokens.
    """
    log_ST = log_joint_AA[np.ix_(*classes)] + log_shares[0][:, None] + log_shares[1]
    return log_ST - np.logaddexp.reduce(log_ST, axis=None)


def log_shares(
    log_law_V: Float[np.ndarray, " vocab"],
    classes_V: Int[np.ndarray, " vocab"],
    ids_S: Int[np.ndarray, " tokens"],
) -> Float[np.ndarray, " tokens"]:
    """The logarithm of each token's share of its answer, by a law of one position over all ids.

    Returns:
        (S,) 0 for words; for all others log p(token) - log p(any of the others).
    """
    other = classes_V.max(initial=0)
    is_other_V = np.bincount(classes_V, minlength=other + 1)[classes_V] > 1
    shares_V = np.where(is_other_V, log_law_V, 0.0)
    if is_other_V.any():
        shares_V[is_other_V] -= np.logaddexp.reduce(log_law_V[is_other_V])
    return shares_V[ids_S]


def write_pair_head(path: Path, trained: WordPairHead) -> None:
    """Write a head and its words into one safetensors file, whole or not at all."""
    head = trained.head
    sizes = {
        "hidden_size": len(head.transform),
        "num_answers": len(head.first_bias),
        "rank": len(head.gate),
        "max_distance": len(head.distance_gate),
    }
    tensors = {name: each.detach().cpu().contiguous() for name, each in head.state_dict().items()}
    tensors[_WORDS] = torch.from_numpy(trained.word_ids_K.astype(np.int64))
    with writing(path, "wb") as file:
        file.write(save(tensors, metadata={_SIZES: json.dumps(sizes)}))


def read_pair_head(path: Path | str) -> WordPairHead:
    """The head over pairs that a training with `masked_pairs` has left.

    Args:
        path: its file, or the folder that has it: of a run, or a Trainer's own.

    Returns:
        The head with its words, on the processor.

    Raises:
        ValueError: for a file that is missing or is none of a head over pairs.
    """
    path = Path(path)
    path = path / HEAD_FILE if path.is_dir() else path
    if not path.is_file():
        raise ValueError(
            f"there is no {path}: a training with --objective masked_pairs:weight=1 leaves one."
        )
    try:
        with safe_open(path, framework="pt") as file:
            sizes: Mapping[str, int] = json.loads(file.metadata()[_SIZES])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        head = PairHead(
            sizes["hidden_size"],
            num_answers=sizes["num_answers"],
            rank=sizes["rank"],
            max_distance=sizes["max_distance"],
        )
        word_ids_K = tensors.pop(_WORDS).numpy()
        head.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"{path} is no head over pairs of words: train one with --objective masked_pairs."
        ) from error
    return WordPairHead(head.eval(), word_ids_K)
