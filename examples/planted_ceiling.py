"""The exact ceiling of planted-8192 by word and treatment, as it comes in the package.

    python examples/planted_ceiling.py --output planted-8192.npz

Two minutes of one core. `hf_apt.data.artificial.ceilings.shipped_ceiling` reads the file.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hf_apt.atomic import writing
from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.ceilings import ExpectedCounts, text_ceiling
from hf_apt.data.artificial.registry import BENCHMARKS
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import write_tokens
from hf_apt.stats.counts import TREATMENTS


def ceiling(name: str, num_documents: int, num_words: int = 48) -> ExpectedCounts:
    """The ceiling over held-out documents of a benchmark, masked as `hf-apt measure` masks them."""
    corpus = ArtificialCorpus(language=BENCHMARKS[name], num_validation_documents=num_documents)
    with TemporaryDirectory() as folder:
        tokens = write_tokens(
            f"{folder}/tokens",
            corpus.corpus(num_words).validation,
            corpus.tokenizer(),
            sequence_length=num_words + 2,
            layout="first",
        )
        return text_ceiling(corpus, tokens, MeasureConfig())


def main() -> None:
    """Make the file, and say what is in it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", default="planted-8192.npz")
    parser.add_argument("--num_documents", type=int, default=4000)
    options = parser.parse_args()
    counts = ceiling("planted-8192", options.num_documents)
    print(f"asked {counts.asked_RV.sum():,.0f}, accuracy {counts.accuracy:.4f}")
    num = int((counts.asked_RV.sum(axis=0) >= 1).sum())
    print(f"mean APT {counts.mean_apt():.4f} of the {num:,} words that are expected once or more")
    for treatment, asked_V, right_V in zip(
        TREATMENTS, counts.asked_RV, counts.right_RV, strict=True
    ):
        asked, right = asked_V.sum(), right_V.sum()
        print(f"{treatment:10} asked {asked:9.1f}, accuracy {right / asked:.4f}")
    with writing(Path(options.output), "wb") as file:
        np.savez_compressed(
            file,
            asked_RV=counts.asked_RV.astype(np.float32),
            right_RV=counts.right_RV.astype(np.float32),
        )


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
