"""The tokens of a run: what they are, how often they occur, and their planted classes."""

from __future__ import annotations

import numpy as np

from hf_apt.reading import read_array
from hf_apt.records.run_parts.files import RunFiles
from hf_apt.records.unchanged import require_unchanged


class RunTokens(RunFiles):
    """What a run's folder holds of each token id."""

    # A model can have more ids than its tokenizer has tokens. To compare what follows with counts,
    # give their `vocab_size`: an id without a token never occurs.

    def frequency(self, vocab_size: int = 0) -> np.ndarray:
        """Occurrences of each token in the training corpus, or the measured text.

        Args:
            vocab_size: smallest number of entries, as in counts of a model with more ids than its
                tokenizer has tokens; ids without a token never occur.

        Returns:
            int64 counts of shape (V,).

        Raises:
            ValueError: with the file's name, if it is broken or not of the run's tokens.
        """
        return extended(self._by_token("frequency.npy", 0), vocab_size, 0)

    def planted(self, vocab_size: int = 0) -> np.ndarray | None:
        """The known class of each token of a planted language.

        Args:
            vocab_size: smallest number of entries, as in counts of a model with more ids than its
                tokenizer has tokens; ids without a token have no class.

        Returns:
            int64 of shape (V,), -1 for no class; None unless the language is planted.

        Raises:
            ValueError: with the file's name, if it is broken or not of the run's tokens, and if it
                is missing although `config.json` says that the language is planted.
        """
        if not self.path("planted.npy").exists():
            if self._is_planted():
                raise ValueError(
                    f"{self.path('planted.npy')} is missing, and the language of {self.folder} is "
                    "planted: restore it, or delete frequency.npy and give the command again."
                )
            return None
        return extended(self._by_token("planted.npy", -1), vocab_size, -1)

    def vocabulary(self, vocab_size: int = 0) -> list[str]:
        """The tokens as text, by token id.

        Args:
            vocab_size: smallest number of entries, as in counts of a model with more ids than its
                tokenizer has tokens.

        Returns:
            V texts; `<id>` for an id without a token.

        Raises:
            ValueError: with the file's name, if it is broken or not of the run's tokens.
        """
        tokens = self.read_json("vocabulary.json")
        if not all(isinstance(token, str) for token in tokens):
            raise ValueError(f"{self.path('vocabulary.json')} holds what is no text.")
        self._require_tokens("vocabulary.json", len(tokens))
        require_unchanged(self.folder, "vocabulary.json")
        return tokens + [f"<{index}>" for index in range(len(tokens), vocab_size)]

    def _by_token(self, name: str, least: int) -> np.ndarray:
        """An integer of at least `least` for each token, int64 (V,)."""
        path = self.path(name)
        values_V = read_array(path)
        if values_V.dtype != np.int64 or values_V.ndim != 1:
            raise ValueError(
                f"{path} is of {values_V.dtype} in {values_V.ndim} dimensions, not one row of "
                "int64: restore it."
            )
        if values_V.min(initial=least) < least:
            raise ValueError(f"{path} holds {values_V.min()}, which is less than {least}.")
        self._require_tokens(name, len(values_V))
        require_unchanged(self.folder, name)
        return values_V

    def _require_tokens(self, name: str, num_tokens: int) -> None:
        """Raise ValueError unless the tokens, or else the frequencies, are as many."""
        described, frequency = "tokens/train/description.json", "frequency.npy"
        if self.path(described).exists():
            other, wanted = described, self.read_json(described, "vocab_size")["vocab_size"]
        elif name != frequency and self.path(frequency).exists():
            other, wanted = frequency, len(read_array(self.path(frequency)))
        else:
            return
        if num_tokens != wanted:
            raise ValueError(
                f"{self.path(name)} is of {num_tokens} tokens, and {other} is of {wanted}: they do "
                "not belong together. Restore the one that was changed."
            )

    def _is_planted(self) -> bool:
        """Whether the run's configuration is one of the planted language."""
        if not self.path("config.json").exists():
            return False
        corpus = self.read_json("config.json").get("corpus")
        return isinstance(corpus, dict) and bool(corpus) and "name" not in corpus


def extended(array_V: np.ndarray, vocab_size: int, value: int) -> np.ndarray:
    """Fill up entries by token id, shape (V,), with `value`.

    Args:
        array_V: one entry for each token id.
        vocab_size: smallest number of entries that is returned.
        value: what each further entry is.

    Returns:
        The entries, and further ones if they were fewer than `vocab_size`.
    """
    return np.pad(array_V, (0, max(vocab_size - len(array_V), 0)), constant_values=value)
