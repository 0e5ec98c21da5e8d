"""What a product with the whole vocabulary says of each row, in one read and without its logits."""

from hf_apt.depths.sweep.chunks import CHUNK, chunks_of_logits
from hf_apt.depths.sweep.equal_rows import once_each, sweep_once_each
from hf_apt.depths.sweep.result import NO_ANSWER, VocabularySweep, answered
from hf_apt.depths.sweep.vocabulary import streamed_argmax, vocabulary_sweep

__all__ = [
    "CHUNK",
    "NO_ANSWER",
    "VocabularySweep",
    "answered",
    "chunks_of_logits",
    "once_each",
    "streamed_argmax",
    "sweep_once_each",
    "vocabulary_sweep",
]
