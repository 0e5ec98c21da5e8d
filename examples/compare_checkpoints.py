"""Which of two checkpoints is better, which tokens it gained and lost, and when they were learnt.

    pip install -e .            # in a clone
    python examples/pretrain_with_callbacks.py      # leaves what the defaults below compare
    python examples/compare_checkpoints.py
    python examples/compare_checkpoints.py --checkpoint_a runs/pretrained/checkpoint-25 \
        --checkpoint_b runs/pretrained/checkpoint-100      # two steps of one training

Both are asked at the same positions of a text that neither was trained on, so that every answer of
A has its partner. When each token was learnt is read from the tables of `AptCallback`.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import HfArgumentParser

import hf_apt


@dataclass
class Arguments:
    """What is compared, and on what."""

    checkpoint_a: str = field(
        default="bert6-narrow-wikipedia",
        metadata={"help": "Checkpoint A: one that comes with hf_apt, a folder or a Hub id."},
    )
    checkpoint_b: str = field(
        default="runs/pretrained", metadata={"help": "Checkpoint B, with the same tokenizer."}
    )
    text_file: str = field(
        default="runs/pretrained-held_out.txt",
        metadata={"help": "A text with a document a line that neither was trained on, or sotu."},
    )
    training_dir: str | None = field(
        default="runs/pretrained",
        metadata={"help": "The output folder of a training with AptCallback, or none."},
    )
    max_seq_length: int = field(
        default=64, metadata={"help": "Tokens in a sequence, special ones included."}
    )
    num_realisations: int = field(
        default=4, metadata={"help": "How often each sequence is masked."}
    )
    min_support: int = field(
        default=8, metadata={"help": "How often a token must be asked to be dated."}
    )
    seed: int = field(default=2509, metadata={"help": "Seed of the masks."})


def main(arguments: list[str] | None = None) -> None:
    """Compare the checkpoints, and print what B gained."""
    kinds: Any = Arguments
    (args,) = HfArgumentParser(kinds).parse_args_into_dataclasses(arguments)
    if args.text_file != "sotu" and not Path(args.text_file).exists():
        raise ValueError(f"there is no {args.text_file}: pretrain_with_callbacks.py leaves one.")
    options = hf_apt.TextOptions(
        sequence_length=args.max_seq_length,
        layout="first",
        measure=hf_apt.MeasureConfig(num_realisations=args.num_realisations, seed=args.seed),
    )
    difference = hf_apt.diff(
        args.checkpoint_a, args.checkpoint_b, text=args.text_file, options=options
    )
    print(difference.sentence)
    print("depth         A      B      B - A")
    for depth, at in zip(difference.depths, difference.comparison.accuracy, strict=True):
        print(f"{depth:<12}  {at.a:.3f}  {at.b:.3f}  {at.value:+.3f} ± {at.standard_error:.3f}")
    print("(accuracy over asked positions; the error is over stretches of the text)")
    for what in ("gained", "lost"):
        tokens = [change["text"] for change in difference.record[what]]
        print(f"{len(tokens)} tokens {what}: {' '.join(tokens[:12])}")
    if args.training_dir not in (None, "", "none"):
        print_ages(args.training_dir, args.checkpoint_b, args.min_support)


def print_ages(training: str, tokenizer: str, min_support: int) -> None:
    """Print when the tokens of a training were learnt after the last block."""
    ages = hf_apt.acquisition(training, tokenizer=tokenizer, min_support=min_support)
    learnt = ages.to_pandas().query("depth == depth.max() and learnt")
    print(ages.sentence)
    for step, tokens in learnt.sort_values("support", ascending=False).groupby("apt_age"):
        print(f"  by step {step:>5.0f}: {' '.join(tokens['text'].head(12))}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
