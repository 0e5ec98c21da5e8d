"""Texts out of packages: antibodies against HIV, and reactions of patents."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from packages import Package

ABSTAR = Package("abstar", "0.8.0")
DRFP = Package("drfp", "0.3.7", is_source=True)
NUM_REACTIONS = 400
LONGEST_REACTION = 150
"""Characters: longer ones cost more than they tell."""

_BASES = "TCAG"
_AMINO = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODE = {
    first + second + third: _AMINO[16 * i + 4 * j + k]
    for i, first in enumerate(_BASES)
    for j, second in enumerate(_BASES)
    for k, third in enumerate(_BASES)
}
"""The standard genetic code; * is a stop."""


def texts(folder: Path, kind: str) -> list[str]:
    """Texts of a kind: `heavy`, `light`, `chains`, which is both, or `reactions`.

    Heavy and light chains are those of broadly neutralising antibodies against HIV, the package
    abstar's test data, as proteins: far from the germline, and many of one lineage. Reactions are
    the first `NUM_REACTIONS` short ones of the test part of Schneider's 50,000, as in drfp.
    """
    if kind == "reactions":
        return reactions(DRFP.read(folder, "data/schneider50k.tsv").decode())
    sides = {"heavy": ["hcs"], "light": ["lcs"], "chains": ["hcs", "lcs"]}[kind]
    files = [f"abstar/test_data/test_hiv_bnab_{side}.fasta" for side in sides]
    return [chain for name in files for chain in proteins(ABSTAR.read(folder, name).decode())]


def package_of(kind: str) -> Package:
    """The package that texts of a kind are in."""
    return DRFP if kind == "reactions" else ABSTAR


def proteins(fasta: str) -> list[str]:
    """The proteins of genes in frame, each once, without those that a stop or a gap breaks."""
    genes = ["".join(part.split("\n")[1:]) for part in re.split("^>", fasta, flags=re.M)[1:]]
    found = [translated(gene) for gene in genes]
    return list(dict.fromkeys(protein for protein in found if protein))


def translated(gene: str) -> str:
    """The protein of a gene in frame; empty where a codon is none or a stop.

    >>> translated("atggcatgg"), translated("ATGTAA"), translated("ATGNNN")
    ('MAW', '', '')
    """
    gene = "".join(gene.split()).upper()
    codons = [gene[start : start + 3] for start in range(0, len(gene) // 3 * 3, 3)]
    letters = "".join(CODE.get(codon, "*") for codon in codons)
    return "" if "*" in letters else letters


def reactions(table: str) -> list[str]:
    """The first short reactions of the test part of a table with the columns `rxn` and `split`."""
    rows = csv.DictReader(io.StringIO(table), delimiter="\t")
    found = dict.fromkeys(row["rxn"] for row in rows if row["split"] == "test")
    return [each for each in found if len(each) <= LONGEST_REACTION][:NUM_REACTIONS]
