"""Prepares a run, and is killed at a moment that nothing can prevent.

A script: `tokenising.py TEXT VOCABULARY FOLDER NUM_CALLS`: the kill comes at that call of
`Cutter.cut`, in the middle of its sequences. Run by tests in their own process, too.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from hf_apt.data.corpora import open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.corpus_tokens import tokenise
from hf_apt.data.sequences import Cutter
from hf_apt.data.tokenizer import load_tokenizer


class Killed(Cutter):
    """Ends the process in the middle of a block."""

    def __init__(self, tokenizer: Any, at_call: int):
        super().__init__(tokenizer, length=24, layout="packed")
        self.at_call = at_call

    def cut(self, texts, waiting, counts=None):
        self.at_call -= 1
        for number, sequence in enumerate(super().cut(texts, waiting, counts)):
            if self.at_call == 0 and number == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            yield sequence


if __name__ == "__main__":
    text, vocabulary, folder, at_call = sys.argv[1:]
    corpus = open_corpus(CorpusSource(name=text, validation_share=0.2))
    cutter = Killed(load_tokenizer(vocabulary), int(at_call))
    tokenise(Path(folder), corpus, cutter, record_every=1)
