"""What an antibody language model has learnt at each block, and whether it errs like a chemist.

AntiBERTy (Ruffolo et al., arXiv 2112.07782) is a BERT of 8 blocks over the 20 amino acids. Its
weights are in a package of PyPI, which need not be installed; no code of it is run:

    pip download antiberty==0.1.3 --no-deps
    python examples/measure_antibody_model.py --wheel antiberty-0.1.3-py3-none-any.whl \
        --fasta antibodies.fasta --output_dir runs/antiberty

The model is left in <output_dir>/model as a BertForMaskedLM with a tokenizer that makes one token
of each residue: `hf-apt measure runs/antiberty/model antibodies.fasta` measures it, too.
"""

import argparse
import io
import json
import string
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

import hf_apt
from hf_apt import masked_accuracy, mean_apt
from hf_apt.atomic import writing_folder
from hf_apt.data.fasta_files import fasta_sequences
from hf_apt.data.text_files import named
from hf_apt.stats.estimates import share_estimate

OTHERS = "bert.embeddings.position_ids bert.pooler. cls.species. cls.chain. cls.graft.".split()
"""How the names of weights begin that masked language modelling does without."""

CLASSES = ("ILMV", "FWY", "HKR", "DE", "ST", "NQ", "AG", "C", "P")
"""Amino acids by side chain: aliphatic, aromatic, basic, acidic, hydroxyl, amide, small."""


def packaged(wheel: str, name: str) -> bytes:
    """A file of the package. Raises ValueError if the wheel, or the file in it, is not there."""
    try:
        root = Path(wheel) if Path(wheel).is_dir() else zipfile.Path(wheel)
        return (root / "antiberty" / "trained_models" / name).read_bytes()
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{wheel} is no whole wheel of antiberty 0.1.3: {error}") from error


def converted(wheel: str) -> BertForMaskedLM:
    """The package's model without its heads of other tasks.

    Raises ValueError unless the weights are those of the model and of these heads, all of them.
    """
    config = BertConfig(**json.loads(packaged(wheel, "AntiBERTy_md_smooth/config.json")))
    stored = io.BytesIO(packaged(wheel, "AntiBERTy_md_smooth/pytorch_model.bin"))
    weights = torch.load(stored, map_location="cpu", weights_only=True)
    weights = {key: each for key, each in weights.items() if not key.startswith(tuple(OTHERS))}
    model = BertForMaskedLM(config)
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise ValueError(f"the weights in {wheel} are not a BertForMaskedLM's: {error}") from error
    if any(not torch.equal(model.state_dict()[key], each) for key, each in weights.items()):
        raise ValueError(f"the decoder in {wheel} is not its embeddings: the two are not one here.")
    return model.eval()


def residue_tokenizer(tokens: list[str]) -> PreTrainedTokenizerFast:
    """A tokenizer whose tokens are single letters, small ones read as capitals, blanks left out."""
    ids = {token: index for index, token in enumerate(tokens)}
    letters = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    capitals = [normalizers.Replace(small, small.upper()) for small in string.ascii_lowercase]
    letters.normalizer = normalizers.Sequence(capitals)
    single = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("."), "isolated")]
    letters.pre_tokenizer = pre_tokenizers.Sequence(single)
    ends = [(token, ids[token]) for token in ("[SEP]", "[CLS]")]
    letters.post_processor = processors.BertProcessing(*ends)
    special = {f"{each}_token": f"[{each.upper()}]" for each in "pad unk cls sep mask".split()}
    return PreTrainedTokenizerFast(tokenizer_object=letters, **special)


def chains(fasta: str) -> list[str]:
    """The chains of a FASTA file. Raises ValueError for gaps, stops, nucleotides, and for none."""
    with named(Path(fasta), "fasta"):
        sequences = ["".join(chain.split()) for chain in fasta_sequences(Path(fasta))]
    signs = set("".join(sequences).upper())
    if signs <= set("ACGTUN") or not signs <= set(string.ascii_uppercase):
        held = "".join(sorted(signs))
        raise ValueError(f"{fasta} holds {held!r}: give amino acids, without gaps and stops.")
    return sequences


def class_share(matrix_VV: np.ndarray, class_V: np.ndarray) -> tuple[hf_apt.Estimate, float]:
    """The share of the errors within classes, with its binomial error, and the share expected.

    Expected is that of answers which heed neither class nor reference: as many errors of each
    token and as many of each answer, otherwise independent (quasi-independence, Goodman 1968). A
    token of class -1 is in none. NaN where there is no error.
    """
    errors_VV = np.where(np.eye(len(class_V), dtype=bool), 0, matrix_VV)
    within_VV = (class_V[:, None] == class_V) & (class_V >= 0)
    observed = share_estimate(int(errors_VV[within_VV].sum()), int(errors_VV.sum()))
    expected_VV = 1.0 - np.eye(len(class_V))
    for _ in range(1000):  # to both sums in turn: iterative proportional fitting
        for axis in (1, 0):
            sums_V = expected_VV.sum(axis, keepdims=True)
            expected_VV *= errors_VV.sum(axis, keepdims=True) / np.where(sums_V > 0, sums_V, 1)
    return observed, float(expected_VV[within_VV].sum() / observed.num if observed.num else np.nan)


def main() -> None:
    """Convert the model, measure it at every depth, and print a row for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wheel", required=True, help="the wheel, or the folder of antiberty/")
    parser.add_argument("--fasta", required=True, help="chains as amino acids (.gz, too)")
    parser.add_argument("--output_dir", type=Path, default="runs/antiberty", help="a folder")
    parser.add_argument("--realisations", type=int, default=4, help="maskings of each chain")
    arguments = parser.parse_args()
    config = hf_apt.MeasureConfig(num_realisations=arguments.realisations)
    sequences = chains(arguments.fasta)
    vocabulary = packaged(arguments.wheel, "vocab.txt").decode().split()
    model, tokenizer = converted(arguments.wheel), residue_tokenizer(vocabulary)
    with writing_folder(arguments.output_dir / "model") as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    length = min(max(8, max(map(len, sequences)) + 2), model.config.max_position_embeddings)
    options = {"sequence_length": length, "layout": "first"}
    tokens = hf_apt.write_tokens(arguments.output_dir / "tokens", sequences, tokenizer, **options)
    trunk = hf_apt.Trunk(model)
    readout = hf_apt.measure(trunk, tokens, {"own": hf_apt.OwnHead(trunk)}, config)["own"]
    support_V, shares = readout.counts.support(), tokens.shares() or {}
    print(f"{len(tokens):,} chains, {support_V.sum():,} positions asked; of the residues", end=" ")
    print(f"{shares['unknown']:.1%} are unknown, {shares['cut']:.1%} beyond {length} tokens.")
    print("depth       mean APT       accuracy       errors  in a class     expected")
    class_of = {letter: number for number, each in enumerate(CLASSES) for letter in each}
    class_V = np.array([class_of.get(token, -1) for token in vocabulary])
    for depth, hits_V in enumerate(readout.counts.hits()):
        share, expected = class_share(readout.counts.at(depth).matrix().toarray(), class_V)
        figures = (mean_apt(hits_V, support_V), masked_accuracy(hits_V, support_V), share)
        apt, accuracy, within = (f"{e.value:.3f} ± {e.standard_error:.3f}" for e in figures)
        name = f"block {depth}" if depth else "embeddings"
        print(f"{name:<10}  {apt}  {accuracy}  {share.num:>6,}  {within}  {expected:.3f}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
